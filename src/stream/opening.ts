/**
 * A client's connection between its acceptance and its first byte: the PROXY header (5.1
 * accept-proxy) and the TLS handshake (configuration.txt 4.2 timeout client-hs), and the log line of a
 * connection that fails in them (8.2.5).
 *
 * @dataplane
 */
import { Option } from '../model/config.ts';
import { Bytes } from '../model/runtime.ts';
import { Failure, failureText } from '../model/tls.ts';
import { mem } from '../sys/arena.ts';
import { putErrorText } from '../sys/openssl.ts';
import { start } from '../transport/io.ts';
import { closeConn, resetConn } from './close.ts';
import { engine } from './engine.ts';
import { HeaderFault, headerFault, headerFaultTexts, readProxyHeader } from './proxy-header.ts';
import type { Conn } from './stream.ts';

const LEVEL_ERROR = 3;
const LEVEL_INFO = 6;
const OPEN = 0x28;
const CLOSE = 0x29;
const SPACE = 0x20;

const texts = createTexts();

function createTexts(): Bytes[] {
  const found: Bytes[] = [];
  for (const [code, text] of failureText) found[code] = new Bytes(text);
  return found;
}

/** Starts the time that the handshake may take. */
export function armOpening(conn: Conn): void {
  const { clientHs, client } = conn.plan!.config.timeout;
  const ms = clientHs >= 0 ? clientHs : client;
  if (ms >= 0) engine.timers.set(conn.id, conn.session.acceptMs + ms);
}

/** The PROXY header (5.1 accept-proxy). @returns whether it has come; the connection may be gone. */
function takeHeader(conn: Conn): boolean {
  const result = readProxyHeader(conn);
  if (result < 0) failHeader(conn, headerFault);
  if (result <= 0) return false;
  conn.awaitsHeader = false;
  return true;
}

/** Goes on with the handshakes. @returns whether they are complete; the connection may be gone. */
export function openClient(conn: Conn): boolean {
  if (conn.awaitsHeader && !takeHeader(conn)) return false;
  const result = start(conn);
  if (result === 0) return false;
  const sess = conn.session;
  sess.handshakeMs = engine.nowMs - sess.acceptMs;
  if (result < 0) {
    fail(conn);
    return false;
  }
  engine.timers.clear(conn.id);
  // What came behind the handshake may be with OpenSSL already: no event will tell of it.
  conn.readable = true;
  return true;
}

/** `timeout client-hs` has expired. */
export function onOpeningTimeout(conn: Conn): void {
  if (conn.awaitsHeader) return failHeader(conn, HeaderFault.TimedOut);
  conn.tls!.failure = Failure.TimedOut;
  conn.session.handshakeMs = -1;
  fail(conn);
}

function fail(conn: Conn): void {
  logFailure(conn, isProbe(conn.tls!.failure), null);
  closeConn(conn);
}

/** As HAProxy does: who sends no header, or a wrong one, is reset. */
function failHeader(conn: Conn, fault: HeaderFault): void {
  const wasProbe = fault === HeaderFault.Closed || fault === HeaderFault.TimedOut;
  logFailure(conn, wasProbe, headerFaultTexts[fault]!);
  if (fault === HeaderFault.Closed) closeConn(conn);
  else resetConn(conn);
}

/** 4.2 option dontlognull: silence and an early end are what probes leave. */
function isProbe(failure: Failure): boolean {
  return failure === Failure.Closed || failure === Failure.TimedOut;
}

/** @param why null = what TLS says */
function logFailure(conn: Conn, wasProbe: boolean, why: Bytes | null): void {
  const plan = conn.plan!;
  if (!plan.hasLogs || (wasProbe && plan.has(Option.DontLogNull))) return;
  engine.session = conn.session;
  engine.stream = null;
  engine.request = null;
  engine.response = null;
  const at = engine.logLine;
  const max = engine.logLineMax;
  plan.proxy.logCount = engine.nextLog(plan.proxy.frontend);
  let len: number;
  if (plan.errorLogFormat !== null) {
    len = plan.errorLogFormat.write(engine, at, max);
  } else {
    len = plan.failureFormat(conn.session.bindIndex).write(engine, at, max);
    len = putReason(conn, at, len, why);
  }
  let sdLen = 0;
  if (plan.logFormatSd !== null) sdLen = plan.logFormatSd.write(engine, at + max, max);
  const level = plan.has(Option.LogSeparateErrors) ? LEVEL_ERROR : LEVEL_INFO;
  engine.logger.send(plan.proxy.index, level, at, len, at + max, sdLen);
}

/** Adds why it failed to `len` bytes. @returns the new length. */
function putReason(conn: Conn, at: number, len: number, why: Bytes | null): number {
  let end = at + len;
  if (why !== null) {
    mem.copyWithin(end, why.off, why.off + why.len);
    return len + why.len;
  }
  const { failure, error } = conn.tls!;
  const text = texts[failure]!;
  mem.copyWithin(end, text.off, text.off + text.len);
  end += text.len;
  if (failure === Failure.Handshake && error !== 0) {
    mem[end] = SPACE;
    mem[end + 1] = OPEN;
    end += 2;
    end += putErrorText(error, end);
    mem[end++] = CLOSE;
  }
  return end - at;
}
