/**
 * The client side of a request: wait for its head, parse it, run the rules, choose the backend,
 * and leave the rewritten head in the client's buffer, ready to be sent to a server.
 *
 * @dataplane
 */

import { assert } from '../base/assert.ts';
import { HeadError, parseRequest } from '../http/h1/parse.ts';
import { HeadState, scanHead } from '../http/h1/prefix.ts';
import { serializeHead } from '../http/h1/serialize.ts';
import { BodyMode, ConnectionFlag, type HttpMessage } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { HttpMode, Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause, Stage, type Stream, StreamFlag } from '../model/stream.ts';
import { Verdict } from '../rules/context.ts';
import { mem } from '../sys/arena.ts';
import { assignServer } from './assign.ts';
import {
  dropBuffer,
  headSize,
  NO_BUFFER_PAUSE_MS,
  receive,
  takeBuffer,
  takeFirst,
} from './body.ts';
import { waitForBody, waitInBackend } from './buffering.ts';
import { captureCookie, captureFields, captureRequestLine, makeUniqueId } from './capture.ts';
import { closeClient, closeConn } from './close.ts';
import { type Conn, Side } from './conn.ts';
import {
  addConnectionClose,
  addConnectionKeepAlive,
  cleanConnection,
  connectionField,
  takeClose,
} from './connection-field.ts';
import { countBadRequest, countClient, countRequest } from './count.ts';
import { showRequest } from './debug.ts';
import { drainRequest } from './drain.ts';
import { engine } from './engine.ts';
import { logGreeting } from './finish.ts';
import type { Plan } from './plan.ts';
import { replyError, replyFailure, replyVerdict, runRuleset } from './reply.ts';
import { chooseBackend, enterBackend } from './route.ts';
import { endsAfterResponse, waitsUntil } from './soft-stop.ts';
import { startTcp } from './tunnel.ts';

const VERSION_LEN = 8;

/** A client connection has been accepted. */
export function startClient(conn: Conn): void {
  const plan = engine.plans[conn.session.frontend!.index]!;
  if (!plan.isHttp) return startTcp(conn, plan);
  armWaiting(conn, Number.POSITIVE_INFINITY);
}

/**
 * When a connection has waited long enough for the first byte of a request: of the first one, what
 * ends first of `timeout http-request` and `timeout client`; of a later one `timeout http-keep-alive`,
 * for which the two stand in, in this order.
 */
function waitingUntil(conn: Conn): number {
  const sess = conn.session;
  const timeout = engine.plans[sess.frontend!.index]!.config.timeout;
  if (sess.requests === 0) {
    return sess.acceptMs + Math.min(msOrNever(timeout.httpRequest), msOrNever(timeout.client));
  }
  let ms = timeout.httpKeepAlive;
  if (ms < 0) ms = timeout.httpRequest;
  if (ms < 0) ms = timeout.client;
  return sess.acceptMs + msOrNever(ms);
}

function msOrNever(ms: number): number {
  return ms >= 0 ? ms : Number.POSITIVE_INFINITY;
}

/**
 * Half a head is there: `timeout http-request` bounds it from its first byte, and `timeout client`
 * each pause in it.
 */
function armHead(conn: Conn, strm: Stream): void {
  const timeout = engine.plans[strm.frontend!.index]!.config.timeout;
  const whole = strm.startMs + strm.idleMs + msOrNever(timeout.httpRequest);
  const until = Math.min(whole, conn.activeMs + msOrNever(timeout.client));
  if (until < Number.POSITIVE_INFINITY) engine.timers.set(conn.id, until);
  else engine.timers.clear(conn.id);
}

/** Arms the timer of a connection without a stream, to fire at `latest` or before. */
function armWaiting(conn: Conn, latest: number): void {
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
  if (pipelined || conn.readable) engine.clientQueue.push(conn);
}

/** A connection of the client queue: bytes of its next request are there or may be. */
export function onQueuedClient(conn: Conn): void {
  if (conn.side !== Side.Client || conn.stream !== null) return;
  if (conn.body === BodyMode.None) readRequest(conn);
  else drainRequest(conn);
}

/** Bytes may have come on a connection that waits for a request head. */
export function readRequest(conn: Conn): void {
  if (!takeBuffer(conn, engine.maxrewrite)) {
    if (conn.starvedMs < 0) conn.starvedMs = engine.nowMs;
    if (waitingUntil(conn) <= engine.nowMs) return onRequestTimeout(conn);
    return armWaiting(conn, engine.nowMs + NO_BUFFER_PAUSE_MS);
  }
  do {
    const had = conn.inWr;
    const fresh = conn.stream === null;
    if (conn.readable) receive(conn, engine.bufsize);
    if (conn.inWr === conn.inRd) {
      if (conn.eof || conn.error !== 0) return endOfClient(conn);
      if (!conn.readable) {
        dropBuffer(conn);
        const until = waitsUntil(conn);
        if (until === 0) return closeClient(conn);
        // The timer may have been that of a pause for want of a buffer.
        armWaiting(conn, until);
      }
      continue;
    }
    const strm = conn.stream ?? openStream(conn);
    if (strm === null) return closeConn(conn);
    // Most heads come whole. After that, a head ends with LF: without a new one there is nothing to
    // parse. This bounds the work that a client can cause by sending byte after byte.
    if (fresh || hasLineFeed(had, conn.inWr)) {
      if (!tryHead(conn, strm)) return;
    }
    if (!moreOfHead(conn, strm, fresh ? conn.inRd : had)) return;
    if (!conn.readable) armHead(conn, strm);
  } while (conn.readable);
}

/** @returns false when the head is complete or refused: the stream has gone on. */
function tryHead(conn: Conn, strm: Stream): boolean {
  const plan = engine.plans[strm.frontend!.index]!;
  const relaxed = plan.has(Option.AcceptUnsafeRequest);
  const len = conn.inWr - conn.inRd;
  const used = parseRequest(engine.requestMsg, conn.inRd, len, engine.httpMaxhdr, relaxed);
  if (used > 0) {
    conn.inRd += used;
    onHead(conn, strm, plan);
    return false;
  }
  switch (used) {
    case HeadError.Incomplete:
      return true;
    case HeadError.TooManyFields:
      badRequest(strm, 431);
      return false;
    case HeadError.Payload:
      badRequest(strm, 413);
      return false;
    case HeadError.Coding:
      badRequest(strm, 422);
      return false;
    default:
      badRequest(strm, 400);
      return false;
  }
}

function hasLineFeed(from: number, until: number): boolean {
  for (let p = until - 1; p >= from; p--) if (mem[p] === 10) return true;
  return false;
}

function openStream(conn: Conn): Stream | null {
  const sess = conn.session;
  const strm = engine.takeStream(sess);
  if (strm === null) return null;
  sess.requests++;
  strm.client = conn;
  conn.stream = strm;
  strm.startMs = sess.acceptMs;
  strm.startDateMs = sess.acceptDateMs;
  strm.requestDateMs = engine.nowDateMs;
  // Bytes that had to wait for a buffer came before they could be read.
  const since = conn.starvedMs < 0 ? engine.nowMs : conn.starvedMs;
  conn.starvedMs = -1;
  strm.idleMs = since - sess.acceptMs;
  return strm;
}

/** The head is not complete yet; its new bytes begin at `from`. @returns false when it never will be. */
function moreOfHead(conn: Conn, strm: Stream, from: number): boolean {
  const relaxed = engine.plans[strm.frontend!.index]!.has(Option.AcceptUnsafeRequest);
  const before = from === conn.inRd ? HeadState.Start : conn.headState;
  conn.headState = scanHead(before, from, conn.inWr, relaxed);
  if (conn.headState === HeadState.Invalid) {
    badRequest(strm, 400);
    return false;
  }
  if (conn.eof || conn.error !== 0) {
    // The client left in the middle of its request.
    badRequest(strm, 400);
    return false;
  }
  if (conn.inWr >= conn.buf + engine.bufsize) {
    badRequest(strm, firstLineEnds(conn.inRd, conn.inWr) ? 431 : 414);
    return false;
  }
  return true;
}

function firstLineEnds(from: number, until: number): boolean {
  for (let p = from; p < until; p++) if (mem[p] === 10) return true;
  return false;
}

/** A malformed request: answered, counted and closed. */
export function badRequest(strm: Stream, status: number): void {
  const client = strm.client!;
  strm.cause = client.eof || client.error !== 0 ? Cause.Client : Cause.Proxy;
  strm.stage = Stage.Request;
  strm.keepAlive = false;
  strm.unruled = true;
  client.unread = true;
  if ((strm.flags & StreamFlag.HasRequest) === 0) countBadRequest(strm);
  else countClient(strm, Counter.RequestErrors);
  replyError(strm, status);
}

/** The connection ended while it carried no request. */
function endOfClient(conn: Conn): void {
  const sess = conn.session;
  const plan = engine.plans[sess.frontend!.index]!;
  if (sess.requests > 0 || plan.has(Option.HttpIgnoreProbes)) return closeConn(conn);
  const strm = openStream(conn);
  if (strm === null) return closeConn(conn);
  // A connection without a byte is an empty request; `dontlognull` keeps it out of the log.
  strm.idleMs = -1;
  badRequest(strm, 400);
}

/** The request's timer or the idle timer of a connection without a stream has fired. */
export function onRequestTimeout(conn: Conn): void {
  const sess = conn.session;
  const plan = engine.plans[sess.frontend!.index]!;
  const silent = sess.requests > 0 || plan.has(Option.HttpIgnoreProbes);
  const strm = conn.stream;
  if (strm === null && silent) return closeConn(conn);
  const late = strm ?? openStream(conn);
  if (late === null) return closeConn(conn);
  late.cause = Cause.ClientTimeout;
  late.stage = Stage.Request;
  late.keepAlive = false;
  late.unruled = true;
  if (strm === null) late.idleMs = -1;
  countBadRequest(late);
  replyError(late, 408);
}

/** A complete, valid head is in `engine.requestMsg`. */
function onHead(conn: Conn, strm: Stream, plan: Plan): void {
  const msg = engine.requestMsg;
  conn.body = msg.body;
  conn.bodyLeft = msg.body === BodyMode.Length ? msg.contentLength : 0;
  conn.dechunk = false;
  // What came of the body is unframed now, so that rules know whether the request is complete.
  const bodyOff = takeFirst(conn);
  if (bodyOff === 0) return badRequest(strm, 400);
  strm.bodyOff = bodyOff;
  strm.requestComplete = conn.body === BodyMode.None;
  engine.timers.clear(conn.id);
  strm.method = msg.method;
  strm.version = msg.version;
  strm.requestMs = engine.nowMs - strm.startMs;
  strm.headOff = msg.headOff;
  strm.headLen = msg.headLen;
  strm.flags |= StreamFlag.HasRequest;
  const isProxied = plan.has(Option.HttpUseProxyHeader) && isProxyTarget(mem[msg.uriOff]!);
  strm.proxied = isProxied;
  const wishes = isProxied ? msg.proxyConnection : msg.connection;
  const close = (wishes & ConnectionFlag.Close) !== 0 || msg.insecureFraming;
  const wantsKeep = (wishes & ConnectionFlag.KeepAlive) !== 0;
  strm.keepAlive = msg.version >= 11 ? !close : wantsKeep && !close;
  strm.upgrade = msg.method === Method.Connect || (msg.connection & ConnectionFlag.Upgrade) !== 0;
  cleanConnection(msg, connectionField(strm));
  if (engine.debug !== null) showRequest(strm, conn, msg);
  conn.carried += headSize(msg.methodLen + msg.uriLen + VERSION_LEN, msg);
  countRequest(strm);
  engine.attend(strm);
  engine.request = msg;
  engine.response = engine.responseMsg;
  if (plan.greets) logGreeting(strm, plan);
  captureRequestLine(strm, plan, msg);
  if (plan.uniqueId !== null) makeUniqueId(strm, plan);
  captureFields(strm, plan.captureRequest, msg);
  captureCookie(strm, plan, msg);
  if (plan.has(Option.HttpBufferRequest) && !strm.requestComplete) return waitForBody(strm);
  runFrontendRules(strm, plan);
}

/** From the complete head to a server. */
export function runFrontendRules(strm: Stream, plan: Plan): void {
  if (!plan.requestRules.empty) {
    const verdict = runRuleset(strm, plan.requestRules, plan.proxy.frontend);
    if (verdict > Verdict.Allow) return replyVerdict(strm, verdict, plan, plan.requestRules);
  }
  const backend = chooseBackend(strm, plan);
  if (backend === null) {
    strm.cause = Cause.Server;
    strm.stage = Stage.Connect;
    return replyError(strm, 503);
  }
  enterBackend(strm, backend);
  engine.count(backend.proxy.backend, Counter.Requests, 1);
  const waits = backend.has(Option.HttpBufferRequest) && !plan.has(Option.HttpBufferRequest);
  if (waits && !strm.requestComplete) return waitInBackend(strm);
  runBackendRules(strm, plan, backend);
}

/** From the choice of the backend to a server. */
export function runBackendRules(strm: Stream, plan: Plan, backend: Plan): void {
  if (backend !== plan && !backend.requestRules.empty) {
    const verdict = runRuleset(strm, backend.requestRules, backend.proxy.backend);
    if (verdict > Verdict.Allow) return replyVerdict(strm, verdict, backend, backend.requestRules);
  }
  if (!plan.forwardingTo(backend).apply(engine)) return replyFailure(strm);
  placeRequest(strm, plan, backend);
}

/** Writes the rewritten head so that it ends where the body starts, then looks for a server. */
function placeRequest(strm: Stream, plan: Plan, backend: Plan): void {
  const msg = engine.requestMsg;
  const conn = strm.client!;
  strm.sentMethod = msg.method;
  // A rule made HEAD of it: the announced body will not come, so only the end can tell the client.
  if (msg.method === Method.Head && strm.method !== Method.Head) strm.keepAlive = false;
  const mode = Math.max(plan.config.httpMode, backend.config.httpMode);
  if (mode === HttpMode.Close || endsAfterResponse() || msg.insecureFraming) strm.keepAlive = false;
  // A rule that says `close` ends the server's connection.
  const closes = takeClose(msg, connectionField(strm));
  strm.keepServer = mode === HttpMode.KeepAlive && !closes;
  const pretend = plan.has(Option.HttpPretendKeepalive) || backend.has(Option.HttpPretendKeepalive);
  askServer(msg, strm, strm.keepServer || pretend);
  const spelling = backend.has(Option.H1CaseAdjustBogusServer) ? engine.spelling : null;
  const len = serializeHead(msg, engine.assembly, engine.assemblyMax, spelling);
  const dst = strm.bodyOff - len;
  if (len === 0 || dst < conn.buf) return replyFailure(strm);
  mem.copyWithin(dst, engine.assembly, engine.assembly + len);
  conn.outRd = dst;
  strm.resendFrom = strm.requestComplete ? dst : 0;
  assignServer(strm);
}

/** HTTP/1.1 connections persist unless told otherwise, those of HTTP/1.0 when told so. */
function askServer(msg: HttpMessage, strm: Stream, keep: boolean): void {
  const field = connectionField(strm);
  if (msg.version >= 11) {
    if (!keep) addConnectionClose(msg, field);
  } else if (keep && (msg.connection & ConnectionFlag.Upgrade) === 0) {
    addConnectionKeepAlive(msg, field);
  }
}

/** The target of a request to a proxy begins with neither `/` nor `*` (4.2). */
function isProxyTarget(first: number): boolean {
  return first !== 47 && first !== 42;
}
