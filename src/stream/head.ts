/**
 * The first step: wait for a request head, parse it, note what it says about the transaction.
 *
 * @dataplane
 */
import { HeadError, parseRequest } from '../http/h1/parse.ts';
import { HeadState, scanHead } from '../http/h1/prefix.ts';
import { BodyMode, ConnectionFlag, type HttpMessage } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { Option } from '../model/config.ts';
import { Cause, StreamFlag } from '../model/stream.ts';
import { mem } from '../sys/arena.ts';
import { receive } from '../transport/io.ts';
import { dropBuffer, headSize, NO_BUFFER_PAUSE_MS, takeBuffer, takeFirst } from './body.ts';
import { waitForBody } from './buffering.ts';
import { captureCookie, captureFields, captureRequestLine, makeUniqueId } from './capture.ts';
import { armWaiting, msOrNever, waitingUntil } from './client.ts';
import { closeClient, closeConn } from './close.ts';
import { cleanConnection, connectionField } from './connection-field.ts';
import { countBadRequest, countRequest } from './count.ts';
import { showRequest } from './debug.ts';
import { engine } from './engine.ts';
import { noteBody } from './freeze.ts';
import { beginInspection } from './inspection.ts';
import { logGreeting } from './log.ts';
import { expectCookie } from './persist.ts';
import { replyBadRequest, replyError } from './reply.ts';
import { waitsUntil } from './soft-stop.ts';
import { Next, Step } from './step.ts';
import { type Conn, End, type Stream } from './stream.ts';

const VERSION_LEN = 8;

/**
 * Half a head is there: `timeout http-request` bounds it from its first byte, and `timeout client`
 * each pause in it.
 */
function armHead(conn: Conn, strm: Stream): void {
  const timeout = strm.plan.config.timeout;
  const first = strm.startMs + strm.handshakeMs + strm.idleMs;
  const whole = first + msOrNever(timeout.httpRequest);
  const until = Math.min(whole, conn.activeMs + msOrNever(timeout.client));
  if (until < Number.POSITIVE_INFINITY) engine.timers.set(conn.id, until);
  else engine.timers.clear(conn.id);
}

/**
 * Bytes may have come on a connection that waits for a request head.
 * @returns what its stream does next; Wait when it has none.
 */
export function readHead(conn: Conn): Next {
  if (!takeBuffer(conn, engine.maxrewrite)) {
    if (conn.starvedMs < 0) conn.starvedMs = engine.nowMs;
    if (waitingUntil(conn) <= engine.nowMs) return onHeadTimeout(conn);
    armWaiting(conn, engine.nowMs + NO_BUFFER_PAUSE_MS);
    return Next.Wait;
  }
  do {
    const had = conn.inWr;
    const fresh = conn.stream === null;
    if (conn.readable) receive(conn, engine.bufsize);
    if (conn.inWr === conn.inRd) {
      if (conn.eof || conn.error !== 0) return endOfClient(conn);
      if (!conn.readable && !waitOn(conn)) return Next.Wait;
      continue;
    }
    const strm = conn.stream ?? openStream(conn);
    if (strm === null) {
      closeConn(conn);
      return Next.Wait;
    }
    const from = fresh ? conn.inRd : had;
    // Most heads come whole. After that, a head ends with LF: without a new one there is nothing to
    // parse. This bounds the work that a client can cause by sending byte after byte.
    const next = fresh || hasLineFeed(had, conn.inWr) ? tryHead(conn, strm) : Next.Wait;
    if (next !== Next.Wait) return next;
    const fault = faultOfPart(conn, strm, from);
    if (fault !== 0) return replyBadRequest(strm, fault);
    if (!conn.readable) armHead(conn, strm);
  } while (conn.readable);
  return Next.Wait;
}

/** No byte of a request is there. @returns false when the connection has been closed. */
function waitOn(conn: Conn): boolean {
  dropBuffer(conn);
  const until = waitsUntil(conn);
  if (until === 0) {
    closeClient(conn);
    return false;
  }
  // The timer may have been that of a pause for want of a buffer.
  armWaiting(conn, until);
  return true;
}

/** @returns Wait when the head is not complete. */
function tryHead(conn: Conn, strm: Stream): Next {
  const relaxed = strm.plan.has(Option.AcceptUnsafeRequest);
  const len = conn.inWr - conn.inRd;
  const used = parseRequest(engine.requestMsg, conn.inRd, len, engine.httpMaxhdr, relaxed);
  if (used > 0) {
    conn.inRd += used;
    return onHead(conn, strm);
  }
  switch (used) {
    case HeadError.Incomplete:
      return Next.Wait;
    case HeadError.TooManyFields:
      return replyBadRequest(strm, 431);
    case HeadError.Payload:
      return replyBadRequest(strm, 413);
    case HeadError.Coding:
      return replyBadRequest(strm, 422);
    default:
      return replyBadRequest(strm, 400);
  }
}

function hasLineFeed(from: number, until: number): boolean {
  for (let p = until - 1; p >= from; p--) if (mem[p] === 10) return true;
  return false;
}

function openStream(conn: Conn): Stream | null {
  const sess = conn.session;
  const strm = engine.takeStream(sess, conn.plan!);
  if (strm === null) return null;
  sess.requests++;
  expectCookie(strm, strm.plan);
  strm.client = conn;
  conn.stream = strm;
  strm.startMs = sess.acceptMs;
  strm.startDateMs = sess.acceptDateMs;
  strm.requestDateMs = engine.nowDateMs;
  // Bytes that had to wait for a buffer came before they could be read.
  const since = conn.starvedMs < 0 ? engine.nowMs : conn.starvedMs;
  conn.starvedMs = -1;
  strm.handshakeMs = sess.handshakeMs;
  strm.idleMs = since - sess.acceptMs - sess.handshakeMs;
  return strm;
}

/**
 * Whether a head whose new bytes begin at `from` can still become complete.
 * @returns the status that refuses it, 0 = it can.
 */
function faultOfPart(conn: Conn, strm: Stream, from: number): number {
  const relaxed = strm.plan.has(Option.AcceptUnsafeRequest);
  const before = from === conn.inRd ? HeadState.Start : conn.headState;
  conn.headState = scanHead(before, from, conn.inWr, relaxed);
  if (conn.headState === HeadState.Invalid) return 400;
  // The client left in the middle of its request.
  if (conn.eof || conn.error !== 0) return 400;
  if (conn.inWr < conn.buf + engine.bufsize) return 0;
  return firstLineEnds(conn.inRd, conn.inWr) ? 431 : 414;
}

function firstLineEnds(from: number, until: number): boolean {
  for (let p = from; p < until; p++) if (mem[p] === 10) return true;
  return false;
}

/** Whether a connection that asked nothing goes without a word. */
function isSilent(conn: Conn): boolean {
  return conn.session.requests > 0 || conn.plan!.has(Option.HttpIgnoreProbes);
}

/** The connection ended while it carried no request. */
function endOfClient(conn: Conn): Next {
  const strm = isSilent(conn) ? null : openStream(conn);
  if (strm === null) {
    closeConn(conn);
    return Next.Wait;
  }
  // A connection without a byte is an empty request; `dontlognull` keeps it out of the log.
  strm.idleMs = -1;
  return replyBadRequest(strm, 400);
}

/** The request's timer or the idle timer of a connection without a stream has fired. */
export function onHeadTimeout(conn: Conn): Next {
  const isFresh = conn.stream === null;
  const strm = isFresh && isSilent(conn) ? null : (conn.stream ?? openStream(conn));
  if (strm === null) {
    closeConn(conn);
    return Next.Wait;
  }
  strm.blame(Cause.ClientTimeout);
  strm.clientEnds |= End.Failure;
  strm.unruled = true;
  if (isFresh) strm.idleMs = -1;
  countBadRequest(strm);
  return replyError(strm, 408);
}

/** A complete, valid head is in `engine.requestMsg`. */
function onHead(conn: Conn, strm: Stream): Next {
  const { plan } = strm;
  const msg = engine.requestMsg;
  conn.body = msg.body;
  conn.bodyLeft = msg.body === BodyMode.Length ? msg.contentLength : 0;
  conn.dechunk = false;
  // What came of the body is unframed now, so that rules know whether the request is complete.
  const bodyOff = takeFirst(conn);
  if (bodyOff === 0) return replyBadRequest(strm, 400);
  strm.bodyOff = bodyOff;
  strm.requestComplete = conn.body === BodyMode.None;
  strm.method = msg.method;
  strm.version = msg.version;
  const isProxied = plan.has(Option.HttpUseProxyHeader) && isProxyTarget(mem[msg.uriOff]!);
  strm.proxied = isProxied;
  const wishes = isProxied ? msg.proxyConnection : msg.connection;
  const close = (wishes & ConnectionFlag.Close) !== 0 || msg.insecureFraming;
  const wantsKeep = (wishes & ConnectionFlag.KeepAlive) !== 0;
  strm.clientEnds = close || (msg.version < 11 && !wantsKeep) ? End.Peer : 0;
  strm.upgrade = msg.method === Method.Connect || (msg.connection & ConnectionFlag.Upgrade) !== 0;
  cleanConnection(msg, connectionField(strm));
  engine.timers.clear(conn.id);
  return plan.inspects ? beginInspection(strm, plan) : takeHead(conn, strm);
}

/** Nothing has refused the head, which is in `engine.requestMsg`: it becomes a request. */
export function takeHead(conn: Conn, strm: Stream): Next {
  const { plan } = strm;
  const msg = engine.requestMsg;
  strm.requestMs = engine.nowMs - strm.startMs;
  strm.headOff = msg.headOff;
  strm.headLen = msg.headLen;
  strm.flags |= StreamFlag.HasRequest;
  if (engine.debug !== null) showRequest(strm, conn, msg);
  strm.headBytes = requestHeadSize(msg);
  conn.carried += strm.headBytes;
  noteBody(msg, conn, strm.bodyOff);
  countRequest(strm);
  engine.attend(strm);
  engine.request = msg;
  engine.response = engine.responseMsg;
  if (plan.greets) logGreeting(strm, plan);
  captureRequestLine(strm, plan, msg);
  if (plan.uniqueId !== null) makeUniqueId(strm, plan);
  captureFields(strm, plan.captureRequest, msg);
  captureCookie(strm, plan, msg);
  strm.step = Step.Rules;
  if (!plan.has(Option.HttpBufferRequest) || strm.requestComplete) return Next.Go;
  return waitForBody(strm, Step.Rules, -1, 0);
}

/** The bytes that logs and statistics count for the head of a request. */
export function requestHeadSize(msg: HttpMessage): number {
  return headSize(msg.methodLen + msg.uriLen + VERSION_LEN, msg);
}

/** The target of a request to a proxy begins with neither `/` nor `*` (4.2). */
function isProxyTarget(first: number): boolean {
  return first !== 47 && first !== 42;
}
