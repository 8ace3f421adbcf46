/**
 * From a backend to a connection: choose a server, wait for a slot, reuse or open a connection,
 * retry and redispatch (configuration.txt 4.2 retries, option redispatch, timeout queue/connect).
 *
 * @dataplane
 */

import { NOTHING, workerToWake } from '../balance/queue-order.ts';
import { isReachable } from '../balance/server-state.ts';
import { assert } from '../base/assert.ts';
import { Option } from '../model/config.ts';
import type { Proxy, Server } from '../model/runtime.ts';
import { Counter, State } from '../model/shared.ts';
import { Cause, Phase, Stage, type Stream, StreamFlag } from '../model/stream.ts';
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
  wake,
} from '../sys/socket.ts';
import { closeConn, resetConn } from './close.ts';
import { type Conn, Side } from './conn.ts';
import { noteSession } from './count.ts';
import { engine } from './engine.ts';
import { endStream } from './finish.ts';
import { countUsed, giveUpIdle, takeIdle } from './idle.ts';
import { abortStream, beginExchange } from './phases.ts';
import { replyError } from './reply.ts';

/** Longest pause before a retry on the same server, in ms (4.2 retries). */
const TURN_AROUND_MS = 1000;

/** Most attempts to take a slot from servers that other workers fill at the same time. */
const ACQUIRE_TRIES = 8;

/**
 * Finds a server with room and goes there, or waits in the backend's queue. After a failure it
 * prefers another server than the one that failed (`triedServer`).
 */
export function assignServer(strm: Stream): void {
  const plan = engine.plans[strm.backend!.index]!;
  const balancer = plan.balancer!;
  for (let i = 0; i < ACQUIRE_TRIES; i++) {
    const server = balancer.pick(strm.triedServer);
    if (server === null) break;
    if (!engine.queue.tryAcquire(server)) continue;
    // 9.1 lbtot: chosen by balancing, not by a queue.
    if (strm.triedServer !== server) {
      engine.count(server.entity, Counter.Selected, 1);
      engine.count(strm.backend!.backend, Counter.Selected, 1);
    }
    return takeServer(strm, server);
  }
  // The counts are written before workers are woken, so they know more than the balancer's table.
  const shared = engine.shared;
  const entity = strm.backend!.backend;
  if (shared.get(entity, State.ActiveServers) + shared.get(entity, State.BackupServers) === 0) {
    return noServer(strm);
  }
  waitInQueue(strm, entity);
}

function noServer(strm: Stream): void {
  countChange(strm, null);
  strm.server = null;
  strm.cause = Cause.Server;
  strm.stage = Stage.Connect;
  engine.count(strm.backend!.backend, Counter.ConnectErrors, 1);
  replyOrEnd(strm, 503);
}

/** Queues for any server of a backend. */
function waitInQueue(strm: Stream, entity: number): void {
  const config = strm.backend!.config;
  strm.phase = Phase.Queue;
  strm.backendQueue = engine.queue.enqueue(strm.slot, entity) + 1;
  const ms = config.timeout.queue >= 0 ? config.timeout.queue : config.timeout.connect;
  if (ms >= 0) engine.timers.set(engine.streamTimer(strm), engine.nowMs + ms);
  // A slot may have become free between the two.
  settleBackend(strm.backend!.servers);
}

/** Gives free slots to waiting streams, wherever they are. */
export function settleBackend(servers: Server[]): void {
  for (let i = 0; i < servers.length; i++) {
    const server = servers[i]!;
    for (;;) {
      const next = engine.queue.settle(server);
      if (next === NOTHING) break;
      runNext(server, next);
    }
  }
}

/** A slot has changed hands: run our stream or wake the worker that has it now. */
function runNext(server: Server, next: number): void {
  if (next >= 0) {
    const strm = engine.streams[next]!;
    engine.timers.clear(engine.streamTimer(strm));
    strm.slotHeld = server;
    goOn(strm);
  } else {
    wake(engine.init.wakeFds[workerToWake(next)]!);
  }
}

/** Later in this turn, not from here: many failing servers must not become a deep stack. */
function goOn(strm: Stream): void {
  strm.phase = Phase.Granted;
  engine.grantQueue.push(strm);
}

/** A stream of the grant queue goes to the server whose slot it holds, or chooses one. */
export function onGranted(strm: Stream): void {
  if (strm.phase !== Phase.Granted) return;
  if (strm.slotHeld === null) assignServer(strm);
  else takeServer(strm, strm.slotHeld);
}

/** Takes slots that other workers have granted to this one. */
export function takeGrants(): void {
  if (!engine.queue.hasGrants()) return;
  for (let i = 0; i < engine.plans.length; i++) {
    const servers = engine.plans[i]!.proxy.servers;
    for (let k = 0; k < servers.length; k++) {
      for (;;) {
        const next = engine.queue.takeGrant(servers[k]!);
        if (next === NOTHING) break;
        runNext(servers[k]!, next);
      }
    }
  }
}

/** The last usable server of a backend has gone: who waits for one is told so at once. */
export function evictQueued(backend: Proxy): void {
  const shared = engine.shared;
  const entity = backend.backend;
  if (shared.get(entity, State.ActiveServers) + shared.get(entity, State.BackupServers) > 0) return;
  for (;;) {
    const id = engine.queue.evict(entity);
    if (id < 0) return;
    const strm = engine.streams[id]!;
    engine.timers.clear(engine.streamTimer(strm));
    noServer(strm);
  }
}

/** Gives back the stream's server slot and lets the next one run. */
export function releaseServer(strm: Stream): void {
  const server = strm.slotHeld;
  if (server === null) return;
  strm.slotHeld = null;
  const next = engine.queue.release(server);
  if (next !== NOTHING) runNext(server, next);
}

/** Balancing or the queue has given the stream a slot of this server. */
function takeServer(strm: Stream, server: Server): void {
  countChange(strm, server);
  strm.slotHeld = server;
  strm.server = server;
  strm.queueMs = engine.nowMs - strm.startMs;
  useServer(strm, server);
}

/** A choice after a failure is a redispatch only when it led away from the server that failed. */
function countChange(strm: Stream, server: Server | null): void {
  const tried = strm.triedServer;
  if (tried === null) return;
  strm.triedServer = null;
  if (tried !== server) strm.flags |= StreamFlag.Redispatched;
  const column = tried === server ? Counter.Retries : Counter.Redispatches;
  engine.count(tried.entity, column, 1);
  engine.count(strm.backend!.backend, column, 1);
}

/** The stream holds a slot of this server. */
function useServer(strm: Stream, server: Server): void {
  assert(strm.slotHeld === server, 'a stream uses a server without a slot of it');
  engine.raise(server.entity, Counter.SessionsMax, engine.shared.get(server.entity, State.Current));
  const isHttp = engine.plans[strm.frontend!.index]!.isHttp;
  const idle = isHttp ? takeIdle(server, strm) : null;
  if (idle !== null) return reuse(strm, idle, server);
  openServer(strm, server);
}

function reuse(strm: Stream, conn: Conn, server: Server): void {
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
  strm.connectMs = strm.queueMs;
  strm.reused = true;
  engine.count(server.entity, Counter.Reused, 1);
  engine.count(strm.backend!.backend, Counter.Reused, 1);
  beginExchange(strm);
}

/** Opens a new connection to the server. */
function openServer(strm: Stream, server: Server): void {
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
  strm.phase = Phase.Connecting;
  tuneServer(conn, server);
  if (server.sourceOff !== 0) {
    const code = bindTo(fd, server.sourceOff, server.sourceLen);
    if (code !== 0) return connectFailed(strm, code);
  }
  const code = connect(fd, server.addressOff, server.addressLen);
  if (code !== 0) return connectFailed(strm, code);
  if (!engine.poller.add(fd, conn.id, conn.generation)) return connectFailed(strm, Errno.ENOMEM);
  const ms = strm.backend!.config.timeout.connect;
  if (ms >= 0) engine.timers.set(conn.id, engine.nowMs + ms);
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

/** An event came while the connection was being made. */
export function onConnectEvent(conn: Conn): void {
  const strm = conn.stream!;
  // Writable without an error or hang-up means connected; only otherwise the kernel is asked.
  if (conn.hup) {
    const code = socketError(conn.fd);
    if (code !== 0) return connectFailed(strm, code);
  }
  if (!conn.writable) return;
  conn.connecting = false;
  conn.activeMs = engine.nowMs;
  engine.timers.clear(conn.id);
  strm.connectMs = engine.nowMs - strm.startMs;
  beginExchange(strm);
}

/** `timeout connect` has expired. */
export function onConnectTimeout(strm: Stream): void {
  connectFailed(strm, Errno.ETIMEDOUT);
}

/** The connection could not be made: retry, redispatch or give up. */
export function connectFailed(strm: Stream, code: number): void {
  const server = strm.server!;
  const backend = strm.backend!;
  if (strm.serverConn !== null) {
    dropServer(strm);
  }
  const config = backend.config;
  if (strm.retries >= config.retries) {
    engine.count(server.entity, Counter.ConnectErrors, 1);
    engine.count(backend.backend, Counter.ConnectErrors, 1);
    strm.cause = code === Errno.ETIMEDOUT ? Cause.ServerTimeout : Cause.Server;
    strm.stage = Stage.Connect;
    return replyOrEnd(strm, 503);
  }
  strm.retries++;
  retry(strm, server, isImmediate(code));
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
function retry(strm: Stream, server: Server, now: boolean): void {
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
  if (others) return goOn(strm);
  // The slot is kept: nobody overtakes a stream that waits for its server to come back.
  strm.phase = Phase.TurnAround;
  const connectMs = backend.config.timeout.connect;
  const pause = connectMs >= 0 && connectMs < TURN_AROUND_MS ? connectMs : TURN_AROUND_MS;
  engine.timers.set(engine.streamTimer(strm), engine.nowMs + (now ? 0 : pause));
}

/** `option redispatch <interval>`: n = every n-th retry, -n = the n-th one from the last. */
function mayRedispatch(strm: Stream): boolean {
  const { redispatchInterval, retries } = strm.backend!.config;
  const every = redispatchInterval > 0 ? redispatchInterval : retries + 1 + redispatchInterval;
  return every > 0 && strm.retries % every === 0;
}

/** The pause before a retry is over: the same server again, or a choice. */
export function onTurnAround(strm: Stream): void {
  if (strm.slotHeld === null) assignServer(strm);
  else useServer(strm, strm.slotHeld);
}

/** Gives up the connection to the server, whatever state it is in. */
export function dropServer(strm: Stream): void {
  const conn = strm.serverConn;
  if (conn === null) return;
  // What it sent counts although it is answered in another way.
  strm.bytesOut += conn.carried - conn.counted;
  strm.serverConn = null;
  countUsed(conn.server!, -1);
  if (conn.eof || conn.connecting) closeConn(conn);
  else resetConn(conn);
}

/** `timeout queue` has expired. */
export function onQueueTimeout(strm: Stream): void {
  engine.queue.remove(strm.slot);
  strm.queueMs = engine.nowMs - strm.startMs;
  strm.triedServer = null;
  strm.cause = Cause.ServerTimeout;
  strm.stage = Stage.Queue;
  strm.server = null;
  engine.count(strm.backend!.backend, Counter.ConnectErrors, 1);
  replyOrEnd(strm, 503);
}

/** A reused connection turned out to be dead before the response began: ask again. */
export function resend(strm: Stream): void {
  const server = strm.server!;
  dropServer(strm);
  strm.client!.outRd = strm.resendFrom;
  strm.requestSent = false;
  strm.retries++;
  engine.count(server.entity, Counter.Retries, 1);
  engine.count(strm.backend!.backend, Counter.Retries, 1);
  openServer(strm, server);
}

/** HTTP clients get an error page; in TCP mode the connection just ends. */
function replyOrEnd(strm: Stream, status: number): void {
  if (engine.plans[strm.frontend!.index]!.isHttp) replyError(strm, status);
  else if (strm.client === null) endStream(strm);
  else abortStream(strm);
}
