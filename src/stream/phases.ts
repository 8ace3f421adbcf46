/**
 * The life of a request, as code. Events and timers of a connection arrive here and are led to the
 * phase that the stream is in:
 *
 *   accept ─ Head ─ [Buffer] ─ rules ─ backend ─ [Buffer] ─ its rules ─ [Tarpit] ─ balance ─ [Queue]
 *          ─ [TurnAround] ─ Connecting ─ Exchange ─ [Tunnel | Reply] ─ log ─ keep alive
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause, Phase, Stage, type Stream } from '../model/stream.ts';
import { shutdownWrite } from '../sys/socket.ts';
import { onConnectEvent, onConnectTimeout, onQueueTimeout, onTurnAround } from './assign.ts';
import { Flow, flush, forward, retryForBuffer } from './body.ts';
import { onBuffering } from './buffering.ts';
import { closeConn, lingerRead } from './close.ts';
import { type Conn, Side } from './conn.ts';
import { countClient, countServer } from './count.ts';
import { drainRequest, onDrainTimer } from './drain.ts';
import { engine } from './engine.ts';
import { countBytes, endStream } from './finish.ts';
import { onIdleEvent } from './idle.ts';
import { onTarpitEnd, replyError, sendReply } from './reply.ts';
import { onRequestTimeout, readRequest } from './request.ts';
import { HeadState, onResponseTimeout, readResponse } from './response.ts';
import { onTunnelTimeout, runTunnel } from './tunnel.ts';

/** Most response heads of one stream in one turn: a server may send interim ones without end. */
const HEADS_PER_TURN = 16;

/** Readiness of a connection has changed. `conn.readable` and so on are up to date. */
export function onEvent(conn: Conn): void {
  switch (conn.side) {
    case Side.Client:
      return onClientEvent(conn);
    case Side.Server:
      if (conn.connecting) return onConnectEvent(conn);
      return runStream(conn.stream!);
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
    if (!conn.readable && conn.error === 0) return;
    return conn.body === BodyMode.None ? readRequest(conn) : drainRequest(conn);
  }
  switch (strm.phase) {
    case Phase.Head:
      return readRequest(conn);
    case Phase.Buffer:
      return onBuffering(strm);
    case Phase.Tarpit:
    case Phase.Queue:
    case Phase.TurnAround:
    case Phase.Granted:
    case Phase.Connecting:
      return onEarlyClientEvent(conn, strm);
    case Phase.Reply:
      return sendReply(strm);
    default:
      return runStream(strm);
  }
}

/** The client did something while its request waits: only its departure matters now. */
function onEarlyClientEvent(conn: Conn, strm: Stream): void {
  if (!conn.hup) return;
  if (!leavesEarly(conn, strm)) return;
  strm.cause = Cause.Client;
  if (strm.phase === Phase.Queue) strm.stage = Stage.Queue;
  else if (strm.phase === Phase.Tarpit) strm.stage = Stage.Tarpit;
  else strm.stage = Stage.Connect;
  abortStream(strm);
}

/** Whether a client that closed its side gives up its request (4.2 option abortonclose). */
function leavesEarly(conn: Conn, strm: Stream): boolean {
  if (conn.error !== 0) return true;
  const both = strm.frontend!.config.options | strm.backend!.config.options;
  return (both & Option.AbortOnClose) !== 0;
}

/** Goes on with whatever both sides are ready for. */
export function runStream(strm: Stream): void {
  if (strm.phase === Phase.Tunnel) runTunnel(strm);
  else if (strm.phase === Phase.Exchange) runExchange(strm);
}

/** The server connection is there: send the request. */
export function beginExchange(strm: Stream): void {
  const conn = strm.serverConn!;
  if (!engine.plans[strm.frontend!.index]!.isHttp) {
    strm.phase = Phase.Tunnel;
    strm.dataMs = strm.connectMs;
    return runTunnel(strm);
  }
  strm.phase = Phase.Exchange;
  conn.activeMs = engine.nowMs;
  runExchange(strm);
}

function runExchange(strm: Stream): void {
  const client = strm.client!;
  const server = strm.serverConn!;
  if (!strm.requestSent) {
    const flow = forward(client, server);
    if (flow !== Flow.Wait && flow !== Flow.Blocked && !onRequestFlow(strm, flow)) return;
  }
  // A client that is gone for good must not keep a server busy.
  if (client.error !== 0 && !strm.requestSent) return clientLeft(strm);
  if (strm.responseComplete) return strm.requestSent ? endStream(strm) : armTimers(strm);
  if (client.hup && !strm.responseStarted && leavesEarly(client, strm)) return clientLeft(strm);
  for (let heads = 0; !strm.responseStarted; heads++) {
    if (strm.interim && flush(server, client) !== Flow.Done) break;
    if (heads === HEADS_PER_TURN) {
      engine.resume(server);
      break;
    }
    if (!server.readable && !server.eof && server.error === 0 && server.inRd === server.inWr) break;
    const head = readResponse(strm);
    if (head === HeadState.Gone) return;
    if (head === HeadState.Wait) break;
  }
  if (strm.phase === Phase.Tunnel) return runTunnel(strm);
  if (strm.responseStarted) {
    const flow = forward(server, client);
    if (flow !== Flow.Wait && flow !== Flow.Blocked) return onResponseFlow(strm, flow);
  }
  armTimers(strm);
}

/** @returns false when the stream has ended. */
function onRequestFlow(strm: Stream, flow: Flow): boolean {
  const client = strm.client!;
  switch (flow) {
    case Flow.Done:
      strm.requestSent = true;
      strm.requestComplete = true;
      return true;
    case Flow.TargetError:
      // The server takes no more; it may have answered before (RFC 9112 9.5).
      strm.requestSent = true;
      client.unread = client.unread || client.body !== BodyMode.None;
      strm.keepServer = false;
      strm.serverConn!.readable = true;
      return true;
    case Flow.Invalid:
      strm.cause = Cause.Proxy;
      strm.stage = stageOfTransfer(strm);
      strm.keepAlive = false;
      client.unread = true;
      countClient(strm, Counter.RequestErrors);
      replyError(strm, 400);
      return false;
    case Flow.NoBuffer:
      retryForBuffer(strm);
      return true;
    default:
      clientLeft(strm);
      return false;
  }
}

function onResponseFlow(strm: Stream, flow: Flow): void {
  const client = strm.client!;
  switch (flow) {
    case Flow.Done:
      strm.responseComplete = true;
      if (strm.requestSent) return endStream(strm);
      // An early answer: the server still gets the rest of the request (RFC 9112 9.3). A client
      // whose connection ends with the answer must see its end now.
      if (!strm.keepAlive && !client.shut) {
        client.shut = true;
        shutdownWrite(client.fd);
      }
      return armTimers(strm);
    case Flow.TargetError:
      return clientLeft(strm);
    case Flow.NoBuffer:
      retryForBuffer(strm);
      return;
    default:
      strm.cause = flow === Flow.Invalid ? Cause.Proxy : Cause.Server;
      strm.stage = Stage.Data;
      strm.keepAlive = false;
      // 9.1: srv_abrt is a part of eresp.
      countServer(strm, Counter.ServerAborts);
      countServer(strm, Counter.ResponseErrors);
      return abortStream(strm);
  }
}

/** The client aborted in the middle of its request or of the response. */
function clientLeft(strm: Stream): void {
  strm.cause = Cause.Client;
  strm.stage = stageOfTransfer(strm);
  engine.count(strm.frontend!.frontend, Counter.ClientAborts, 1);
  countServer(strm, Counter.ClientAborts);
  if (strm.responseStarted || strm.requestSent) return abortStream(strm);
  // Half of a request is a bad request; who has only closed one direction still reads the answer.
  strm.keepAlive = false;
  replyError(strm, 400);
}

/** What the client's part in an exchange was when it ended (8.5). */
function stageOfTransfer(strm: Stream): Stage {
  if (strm.responseComplete) return Stage.Last;
  return strm.responseStarted ? Stage.Data : Stage.Headers;
}

/** Ends the stream and both connections; the client must see that the response is not complete. */
export function abortStream(strm: Stream): void {
  strm.keepAlive = false;
  strm.aborted = true;
  endStream(strm);
}

/** Timers of an exchange: who is waited for, and since when. */
function armTimers(strm: Stream): void {
  if (engine.plans[strm.frontend!.index]!.has(Option.Contstats)) countBytes(strm);
  const client = strm.client!;
  const server = strm.serverConn!;
  const clientMs = strm.frontend!.config.timeout.client;
  const serverMs = strm.backend!.config.timeout.server;
  const timers = engine.timers;
  // A client that does not take what is ready holds back the server, which then is not to blame.
  const clientBlocks = strm.responseStarted && !client.writable;
  const clientWaited = !strm.requestSent || clientBlocks;
  if (clientWaited && clientMs >= 0) timers.set(client.id, client.activeMs + clientMs);
  else timers.clear(client.id);
  const serverWaited = strm.requestSent ? !clientBlocks : !server.writable;
  if (serverWaited && serverMs >= 0) timers.set(server.id, server.activeMs + serverMs);
  else timers.clear(server.id);
}

/** The timer of a connection has fired. */
export function onConnTimer(conn: Conn): void {
  switch (conn.side) {
    case Side.Linger:
      return closeConn(conn);
    case Side.Client:
      return onClientTimer(conn);
    case Side.Server:
      return onServerTimer(conn);
    default:
      return;
  }
}

function onClientTimer(conn: Conn): void {
  const strm = conn.stream;
  if (strm === null) {
    if (conn.body !== BodyMode.None) return onDrainTimer(conn);
    if (conn.readable) return readRequest(conn);
    return onRequestTimeout(conn);
  }
  switch (strm.phase) {
    case Phase.Head:
      return onRequestTimeout(conn);
    case Phase.Buffer:
      strm.cause = Cause.ClientTimeout;
      strm.stage = Stage.Request;
      strm.requestMs = -1;
      strm.keepAlive = false;
      return replyError(strm, 408);
    case Phase.Tunnel:
      return onTunnelTimeout(strm, conn);
    case Phase.Exchange:
      strm.cause = Cause.ClientTimeout;
      strm.stage = stageOfTransfer(strm);
      strm.keepAlive = false;
      if (!strm.responseStarted) return replyError(strm, 408);
      return abortStream(strm);
    default:
      strm.cause = Cause.ClientTimeout;
      strm.stage = Stage.Data;
      return abortStream(strm);
  }
}

function onServerTimer(conn: Conn): void {
  const strm = conn.stream!;
  switch (strm.phase) {
    case Phase.Connecting:
      return onConnectTimeout(strm);
    case Phase.Tunnel:
      return onTunnelTimeout(strm, conn);
    default:
      if (!strm.responseStarted) return onResponseTimeout(strm);
      strm.cause = Cause.ServerTimeout;
      strm.stage = Stage.Data;
      return abortStream(strm);
  }
}

/** The timer of a stream has fired. */
export function onStreamTimer(strm: Stream): void {
  switch (strm.phase) {
    case Phase.Queue:
      return onQueueTimeout(strm);
    case Phase.TurnAround:
      return onTurnAround(strm);
    case Phase.Tarpit:
      return onTarpitEnd(strm);
    default:
      // A stream that had no buffer tries again.
      return runStream(strm);
  }
}

/**
 * An exception in the handling of one event: that stream ends (`I`), everything else goes on.
 * The stream's state is unknown, so nothing of it is reused.
 */
export function onException(conn: Conn): void {
  const strm = conn.stream;
  if (strm !== null && strm.phase !== Phase.Ended) {
    strm.cause = Cause.Internal;
    countClient(strm, Counter.InternalErrors);
    abortStream(strm);
  } else {
    closeConn(conn);
  }
}
