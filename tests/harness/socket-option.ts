/**
 * Options of the sockets of another process: pidfd_getfd(2) gives a copy of a descriptor that is
 * the same socket. The kernel allows it where it would allow ptrace(2), so always for root and, as
 * a rule, for the processes that one has started oneself.
 */
import { dlopen } from 'bun:ffi';
import { readdirSync } from 'node:fs';
import { base, mem, mem32, reserve } from '../../src/sys/arena.ts';
import { libc } from '../../src/sys/libc.ts';

/** From asm-generic/unistd.h: the same on all machines. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;

const { symbols } = dlopen('libc.so.6', {
  syscall: { args: ['i64', 'i64', 'i64', 'i64'], returns: 'i64' },
});
const syscall = (number: number, ...args: [number, number, number]) =>
  Number(symbols.syscall(number, ...args));

const IPPROTO_IP = 0;
const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
/** Level and name of what `socketOption` reads (ip(7), socket(7), tcp(7)). */
export const socketOptions = {
  IP_TOS: [IPPROTO_IP, 1],
  SO_SNDBUF: [SOL_SOCKET, 7],
  SO_RCVBUF: [SOL_SOCKET, 8],
  SO_KEEPALIVE: [SOL_SOCKET, 9],
  TCP_NODELAY: [IPPROTO_TCP, 1],
  TCP_KEEPIDLE: [IPPROTO_TCP, 4],
  TCP_KEEPINTVL: [IPPROTO_TCP, 5],
  TCP_KEEPCNT: [IPPROTO_TCP, 6],
  TCP_QUICKACK: [IPPROTO_TCP, 12],
  TCP_USER_TIMEOUT: [IPPROTO_TCP, 18],
  TCP_NOTSENT_LOWAT: [IPPROTO_TCP, 25],
} as const;
export type SocketOption = keyof typeof socketOptions;

const TCP_INFO = 11;
/** Bytes of struct tcp_info in front of `tcpi_segs_out`. */
const SEGS_OUT = 136;

const value = reserve(256);
const length = reserve(8);
const at = (offset: number) => (base + offset) as never;

/** Reads an option of at most 256 bytes to `value`. */
function read(fd: number, level: number, name: number): void {
  mem.fill(0, value, value + 256);
  mem32[length >> 2] = 256;
  if (libc.getsockopt(fd, level, name, at(value), at(length)) < 0) {
    throw new Error(`getsockopt ${level} ${name} failed`);
  }
}

/** The port of the other end of an IPv4 connection, 0 when there is none. */
function peerPort(fd: number): number {
  mem32[length >> 2] = 16;
  if (libc.getpeername(fd, at(value), at(length)) < 0) return 0;
  return mem[value + 2]! * 256 + mem[value + 3]!;
}

/** Calls `look` with a copy of the process's socket whose other end has that port. */
function withSocket<T>(pid: number, port: number, look: (fd: number) => T): T {
  const process = syscall(SYS_PIDFD_OPEN, pid, 0, 0);
  if (process < 0) throw new Error(`pidfd_open failed for ${pid}`);
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const fd = syscall(SYS_PIDFD_GETFD, process, Number(name), 0);
      // It was closed meanwhile.
      if (fd < 0) continue;
      try {
        if (peerPort(fd) === port) return look(fd);
      } finally {
        libc.close(fd);
      }
    }
  } finally {
    libc.close(process);
  }
  throw new Error(`process ${pid} has no connection to port ${port}`);
}

/** The value of an option of the process's connection to `port`. */
export function socketOption(pid: number, port: number, option: SocketOption): number {
  const [level, name] = socketOptions[option];
  return withSocket(pid, port, (fd) => {
    read(fd, level, name);
    return mem32[value >> 2]!;
  });
}

/** How many TCP segments the process has sent on its connection to `port`. */
export function segmentsSent(pid: number, port: number): number {
  return withSocket(pid, port, (fd) => {
    read(fd, IPPROTO_TCP, TCP_INFO);
    return mem32[(value + SEGS_OUT) >> 2]!;
  });
}

/** A reason to skip where the kernel does not give away descriptors, else null. */
export function needsForeignSockets(): string | null {
  const child = Bun.spawn(['sleep', '10'], { stdin: 'ignore' });
  const process = syscall(SYS_PIDFD_OPEN, child.pid, 0, 0);
  const fd = process < 0 ? -1 : syscall(SYS_PIDFD_GETFD, process, 0, 0);
  if (fd >= 0) libc.close(fd);
  if (process >= 0) libc.close(process);
  child.kill('SIGKILL');
  return fd < 0 ? 'pidfd_getfd(2) is not permitted' : null;
}
