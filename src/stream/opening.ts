/**
 * A client's connection between its acceptance and its first byte: the TLS handshake
 * (configuration.txt 4.2 timeout client-hs), and the log line of a connection that fails in it (8.2.5).
 *
 * @dataplane
 */
import { Option } from '../model/config.ts';
import { Bytes } from '../model/runtime.ts';
import { Failure, failureText } from '../model/tls.ts';
import { mem } from '../sys/arena.ts';
import { putErrorText } from '../sys/openssl.ts';
import { start } from '../transport/io.ts';
import { closeConn } from './close.ts';
import { engine } from './engine.ts';
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

/** Goes on with the handshake. @returns whether it is complete; the connection may be gone. */
export function openClient(conn: Conn): boolean {
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
  conn.tls!.failure = Failure.TimedOut;
  conn.session.handshakeMs = -1;
  fail(conn);
}

function fail(conn: Conn): void {
  logFailure(conn);
  closeConn(conn);
}

/** 4.2 option dontlognull: silence and an early end are what probes leave. */
function isProbe(failure: Failure): boolean {
  return failure === Failure.Closed || failure === Failure.TimedOut;
}

function logFailure(conn: Conn): void {
  const plan = conn.plan!;
  const { failure } = conn.tls!;
  if (!plan.hasLogs) return;
  if (plan.has(Option.DontLogNull) && isProbe(failure)) return;
  engine.session = conn.session;
  engine.stream = null;
  engine.request = null;
  engine.response = null;
  const at = engine.logLine;
  const max = engine.logLineMax;
  plan.proxy.logCount = engine.nextLog(plan.proxy.frontend);
  let len: number;
  if (plan.errorLogFormat !== null) len = plan.errorLogFormat.write(engine, at, max);
  else len = putReason(conn, at, plan.failureFormat(conn.session.bindIndex).write(engine, at, max));
  let sdLen = 0;
  if (plan.logFormatSd !== null) sdLen = plan.logFormatSd.write(engine, at + max, max);
  const level = plan.has(Option.LogSeparateErrors) ? LEVEL_ERROR : LEVEL_INFO;
  engine.logger.send(plan.proxy.index, level, at, len, at + max, sdLen);
}

/** Adds why it failed to `len` bytes. @returns the new length. */
function putReason(conn: Conn, at: number, len: number): number {
  const { failure, error } = conn.tls!;
  let end = at + len;
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
