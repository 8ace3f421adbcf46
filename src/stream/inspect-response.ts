/**
 * `tcp-response content` in TCP mode (configuration.txt 4.2): rules on the bytes that a server has
 * sent. They are held back until the rules let them pass, for at most `tcp-response inspect-delay`;
 * meanwhile the client's bytes go on to the server.
 *
 * @dataplane
 */
import { Counter } from '../model/shared.ts';
import { Cause, Stage } from '../model/stream.ts';
import { Verdict } from '../rules/context.ts';
import { receive } from '../transport/io.ts';
import { dropBuffer, retryForBuffer, takeBuffer } from './body.ts';
import { vanishClient } from './close.ts';
import { countDeniedRequest, countDeniedResponse, countServer } from './count.ts';
import { engine } from './engine.ts';
import { isOver } from './inspection.ts';
import { Next } from './step.ts';
import type { Conn, Stream } from './stream.ts';

/** The connection to the server is there: its bytes are held back if rules want to see them. */
export function beginResponse(strm: Stream): void {
  const { backendPlan } = strm;
  if (backendPlan.responseContentRules.empty) return;
  strm.isResponseHeld = true;
  strm.inspectUntil = engine.nowMs + backendPlan.config.responseInspectMs;
}

/**
 * Evaluates the rules on what has come.
 * @param isLate the server has been silent for `timeout server`: no more will come
 * @returns Go when the bytes may pass, Wait when more are wanted.
 */
export function inspectResponse(strm: Stream, isLate: boolean): Next {
  const conn = strm.serverConn!;
  // Without a buffer it waits too, but not longer than for bytes.
  if (conn.readable && !fill(conn) && !isLate && !isOver(strm)) {
    retryForBuffer(strm);
    return Next.Wait;
  }
  const isFull = conn.buf !== 0 && conn.inWr >= conn.buf + engine.bufsize;
  engine.attend(strm);
  engine.request = null;
  engine.response = null;
  engine.isFinal = isLate || conn.error !== 0 || conn.eof || isFull || isOver(strm);
  engine.responseBytesOff = conn.inRd;
  engine.responseBytesLen = conn.inWr - conn.inRd;
  const verdict = strm.backendPlan.responseContentRules.run(engine, 0);
  const timer = engine.streamTimer(strm);
  if (verdict === Verdict.Wait) {
    if (conn.inRd === conn.inWr) dropBuffer(conn);
    engine.timers.set(timer, strm.inspectUntil);
    return Next.Wait;
  }
  engine.timers.clear(timer);
  strm.isResponseHeld = false;
  if (conn.error !== 0) countServer(strm, Counter.ResponseErrors);
  return verdict > Verdict.Allow ? refuse(strm, conn, verdict) : Next.Go;
}

/** Reads what the server has sent, up to a full buffer. @returns false when no buffer is free. */
function fill(conn: Conn): boolean {
  if (!takeBuffer(conn, engine.maxrewrite)) return false;
  const end = conn.buf + engine.bufsize;
  while (conn.readable && conn.inWr < end) receive(conn, engine.bufsize);
  return true;
}

/** What the server has sent goes nowhere, and both connections end in order. */
function refuse(strm: Stream, conn: Conn, verdict: Verdict): Next {
  conn.carried += conn.inWr - conn.inRd;
  conn.inRd = conn.inWr;
  if (verdict === Verdict.Close) return Next.Done;
  strm.blame(Cause.Proxy);
  if (engine.dropSilently) {
    // As haproxy has it: the request is refused, whatever has been sent of it.
    strm.stage = Stage.Request;
    countDeniedRequest(strm);
    vanishClient(strm.client!, engine.dropTtl);
  } else {
    countDeniedResponse(strm);
  }
  return Next.Done;
}
