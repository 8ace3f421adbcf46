/** The name that ps(1), pidof(8) and killall(1) know the process by (prctl PR_SET_NAME). */
import { base, reserveBytes } from './arena.ts';
import { libc } from './libc.ts';

const PR_SET_NAME = 15;
/** The kernel keeps 15 bytes. */
const NAME_MAX = 15;

/** Names the calling thread; on the main thread that is the process. */
export function setProcessName(name: string): void {
  const off = reserveBytes(name.slice(0, NAME_MAX));
  libc.prctl(PR_SET_NAME, base + off, 0, 0, 0);
}
