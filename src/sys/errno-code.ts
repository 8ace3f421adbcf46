/** The numbers of errno(3) that sluice meets, and their texts. */
export const enum Errno {
  EPERM = 1,
  ENOENT = 2,
  EINTR = 4,
  EBADF = 9,
  EAGAIN = 11,
  ENOMEM = 12,
  EACCES = 13,
  EINVAL = 22,
  ENFILE = 23,
  EMFILE = 24,
  EPIPE = 32,
  EPROTO = 71,
  EADDRINUSE = 98,
  EADDRNOTAVAIL = 99,
  ENETUNREACH = 101,
  ECONNABORTED = 103,
  ECONNRESET = 104,
  ENOBUFS = 105,
  ETIMEDOUT = 110,
  ECONNREFUSED = 111,
  EHOSTUNREACH = 113,
  EINPROGRESS = 115,
}

/** Whether the process or the system has no more descriptors. */
export function isDescriptorLimit(code: number): boolean {
  return code === Errno.EMFILE || code === Errno.ENFILE;
}

/** Whether the process or the system lacks something that another moment may have. */
export function isShortage(code: number): boolean {
  return isDescriptorLimit(code) || code === Errno.ENOMEM || code === Errno.ENOBUFS;
}

const texts: Record<number, string> = {
  1: 'Operation not permitted',
  2: 'No such file or directory',
  9: 'Bad file descriptor',
  11: 'Resource temporarily unavailable',
  12: 'Cannot allocate memory',
  13: 'Permission denied',
  18: 'Invalid cross-device link',
  19: 'No such device',
  20: 'Not a directory',
  21: 'Is a directory',
  22: 'Invalid argument',
  23: 'Too many open files in system',
  24: 'Too many open files',
  32: 'Broken pipe',
  36: 'File name too long',
  40: 'Too many levels of symbolic links',
  71: 'Protocol error',
  88: 'Socket operation on non-socket',
  97: 'Address family not supported by protocol',
  98: 'Address already in use',
  99: 'Cannot assign requested address',
  101: 'Network is unreachable',
  103: 'Software caused connection abort',
  104: 'Connection reset by peer',
  105: 'No buffer space available',
  110: 'Connection timed out',
  111: 'Connection refused',
  113: 'No route to host',
};

const names: Record<number, string> = {
  12: 'ENOMEM',
  32: 'EPIPE',
  101: 'ENETUNREACH',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  105: 'ENOBUFS',
  110: 'ETIMEDOUT',
  113: 'EHOSTUNREACH',
};

/** The name of an error that a connection can end with. */
export function errnoName(code: number): string {
  return names[code] ?? `errno ${code}`;
}

/** The message that strerror(3) gives for the errors sluice meets. */
export function errnoText(code: number): string {
  return texts[code] ?? `Error ${code}`;
}
