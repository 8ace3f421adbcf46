/**
 * From a backend to a connection: choose a server, wait for a slot, reuse or open a connection,
 * retry and redispatch (configuration.txt 4.2 retries, option redispatch, timeout queue/connect).
 *
 * @dataplane
 */
import { NOTHING, workerToWake } from '../balance/queue-order.ts';
import { isReachable } from '../balance/server-state.ts';
import { Option } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { Counter, State } from '../model/shared.ts';
import { Cause, Phase, Stage, type Stream, StreamFlag } from '../model/stream.ts';
import { Errno } from '../sys/errno.ts';
import {
  bindTo,
  close,
  connect,
  setBuffers,
  setKeepAlive,
  setQuickAckOff,
  setUserTimeout,
  socketError,
  streamSocket,
  wake,
} from '../sys/socket.ts';
import { closeConn, resetConn } from './close.ts';
import { type Conn, Side } from './conn.ts';
import { engine } from './engine.ts';
import { endStream } from './finish.ts';
import { countUsed, takeIdle } from './idle.ts';
import { abortStream, beginExchange } from './phases.ts';
import { replyError } from './reply.ts';

/** Longest pause before a retry on the same server, in ms (4.2 retries). */
const TURN_AROUND_MS = 1000;

/** Most attempts to take a slot from servers that other workers fill at the same time. */
const ACQUIRE_TRIES = 8;

/** Finds a server with room and goes there, or waits in the backend's queue. */
export function assignServer(strm: Stream): void {
  const plan = engine.plans[strm.backend!.index]!;
  const balancer = plan.balancer!;
  for (let i = 0; i < ACQUIRE_TRIES; i++) {
    const server = balancer.pick(strm.triedServer);
    if (server === null) break;
    if (!engine.queue.tryAcquire(server)) continue;
    return useServer(strm, server);
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
  strm.server = null;
  strm.cause = Cause.Server;
  strm.stage = Stage.Connect;
  engine.count(strm.backend!.backend, Counter.ConnectErrors, 1);
  replyOrEnd(strm, 503);
}

/** Queues for a backend or for one of its servers. */
function waitInQueue(strm: Stream, entity: number): void {
  const config = strm.backend!.config;
  strm.phase = Phase.Queue;
  const position = engine.queue.enqueue(strm.slot, entity);
  if (entity === strm.backend!.backend) strm.backendQueue = position + 1;
  else strm.serverQueue = position + 1;
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
    strm.phase = Phase.Granted;
    // Later in this turn, not from here: many failing servers must not become a deep stack.
    engine.grantQueue.push(strm);
  } else {
    wake(engine.init.wakeFds[workerToWake(next)]!);
  }
}

/** A stream of the grant queue goes to the server whose slot it holds. */
export function onGranted(strm: Stream): void {
  if (strm.phase === Phase.Granted) useServer(strm, strm.slotHeld!);
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

/** Moves streams that wait for a server which is down to other servers. */
export function evictQueued(server: Server): void {
  if (isReachable(engine.shared, server.entity)) return;
  for (;;) {
    const id = engine.queue.evict(server.entity);
    if (id < 0) return;
    const strm = engine.streams[id]!;
    engine.timers.clear(engine.streamTimer(strm));
    redispatch(strm);
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

/** The stream holds a slot of this server. */
function useServer(strm: Stream, server: Server): void {
  strm.slotHeld = server;
  strm.server = server;
  strm.triedServer = null;
  // A retry on the same server does not queue again: its pause belongs to the connection's time.
  if (strm.phase !== Phase.TurnAround) strm.queueMs = engine.nowMs - strm.startMs;
  const entity = server.entity;
  engine.count(entity, Counter.Selected, 1);
  engine.count(strm.backend!.backend, Counter.Selected, 1);
  engine.count(entity, Counter.Sessions, 1);
  engine.rate(entity, Counter.SessionSecond);
  engine.raise(entity, Counter.SessionsMax, engine.shared.get(entity, State.Current));
  const isHttp = engine.plans[strm.frontend!.index]!.isHttp;
  const idle = isHttp ? takeIdle(server, strm) : null;
  if (idle !== null) return reuse(strm, idle, server);
  openServer(strm, server);
}

function reuse(strm: Stream, conn: Conn, server: Server): void {
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
  const fd = streamSocket(server.addressOff);
  const conn = fd < 0 ? null : engine.takeConn();
  if (conn === null) {
    if (fd >= 0) close(fd);
    strm.cause = Cause.Resource;
    strm.stage = Stage.Connect;
    return replyOrEnd(strm, 503);
  }
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
  engine.count(server.entity, Counter.Connections, 1);
  engine.count(strm.backend!.backend, Counter.Connections, 1);
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
  engine.count(server.entity, Counter.Retries, 1);
  engine.count(backend.backend, Counter.Retries, 1);
  releaseServer(strm);
  const down = !isReachable(engine.shared, server.entity);
  if ((config.options & Option.Redispatch) !== 0 && (down || mayRedispatch(strm))) {
    return redispatch(strm);
  }
  strm.phase = Phase.TurnAround;
  const connectMs = config.timeout.connect;
  const pause = connectMs >= 0 && connectMs < TURN_AROUND_MS ? connectMs : TURN_AROUND_MS;
  // A refused connection is tried again after a pause; one that timed out has waited enough.
  const wait = code === Errno.ETIMEDOUT ? 0 : pause;
  engine.timers.set(engine.streamTimer(strm), engine.nowMs + wait);
}

/** `option redispatch <interval>`: -1 = only the last retry, n = every n-th one. */
function mayRedispatch(strm: Stream): boolean {
  const { redispatchInterval, retries } = strm.backend!.config;
  if (redispatchInterval > 0) return strm.retries % redispatchInterval === 0;
  // -n counts back from the last retry.
  return (retries - strm.retries) % -redispatchInterval === 0;
}

/** Chooses again, another server if there is one. */
function redispatch(strm: Stream): void {
  const server = strm.server;
  strm.flags |= StreamFlag.Redispatched;
  if (server !== null) engine.count(server.entity, Counter.Redispatches, 1);
  engine.count(strm.backend!.backend, Counter.Redispatches, 1);
  strm.triedServer = server;
  assignServer(strm);
}

/** The pause before a retry is over: the same server again, if it still can be. */
export function onTurnAround(strm: Stream): void {
  const server = strm.server!;
  if (!isReachable(engine.shared, server.entity)) return redispatch(strm);
  if (engine.queue.tryAcquire(server)) return useServer(strm, server);
  const { maxqueue } = server.config;
  const isLong = maxqueue > 0 && engine.shared.get(server.entity, State.Queued) >= maxqueue;
  if (isLong) return redispatch(strm);
  waitInQueue(strm, server.entity);
}

/** Gives up the connection to the server, whatever state it is in. */
export function dropServer(strm: Stream): void {
  const conn = strm.serverConn;
  if (conn === null) return;
  strm.serverConn = null;
  countUsed(conn.server!, -1);
  if (conn.eof || conn.connecting) closeConn(conn);
  else resetConn(conn);
}

/** `timeout queue` has expired. */
export function onQueueTimeout(strm: Stream): void {
  engine.queue.remove(strm.slot);
  strm.queueMs = engine.nowMs - strm.startMs;
  strm.cause = Cause.ServerTimeout;
  strm.stage = Stage.Queue;
  strm.server = null;
  engine.count(strm.backend!.backend, Counter.ConnectErrors, 1);
  replyOrEnd(strm, 503);
}

/** A reused connection turned out to be dead before the response began: ask again elsewhere. */
export function resend(strm: Stream): void {
  const client = strm.client!;
  const server = strm.server!;
  dropServer(strm);
  client.outRd = strm.resendFrom;
  strm.requestSent = false;
  strm.retries++;
  engine.count(server.entity, Counter.Retries, 1);
  engine.count(strm.backend!.backend, Counter.Retries, 1);
  if (isReachable(engine.shared, server.entity)) return openServer(strm, server);
  releaseServer(strm);
  redispatch(strm);
}

/** HTTP clients get an error page; in TCP mode the connection just ends. */
function replyOrEnd(strm: Stream, status: number): void {
  if (engine.plans[strm.frontend!.index]!.isHttp) replyError(strm, status);
  else if (strm.client === null) endStream(strm);
  else abortStream(strm);
}
