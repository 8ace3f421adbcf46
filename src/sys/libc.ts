/**
 * The system calls and libc functions that sluice uses, through bun:ffi. This folder is the only
 * one of the program that imports bun:ffi. The data plane calls `kernel` (kernel.ts) instead, which
 * is this library unless a simulation has put something else in its place.
 *
 * Pointers are JavaScript numbers (`ptr`): arena addresses are below 2^47 and so exact. A call
 * costs about 4 ns over the system call itself.
 */
import { dlopen, type FFIFunction, type Library } from 'bun:ffi';

const libcNames = ['libc.so.6', 'libc.so'];

/** What the data plane calls, from the arena's mapping to the clock. */
const kernelSignatures = {
  mmap: { args: ['ptr', 'u64', 'i32', 'i32', 'i32', 'i64'], returns: 'ptr' },
  madvise: { args: ['ptr', 'u64', 'i32'], returns: 'i32' },
  __errno_location: { args: [], returns: 'ptr' },
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  accept4: { args: ['i32', 'ptr', 'ptr', 'i32'], returns: 'i32' },
  getsockname: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  getpeername: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  recv: { args: ['i32', 'ptr', 'u32', 'i32'], returns: 'i32' },
  send: { args: ['i32', 'ptr', 'u32', 'i32'], returns: 'i32' },
  sendmmsg: { args: ['i32', 'ptr', 'u32', 'i32'], returns: 'i32' },
  shutdown: { args: ['i32', 'i32'], returns: 'i32' },
  close: { args: ['i32'], returns: 'i32' },
  read: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  write: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  pipe2: { args: ['ptr', 'i32'], returns: 'i32' },
  splice: { args: ['i32', 'ptr', 'i32', 'ptr', 'u32', 'u32'], returns: 'i32' },
  fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  epoll_create1: { args: ['i32'], returns: 'i32' },
  epoll_ctl: { args: ['i32', 'i32', 'i32', 'ptr'], returns: 'i32' },
  epoll_wait: { args: ['i32', 'ptr', 'i32', 'i32'], returns: 'i32' },
  poll: { args: ['ptr', 'u64', 'i32'], returns: 'i32' },
  clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' },
  gmtime_r: { args: ['ptr', 'ptr'], returns: 'ptr' },
  strftime: { args: ['ptr', 'u64', 'ptr', 'ptr'], returns: 'i32' },
  localtime_r: { args: ['ptr', 'ptr'], returns: 'ptr' },
  tzset: { args: [], returns: 'void' },
} as const satisfies Record<string, FFIFunction>;

/** What only the control thread calls. */
const controlSignatures = {
  munmap: { args: ['ptr', 'u64'], returns: 'i32' },
  socketpair: { args: ['i32', 'i32', 'i32', 'ptr'], returns: 'i32' },
  listen: { args: ['i32', 'i32'], returns: 'i32' },
  sendto: { args: ['i32', 'ptr', 'u32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  sendmsg: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
  recvmsg: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
  writev: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
  ioctl: { args: ['i32', 'u64', 'ptr'], returns: 'i32' },
  dup: { args: ['i32'], returns: 'i32' },
  dup2: { args: ['i32', 'i32'], returns: 'i32' },
  eventfd: { args: ['u32', 'i32'], returns: 'i32' },
  getpid: { args: [], returns: 'i32' },
  setuid: { args: ['u32'], returns: 'i32' },
  setgid: { args: ['u32'], returns: 'i32' },
  setgroups: { args: ['u64', 'ptr'], returns: 'i32' },
  getuid: { args: [], returns: 'u32' },
  geteuid: { args: [], returns: 'u32' },
  setsid: { args: [], returns: 'i32' },
  chroot: { args: ['ptr'], returns: 'i32' },
  chdir: { args: ['ptr'], returns: 'i32' },
  chmod: { args: ['ptr', 'u32'], returns: 'i32' },
  chown: { args: ['ptr', 'u32', 'u32'], returns: 'i32' },
  umask: { args: ['u32'], returns: 'u32' },
  rename: { args: ['ptr', 'ptr'], returns: 'i32' },
  unlink: { args: ['ptr'], returns: 'i32' },
  getrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
  setrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
  posix_spawn: { args: ['ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  posix_spawnattr_init: { args: ['ptr'], returns: 'i32' },
  posix_spawnattr_setflags: { args: ['ptr', 'i32'], returns: 'i32' },
  prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
  signal: { args: ['i32', 'ptr'], returns: 'ptr' },
  waitpid: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
  kill: { args: ['i32', 'i32'], returns: 'i32' },
  sched_getaffinity: { args: ['i32', 'u64', 'ptr'], returns: 'i32' },
  sched_setaffinity: { args: ['i32', 'u64', 'ptr'], returns: 'i32' },
} as const satisfies Record<string, FFIFunction>;

const signatures = { ...kernelSignatures, ...controlSignatures };

/** The system calls of the data plane, with the types that the table above gives them. */
export type Kernel = {
  [Name in keyof KernelCalls]: (
    ...args: Parameters<KernelCalls[Name]>
  ) => ReturnType<KernelCalls[Name]>;
};

type KernelCalls = Library<typeof kernelSignatures>['symbols'];

function openLibc() {
  for (const name of libcNames) {
    try {
      return dlopen(name, signatures).symbols;
    } catch {
      // Try the next name; the last failure is reported below.
    }
  }
  throw new Error(
    'sluice: libc.so.6 was not found; sluice runs on Linux with glibc (Debian: libc6)',
  );
}

/** libc by name: `libc.recv(fd, base + off, len, flags)`. A negative result leaves `errno()`. */
export const libc = openLibc();
