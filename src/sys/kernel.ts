/**
 * The seam between the data plane and Linux: every system call that serves traffic goes through
 * `kernel`. In the program it is libc itself; a simulation puts a kernel in memory in its place.
 *
 * The choice is made once, when this module loads, and kept in a constant: the optimiser sees the
 * same object with the same functions for ever and compiles a call as if there were no choice. The
 * object is the one that `dlopen` made, so nothing stands between a caller and the library (see
 * docs/decisions/0007).
 */
import { takeReplacement } from './kernel-choice.ts';
import { type Kernel, libc } from './libc.ts';

export type { Kernel } from './libc.ts';

/** The kernel by name of the call: `kernel.recv(fd, base + off, len, flags)`. */
export const kernel: Kernel = takeReplacement() ?? libc;
