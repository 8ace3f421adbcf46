/**
 * The server's side of a request: wait for the response head, parse it, run the rules and leave
 * the rewritten head in the server connection's buffer, ready for the client.
 *
 * @dataplane
 */
import { FieldId, fieldNameOff } from '../http/field.ts';
import { removeFraming } from '../http/h1/framing.ts';
import { HeadError, parseResponse } from '../http/h1/parse.ts';
import { serializeHead } from '../http/h1/serialize.ts';
import { BodyMode, ConnectionFlag, type HttpMessage } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { hasBody } from '../http/status.ts';
import { Option, RetryOn } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause, Stage, StreamFlag } from '../model/stream.ts';
import { Verdict } from '../rules/context.ts';
import { Event } from '../stick-table/tracking.ts';
import { mem, reserveBytes } from '../sys/arena.ts';
import { receive } from '../transport/io.ts';
import { headSize, retryForBuffer, takeBuffer, takeFirst } from './body.ts';
import { captureCookie, captureFields } from './capture.ts';
import { vanishClient } from './close.ts';
import { resend } from './connect.ts';
import { cleanConnection, connectionField, takeClose } from './connection-field.ts';
import { countDeniedRequest, countDeniedResponse, countServer, statusColumn } from './count.ts';
import { showResponse } from './debug.ts';
import { engine } from './engine.ts';
import { noteBody, thawResponse } from './freeze.ts';
import { holdResponse } from './hold-response.ts';
import { isOver } from './inspection.ts';
import { logEarly } from './log.ts';
import { writeCookie } from './persist.ts';
import type { Plan } from './plan.ts';
import {
  replyError,
  replyVerdict,
  runAfterResponse,
  runRuleset,
  STATUS_LINE_LEN,
  tellClient,
} from './reply.ts';
import { retryRequest, retryStatus } from './retry.ts';
import { endsAfterResponse } from './soft-stop.ts';
import { Next, Step } from './step.ts';
import { storeStick } from './stick.ts';
import { type Conn, End, ResponseRules, type Stream } from './stream.ts';
import { noteStatus, noteTracked } from './tracked.ts';

const zero = reserveBytes('0');

/**
 * Tries to read and take a response head.
 * @returns Go when one is ready to be sent, Wait when none is there.
 */
export function readResponse(strm: Stream): Next {
  const conn = strm.serverConn!;
  if (!takeBuffer(conn, engine.maxrewrite)) {
    retryForBuffer(strm);
    return Next.Wait;
  }
  if (strm.interim) restart(conn);
  do {
    if (conn.readable) receive(conn, engine.bufsize);
    if (conn.inWr === conn.inRd) {
      if (conn.eof || conn.error !== 0) return serverLeft(strm);
      continue;
    }
    const next = tryHead(strm, conn);
    if (next !== Next.Wait) return next;
  } while (conn.readable);
  return Next.Wait;
}

/** Interim responses have been sent: the next head gets all the room again. */
function restart(conn: Conn): void {
  const start = conn.buf + engine.maxrewrite;
  if (conn.outRd !== conn.outEnd || conn.inRd <= start) return;
  mem.copyWithin(start, conn.inRd, conn.inWr);
  conn.inWr -= conn.inRd - start;
  conn.inRd = start;
  conn.outRd = start;
  conn.outEnd = start;
}

/** Parses what is there. */
function tryHead(strm: Stream, conn: Conn): Next {
  const backend = strm.backendPlan;
  const relaxed = backend.has(Option.AcceptUnsafeResponse);
  const msg = engine.responseMsg;
  const len = conn.inWr - conn.inRd;
  const used = parseResponse(msg, conn.inRd, len, engine.httpMaxhdr, relaxed, strm.sentMethod);
  if (used <= 0) {
    if (used === HeadError.Incomplete) {
      if (conn.eof || conn.error !== 0) return serverLeft(strm);
      if (conn.inWr < conn.buf + engine.bufsize) return Next.Wait;
    }
    const again = retryRequest(strm, RetryOn.JunkResponse);
    return again === Next.Back ? again : badResponse(strm);
  }
  const condition = retryStatus(msg.status);
  if (condition !== 0) {
    const again = retryRequest(strm, condition);
    if (again === Next.Back) return again;
  }
  conn.inRd += used;
  conn.body = msg.body;
  conn.bodyLeft = msg.body === BodyMode.Length ? msg.contentLength : 0;
  cleanConnection(msg, connectionField(strm));
  const bytes = headSize(STATUS_LINE_LEN + msg.reasonLen, msg);
  if (msg.status < 200 && msg.status !== 101) {
    conn.carried += bytes;
    return onInterim(strm, conn);
  }
  const unasked = !strm.upgrade || (msg.status === 101 && strm.sentMethod === Method.Connect);
  if (msg.body === BodyMode.Tunnel && unasked) {
    conn.carried += bytes;
    return badResponse(strm);
  }
  // RFC 9110 7.8: the new protocol begins after the whole request.
  if (msg.status === 101 && !strm.requestSent) return badResponse(strm);
  return onResponse(strm, conn, backend, bytes);
}

/** 100 Continue, 103 Early Hints: passed on at once, the final response follows. */
function onInterim(strm: Stream, conn: Conn): Next {
  const from = conn.inRd;
  conn.body = BodyMode.None;
  conn.outRd = from;
  conn.outEnd = from;
  strm.interim = true;
  if (engine.debug !== null) showResponse(strm, conn, engine.responseMsg);
  // RFC 9110 15.2: HTTP/1.0 knows no interim responses.
  if (strm.version < 11) return Next.Go;
  const len = serializeHead(engine.responseMsg, engine.assembly, engine.assemblyMax, null);
  const dst = from - len;
  if (len === 0 || dst < conn.buf) return badResponse(strm);
  mem.copyWithin(dst, engine.assembly, engine.assembly + len);
  conn.outRd = dst;
  return Next.Go;
}

/** A complete, valid final head is in `engine.responseMsg`. @param bytes its size for logs */
function onResponse(strm: Stream, conn: Conn, backend: Plan, bytes: number): Next {
  const msg = engine.responseMsg;
  const { plan } = strm;
  // An HTTP/1.0 client knows no chunks: it gets the data and the end of the connection.
  conn.dechunk = msg.body === BodyMode.Chunked && strm.version < 11;
  const bodyOff = takeFirst(conn);
  if (engine.debug !== null) showResponse(strm, conn, msg);
  if (bodyOff === 0) return badResponse(strm);
  // A head whose body is broken right behind it is refused with it, and not counted either.
  conn.carried += bytes;
  strm.interim = false;
  strm.dataMs = engine.nowMs - strm.startMs;
  strm.flags |= StreamFlag.FromServer;
  strm.status = msg.status;
  // What the server has said counts for it, whatever rules make of it.
  engine.count(strm.server!.entity, statusColumn(msg.status), 1);
  engine.count(strm.server!.entity, Counter.Requests, 1);
  const wishes = strm.proxied ? msg.proxyConnection | msg.connection : msg.connection;
  const close = (wishes & ConnectionFlag.Close) !== 0;
  const keeps = (wishes & ConnectionFlag.KeepAlive) !== 0;
  const persistent = msg.version >= 11 ? !close : keeps && !close;
  const endless = msg.body === BodyMode.Close || msg.body === BodyMode.Tunnel;
  if (!persistent) strm.serverEnds |= End.Peer;
  if (endless || msg.insecureFraming) strm.serverEnds |= End.Framing;
  captureFields(strm, plan.captureResponse, msg);
  captureCookie(strm, plan, msg);
  engine.attend(strm);
  engine.request = null;
  engine.response = msg;
  noteStatus(strm, msg.status);
  noteBody(msg, conn, bodyOff);
  strm.responseBodyOff = bodyOff;
  strm.responseRules = ResponseRules.Content;
  strm.inspectUntil = engine.nowMs + backend.config.responseInspectMs;
  return runResponseRules(strm, conn);
}

/** A response that has waited goes on. */
export function resumeResponse(strm: Stream): Next {
  engine.timers.clear(engine.streamTimer(strm));
  strm.isResponseHeld = false;
  return thawResponse(strm) ? runResponseRules(strm, strm.serverConn!) : badResponse(strm);
}

/** The rules that the response has still to pass. */
function runResponseRules(strm: Stream, conn: Conn): Next {
  const { plan, backendPlan: backend } = strm;
  if (strm.responseRules === ResponseRules.Content) {
    const verdict = runContentRules(strm, backend);
    if (verdict === Verdict.Wait) return hold(strm);
    if (verdict > Verdict.Allow) return refuse(strm, verdict);
    strm.responseRules = ResponseRules.Backend;
    if (backend.stickRules !== null) storeStick(strm);
  }
  if (strm.responseRules === ResponseRules.Backend) {
    const verdict = runHttpRules(strm, backend, backend.proxy.backend);
    if (verdict === Verdict.Wait) return hold(strm);
    if (verdict > Verdict.Allow) return replace(strm, verdict, backend);
    strm.responseRules = ResponseRules.Frontend;
  }
  if (plan !== backend) {
    const verdict = runHttpRules(strm, plan, plan.proxy.frontend);
    if (verdict === Verdict.Wait) return hold(strm);
    if (verdict > Verdict.Allow) return replace(strm, verdict, plan);
  }
  if (!writeCookie(strm)) return badResponse(strm);
  runAfterResponse(strm, plan);
  return placeResponse(strm, conn, plan, strm.responseBodyOff);
}

function runHttpRules(strm: Stream, plan: Plan, entity: number): Verdict {
  const { responseRules } = plan;
  return responseRules.empty ? Verdict.Continue : runRuleset(strm, responseRules, entity);
}

/** `tcp-response content`: the head is there, only the delay can be waited for. */
function runContentRules(strm: Stream, backend: Plan): Verdict {
  if (backend.responseContentRules.empty) return Verdict.Continue;
  engine.isFinal = isOver(strm);
  const verdict = backend.responseContentRules.run(engine, 0);
  engine.isFinal = true;
  engine.waitMs = strm.inspectUntil - engine.nowMs;
  engine.waitBytes = -1;
  return verdict;
}

function hold(strm: Stream): Next {
  return holdResponse(strm) ? Next.Go : badResponse(strm);
}

/** A rule on the bytes of the server closes: nothing of the response reaches the client. */
function refuse(strm: Stream, verdict: Verdict): Next {
  strm.status = 0;
  strm.dataMs = -1;
  if (verdict === Verdict.Close) {
    strm.blame(Cause.Server);
    countServer(strm, Counter.ResponseErrors);
    return replyError(strm, 502);
  }
  strm.step = Step.Transfer;
  strm.blame(Cause.Proxy);
  if (engine.dropSilently) {
    strm.stage = Stage.Request;
    countDeniedRequest(strm);
    vanishClient(strm.client!, engine.dropTtl);
  } else {
    countDeniedResponse(strm);
  }
  return Next.Abort;
}

/** A rule puts another answer in the place of the server's. */
function replace(strm: Stream, verdict: Verdict, plan: Plan): Next {
  if (verdict === Verdict.Fail) return badResponse(strm);
  strm.status = 0;
  return replyVerdict(strm, verdict, plan, plan.responseRules);
}

/** Writes the rewritten head so that it ends where the body starts. */
function placeResponse(strm: Stream, conn: Conn, plan: Plan, bodyOff: number): Next {
  const msg = engine.responseMsg;
  const tunnel = msg.body === BodyMode.Tunnel;
  if (msg.body === BodyMode.Close || tunnel || conn.dechunk) strm.clientEnds |= End.Framing;
  if (endsAfterResponse()) strm.clientEnds |= End.Stopping;
  if (conn.dechunk) msg.removeAll(FieldId.TransferEncoding, 0, 17);
  // A rule may have made it a response that has no body (RFC 9110 15.3.5, 15.4.5).
  const silenced = strm.status !== msg.status && !hasBody(msg.status);
  const unasked = strm.method === Method.Head && strm.sentMethod !== Method.Head;
  if ((silenced || unasked) && !tunnel) dropBody(strm, conn, msg, unasked);
  // Or one that has a body of what has none: the client must not wait for it.
  const bodyless = !hasBody(strm.status) && strm.method !== Method.Head && !tunnel;
  if (bodyless && hasBody(msg.status)) promiseNothing(msg);
  strm.status = msg.status;
  // The server's own words are gone: what is there now was put by a rule.
  if (!tunnel && takeClose(msg, connectionField(strm))) strm.clientEnds |= End.Rule;
  if (!tunnel) tellClient(msg, strm);
  const spelling = plan.has(Option.H1CaseAdjustBogusClient) ? engine.spelling : null;
  const len = serializeHead(msg, engine.assembly, engine.assemblyMax, spelling);
  const dst = bodyOff - len;
  if (len === 0 || dst < conn.buf) return badResponse(strm);
  mem.copyWithin(dst, engine.assembly, engine.assembly + len);
  conn.outRd = dst;
  strm.responseStarted = true;
  strm.resendFrom = 0;
  strm.step = tunnel ? Step.Tunnel : Step.Transfer;
  if (tunnel) strm.flags |= StreamFlag.Tunnel;
  if (plan.has(Option.LogAsap)) logEarly(strm, plan);
  return Next.Go;
}

function promiseNothing(msg: HttpMessage): void {
  removeFraming(msg);
  msg.add(FieldId.ContentLength, fieldNameOff[FieldId.ContentLength]!, 14, zero, 1);
}

/** The server's body is not wanted: its connection carries the rest of it to the grave. */
function dropBody(strm: Stream, conn: Conn, msg: HttpMessage, toHead: boolean): void {
  if (conn.body !== BodyMode.None || conn.outRd < conn.outEnd) strm.serverEnds |= End.Failure;
  if (msg.status !== 304 && !toHead) {
    removeFraming(msg);
  }
  conn.body = BodyMode.None;
  conn.outEnd = conn.outRd;
}

/** The response cannot be understood: 502, `PH--`. */
export function badResponse(strm: Stream): Next {
  strm.blame(Cause.Proxy);
  countServer(strm, Counter.ResponseErrors);
  noteTracked(strm, Event.Failure, 1);
  strm.status = 0;
  return replyError(strm, 502);
}

/** The server closed before a complete head: ask again when nothing can have happened, else 502. */
function serverLeft(strm: Stream): Next {
  const conn = strm.serverConn!;
  const untouched = conn.inWr === conn.inRd && !strm.interim;
  if (untouched && strm.reused && strm.resendFrom !== 0 && isRepeatable(strm.sentMethod)) {
    return resend(strm);
  }
  const isEmpty = conn.inWr === conn.inRd;
  const condition = isEmpty ? RetryOn.EmptyResponse : RetryOn.JunkResponse;
  const again = retryRequest(strm, condition);
  if (again === Next.Back) return again;
  // What it left behind is half a head.
  strm.blame(isEmpty ? Cause.Server : Cause.Proxy);
  countServer(strm, Counter.ResponseErrors);
  noteTracked(strm, Event.Failure, 1);
  return replyError(strm, 502);
}

/** RFC 9110 9.2.2: idempotent methods may be sent again. */
export function isRepeatable(method: Method): boolean {
  switch (method) {
    case Method.Get:
    case Method.Head:
    case Method.Options:
    case Method.Trace:
    case Method.Put:
    case Method.Delete:
      return true;
    default:
      return false;
  }
}

/** `timeout server` expired before the head: 504, `sH--`. */
export function onResponseTimeout(strm: Stream): Next {
  const again = retryRequest(strm, RetryOn.ResponseTimeout);
  if (again === Next.Back) return again;
  strm.blame(Cause.ServerTimeout);
  if (!strm.isResponseHeld) {
    countServer(strm, Counter.ResponseErrors);
    noteTracked(strm, Event.Failure, 1);
  }
  return replyError(strm, 504);
}
