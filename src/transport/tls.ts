/**
 * Bytes of a TLS connection. OpenSSL reads and writes the descriptor by itself, into and from the
 * arena. It may have decrypted more than it has given, and the poller does not know: reading goes on
 * until OpenSSL wants more from the kernel, before anybody sleeps. It may want to write in order to
 * read (key updates): then an event for writing lets reading go on (`readNeedsWrite`).
 *
 * OpenSSL's queue of errors is empty outside of these functions, so a failure never shows at another
 * connection.
 *
 * @dataplane
 */
import { Failure, type Resumption, TlsState } from '../model/tls.ts';
import { clock } from '../sys/clock.ts';
import { Errno, errno } from '../sys/errno.ts';
import {
  type Address,
  addressOf,
  at,
  inArena,
  needOpenssl,
  type Openssl,
  SslError,
} from '../sys/openssl.ts';
import { type Socket, Transport } from './socket.ts';

/** SSL_SENT_SHUTDOWN and SSL_RECEIVED_SHUTDOWN (ssl.h). */
const BOTH_SHUTDOWN = 3;
/** Largest plaintext of a record (RFC 8446 5.1). */
const RECORD_MAX = 16384;
/** The reasons of errors that are told apart (sslerr.h). */
const REASON_MASK = 0x7fffff;
const REASON_VERIFY_FAILED = 134;
const REASON_UNEXPECTED_EOF = 294;

let lib: Openssl;
let recordMax = RECORD_MAX;
/** Whose handshake OpenSSL's callbacks are about. */
let current: TlsState;

/** Opens the library for this thread. @param largest `tune.ssl.hard-maxrecord`, 0 = no limit */
export function initTls(largest: number): void {
  lib = needOpenssl();
  recordMax = largest > 0 && largest < RECORD_MAX ? largest : RECORD_MAX;
}

/** The connection that is shaking hands. */
export function currentTls(): TlsState {
  return current;
}

function createTls(sock: Socket): TlsState {
  const tls = new TlsState();
  sock.tls = tls;
  return tls;
}

/**
 * Makes a connected socket, or one that is being connected, a TLS connection.
 * @param context SSL_CTX
 * @returns its state, or null when OpenSSL has no memory for it.
 */
export function openTls(sock: Socket, context: Address, isServer: boolean): TlsState | null {
  const ssl = lib.SSL_new(at(context));
  if (ssl === null) {
    lib.ERR_clear_error();
    return null;
  }
  if (lib.SSL_set_fd(ssl, sock.fd) !== 1) {
    lib.SSL_free(ssl);
    lib.ERR_clear_error();
    return null;
  }
  if (isServer) lib.SSL_set_accept_state(ssl);
  else lib.SSL_set_connect_state(ssl);
  const tls = sock.tls ?? createTls(sock);
  tls.begin(addressOf(ssl), context);
  sock.transport = Transport.Tls;
  return tls;
}

/** One step of the handshake. @returns as `start`. */
export function handshake(sock: Socket): number {
  const tls = sock.tls!;
  current = tls;
  const ssl = at(tls.ssl);
  const result = lib.SSL_do_handshake(ssl);
  if (result === 1) {
    tls.opening = false;
    sock.activeMs = clock.nowMs;
    lib.ERR_clear_error();
    return 1;
  }
  const code = errno();
  switch (lib.SSL_get_error(ssl, result)) {
    case SslError.WantRead:
      sock.readable = false;
      return 0;
    case SslError.WantWrite:
      sock.writable = false;
      return 0;
    case SslError.Ssl: {
      const first = addressOf(lib.ERR_peek_error());
      const reason = first & REASON_MASK;
      if (reason === REASON_UNEXPECTED_EOF) return failHandshake(sock, tls, Failure.Closed);
      tls.error = first;
      if (reason === REASON_VERIFY_FAILED) return failHandshake(sock, tls, Failure.Untrusted);
      return failHandshake(sock, tls, Failure.Handshake);
    }
    case SslError.Syscall:
      sock.error = code;
      return failHandshake(sock, tls, Failure.Closed);
    default:
      return failHandshake(sock, tls, Failure.Closed);
  }
}

function failHandshake(sock: Socket, tls: TlsState, failure: Failure): number {
  lib.ERR_clear_error();
  tls.failure = failure;
  if (sock.error === 0) sock.error = failure === Failure.Closed ? Errno.ECONNRESET : Errno.EPROTO;
  return -1;
}

/** As `receive`, into `room` bytes. */
export function receiveTls(sock: Socket, room: number): number {
  const ssl = at(sock.tls!.ssl);
  let got = 0;
  while (got < room) {
    const n = lib.SSL_read(ssl, inArena(sock.inWr), room - got);
    if (n <= 0) {
      endOfRead(sock, n);
      break;
    }
    got += n;
    sock.inWr += n;
  }
  sock.filled = got === room;
  if (got > 0) sock.activeMs = clock.nowMs;
  return got;
}

/** What a read that brought nothing says. */
function endOfRead(sock: Socket, result: number): void {
  const tls = sock.tls!;
  const code = errno();
  sock.readable = false;
  tls.readNeedsWrite = false;
  switch (lib.SSL_get_error(at(tls.ssl), result)) {
    case SslError.WantRead:
      return;
    case SslError.WantWrite:
      sock.writable = false;
      tls.readNeedsWrite = true;
      return;
    case SslError.ZeroReturn:
      sock.eof = true;
      return;
    case SslError.Syscall:
      fail(sock, code === 0 ? Errno.ECONNRESET : code);
      return;
    default:
      fail(sock, Errno.EPROTO);
  }
}

/** The connection is broken: no more of it through OpenSSL. */
function fail(sock: Socket, code: number): void {
  const tls = sock.tls!;
  if (tls.error === 0) tls.error = addressOf(lib.ERR_peek_error());
  lib.ERR_clear_error();
  sock.error = code;
}

/** As `transmit`. OpenSSL takes a record at a time; one that is half sent is offered again. */
export function transmitTls(sock: Socket, off: number, len: number): number {
  const tls = sock.tls!;
  const ssl = at(tls.ssl);
  let sent = 0;
  while (sent < len) {
    const rest = len - sent;
    const n = lib.SSL_write(ssl, inArena(off + sent), rest < recordMax ? rest : recordMax);
    if (n <= 0) {
      endOfWrite(sock, n);
      break;
    }
    sent += n;
  }
  if (sent > 0) sock.activeMs = clock.nowMs;
  return sent;
}

function endOfWrite(sock: Socket, result: number): void {
  const code = errno();
  switch (lib.SSL_get_error(at(sock.tls!.ssl), result)) {
    case SslError.WantWrite:
    // Nothing can be renegotiated, so no write waits for a read.
    case SslError.WantRead:
      sock.writable = false;
      return;
    case SslError.Syscall:
      fail(sock, code === 0 ? Errno.EPIPE : code);
      return;
    default:
      fail(sock, Errno.EPROTO);
  }
}

/** As `isQuiet`: session tickets and the like are no data. @param waste where a byte may go */
export function isTlsQuiet(sock: Socket, waste: number): boolean {
  const n = lib.SSL_read(at(sock.tls!.ssl), inArena(waste), 1);
  if (n > 0) return false;
  endOfRead(sock, n);
  return !sock.eof && sock.error === 0;
}

/** Tells the peer that nothing follows (close_notify), if that can be said at once. */
export function endTls(sock: Socket): void {
  const tls = sock.tls!;
  if (tls.opening || sock.error !== 0) return;
  lib.SSL_shutdown(at(tls.ssl));
  lib.ERR_clear_error();
}

/**
 * Gives OpenSSL's part back.
 * @param orderly the peer is told; a session of a connection that was cut stays good all the same
 */
export function freeTls(sock: Socket, orderly: boolean): void {
  const tls = sock.tls!;
  const ssl = at(tls.ssl);
  if (orderly) endTls(sock);
  if (!tls.opening) {
    if (tls.resumption !== null) keepSession(tls, tls.resumption);
    lib.SSL_set_shutdown(ssl, BOTH_SHUTDOWN);
  }
  lib.SSL_free(ssl);
  lib.ERR_clear_error();
  tls.ssl = 0;
  sock.transport = Transport.Raw;
}

/** The last session that a server has given is the one to resume next time. */
function keepSession(tls: TlsState, resumption: Resumption): void {
  const session = lib.SSL_get1_session(at(tls.ssl));
  if (session === null) return;
  if (lib.SSL_SESSION_is_resumable(session) !== 1) {
    lib.SSL_SESSION_free(session);
    return;
  }
  if (resumption.session !== 0) lib.SSL_SESSION_free(at(resumption.session));
  resumption.session = addressOf(session);
}
