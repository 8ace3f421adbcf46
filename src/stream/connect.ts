/**
 * The connection to a server: an idle one, or a new one, with its retries (configuration.txt 4.2
 * retries, option redispatch, timeout connect).
 *
 * @dataplane
 */

import { assert } from '../base/assert.ts';
import { Option, RetryOn } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { isReachable } from '../model/server-health.ts';
import { Counter, State } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { beginResponse } from '../rules/variable/variables.ts';
import { Errno, errno, isDescriptorLimit, isShortage } from '../sys/errno.ts';
import {
  bindTo,
  close,
  connect,
  setBuffers,
  setKeepAlive,
  setQuickAckOff,
  setUnsentMark,
  setUserTimeout,
  socketError,
  streamSocket,
} from '../sys/socket.ts';
import { isOpen, sendFirst, start } from '../transport/io.ts';
import { Transport } from '../transport/socket.ts';
import { dropServer } from './close.ts';
import { Side } from './conn.ts';
import { noteSession } from './count.ts';
import { engine } from './engine.ts';
import { giveUpIdle, takeIdle } from './idle.ts';
import { countUsed } from './idle-list.ts';
import { proxyHeaderOff, putProxyHeader } from './proxy-header.ts';
import { chooseLater, releaseServer } from './queue.ts';
import { replyOrAbort } from './reply.ts';
import { secureServer } from './secure.ts';
import { Next, Step } from './step.ts';
import { storeStick } from './stick.ts';
import type { Conn, Stream } from './stream.ts';

/** Longest pause before a retry on the same server, in ms (4.2 retries). */
const TURN_AROUND_MS = 1000;

/** The stream holds a slot of this server. */
export function useServer(strm: Stream, server: Server): Next {
  assert(strm.slotHeld === server, 'a stream uses a server without a slot of it');
  beginResponse(strm);
  engine.raise(server.entity, Counter.SessionsMax, engine.shared.get(server.entity, State.Current));
  // A reused connection that has failed says nothing good about the others.
  const idle = strm.plan.isHttp && !strm.reused ? takeIdle(server, strm) : null;
  return idle === null ? openServer(strm, server) : reuse(strm, idle, server);
}

function reuse(strm: Stream, conn: Conn, server: Server): Next {
  assert(conn.stream === null && conn.buf === 0, 'an idle connection is in use');
  engine.count(server.entity, Counter.Sessions, 1);
  engine.rate(server.entity, Counter.SessionSecond);
  noteSession(strm);
  conn.side = Side.Server;
  conn.nice = strm.client!.nice;
  conn.stream = strm;
  conn.uses++;
  strm.serverConn = conn;
  countUsed(server, 1);
  strm.serverFd = conn.fd;
  strm.serverTls = conn.transport === Transport.Tls ? conn.tls : null;
  strm.connectMs = strm.queueMs;
  strm.reused = true;
  engine.count(server.entity, Counter.Reused, 1);
  engine.count(strm.backend!.backend, Counter.Reused, 1);
  return begin(strm, conn);
}

/** Opens a new connection to the server. */
function openServer(strm: Stream, server: Server): Next {
  strm.step = Step.Connect;
  engine.count(server.entity, Counter.Connections, 1);
  engine.count(strm.backend!.backend, Counter.Connections, 1);
  let fd = streamSocket(server.addressOff);
  // What lies idle is worth less than this request.
  while (fd < 0 && isDescriptorLimit(errno()) && giveUpIdle()) {
    fd = streamSocket(server.addressOff);
  }
  if (fd < 0) return connectFailed(strm, errno());
  const conn = engine.takeConn();
  if (conn === null) {
    close(fd);
    return connectFailed(strm, Errno.ENOMEM);
  }
  engine.count(server.entity, Counter.Sessions, 1);
  engine.rate(server.entity, Counter.SessionSecond);
  noteSession(strm);
  conn.open(Side.Server, fd);
  conn.server = server;
  conn.stream = strm;
  conn.uses = 1;
  conn.nice = strm.client!.nice;
  conn.connecting = true;
  conn.activeMs = engine.nowMs;
  strm.serverConn = conn;
  countUsed(server, 1);
  strm.serverFd = fd;
  strm.reused = false;
  tuneServer(conn, server);
  if (server.sourceOff !== 0) {
    const code = bindTo(fd, server.sourceOff, server.sourceLen);
    if (code !== 0) return connectFailed(strm, code);
  }
  const code = connect(fd, server.addressOff, server.addressLen);
  if (code !== 0) return connectFailed(strm, code);
  if (!secureServer(conn, strm, server) || !engine.poller.add(fd, conn.id, conn.generation)) {
    return connectFailed(strm, Errno.ENOMEM);
  }
  strm.serverTls = conn.transport === Transport.Tls ? conn.tls : null;
  const ms = strm.backend!.config.timeout.connect;
  if (ms >= 0) engine.timers.set(conn.id, engine.nowMs + ms);
  return Next.Wait;
}

function tuneServer(conn: Conn, server: Server): void {
  const config = server.backend.config;
  if (server.config.address.family === 'ipv4' || server.config.address.family === 'ipv6') {
    const tune = engine.config.global.tune;
    setBuffers(conn.fd, tune.rcvbufServer, tune.sndbufServer);
    setUnsentMark(conn.fd, tune.notsentLowatServer);
    if ((config.options & Option.TcpSmartConnect) !== 0) setQuickAckOff(conn.fd);
    if ((config.options & Option.ServerTcpKeepalive) !== 0) {
      setKeepAlive(
        conn.fd,
        config.srvtcpkaCnt,
        config.srvtcpkaIdleMs / 1000,
        config.srvtcpkaIntvlMs / 1000,
      );
    }
    if (server.config.tcpUserTimeout > 0) setUserTimeout(conn.fd, server.config.tcpUserTimeout);
  }
}

/** Whether the connection has been made. */
export function awaitConnection(strm: Stream): Next {
  const conn = strm.serverConn!;
  if (conn.connecting) {
    // Writable without an error or hang-up means connected; only otherwise the kernel is asked.
    if (conn.hup) {
      const code = socketError(conn.fd);
      if (code !== 0) return connectFailed(strm, code);
    }
    if (!conn.writable) return Next.Wait;
    conn.connecting = false;
    if (!introduce(strm, conn)) return connectFailed(strm, Errno.EPIPE);
  }
  if (!isOpen(conn)) {
    const result = start(conn);
    if (result === 0) return Next.Wait;
    if (result < 0) return connectFailed(strm, conn.error);
    // What came behind the handshake may be with OpenSSL already: no event will tell of it.
    conn.readable = true;
  }
  engine.timers.clear(conn.id);
  strm.connectMs = engine.nowMs - strm.startMs;
  return begin(strm, conn);
}

/** The PROXY header, before anything else (5.2 send-proxy). @returns false when it did not go */
function introduce(strm: Stream, conn: Conn): boolean {
  const version = conn.server!.config.sendProxy;
  if (version === 0) return true;
  return sendFirst(conn, proxyHeaderOff, putProxyHeader(strm.session, version));
}

/** The connection is there. */
function begin(strm: Stream, conn: Conn): Next {
  conn.activeMs = engine.nowMs;
  if (strm.plan.isHttp) {
    strm.step = Step.Request;
  } else {
    strm.step = Step.Tunnel;
    strm.dataMs = strm.connectMs;
    if (strm.backendPlan.stickRules !== null) keepTcp(strm);
  }
  return Next.Go;
}

/** What `stick` lines remember of a connection without messages. */
function keepTcp(strm: Stream): void {
  engine.attend(strm);
  engine.request = null;
  engine.response = null;
  storeStick(strm);
}

/** `timeout connect` has expired. */
export function onConnectTimeout(strm: Stream): Next {
  return connectFailed(strm, Errno.ETIMEDOUT);
}

/** The connection could not be made: retry, redispatch or give up. */
function connectFailed(strm: Stream, code: number): Next {
  const server = strm.server!;
  const backend = strm.backend!;
  dropServer(strm);
  const config = backend.config;
  const mayRetry = !strm.plan.isHttp || (config.retryOn & RetryOn.ConnFailure) !== 0;
  if (strm.retries >= config.retries || !mayRetry) {
    engine.count(server.entity, Counter.ConnectErrors, 1);
    engine.count(backend.backend, Counter.ConnectErrors, 1);
    strm.blame(code === Errno.ETIMEDOUT ? Cause.ServerTimeout : Cause.Server);
    return replyOrAbort(strm, 503);
  }
  strm.retries++;
  return retry(strm, server, isImmediate(code));
}

/** A timeout has been a pause already; what our own process lacks does not ail the server. */
function isImmediate(code: number): boolean {
  return code === Errno.ETIMEDOUT || isShortage(code);
}

/**
 * Tries again, as HAProxy 3.2 does (`option redispatch`, `retries`): without the option always on
 * the same server, even when that is down by now. With it, at once on any other active server that
 * is usable. While there is none, a retry waits for a moment, and the choice is made again when
 * the server is down or the interval says so.
 * @param now without a pause
 */
function retry(strm: Stream, server: Server, now: boolean): Next {
  const backend = strm.backend!;
  const may = (backend.config.options & Option.Redispatch) !== 0;
  const others = may && engine.shared.get(backend.backend, State.ActiveServers) > 1;
  if (others || (may && (!isReachable(engine.shared, server.entity) || mayRedispatch(strm)))) {
    strm.triedServer = server;
    releaseServer(strm);
  } else {
    engine.count(server.entity, Counter.Retries, 1);
    engine.count(backend.backend, Counter.Retries, 1);
  }
  if (others) {
    chooseLater(strm);
    return Next.Wait;
  }
  // The slot is kept: nobody overtakes a stream that waits for its server to come back.
  strm.step = Step.Pause;
  const connectMs = backend.config.timeout.connect;
  const pause = connectMs >= 0 && connectMs < TURN_AROUND_MS ? connectMs : TURN_AROUND_MS;
  engine.timers.set(engine.streamTimer(strm), engine.nowMs + (now ? 0 : pause));
  return Next.Wait;
}

/** `option redispatch <interval>`: n = every n-th retry, -n = the n-th one from the last. */
function mayRedispatch(strm: Stream): boolean {
  const { redispatchInterval, retries } = strm.backend!.config;
  const every = redispatchInterval > 0 ? redispatchInterval : retries + 1 + redispatchInterval;
  return every > 0 && strm.retries % every === 0;
}

/**
 * Sends the request again: a reused connection turned out to be dead before the response began, or
 * the answer is one to retry on. It may go to another server as after a failed connection.
 */
export function resend(strm: Stream): Next {
  const server = strm.server!;
  dropServer(strm);
  strm.client!.outRd = strm.resendFrom;
  strm.requestSent = false;
  strm.retries++;
  if (strm.backendPlan.has(Option.Redispatch) && !strm.reused && mayRedispatch(strm)) {
    strm.triedServer = server;
    releaseServer(strm);
    return Next.Back;
  }
  engine.count(server.entity, Counter.Retries, 1);
  engine.count(strm.backend!.backend, Counter.Retries, 1);
  return Next.Back;
}
