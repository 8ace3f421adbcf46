/**
 * Listening sockets: everything that a `bind` or `stats socket` line asks of the kernel
 * (configuration.txt 5.1). Start-up only, and before privileges are given up.
 *
 * IP addresses get SO_REUSEPORT, so that every worker owns a socket of its own and the kernel
 * spreads connections evenly, also those of a process that is being replaced. A socket that listens
 * gets its share at once, so these only begin to (`Staged.listen`) when there is somebody to accept.
 * A unix socket is bound to a temporary name next to the wanted one,
 * given its mode and owner, and renamed into place: a client never meets a socket with the wrong
 * rights, and a process that is being replaced keeps its own until that moment. The `Staged`
 * object holds what must be undone if a later line cannot be bound.
 */
import type { Address } from '../base/value/address.ts';
import { formatIp } from '../base/value/ip.ts';
import type { BindConfig } from '../model/config.ts';
import { base, mem32, reserve } from '../sys/arena.ts';
import { Errno, errno, errnoText } from '../sys/errno.ts';
import { libc } from '../sys/libc.ts';
import { createSockaddr, localAddress, peerPort } from '../sys/socket.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_REUSEPORT = 15;
const SO_BINDTODEVICE = 25;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_MAXSEG = 2;
const TCP_DEFER_ACCEPT = 9;
const TCP_USER_TIMEOUT = 18;
const TCP_FASTOPEN = 23;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SHUT_RD = 0;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0x800;
/** Longest path that fits sockaddr_un with its final zero. */
const UNIX_PATH_MAX = 107;

/** What one socket needs: its address, and the options of `bind` that the kernel is told. */
export interface ListenOptions
  extends Pick<
    BindConfig,
    | 'address'
    | 'interface'
    | 'mss'
    | 'deferAccept'
    | 'tfo'
    | 'v4v6'
    | 'v6only'
    | 'mode'
    | 'uid'
    | 'gid'
    | 'tcpUserTimeout'
  > {
  /** Length of the kernel's accept queue. */
  backlog: number;
  /** Several sockets will share the address. */
  reusePort: boolean;
}

/** A `bind` that the kernel refused; `message` follows "protocol <name>: ". */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** errno, 0 when the refusal is not the kernel's. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A unix socket waiting for its final name. */
interface Renaming {
  from: string;
  to: string;
}

const address = reserve(128);
const optionValue = reserve(256);
const optionLength = reserve(4);

/** A bound socket that does not listen yet. */
interface Silent {
  fd: number;
  backlog: number;
  text: string;
}

/**
 * Descriptors opened so far, unix sockets that wait for their name and IP sockets that wait to
 * listen. `commit` gives the names, `listen` opens the doors; `abandon` closes and removes
 * everything, so that a failed start leaves nothing behind.
 */
export class Staged {
  readonly fds: number[] = [];
  private readonly renamings: Renaming[] = [];
  private readonly silent: Silent[] = [];

  add(fd: number): void {
    this.fds.push(fd);
  }

  addRenaming(from: string, to: string): void {
    this.renamings.push({ from, to });
  }

  addSilent(fd: number, backlog: number, text: string): void {
    this.silent.push({ fd, backlog, text });
  }

  /** From now on clients come. @throws ListenError naming the first socket that fails. */
  listen(): void {
    for (const { fd, backlog, text } of this.silent) {
      if (libc.listen(fd, backlog) < 0) refuseToListen(errno(), text);
    }
    this.silent.length = 0;
  }

  /** Renames the unix sockets into place. @throws ListenError naming the first that fails. */
  commit(): void {
    let done = 0;
    for (const renaming of this.renamings) {
      if (libc.rename(cString(renaming.from), cString(renaming.to)) < 0) {
        const code = errno();
        for (let i = done; i < this.renamings.length; i++) remove(this.renamings[i]!.from);
        for (let i = 0; i < done; i++) remove(this.renamings[i]!.to);
        throw new ListenError(code, unixText('cannot rename final UNIX socket', code, renaming.to));
      }
      done++;
    }
    this.renamings.length = 0;
  }

  abandon(): void {
    for (const fd of this.fds) libc.close(fd);
    for (const renaming of this.renamings) remove(renaming.from);
    this.fds.length = 0;
    this.renamings.length = 0;
  }
}

/** @returns a pointer to a zero-terminated copy, alive until the next garbage collection turn. */
function cString(value: string): never {
  return Buffer.from(`${value}\0`, 'utf8') as never;
}

function remove(path: string): void {
  libc.unlink(cString(path));
}

function unixText(what: string, code: number, path: string): string {
  const reason = code === Errno.EADDRINUSE ? 'already in use' : errnoText(code);
  return `${what} (${reason}) [${path}]`;
}

function addressText(value: Address, port: number): string {
  if (value.family === 'ipv4' || value.family === 'ipv6') {
    return `${formatIp(value.bytes)}:${port}`;
  }
  if (value.family === 'unix') return value.path;
  return value.family === 'abns' ? `abns@${value.path}` : `fd@${value.fd}`;
}

const protocols: Record<Address['family'], string> = {
  ipv4: 'tcpv4',
  ipv6: 'tcpv6',
  unix: 'unix_stream',
  abns: 'abns_stream',
  fd: 'fd',
};

/** HAProxy's name for the protocol of a stream address, in messages and in `show stat`. */
export function protocolName(value: Address): string {
  return protocols[value.family];
}

/** The address as messages and `show stat` write it: `127.0.0.1:80`, `:::80`, a path. */
export function listenText(value: Address): string {
  return addressText(value, value.port);
}

function setInt(fd: number, level: number, name: number, value: number): boolean {
  mem32[optionValue >> 2] = value;
  return libc.setsockopt(fd, level, name, (base + optionValue) as never, 4) === 0;
}

function getInt(fd: number, level: number, name: number): number {
  mem32[optionLength >> 2] = 4;
  const value = (base + optionValue) as never;
  const result = libc.getsockopt(fd, level, name, value, (base + optionLength) as never);
  return result < 0 ? -errno() : mem32[optionValue >> 2]!;
}

/**
 * Checks a descriptor that the parent process left open (`fd@N`): it must be a stream socket.
 * HAProxy refuses others while it reads the configuration, so this is for that moment too.
 * @returns null when it can be used, or the reason as HAProxy words it.
 */
export function inheritedProblem(fd: number): string | null {
  const type = getInt(fd, SOL_SOCKET, SO_TYPE);
  if (type < 0) return `cannot use file descriptor '${fd}' : ${errnoText(-type)}`;
  if (type !== SOCK_STREAM) return `cannot use file descriptor '${fd}' : not a stream socket`;
  return null;
}

function useInherited(options: ListenOptions): number {
  const fd = options.address.fd;
  const problem = inheritedProblem(fd);
  if (problem !== null) throw new ListenError(Errno.EBADF, problem);
  // Not listening yet is fine: the parent may have bound it only.
  if (getInt(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 1 && libc.listen(fd, options.backlog) < 0) {
    const code = errno();
    throw new ListenError(
      code,
      `cannot listen on inherited socket (${errnoText(code)}) [fd@${fd}]`,
    );
  }
  libc.fcntl(fd, F_SETFL, libc.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  return fd;
}

function openSocket(family: number, text: string): number {
  const fd = libc.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0) return fd;
  const code = errno();
  throw new ListenError(code, `cannot create listening socket (${errnoText(code)}) for [${text}]`);
}

function setOptions(fd: number, options: ListenOptions, text: string): void {
  const refuse = (what: string): never => {
    const code = errno();
    libc.close(fd);
    throw new ListenError(code, `${what} (${errnoText(code)}) for [${text}]`);
  };
  if (!setInt(fd, SOL_SOCKET, SO_REUSEADDR, 1)) refuse('cannot do so_reuseaddr');
  if (options.reusePort && !setInt(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
    refuse('cannot do so_reuseport');
  }
  if (options.address.family === 'ipv6') {
    // 5.1 v4v6 and v6only: `v6only` wins; without either the system's default stays.
    const set = options.v6only || options.v4v6;
    if (set && !setInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.v6only ? 1 : 0)) {
      refuse('cannot make listening socket v6only or v4v6');
    }
  }
  if (options.interface !== null) {
    const name = Buffer.from(`${options.interface}\0`);
    if (libc.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name as never, name.length) < 0) {
      refuse(`cannot bind receiver to device '${options.interface}'`);
    }
  }
  if (options.mss !== 0 && !setInt(fd, IPPROTO_TCP, TCP_MAXSEG, Math.abs(options.mss))) {
    refuse('cannot set MSS');
  }
  if (options.tcpUserTimeout > 0) {
    const set = setInt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.tcpUserTimeout);
    if (!set) refuse('cannot set TCP User Timeout');
  }
  if (options.deferAccept !== 0) {
    // The kernel counts whole seconds; the bare keyword means at least one.
    const seconds = options.deferAccept < 0 ? 1 : Math.ceil(options.deferAccept / 1000);
    if (!setInt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds)) refuse('cannot enable DEFER_ACCEPT');
  }
  if (options.tfo && !setInt(fd, IPPROTO_TCP, TCP_FASTOPEN, options.backlog)) {
    refuse('cannot enable TCP_FASTOPEN');
  }
}

function openInet(options: ListenOptions, port: number, staged: Staged): number {
  const text = addressText(options.address, port);
  const family = options.address.family === 'ipv4' ? AF_INET : AF_INET6;
  const fd = openSocket(family, text);
  setOptions(fd, options, text);
  const length = createSockaddr({ ...options.address, port }, address);
  if (libc.bind(fd, (base + address) as never, length) < 0) {
    const code = errno();
    libc.close(fd);
    throw new ListenError(code, `cannot bind socket (${errnoText(code)}) for [${text}]`);
  }
  if (options.reusePort) {
    staged.addSilent(fd, options.backlog, text);
  } else if (libc.listen(fd, options.backlog) < 0) {
    // An address that only one can have: who comes early waits for us, there is nobody else.
    const code = errno();
    libc.close(fd);
    refuseToListen(code, text);
  }
  staged.add(fd);
  return fd;
}

function refuseToListen(code: number, text: string): never {
  throw new ListenError(code, `cannot listen to socket (${errnoText(code)}) for [${text}]`);
}

/** Stops listening without giving up the address. What waits to be accepted is reset. */
export function stopListening(fd: number): void {
  libc.shutdown(fd, SHUT_RD);
}

/** Listens again after `stopListening`. @returns false when somebody else listens there now. */
export function listenAgain(fd: number, backlog: number): boolean {
  return libc.listen(fd, backlog) === 0;
}

let temporaryNumber = 0;

function listenUnix(options: ListenOptions, staged: Staged): number {
  const path = options.address.path;
  const abstract = options.address.family === 'abns';
  const temporary = `${path}.${process.pid}.${temporaryNumber++}.tmp`;
  const longest = Buffer.byteLength(abstract ? path : temporary);
  if (longest > UNIX_PATH_MAX) {
    const text = `socket path too long for UNIX socket (limit: ${UNIX_PATH_MAX}) [${path}]`;
    throw new ListenError(0, text);
  }
  const fd = openSocket(AF_UNIX, path);
  const bound = abstract ? options.address : { ...options.address, path: temporary };
  if (!abstract) remove(temporary);
  const length = createSockaddr(bound, address);
  const refuse = (what: string): never => {
    const code = errno();
    libc.close(fd);
    if (!abstract) remove(temporary);
    throw new ListenError(code, unixText(what, code, abstract ? `abns@${path}` : path));
  };
  if (libc.bind(fd, (base + address) as never, length) < 0) refuse('cannot bind UNIX socket');
  if (!abstract) {
    const { mode, uid, gid } = options;
    const owner = uid ?? -1;
    const group = gid ?? -1;
    const owned = uid === null && gid === null;
    if (!owned && libc.chown(cString(temporary), owner >>> 0, group >>> 0) < 0) {
      refuse('cannot change UNIX socket ownership');
    }
    if (mode !== null && libc.chmod(cString(temporary), mode) < 0) {
      refuse('cannot change UNIX socket ownership');
    }
    staged.addRenaming(temporary, path);
  }
  if (libc.listen(fd, options.backlog) < 0) refuse('cannot listen to UNIX socket');
  return fd;
}

/**
 * Opens `count` non-blocking sockets for one address: one per worker for IP addresses, which listen
 * when `staged` says so, and a single one where the kernel allows no more (unix, abstract, inherited).
 *
 * @param staged takes the descriptors, to be closed if the start fails later.
 * @returns the descriptors; one element means that workers must share it.
 * @throws ListenError
 */
export function openListeners(options: ListenOptions, count: number, staged: Staged): number[] {
  const family = options.address.family;
  if (family === 'fd') {
    const fd = useInherited(options);
    staged.add(fd);
    return [fd];
  }
  if (family === 'unix' || family === 'abns') {
    const fd = listenUnix(options, staged);
    staged.add(fd);
    return [fd];
  }
  const fds: number[] = [];
  let port = options.address.port;
  for (let i = 0; i < count; i++) {
    const fd = openInet(options, port, staged);
    fds.push(fd);
    // Port 0: the kernel picked one for the first socket, the others join it there.
    if (port === 0 && localAddress(fd)) port = peerPort();
  }
  return fds;
}
