/**
 * Bytes in and out of a socket. These functions are the only ones that make system calls on a
 * connection once it stands, and that clear `readable` and `writable`; who calls them does not know
 * what carries the bytes. A failure shows in `error`, an end in `eof`.
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import { Ready } from '../loop/poller.ts';
import { reserve } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import { Errno, errno } from '../sys/errno.ts';
import { splice } from '../sys/pipe.ts';
import { close, peek, recv, resetOnClose, send, setNoDelay, shutdownWrite } from '../sys/socket.ts';
import type { Pipe } from './pipe.ts';
import { NoDelay, type Socket, Transport } from './socket.ts';
import { endTls, freeTls, handshake, isTlsQuiet, receiveTls, transmitTls } from './tls.ts';

/** Where bytes go that nobody wants. */
const WASTE_BYTES = 16 * 1024;
const waste = reserve(WASTE_BYTES);

/** What the poller says of a connection. */
export function noteReady(sock: Socket, ready: number): void {
  if ((ready & (Ready.In | Ready.RdHup | Ready.Hup | Ready.Err)) !== 0) sock.readable = true;
  if ((ready & Ready.Out) !== 0) {
    sock.writable = true;
    if (sock.transport === Transport.Tls && sock.tls!.readNeedsWrite) sock.readable = true;
  }
  if ((ready & (Ready.RdHup | Ready.Hup | Ready.Err)) !== 0) sock.hup = true;
}

/**
 * Looks at what the kernel holds, whatever is to carry bytes later.
 * @returns bytes seen; 0 = nothing now, end or error.
 */
export function look(sock: Socket, off: number, len: number): number {
  const n = peek(sock.fd, off, len);
  if (n <= 0) endOfRead(sock, n);
  return n > 0 ? n : 0;
}

/** Takes bytes from the kernel that have been looked at. */
export function discardSeen(sock: Socket, len: number): void {
  let left = len;
  while (left > 0) {
    const n = recv(sock.fd, waste, Math.min(left, WASTE_BYTES));
    assert(n > 0, 'bytes that were seen are gone');
    left -= n;
  }
}

/** Sends before anything else, as it is. @returns false when the socket did not take all of it. */
export function sendFirst(sock: Socket, off: number, len: number): boolean {
  noteSend(sock);
  return send(sock.fd, off, len, false) === len;
}

/** Whether bytes can pass: what stands before them has been settled. */
export function isOpen(sock: Socket): boolean {
  if (sock.awaitsHeader) return false;
  return sock.transport === Transport.Raw || !sock.tls!.opening;
}

/**
 * What stands between a connection and its bytes: the TLS handshake.
 * @returns > 0 = it is open, 0 = an event brings it on, < 0 = it has failed (`error`).
 */
export function start(sock: Socket): number {
  return isOpen(sock) ? 1 : handshake(sock);
}

/**
 * Receives once behind `inWr`, up to `limit` bytes from the start of the buffer.
 * @returns bytes read (> 0); 0 = nothing now, end or error.
 */
export function receive(sock: Socket, limit: number): number {
  const room = sock.buf + limit - sock.inWr;
  if (room <= 0) return 0;
  assert(sock.buf > 0 && sock.inWr >= sock.buf, 'bytes are received outside of a buffer');
  if (sock.transport === Transport.Tls) return receiveTls(sock, room);
  const n = recv(sock.fd, sock.inWr, room);
  if (n > 0) {
    sock.inWr += n;
    sock.filled = n === room;
    sock.activeMs = clock.nowMs;
    // A short read has drained the socket, unless its end is known to be behind the data.
    if (n < room && !sock.hup) sock.readable = false;
    return n;
  }
  endOfRead(sock, n);
  return 0;
}

/** What a read that brought nothing says. */
function endOfRead(sock: Socket, n: number): void {
  if (n === 0) {
    sock.eof = true;
    sock.readable = false;
    return;
  }
  const code = errno();
  if (code === Errno.EINTR) return;
  sock.readable = false;
  if (code !== Errno.EAGAIN) sock.error = code;
}

/**
 * Reads and forgets, whatever the bytes mean.
 * @returns false when nothing more can come: the end or an error.
 */
export function swallow(sock: Socket, reads: number): boolean {
  for (let i = 0; i < reads && sock.readable; i++) {
    const n = recv(sock.fd, waste, WASTE_BYTES);
    if (n <= 0) endOfRead(sock, n);
  }
  return !sock.eof && sock.error === 0;
}

/** Whether the peer has sent nothing and not closed; what it sent is lost. */
export function isQuiet(sock: Socket): boolean {
  if (sock.transport === Transport.Tls) return isTlsQuiet(sock, waste);
  if (recv(sock.fd, waste, 1) >= 0 || errno() !== Errno.EAGAIN) return false;
  sock.readable = false;
  return true;
}

/** From the second send on bytes must not be held back. */
function noteSend(sock: Socket): void {
  if (sock.sends === NoDelay.Set) return;
  if (sock.sends === NoDelay.SentOnce) setNoDelay(sock.fd);
  sock.sends++;
}

/**
 * Sends once, if the socket takes anything now.
 * @param more another piece follows at once
 * @returns bytes sent; fewer than `len` = the socket is full (`writable`) or broken (`error`).
 */
export function transmit(sock: Socket, off: number, len: number, more: boolean): number {
  if (!sock.writable) return 0;
  noteSend(sock);
  if (sock.transport === Transport.Tls) return transmitTls(sock, off, len);
  for (;;) {
    const n = send(sock.fd, off, len, more);
    if (n >= 0) {
      sock.activeMs = clock.nowMs;
      if (n < len) sock.writable = false;
      return n;
    }
    if (!failedWrite(sock)) return 0;
  }
}

/** @returns whether the call is to be made again. */
function failedWrite(sock: Socket): boolean {
  const code = errno();
  if (code === Errno.EINTR) return true;
  if (code === Errno.EAGAIN) sock.writable = false;
  else sock.error = code;
  return false;
}

/** Whether the kernel may move its bytes (`pull`, `push`). */
export function isPlain(sock: Socket): boolean {
  return sock.transport === Transport.Raw;
}

/** Moves received bytes into a pipe. @returns how many; 0 = nothing now, end or error. */
export function pull(sock: Socket, pipe: Pipe, len: number): number {
  const n = splice(sock.fd, pipe.writeFd, len, false);
  if (n > 0) {
    pipe.held += n;
    sock.activeMs = clock.nowMs;
    return n;
  }
  // Either the socket is empty or the pipe is full; only an empty pipe tells which.
  if (n < 0 && pipe.held > 0 && errno() === Errno.EAGAIN) return 0;
  sock.filled = false;
  endOfRead(sock, n);
  return 0;
}

/** Moves bytes of a pipe out. @returns how many; 0 = the socket is full or broken. */
export function push(sock: Socket, pipe: Pipe, more: boolean): number {
  if (!sock.writable) return 0;
  noteSend(sock);
  for (;;) {
    const n = splice(pipe.readFd, sock.fd, pipe.held, more);
    if (n > 0) {
      pipe.held -= n;
      sock.activeMs = clock.nowMs;
      return n;
    }
    if (n === 0) sock.error = Errno.EPIPE;
    if (n === 0 || !failedWrite(sock)) return 0;
  }
}

/** Ends our sending side: the peer sees the end of the bytes. */
export function endWrite(sock: Socket): void {
  if (sock.shut) return;
  if (sock.transport === Transport.Tls) endTls(sock);
  shutdownWrite(sock.fd);
  sock.shut = true;
}

/** Closes the descriptor, with a reset instead of an orderly end if asked for. */
export function drop(sock: Socket, reset: boolean): void {
  if (sock.transport === Transport.Tls) freeTls(sock, !reset && !sock.shut);
  if (reset) resetOnClose(sock.fd);
  // Closing the only descriptor also takes it out of the poller.
  close(sock.fd);
  sock.fd = -1;
}
