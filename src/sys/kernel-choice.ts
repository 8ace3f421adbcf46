/**
 * Which kernel the data plane of this thread runs on. It imports nothing, so that a simulation can
 * make its choice before anything of `sys` is loaded: its entry imports a module that calls
 * `replaceKernel` first, and everything else after it.
 */
import type { Kernel } from './libc.ts';

let chosen: Kernel | null = null;
let isTaken = false;

/**
 * Puts another kernel in the place of Linux, for this thread.
 * @throws Error when `kernel` has been loaded already and would not notice.
 */
export function replaceKernel(kernel: Kernel): void {
  if (isTaken) throw new Error('the kernel is in use already: replace it before src/sys is loaded');
  chosen = kernel;
}

/** The replacement, or null for Linux. From then on it is too late to choose. */
export function takeReplacement(): Kernel | null {
  isTaken = true;
  return chosen;
}
