/**
 * Opaque bytes in both directions: TCP mode, upgraded connections and CONNECT. Each direction ends
 * by itself (half close); the stream ends when both have.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause, Phase, Stage, type Stream } from '../model/stream.ts';
import { shutdownWrite } from '../sys/socket.ts';
import { assignServer } from './assign.ts';
import { Flow, forward, retryForBuffer } from './body.ts';
import { closeConn } from './close.ts';
import type { Conn } from './conn.ts';
import { countServer } from './count.ts';
import { noteHalfClose, showAccept } from './debug.ts';
import { engine } from './engine.ts';
import { countBytes, endStream, logEarly, logGreeting } from './finish.ts';
import { abortStream } from './phases.ts';
import type { Plan } from './plan.ts';
import { chooseBackend, enterBackend } from './route.ts';

/** A TCP frontend accepted a connection: it goes straight to a server. */
export function startTcp(conn: Conn, plan: Plan): void {
  const sess = conn.session;
  const strm = engine.takeStream(sess);
  if (strm === null) return closeConn(conn);
  sess.requests = 1;
  strm.client = conn;
  conn.stream = strm;
  conn.body = BodyMode.Tunnel;
  strm.startMs = sess.acceptMs;
  strm.startDateMs = sess.acceptDateMs;
  strm.requestDateMs = sess.acceptDateMs;
  strm.idleMs = 0;
  strm.requestMs = 0;
  if (engine.debug !== null) showAccept(strm, conn);
  engine.attend(strm);
  engine.request = null;
  engine.response = null;
  if (plan.greets) logGreeting(strm, plan);
  const backend = chooseBackend(strm, plan);
  if (backend === null) {
    strm.cause = Cause.Server;
    strm.stage = Stage.Connect;
    return abortStream(strm);
  }
  enterBackend(strm, backend);
  assignServer(strm);
}

/** Moves bytes both ways as far as they go. */
export function runTunnel(strm: Stream): void {
  const client = strm.client!;
  const server = strm.serverConn!;
  if (!strm.tunnelled) beginTunnel(strm, client, server);
  // Bytes of the server first: they are what the client waits for.
  if (!strm.serverDone && !pump(strm, server, client, false)) return;
  if (!strm.clientDone && !pump(strm, client, server, true)) return;
  if (strm.serverDone && strm.clientDone) {
    strm.responseComplete = true;
    strm.keepAlive = false;
    strm.keepServer = false;
    return endStream(strm);
  }
  armTunnel(strm, client, server);
}

function beginTunnel(strm: Stream, client: Conn, server: Conn): void {
  strm.tunnelled = true;
  client.body = BodyMode.Tunnel;
  server.body = BodyMode.Tunnel;
  const plan = engine.plans[strm.frontend!.index]!;
  if (plan.has(Option.LogAsap) && !plan.isHttp) logEarly(strm, plan);
}

/** @returns false when the stream has ended. */
function pump(strm: Stream, from: Conn, to: Conn, fromClient: boolean): boolean {
  const flow = forward(from, to);
  switch (flow) {
    case Flow.Wait:
    case Flow.Blocked:
      return true;
    case Flow.NoBuffer:
      retryForBuffer(strm);
      return true;
    case Flow.SourceEnd:
    case Flow.Done:
      if (fromClient) strm.clientDone = true;
      else strm.serverDone = true;
      if (engine.debug !== null) noteHalfClose(strm, fromClient);
      if (!to.shut) shutdownWrite(to.fd);
      to.shut = true;
      return true;
    case Flow.SourceError:
      return broken(strm, fromClient);
    default:
      return broken(strm, !fromClient);
  }
}

/** One side was reset. @returns false. */
function broken(strm: Stream, byClient: boolean): boolean {
  strm.cause = byClient ? Cause.Client : Cause.Server;
  strm.stage = Stage.Data;
  const column = byClient ? Counter.ClientAborts : Counter.ServerAborts;
  if (byClient) engine.count(strm.frontend!.frontend, column, 1);
  countServer(strm, column);
  abortStream(strm);
  return false;
}

/**
 * Both sides idle: `timeout tunnel` once data flowed both ways or the connection was upgraded,
 * else `client` and `server`; after a half close `client-fin` and `server-fin` (4.2).
 */
function armTunnel(strm: Stream, client: Conn, server: Conn): void {
  const clientMs = clientTimeout(strm);
  const serverMs = serverTimeout(strm);
  if (engine.plans[strm.frontend!.index]!.has(Option.Contstats)) countBytes(strm);
  const timers = engine.timers;
  if (clientMs >= 0 && !strm.clientDone) timers.set(client.id, client.activeMs + clientMs);
  else timers.clear(client.id);
  if (serverMs >= 0 && !strm.serverDone) timers.set(server.id, server.activeMs + serverMs);
  else timers.clear(server.id);
}

function clientTimeout(strm: Stream): number {
  const { client, clientFin } = strm.frontend!.config.timeout;
  const { tunnel } = strm.backend!.config.timeout;
  if (strm.serverDone && clientFin >= 0) return clientFin;
  return tunnel >= 0 ? tunnel : client;
}

function serverTimeout(strm: Stream): number {
  const { server, serverFin, tunnel } = strm.backend!.config.timeout;
  if (strm.clientDone && serverFin >= 0) return serverFin;
  return tunnel >= 0 ? tunnel : server;
}

/** A side of the tunnel has been silent for too long. */
export function onTunnelTimeout(strm: Stream, conn: Conn): void {
  const client = strm.client!;
  const ms = clientTimeout(strm);
  // Bytes that pass make both sides active at once: when both are late, HAProxy names the client.
  const isLate = !strm.clientDone && ms >= 0 && client.activeMs + ms <= engine.nowMs;
  const byClient = conn === client || isLate;
  strm.cause = byClient ? Cause.ClientTimeout : Cause.ServerTimeout;
  strm.stage = Stage.Data;
  strm.keepAlive = false;
  strm.phase = Phase.Tunnel;
  strm.keepServer = false;
  endStream(strm);
}
