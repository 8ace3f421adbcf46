/**
 * The life of a stream, as a loop: it calls the step that the stream is in, which says what is next and
 * calls no other step. Events and timers of connections arrive here.
 *
 *   Head ─ [Inspect] ─ [Body] ─ Rules ─ Route ─ [Inspect] ─ [Body] ─ BackendRules ─ [Tarpit | Service]
 *        ─ Balance ─ [Queue] ─ [Pause] ─ Connect ─ Request ─ Transfer ─ [Last | Tunnel | Answer]
 *        ─ Ended ─ keep alive
 *
 * Rules may go back to Body, or to Hold, and on from where they were. A TCP stream begins with Inspect or Route, skips the steps of HTTP, and goes from Connect to Tunnel.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import type { ServicePart, ServiceTicket } from '../model/service.ts';
import { Counter } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { isOpen } from '../transport/io.ts';
import { beginSession } from './admission.ts';
import { sendAnswer } from './answer.ts';
import { assignServer, onQueueTimeout } from './assign.ts';
import { bufferBody } from './buffering.ts';
import { armWaiting, waitForRequest } from './client.ts';
import { closeClient, closeConn, lingerRead } from './close.ts';
import { Side } from './conn.ts';
import { awaitConnection, onConnectTimeout } from './connect.ts';
import { countClient } from './count.ts';
import { showAccept } from './debug.ts';
import { drainRequest, onDrainTimer } from './drain.ts';
import { engine } from './engine.ts';
import { givesUp, runExchange } from './exchange.ts';
import { endStream } from './finish.ts';
import { onHeadTimeout, readHead } from './head.ts';
import { resumeHeld } from './hold.ts';
import { onIdleEvent } from './idle.ts';
import { inspectRequest, loseClient, onInspectTimeout } from './inspect.ts';
import { beginInspection } from './inspection.ts';
import { logGreeting } from './log.ts';
import { onOpeningTimeout, openClient } from './opening.ts';
import { endTarpit, replyError } from './reply.ts';
import { runBackendRules, runFrontendRules } from './request.ts';
import { onResponseTimeout } from './response.ts';
import { route } from './route.ts';
import { askControl, servedStream, takePart } from './service.ts';
import { Late, Leave, Next, Step, steps } from './step.ts';
import { type Conn, End, type Stream } from './stream.ts';
import { onTunnelTimeout, runTunnel } from './tunnel.ts';

/** Steps of one stream in a row; the longest road of one turn has about ten. */
const STEPS_PER_TURN = 64;

/** Runs a stream until it waits or ends. @param from what is known to be next. */
function advance(strm: Stream, from: Next): void {
  let next = from;
  for (let i = 0; i < STEPS_PER_TURN; i++) {
    switch (next) {
      case Next.Wait:
        return;
      case Next.Done:
        return leave(strm);
      case Next.Abort:
        strm.aborted = true;
        return leave(strm);
      case Next.Back:
        strm.step = Step.Balance;
        break;
      case Next.Answer:
        strm.step = Step.Answer;
        break;
      default:
    }
    next = runStep(strm);
  }
  engine.resume(strm.client!);
}

/** The step that the stream is in. Nothing happens that is not due: it may be called at any time. */
function runStep(strm: Stream): Next {
  switch (strm.step) {
    case Step.Head:
      return readHead(strm.client!);
    case Step.Body:
      return bufferBody(strm);
    case Step.Inspect:
      return inspectRequest(strm);
    case Step.Rules:
      return runFrontendRules(strm);
    case Step.Hold:
      return runHeld(strm);
    case Step.Route:
      return route(strm);
    case Step.BackendRules:
      return runBackendRules(strm);
    case Step.Service:
      return askControl(strm);
    case Step.Balance:
      return assignServer(strm);
    case Step.Connect:
      return awaitConnection(strm);
    case Step.Request:
    case Step.Transfer:
    case Step.Last:
      return runExchange(strm);
    case Step.Tunnel:
      return runTunnel(strm);
    case Step.Answer:
      return sendAnswer(strm);
    default:
      return Next.Wait;
  }
}

function runHeld(strm: Stream): Next {
  const next = resumeHeld(strm);
  return next === Next.Abort ? loseClient(strm, Cause.Client) : next;
}

/** The stream is over: what becomes of its client's connection. */
function leave(strm: Stream): void {
  const client = strm.client!;
  const keep = endStream(strm);
  const isRestDue = client.body === BodyMode.Length || client.body === BodyMode.Chunked;
  if (!keep) {
    if (isRestDue) client.unread = true;
    return closeClient(client);
  }
  const sess = client.session;
  sess.acceptMs = engine.nowMs;
  sess.handshakeMs = 0;
  sess.acceptDateMs = engine.nowDateMs;
  if (isRestDue) drain(client);
  else waitForRequest(client);
}

function drain(conn: Conn): void {
  if (drainRequest(conn)) waitForRequest(conn);
}

/** A client connection has been accepted, and its session has begun. */
export function startClient(conn: Conn): void {
  if (conn.plan!.isHttp) armWaiting(conn, Number.POSITIVE_INFINITY);
  else startTcp(conn);
}

/** A TCP frontend accepted a connection: it goes straight to a server. */
function startTcp(conn: Conn): void {
  const sess = conn.session;
  const plan = conn.plan!;
  const strm = engine.takeStream(sess, plan);
  if (strm === null) return closeConn(conn);
  sess.requests = 1;
  strm.client = conn;
  conn.stream = strm;
  conn.body = BodyMode.Tunnel;
  strm.startMs = sess.acceptMs;
  strm.startDateMs = sess.acceptDateMs;
  strm.requestDateMs = sess.acceptDateMs;
  strm.idleMs = 0;
  strm.handshakeMs = sess.handshakeMs;
  strm.requestMs = sess.handshakeMs;
  if (engine.debug !== null) showAccept(strm, conn);
  engine.attend(strm);
  engine.request = null;
  engine.response = null;
  if (plan.greets) logGreeting(strm, plan);
  if (plan.inspects) beginInspection(strm, plan);
  else strm.step = Step.Route;
  advance(strm, Next.Go);
}

/** Readiness of a connection has changed. `conn.readable` and so on are up to date. */
export function onEvent(conn: Conn): void {
  switch (conn.side) {
    case Side.Client:
      return onClientEvent(conn);
    case Side.Server:
      return advance(conn.stream!, Next.Go);
    case Side.Idle:
      return onIdleEvent(conn);
    case Side.Linger:
      return lingerRead(conn);
    default:
      return;
  }
}

function onClientEvent(conn: Conn): void {
  const strm = conn.stream;
  if (strm === null) {
    if (!isOpen(conn)) return onOpening(conn);
    if (conn.readable || conn.error !== 0) serve(conn);
    return;
  }
  if (steps[strm.step]!.leave === Leave.Reads) return advance(strm, Next.Go);
  if (!conn.hup || !givesUp(strm)) return;
  strm.blame(Cause.Client);
  advance(strm, Next.Abort);
}

/** A client whose handshake goes on. */
function onOpening(conn: Conn): void {
  if (!openClient(conn) || !beginSession(conn)) return;
  startClient(conn);
  if (conn.stream === null && conn.side === Side.Client) serve(conn);
}

/** A client without a stream: bytes of its next request, or of the last one, may be there. */
function serve(conn: Conn): void {
  if (conn.body === BodyMode.None) readClient(conn, readHead(conn));
  else drain(conn);
}

/** What came of it: nothing, or a stream. */
function readClient(conn: Conn, next: Next): void {
  if (conn.stream !== null) advance(conn.stream, next);
}

/** A connection that had more to do than one turn allows. */
export function onResumed(conn: Conn): void {
  if (conn.stream !== null) advance(conn.stream, Next.Go);
  else if (conn.side === Side.Client) serve(conn);
}

/** A stream has a server slot, or may choose a server again. */
export function onGranted(strm: Stream): void {
  if (strm.step === Step.Balance) advance(strm, Next.Go);
}

/** The control thread has answered for a stream, which may have ended meanwhile. */
export function onServed(ticket: ServiceTicket, part: ServicePart): void {
  const strm = servedStream(ticket);
  if (strm !== null) advance(strm, takePart(strm, part));
}

/** A soft stop: a client between two requests is served for the last time, or closed. */
export function onSoftStop(conn: Conn): void {
  if (conn.side !== Side.Client || conn.stream !== null || !isOpen(conn)) return;
  conn.readable = true;
  serve(conn);
}

/** The timer of a connection has fired. */
export function onConnTimer(conn: Conn): void {
  switch (conn.side) {
    case Side.Linger:
      return closeConn(conn);
    case Side.Client:
      return onClientTimer(conn);
    case Side.Server:
      return advance(conn.stream!, onServerTimer(conn.stream!, conn));
    default:
      return;
  }
}

function onClientTimer(conn: Conn): void {
  const strm = conn.stream;
  if (strm !== null) return advance(strm, onClientLate(strm, conn));
  if (!isOpen(conn)) return onOpeningTimeout(conn);
  if (conn.body === BodyMode.None) {
    return readClient(conn, conn.readable ? readHead(conn) : onHeadTimeout(conn));
  }
  if (onDrainTimer(conn)) waitForRequest(conn);
}

function onClientLate(strm: Stream, conn: Conn): Next {
  if (strm.step === Step.Head) return onHeadTimeout(conn);
  if (strm.step === Step.Inspect) return onInspectTimeout(strm);
  if (strm.step === Step.Tunnel) return onTunnelTimeout(strm, conn);
  strm.blame(Cause.ClientTimeout);
  if (steps[strm.step]!.late === Late.Ends) return Next.Abort;
  strm.clientEnds |= End.Failure;
  if (strm.step === Step.Body) {
    strm.requestMs = -1;
    countClient(strm, Counter.RequestErrors);
  }
  return replyError(strm, 408);
}

function onServerTimer(strm: Stream, conn: Conn): Next {
  switch (strm.step) {
    case Step.Connect:
      return onConnectTimeout(strm);
    case Step.Tunnel:
      return onTunnelTimeout(strm, conn);
    case Step.Request:
      return onResponseTimeout(strm);
    default:
      strm.blame(Cause.ServerTimeout);
      return Next.Abort;
  }
}

/** The timer of a stream has fired. */
export function onStreamTimer(strm: Stream): void {
  switch (strm.step) {
    case Step.Queue:
      return advance(strm, onQueueTimeout(strm));
    case Step.Pause:
      return advance(strm, Next.Back);
    case Step.Tarpit:
      return advance(strm, endTarpit(strm));
    default:
      // A stream that had no buffer tries again.
      return advance(strm, Next.Go);
  }
}

/** Ends a stream in whatever step it is, because of `cause`. */
export function abortStream(strm: Stream, cause: Cause): void {
  strm.blame(cause);
  advance(strm, Next.Abort);
}

/**
 * An exception in the handling of one event: that stream ends (`I`), everything else goes on.
 * The stream's state is unknown, so nothing of it is reused.
 */
export function onException(conn: Conn): void {
  const strm = conn.stream;
  if (strm === null || strm.ended) return closeConn(conn);
  strm.cause = Cause.Internal;
  countClient(strm, Counter.InternalErrors);
  advance(strm, Next.Abort);
}
