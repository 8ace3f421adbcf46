/**
 * Connections of health checks, on the system calls themselves: the runtime's own sockets report
 * every failed connection as refused, but an operator needs to read "No route to host". Nothing else
 * of the checks knows a descriptor.
 */
import type { Address } from '../base/value/address.ts';
import { mem, reserve } from '../sys/arena.ts';
import { Errno, errno, errnoText } from '../sys/errno.ts';
import * as socket from '../sys/socket.ts';
import { type Clock, systemClock } from './clock.ts';
import { Watch } from './watch.ts';

export type ConnectResult =
  | { kind: 'connected' }
  /** Layers 1 to 4 said no. */
  | { kind: 'refused'; info: string }
  /** The system did not let us try. */
  | { kind: 'failed'; info: string };

export interface ConnectTarget {
  address: Address;
  /** Address to connect from (5.2 source), null = the system's choice. */
  source: Address | null;
  /**
   * The acknowledgement may wait for what is sent, or be spared by a reset. A server that speaks
   * first would wait for it.
   */
  delaysAck: boolean;
}

/** What is there to read: bytes, nothing yet, the end, or an error. */
export type Received =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'nothing' }
  | { kind: 'end' }
  | { kind: 'error'; code: number };

export interface Connection {
  /** Sends what the kernel takes from `bytes[from...]`. @returns how many; minus errno on error. */
  send(bytes: Uint8Array, from: number): number;
  /** Up to `max` bytes, as one system call gives them. */
  receive(max: number): Received;
  /**
   * Ends the connection or the attempt; call it in any case. After it no event comes.
   * @param linger in order, instead of with a reset
   */
  close(linger: boolean): void;
}

export interface ConnectionEvents {
  /** Called once, unless it is closed before. */
  decided(result: ConnectResult): void;
  /** After a successful `decided`: there may be something to read, or room to send. */
  ready(): void;
}

/** Opens a connection. No event comes before the call has returned. */
export type Open = (target: ConnectTarget, events: ConnectionEvents) => Connection;

/** An address and a source address, used between two events only. */
const addressOff = reserve(128);
/** What is sent and received goes through here. */
const TRANSFER_BYTES = 16384;
const transferOff = reserve(TRANSFER_BYTES);

const nothing: Received = { kind: 'nothing' };
const end: Received = { kind: 'end' };

function isLocal(address: Address): boolean {
  return address.family === 'unix' || address.family === 'abns';
}

/** A failure of the call itself; for addresses of a network it says something about the network. */
function callFailure(address: Address, code: number): ConnectResult {
  const info = `General socket error (${errnoText(code)})`;
  return { kind: isLocal(address) ? 'failed' : 'refused', info };
}

/** Begins the connection. @returns the descriptor, or the result when it has failed already. */
function begin(target: ConnectTarget): number | ConnectResult {
  const { address, source } = target;
  const length = socket.createSockaddr(address, addressOff);
  const fd = socket.streamSocket(addressOff);
  if (fd < 0) return { kind: 'failed', info: `General socket error (${errnoText(errno())})` };
  if (!isLocal(address)) {
    socket.resetOnClose(fd);
    if (target.delaysAck) socket.setQuickAckOff(fd);
  }
  if (source !== null && !isLocal(address)) {
    const sourceLength = socket.createSockaddr(source, addressOff);
    const code = socket.bindTo(fd, addressOff, sourceLength);
    if (code !== 0) {
      socket.close(fd);
      return { kind: 'refused', info: `Can't bind to source address (${errnoText(code)})` };
    }
    socket.createSockaddr(address, addressOff);
  }
  const code = socket.connect(fd, addressOff, length);
  if (code === 0) return fd;
  socket.close(fd);
  return callFailure(address, code);
}

/** How a decided connection ended. */
function conclude(fd: number, address: Address): ConnectResult {
  const code = socket.socketError(fd);
  if (code !== 0) return { kind: 'refused', info: errnoText(code) };
  // A unix socket whose backlog is full is writable without being connected.
  const isLost = isLocal(address) && !socket.remoteAddress(fd);
  if (isLost) return callFailure(address, Errno.EAGAIN);
  return { kind: 'connected' };
}

class SocketConnection implements Connection {
  private readonly watch: Watch;
  private readonly events: ConnectionEvents;
  private readonly address: Address;
  private fd: number;
  /** Of the watch; 0 when the kernel refuses to watch the socket. */
  readonly id: number;
  private isDecided = false;

  constructor(watch: Watch, fd: number, address: Address, events: ConnectionEvents) {
    this.watch = watch;
    this.fd = fd;
    this.address = address;
    this.events = events;
    this.id = watch.add(fd, () => this.ready());
  }

  private ready(): void {
    if (this.isDecided) return this.events.ready();
    this.isDecided = true;
    this.events.decided(conclude(this.fd, this.address));
  }

  send(bytes: Uint8Array, from: number): number {
    const isWhole = from === 0 && bytes.length <= TRANSFER_BYTES;
    const part = isWhole ? bytes : bytes.subarray(from, from + TRANSFER_BYTES);
    mem.set(part, transferOff);
    const sent = socket.send(this.fd, transferOff, part.length, false);
    if (sent >= 0) return sent;
    const code = errno();
    return code === Errno.EAGAIN ? 0 : -code;
  }

  receive(max: number): Received {
    const got = socket.recv(this.fd, transferOff, Math.min(max, TRANSFER_BYTES));
    if (got > 0) return { kind: 'bytes', bytes: mem.slice(transferOff, transferOff + got) };
    if (got === 0) return end;
    const code = errno();
    return code === Errno.EAGAIN ? nothing : { kind: 'error', code };
  }

  close(linger: boolean): void {
    if (this.fd < 0) return;
    if (linger && !isLocal(this.address)) socket.setLinger(this.fd, true);
    this.watch.remove(this.id);
    socket.close(this.fd);
    this.fd = -1;
  }
}

/** An attempt that failed at once: says so a little later. */
function failedConnection(
  clock: Clock,
  result: ConnectResult,
  events: ConnectionEvents,
): Connection {
  const cancel = clock.after(0, () => events.decided(result));
  return { send: () => 0, receive: () => nothing, close: cancel };
}

/** @param clock the pauses between two looks at the sockets. */
export function createOpen(clock: Clock = systemClock): Open {
  const watch = new Watch(clock);
  return (target, events) => {
    const begun = begin(target);
    if (typeof begun !== 'number') return failedConnection(clock, begun, events);
    const connection = new SocketConnection(watch, begun, target.address, events);
    if (connection.id !== 0) return connection;
    const info = `General socket error (${errnoText(errno())})`;
    connection.close(false);
    return failedConnection(clock, { kind: 'failed', info }, events);
  };
}
