/**
 * `tcp-request content` (configuration.txt 4.2): rules on the bytes that a client has sent, of the
 * frontend before a backend is chosen, of the backend when it is entered. As long as a rule wants more
 * of them the stream waits and they stay in the client's buffer. They are final, and what is still
 * unknown is false, when `tcp-request inspect-delay` is over, when the client has closed its side or
 * fallen silent for `timeout client`, or when the buffer is full.
 *
 * The rules are evaluated from the first one each time, as in HAProxy. In HTTP mode the request's head
 * is there already, and its body does not count.
 *
 * @dataplane
 */
import { HeadError, parseRequest } from '../http/h1/parse.ts';
import { Counter } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { Verdict } from '../rules/context.ts';
import { mem } from '../sys/arena.ts';
import { receive } from '../transport/io.ts';
import { dropBuffer, retryForBuffer, takeBuffer } from './body.ts';
import { vanishClient } from './close.ts';
import { countClient } from './count.ts';
import { engine } from './engine.ts';
import { freezeRequest, thawRequest } from './freeze.ts';
import { requestHeadSize, takeHead } from './head.ts';
import { isOver } from './inspection.ts';
import type { Plan } from './plan.ts';
import { replyFailure } from './reply.ts';
import { enterBackendRules, enterBalance, route } from './route.ts';
import { Next, Step } from './step.ts';
import type { Conn, Stream } from './stream.ts';

/** The plan whose rules look at the bytes now. */
function inspecting(strm: Stream): Plan {
  return strm.inBackend ? strm.backendPlan : strm.plan;
}

/** Evaluates the rules on what is there. */
export function inspectRequest(strm: Stream): Next {
  return strm.plan.isHttp ? inspectHead(strm) : inspectBytes(strm, Cause.None);
}

/** `timeout client` has expired: what is there is all that will come. It is for TCP mode only. */
export function onInspectTimeout(strm: Stream): Next {
  return inspectBytes(strm, Cause.ClientTimeout);
}

/** @param late why nothing more will come: None as long as it may */
function inspectBytes(strm: Stream, late: Cause): Next {
  const plan = inspecting(strm);
  const conn = strm.client!;
  // Without a buffer it waits too, but not longer than for bytes.
  if (conn.readable && !fill(conn) && late === Cause.None && !isOver(strm)) {
    armClient(strm, conn);
    retryForBuffer(strm);
    return Next.Wait;
  }
  const cause = conn.error !== 0 ? Cause.Client : late;
  const isFull = conn.buf !== 0 && conn.inWr >= conn.buf + engine.bufsize;
  engine.attend(strm);
  engine.request = null;
  engine.response = null;
  engine.isFinal = cause !== Cause.None || conn.eof || isFull || isOver(strm);
  engine.requestBytesOff = conn.inRd;
  engine.requestBytesLen = conn.inWr - conn.inRd;
  if (plan.readsHead) peekHead(conn);
  const verdict = plan.contentRules.run(engine, 0);
  if (verdict === Verdict.Wait) {
    // Who waits for the first byte needs no buffer.
    if (conn.inRd === conn.inWr) dropBuffer(conn);
    armClient(strm, conn);
    return hold(strm);
  }
  endWait(strm);
  if (verdict > Verdict.Allow) return refuse(strm, verdict);
  engine.isFinal = true;
  if (cause !== Cause.None) return loseClient(strm, cause);
  if (strm.inBackend) return enterBalance(strm, plan);
  strm.step = Step.Route;
  return Next.Go;
}

/** Reads what the client has sent, up to a full buffer. @returns false when no buffer is free. */
function fill(conn: Conn): boolean {
  if (!takeBuffer(conn, engine.maxrewrite)) return false;
  const end = conn.buf + engine.bufsize;
  while (conn.readable && conn.inWr < end) receive(conn, engine.bufsize);
  return true;
}

/**
 * The bytes as an HTTP head, if they are one: for rules of TCP mode that ask for its parts. The
 * parser writes into what it reads, so that it gets a copy.
 */
function peekHead(conn: Conn): void {
  const len = conn.inWr - conn.inRd;
  mem.copyWithin(engine.headCopy, conn.inRd, conn.inWr);
  const used = parseRequest(engine.requestMsg, engine.headCopy, len, engine.httpMaxhdr, false);
  engine.isHeadAwaited = used === HeadError.Incomplete;
  if (used > 0) engine.request = engine.requestMsg;
}

function armClient(strm: Stream, conn: Conn): void {
  const ms = strm.frontend!.config.timeout.client;
  if (ms >= 0) engine.timers.set(conn.id, conn.activeMs + ms);
  else engine.timers.clear(conn.id);
}

/** More bytes, the end or a timer brings it on. */
function hold(strm: Stream): Next {
  engine.timers.set(engine.streamTimer(strm), strm.inspectUntil);
  return Next.Wait;
}

function endWait(strm: Stream): void {
  engine.timers.clear(strm.client!.id);
  engine.timers.clear(engine.streamTimer(strm));
}

/** A rule closes the connection. */
function refuse(strm: Stream, verdict: Verdict): Next {
  if (verdict !== Verdict.Drop) return replyFailure(strm);
  const conn = strm.client!;
  strm.blame(Cause.Proxy);
  if (strm.plan.isHttp) strm.requestMs = -1;
  countClient(strm, Counter.DeniedRequests);
  dropBytes(strm, conn);
  if (engine.dropSilently) vanishClient(conn, engine.dropTtl);
  return Next.Abort;
}

/** What has come goes nowhere, but it has come. */
function dropBytes(strm: Stream, conn: Conn): void {
  if (!strm.plan.isHttp) conn.carried += conn.inWr - conn.inRd;
  else conn.carried = requestBytes(strm, conn);
  conn.inRd = conn.inWr;
}

/** The client is gone or silent. A backend is chosen all the same, whose abort it is then. */
export function loseClient(strm: Stream, cause: Cause): Next {
  const { step } = strm;
  if (!strm.inBackend) route(strm);
  strm.step = step;
  if (strm.plan.isHttp) strm.requestMs = engine.nowMs - strm.startMs;
  strm.blame(cause);
  countClient(strm, Counter.RequestErrors);
  if (strm.inBackend) engine.count(strm.backend!.backend, Counter.ClientAborts, 1);
  if (!strm.plan.isHttp) dropBytes(strm, strm.client!);
  return Next.Abort;
}

/** What has come of an HTTP request, as logs count it. The frontend's head is not counted yet. */
function requestBytes(strm: Stream, conn: Conn): number {
  return strm.inBackend ? conn.carried : conn.carried + requestHeadSize(engine.requestMsg);
}

/** HTTP mode: the head is there; only the delay can be waited for. */
function inspectHead(strm: Stream): Next {
  const plan = inspecting(strm);
  const conn = strm.client!;
  if (strm.isFrozen && !thawRequest(strm)) return replyFailure(strm);
  engine.attend(strm);
  engine.request = engine.requestMsg;
  engine.response = engine.responseMsg;
  // There are no bytes of it as they came, but a number of them.
  engine.requestBytesLen = requestBytes(strm, conn);
  // Whether it was the end of its requests or of the client is known when it has been read.
  if (conn.hup && conn.readable) receive(conn, engine.bufsize);
  engine.isFinal = isOver(strm) || conn.hup;
  const verdict = plan.contentRules.run(engine, 0);
  if (verdict === Verdict.Wait) return holdHead(strm);
  endWait(strm);
  if (verdict > Verdict.Allow) return refuse(strm, verdict);
  engine.isFinal = true;
  if (conn.error !== 0) return loseHead(strm, conn);
  if (!strm.inBackend) return takeHead(conn, strm);
  strm.requestMs = engine.nowMs - strm.startMs;
  return enterBackendRules(strm, plan);
}

function holdHead(strm: Stream): Next {
  if (!strm.isFrozen && !freezeRequest(strm)) return replyFailure(strm);
  return hold(strm);
}

/** The client has reset its connection while its request was waiting. */
function loseHead(strm: Stream, conn: Conn): Next {
  if (!strm.inBackend) takeHead(conn, strm);
  return loseClient(strm, Cause.Client);
}
