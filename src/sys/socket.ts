/**
 * Sockets of the data plane: thin functions over the kernel that keep kernel structures in the arena.
 * They return the kernel's result; a negative one leaves `errno()`.
 *
 * @dataplane
 */
import type { Address } from '../base/value/address.ts';
import { base, mem, mem32, reserve, reserveBytes } from './arena.ts';
import { Errno, errno } from './errno.ts';
import { kernel } from './kernel.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const SO_MARK = 36;
const TCP_INFO = 11;
/** Up to `tcpi_reordering`, which every kernel has. */
const TCP_INFO_BYTES = 92;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_NOTSENT_LOWAT = 25;
const TCP_QUICKACK = 12;
const TCP_USER_TIMEOUT = 18;
const TCP_REPAIR = 19;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_TCLASS = 67;
const MSG_PEEK = 0x02;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;

const one = reserve(4);
mem32[one >> 2] = 1;
const optionValue = reserve(16);
const optionLength = reserve(4);
const tcpInfo = reserve(TCP_INFO_BYTES);
const peerAddress = reserve(128);
const peerLength = reserve(4);

/** Bytes read, 0 at end of stream, negative on error (errno EAGAIN = nothing there). */
export function recv(fd: number, off: number, len: number): number {
  return kernel.recv(fd, (base + off) as never, len, MSG_DONTWAIT);
}

/** As `recv`, and the bytes stay with the kernel. */
export function peek(fd: number, off: number, len: number): number {
  return kernel.recv(fd, (base + off) as never, len, MSG_DONTWAIT | MSG_PEEK);
}

/** Bytes sent or negative. `more` tells TCP that another send follows at once. */
export function send(fd: number, off: number, len: number, more: boolean): number {
  const flags = more ? MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE : MSG_NOSIGNAL | MSG_DONTWAIT;
  return kernel.send(fd, (base + off) as never, len, flags);
}

export function close(fd: number): void {
  kernel.close(fd);
}

/** SHUT_WR: the peer sees the end of the stream, we may still read. */
export function shutdownWrite(fd: number): void {
  kernel.shutdown(fd, 1);
}

/** Closes with RST instead of FIN (`option nolinger`, aborted streams). */
export function resetOnClose(fd: number): void {
  setLinger(fd, false);
}

/** Whether a close says FIN, as it does when nobody asks, or RST. */
export function setLinger(fd: number, linger: boolean): void {
  mem32[optionValue >> 2] = linger ? 0 : 1;
  mem32[(optionValue >> 2) + 1] = 0;
  kernel.setsockopt(fd, SOL_SOCKET, SO_LINGER, (base + optionValue) as never, 8);
}

/**
 * Makes the next close say nothing to the peer (`silent-drop`): with TCP_REPAIR the kernel forgets
 * the connection; without the privilege for it, the reset is given a time to live of one hop.
 * @param hops a reset is sent, to live so long; 0 = none if possible
 */
export function vanish(fd: number, hops: number): void {
  mem32[optionValue >> 2] = 1;
  const at = (base + optionValue) as never;
  if (hops === 0 && kernel.setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, at, 4) === 0) return;
  const ttl = hops === 0 ? 1 : hops;
  setInt(fd, IPPROTO_IP, IP_TTL, ttl);
  setInt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
  resetOnClose(fd);
}

function setInt(fd: number, level: number, name: number, value: number): void {
  mem32[optionValue >> 2] = value;
  kernel.setsockopt(fd, level, name, (base + optionValue) as never, 4);
}

/** SO_MARK of the packets that leave. Needs a privilege; without it nothing changes. */
export function setMark(fd: number, mark: number): void {
  setInt(fd, SOL_SOCKET, SO_MARK, mark);
}

/** The TOS field of IPv4 or the traffic class of IPv6 of the packets that leave. */
export function setTos(fd: number, tos: number, isIpv6: boolean): void {
  setInt(fd, IPPROTO_IP, IP_TOS, tos);
  if (isIpv6) setInt(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
}

export function setNoDelay(fd: number): void {
  kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (base + one) as never, 4);
}

/** SO_RCVBUF and SO_SNDBUF in bytes (tune.rcvbuf.*, tune.sndbuf.*); 0 leaves the system's. */
export function setBuffers(fd: number, receive: number, send: number): void {
  if (receive > 0) setInt(fd, SOL_SOCKET, SO_RCVBUF, receive);
  if (send > 0) setInt(fd, SOL_SOCKET, SO_SNDBUF, send);
}

/** TCP_NOTSENT_LOWAT in bytes (tune.notsent-lowat.*); 0 leaves the system's. */
export function setUnsentMark(fd: number, bytes: number): void {
  if (bytes > 0) setInt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes);
}

/** Delays the ACK so that it may travel with the answer (`option tcp-smart-accept`,
 * `tcp-smart-connect`). */
export function setQuickAckOff(fd: number): void {
  setInt(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
}

/** SO_KEEPALIVE and its timings; 0 leaves the system's value. Durations in seconds. */
export function setKeepAlive(fd: number, count: number, idleS: number, intervalS: number): void {
  setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (count > 0) setInt(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
  if (idleS > 0) setInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, idleS);
  if (intervalS > 0) setInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, intervalS);
}

export function setUserTimeout(fd: number, ms: number): void {
  setInt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ms);
}

/** Pending error of a socket (SO_ERROR), 0 = none: how a connect ended. */
export function socketError(fd: number): number {
  mem32[optionLength >> 2] = 4;
  const result = kernel.getsockopt(
    fd,
    SOL_SOCKET,
    SO_ERROR,
    (base + optionValue) as never,
    (base + optionLength) as never,
  );
  return result < 0 ? errno() : mem32[optionValue >> 2]!;
}

/**
 * Asks the kernel what it measures of a TCP connection (`struct tcp_info` of linux/tcp.h).
 * @returns where that lies in the arena until the next question; 0 = it is no TCP connection
 */
export function readTcpInfo(fd: number): number {
  mem32[optionLength >> 2] = TCP_INFO_BYTES;
  const result = kernel.getsockopt(
    fd,
    IPPROTO_TCP,
    TCP_INFO,
    (base + tcpInfo) as never,
    (base + optionLength) as never,
  );
  return result < 0 || mem32[optionLength >> 2]! < TCP_INFO_BYTES ? 0 : tcpInfo;
}

/** Accepts without blocking; the peer's address is then read with `peer*`. */
export function accept(fd: number): number {
  mem32[peerLength >> 2] = 128;
  const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  return kernel.accept4(fd, (base + peerAddress) as never, (base + peerLength) as never, flags);
}

/** Asks for the local address of a socket into the same place as `accept`. */
export function localAddress(fd: number): boolean {
  mem32[peerLength >> 2] = 128;
  return kernel.getsockname(fd, (base + peerAddress) as never, (base + peerLength) as never) === 0;
}

/** Asks for the peer's address of a socket into the same place as `accept`. */
export function remoteAddress(fd: number): boolean {
  mem32[peerLength >> 2] = 128;
  return kernel.getpeername(fd, (base + peerAddress) as never, (base + peerLength) as never) === 0;
}

/** Family, port and bytes of the address that the last call above stored. */
export function peerFamily(): number {
  return mem[peerAddress]! | (mem[peerAddress + 1]! << 8);
}

export function peerPort(): number {
  return (mem[peerAddress + 2]! << 8) | mem[peerAddress + 3]!;
}

/** Copies the address bytes (4 or 16) to `off`. An IPv4-mapped IPv6 address stays IPv6. */
export function copyPeerAddress(off: number): void {
  const family = peerFamily();
  if (family === AF_INET) mem.copyWithin(off, peerAddress + 4, peerAddress + 8);
  else if (family === AF_INET6) mem.copyWithin(off, peerAddress + 8, peerAddress + 24);
}

/** A new non-blocking stream socket for a prepared address, or negative. */
export function streamSocket(addressOff: number): number {
  const family = mem[addressOff]! | (mem[addressOff + 1]! << 8);
  return kernel.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/** 0 = connected or in progress; otherwise the errno. */
export function connect(fd: number, addressOff: number, addressLen: number): number {
  if (kernel.connect(fd, (base + addressOff) as never, addressLen) === 0) return 0;
  const code = errno();
  return code === Errno.EINPROGRESS ? 0 : code;
}

export function bindTo(fd: number, addressOff: number, addressLen: number): number {
  return kernel.bind(fd, (base + addressOff) as never, addressLen) === 0 ? 0 : errno();
}

/**
 * Writes a sockaddr at `off` (needs 128 bytes). Start-up only.
 * @returns its length in bytes.
 */
export function createSockaddr(address: Address, off: number): number {
  mem.fill(0, off, off + 128);
  const port = address.port;
  switch (address.family) {
    case 'ipv4':
      mem[off] = AF_INET;
      mem[off + 2] = port >> 8;
      mem[off + 3] = port & 255;
      mem.set(address.bytes, off + 4);
      return 16;
    case 'ipv6':
      mem[off] = AF_INET6;
      mem[off + 2] = port >> 8;
      mem[off + 3] = port & 255;
      mem.set(address.bytes, off + 8);
      return 28;
    case 'unix':
    case 'abns': {
      mem[off] = AF_UNIX;
      const abstract = address.family === 'abns';
      const path = Buffer.from(address.path, 'latin1');
      mem.set(path.subarray(0, 107), off + 2 + (abstract ? 1 : 0));
      // HAProxy's abns@ addresses fill the whole structure with zeroes (2.9.1).
      return abstract ? 110 : 2 + Math.min(path.length, 107) + 1;
    }
    default:
      throw new Error(`no socket address for ${address.text}`);
  }
}

/** An 8-byte integer 1, for writing to an eventfd. */
const oneU64 = reserveBytes(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
const drain = reserve(8);

/** Wakes the owner of an eventfd. */
export function wake(eventFd: number): void {
  kernel.write(eventFd, (base + oneU64) as never, 8);
}

export function drainWake(eventFd: number): void {
  kernel.read(eventFd, (base + drain) as never, 8);
}
