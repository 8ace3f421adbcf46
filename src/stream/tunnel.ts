/**
 * Opaque bytes in both directions: TCP mode, upgraded connections and CONNECT. Each direction ends
 * by itself (half close); the stream ends when both have.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { endWrite } from '../transport/io.ts';
import { forward, retryForBuffer } from './body.ts';
import { countServer } from './count.ts';
import { noteHalfClose } from './debug.ts';
import { engine } from './engine.ts';
import { Flow } from './flow.ts';
import { beginResponse, inspectResponse } from './inspect-response.ts';
import { countBytes, logEarly } from './log.ts';
import { Next } from './step.ts';
import { type Conn, End, type Stream } from './stream.ts';

/** Moves bytes both ways as far as they go. */
export function runTunnel(strm: Stream): Next {
  const client = strm.client!;
  const server = strm.serverConn!;
  if (!strm.tunnelled) beginTunnel(strm, client, server);
  if (strm.isResponseHeld) {
    const next = inspectResponse(strm, false);
    if (next > Next.Wait) return next;
  }
  // Bytes of the server first: they are what the client waits for.
  if (!strm.isResponseHeld && !strm.serverDone && !pump(strm, server, client, false))
    return Next.Abort;
  if (!strm.clientDone && !pump(strm, client, server, true)) return Next.Abort;
  if (strm.serverDone && strm.clientDone) {
    strm.responseComplete = true;
    return Next.Done;
  }
  armTunnel(strm, client, server);
  return Next.Wait;
}

function beginTunnel(strm: Stream, client: Conn, server: Conn): void {
  strm.tunnelled = true;
  client.body = BodyMode.Tunnel;
  server.body = BodyMode.Tunnel;
  strm.clientEnds |= End.Framing;
  strm.serverEnds |= End.Framing;
  const { plan } = strm;
  if (plan.isHttp) return;
  beginResponse(strm);
  if (plan.has(Option.LogAsap)) logEarly(strm, plan);
}

/** @returns false when one side is broken. */
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
      endWrite(to);
      return true;
    case Flow.SourceError:
      return broken(strm, fromClient);
    default:
      return broken(strm, !fromClient);
  }
}

/** One side was reset. @returns false. */
function broken(strm: Stream, byClient: boolean): boolean {
  strm.blame(byClient ? Cause.Client : Cause.Server);
  const column = byClient ? Counter.ClientAborts : Counter.ServerAborts;
  if (byClient) engine.count(strm.frontend!.frontend, column, 1);
  countServer(strm, column);
  return false;
}

/**
 * Both sides idle: `timeout tunnel` once data flowed both ways or the connection was upgraded,
 * else `client` and `server`; after a half close `client-fin` and `server-fin` (4.2).
 */
function armTunnel(strm: Stream, client: Conn, server: Conn): void {
  const clientMs = clientTimeout(strm);
  const serverMs = serverTimeout(strm);
  if (strm.plan.has(Option.Contstats)) countBytes(strm);
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
export function onTunnelTimeout(strm: Stream, conn: Conn): Next {
  const client = strm.client!;
  if (strm.isResponseHeld && conn !== client) {
    const next = inspectResponse(strm, true);
    if (next !== Next.Go) return next;
  }
  const ms = clientTimeout(strm);
  // Bytes that pass make both sides active at once: when both are late, HAProxy names the client.
  const isLate = !strm.clientDone && ms >= 0 && client.activeMs + ms <= engine.nowMs;
  const byClient = conn === client || isLate;
  strm.blame(byClient ? Cause.ClientTimeout : Cause.ServerTimeout);
  return Next.Done;
}
