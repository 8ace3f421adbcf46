/**
 * A client's connection without a stream: it waits for the first bytes of a request, or for the rest of
 * one that was answered already (drain.ts).
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import { BodyMode } from '../http/message.ts';
import { mem } from '../sys/arena.ts';
import { dropBuffer } from './body.ts';
import { closeConn } from './close.ts';
import { engine } from './engine.ts';
import type { Conn } from './stream.ts';

/**
 * When a connection has waited long enough for the first byte of a request: of the first one, what
 * ends first of `timeout http-request` and `timeout client`; of a later one `timeout http-keep-alive`,
 * for which the two stand in, in this order.
 */
export function waitingUntil(conn: Conn): number {
  const sess = conn.session;
  const timeout = conn.plan!.config.timeout;
  if (sess.requests === 0) {
    const readyMs = sess.acceptMs + sess.handshakeMs;
    return readyMs + Math.min(msOrNever(timeout.httpRequest), msOrNever(timeout.client));
  }
  let ms = timeout.httpKeepAlive;
  if (ms < 0) ms = timeout.httpRequest;
  if (ms < 0) ms = timeout.client;
  return sess.acceptMs + msOrNever(ms);
}

export function msOrNever(ms: number): number {
  return ms >= 0 ? ms : Number.POSITIVE_INFINITY;
}

/** Arms the timer of a connection without a stream, to fire at `latest` or before. */
export function armWaiting(conn: Conn, latest: number): void {
  const until = Math.min(waitingUntil(conn), latest);
  if (until < Number.POSITIVE_INFINITY) engine.timers.set(conn.id, until);
  else engine.timers.clear(conn.id);
}

/** The connection between two requests: drop the buffer, arm the keep-alive timer. */
export function waitForRequest(conn: Conn): void {
  const pipelined = conn.inRd !== conn.inWr;
  conn.stream = null;
  conn.body = BodyMode.None;
  if (pipelined) {
    // Give the next request the room in front that rewriting needs.
    const start = conn.buf + engine.maxrewrite;
    const len = conn.inWr - conn.inRd;
    assert(engine.maxrewrite + len <= engine.bufsize, 'pipelined bytes fit behind their room');
    mem.copyWithin(start, conn.inRd, conn.inWr);
    conn.inRd = start;
    conn.inWr = start + len;
    conn.outRd = start;
    conn.outEnd = start;
  } else {
    dropBuffer(conn);
    if (conn.eof) return closeConn(conn);
    // What has come meanwhile is still answered, even by a process that stops.
    if (engine.stopping) conn.readable = true;
  }
  armWaiting(conn, Number.POSITIVE_INFINITY);
  // Later in this turn, not from here: a long pipeline must not become a deep stack.
  if (pipelined || conn.readable) engine.resume(conn);
}
