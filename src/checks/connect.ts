/**
 * Connections for health checks, on the system calls themselves: the runtime's own sockets report
 * every failed connection as refused, but an operator needs to read "No route to host".
 *
 * The main thread has no poller, so a pending connection is looked at again after a pause that
 * grows with the time it has taken: at once, then about every eighth of the elapsed time. A
 * connection that hangs for 2 seconds costs some 60 polls, and the duration shown is at most an
 * eighth too long; one on the same machine or network is complete at the first look.
 */
import type { Address } from '../base/value/address.ts';
import { base, mem32, reserve } from '../sys/arena.ts';
import { Errno, errno, errnoText } from '../sys/errno.ts';
import { libc } from '../sys/libc.ts';
import * as socket from '../sys/socket.ts';
import { type Clock, systemClock } from './clock.ts';

export type ConnectResult =
  | { kind: 'connected' }
  /** Layers 1 to 4 said no. */
  | { kind: 'refused'; info: string }
  /** The system did not let us try. */
  | { kind: 'failed'; info: string };

export interface ConnectTarget {
  address: Address;
  source: Address | null;
}

/**
 * Opens a connection. `done` is called at most once, never before the call has returned. The
 * returned function closes the connection with a reset or gives the attempt up; call it in any
 * case, also after `done`.
 */
export type Connect = (target: ConnectTarget, done: (result: ConnectResult) => void) => () => void;

const POLLOUT = 4;
const POLL_PAUSE_MS_MAX = 100;
/** An address, a source address and a struct pollfd: used between two events only. */
const addressOff = reserve(128);
const pollOff = reserve(8);

/** Says whether a pending connection is decided, one way or the other. */
function isDecided(fd: number): boolean {
  mem32[pollOff >> 2] = fd;
  mem32[(pollOff >> 2) + 1] = POLLOUT;
  return libc.poll((base + pollOff) as never, 1, 0) !== 0;
}

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
    socket.setQuickAckOff(fd);
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
  if (!socket.remoteAddress(fd)) return callFailure(address, Errno.EAGAIN);
  return { kind: 'connected' };
}

/** @param clock the pauses between two looks. */
export function createConnect(clock: Clock = systemClock): Connect {
  return (target, done) => {
    const begun = begin(target);
    if (typeof begun !== 'number') return clock.after(0, () => done(begun));
    let fd = begun;
    const startMs = clock.nowMs();
    let cancelPause = (): void => {};
    const look = (): void => {
      if (isDecided(fd)) {
        done(conclude(fd, target.address));
        return;
      }
      const elapsedMs = clock.nowMs() - startMs;
      const pauseMs = Math.min(POLL_PAUSE_MS_MAX, Math.max(1, elapsedMs / 8));
      cancelPause = clock.after(pauseMs, look);
    };
    if (isDecided(fd)) {
      const result = conclude(fd, target.address);
      cancelPause = clock.after(0, () => done(result));
    } else {
      cancelPause = clock.after(1, look);
    }
    return () => {
      cancelPause();
      if (fd >= 0) socket.close(fd);
      fd = -1;
    };
  };
}
