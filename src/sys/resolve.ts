/**
 * Host names of the configuration, through the resolver of libc (getaddrinfo(3)), so that
 * /etc/hosts, nsswitch.conf and the search domains count as they do for every other program of the
 * machine. Synchronous on purpose: it runs while the configuration is read, before any traffic.
 *
 * The library is opened at the first look-up: a configuration with literal addresses needs none.
 */
import { dlopen, type FFIFunction, type Pointer, ptr, read } from 'bun:ffi';
import { errno } from './errno.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const EAI_SYSTEM = -11;
const EINTR = 4;

/** Offsets in `struct addrinfo` of 64-bit Linux. */
const aiFamily = 4;
const aiSocktype = 8;
const aiAddr = 24;
const addrinfoBytes = 48;

const signatures = {
  getaddrinfo: { args: ['ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  freeaddrinfo: { args: ['ptr'], returns: 'void' },
} as const satisfies Record<string, FFIFunction>;

function openResolver() {
  return dlopen('libc.so.6', signatures).symbols;
}

let library: ReturnType<typeof openResolver> | null = null;

/**
 * Looks a name up and takes the first address that libc offers, as HAProxy does.
 * @param family which addresses are wanted
 * @returns 4 or 16 bytes in network order, or null when the name has no such address
 */
export function resolveHost(host: string, family: 'any' | 'ipv4' | 'ipv6'): number[] | null {
  library ??= openResolver();
  const name = Buffer.from(`${host}\0`, 'latin1');
  const hints = Buffer.alloc(addrinfoBytes);
  hints.writeInt32LE(family === 'ipv4' ? AF_INET : family === 'ipv6' ? AF_INET6 : 0, aiFamily);
  hints.writeInt32LE(SOCK_STREAM, aiSocktype);
  const result = new BigUint64Array(1);
  let status = EAI_SYSTEM;
  do {
    status = library.getaddrinfo(ptr(name), null, ptr(hints), ptr(result));
  } while (status === EAI_SYSTEM && errno() === EINTR);
  if (status !== 0) return null;
  const info = Number(result[0]) as Pointer;
  const bytes = readAddress(info);
  library.freeaddrinfo(info);
  return bytes;
}

/** The address in the first `struct addrinfo`. */
function readAddress(info: Pointer): number[] | null {
  const found = read.i32(info, aiFamily);
  const address = read.ptr(info, aiAddr) as Pointer;
  if (found !== AF_INET && found !== AF_INET6) return null;
  // sockaddr_in keeps the address at 4, sockaddr_in6 at 8 (behind port and flow label).
  const from = found === AF_INET ? 4 : 8;
  const bytes: number[] = [];
  for (let i = 0; i < (found === AF_INET ? 4 : 16); i++) bytes.push(read.u8(address, from + i));
  return bytes;
}
