/**
 * Pipes for splice(2).
 *
 * @dataplane
 */
import { base, mem32 } from './arena.ts';
import { kernel } from './kernel.ts';

const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
const F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const SPLICE_F_MORE = 4;
/** Most bytes asked of one call. */
const SPLICE_MAX = 1 << 20;

/**
 * Opens a pipe of about `bytes` capacity (the kernel may give less) and writes its two descriptors
 * at `off`: read end, write end.
 */
export function openPipe(off: number, bytes: number): boolean {
  if (kernel.pipe2((base + off) as never, O_NONBLOCK | O_CLOEXEC) < 0) return false;
  kernel.fcntl(mem32[(off >> 2) + 1]!, F_SETPIPE_SZ, bytes);
  return true;
}

export function closePipe(readFd: number, writeFd: number): void {
  kernel.close(readFd);
  kernel.close(writeFd);
}

/** Moves up to `bytes` between a pipe and a socket. @returns as read(2). */
export function splice(fromFd: number, toFd: number, bytes: number, more: boolean): number {
  const flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
  const most = bytes > SPLICE_MAX ? SPLICE_MAX : bytes;
  return kernel.splice(fromFd, null, toFd, null, most, flags);
}
