/**
 * Accepting client connections (configuration.txt 5.1, 4.2 maxconn and rate-limit): limits of the
 * process, the frontend and the bind line, and the pause that HAProxy makes when one of them is
 * reached. The limits are cells of shared state, the same for all workers.
 *
 * Every worker has its own socket per bind line. Sockets that exist once (inherited, unix) belong
 * to worker 0, which hands descriptors to the least loaded worker.
 *
 * @dataplane
 */
import { Option } from '../model/config.ts';
import type { Proxy } from '../model/runtime.ts';
import { Counter, Handoff, PROCESS_ENTITY, State } from '../model/shared.ts';
import { Family } from '../model/stream.ts';
import { Errno, errno, isDescriptorLimit } from '../sys/errno.ts';
import {
  accept,
  close,
  copyPeerAddress,
  peerFamily,
  peerPort,
  remoteAddress,
  setBuffers,
  setKeepAlive,
  setQuickAckOff,
  setUnsentMark,
  setUserTimeout,
  wake,
} from '../sys/socket.ts';
import { isOpen } from '../transport/io.ts';
import { Listener } from '../transport/listener.ts';
import { admitConnection, beginSession, giveSessionRates } from './admission.ts';
import { closeConn, releaseLimit, releaseLimits } from './close.ts';
import { Side } from './conn.ts';
import { engine } from './engine.ts';
import { giveUpIdle } from './idle.ts';
import { armOpening } from './opening.ts';
import { startClient } from './phases.ts';
import { giveRate, takeRate } from './rate-limit.ts';
import { secureClient } from './secure.ts';
import type { Conn } from './stream.ts';

/** Pause after the process or the system ran out of descriptors or memory, in ms. */
const EXHAUSTED_PAUSE_MS = 100;

/** Connections accepted in a row when tune.maxaccept sets no limit: other events want their turn. */
const ACCEPT_MAX = 1024;

/** And before a socket is closed: more than the queue of any socket holds, so that it ends. */
const BACKLOG_MAX = 1 << 16;

/** Puts the worker's listening sockets into its poller. */
export function createListeners(): void {
  const { entities, workerIndex } = engine.init;
  for (const { proxy, bind, fd, shared } of engine.init.listeners) {
    const frontend = engine.plans[proxy]!.proxy;
    const entity = entities.listener[proxy]![bind]!;
    const number = engine.listeners.length;
    const listener = new Listener(number, frontend, bind, entity, shared, fd);
    engine.listeners.push(listener);
    if (!shared || workerIndex === 0) resumeListener(listener);
  }
}

/** Whether this worker accepts from it. */
function isMine(listener: Listener): boolean {
  return !listener.isShared || engine.init.workerIndex === 0;
}

function resumeListener(listener: Listener): void {
  if (listener.isRegistered || listener.isSuspended || engine.stopping) return;
  listener.isRegistered = engine.poller.addLevel(listener.fd, listener.event, 0);
  // The kernel had no memory for it: nobody else would try again.
  if (!listener.isRegistered) pauseFor(listener, EXHAUSTED_PAUSE_MS);
}

function pauseListener(listener: Listener): void {
  if (!listener.isRegistered) return;
  engine.poller.remove(listener.fd);
  listener.isRegistered = false;
}

/** Stops accepting for some time. */
function pauseFor(listener: Listener, ms: number): void {
  pauseListener(listener);
  engine.timers.set(engine.listenerTimer(listener), engine.nowMs + ms);
}

/** Looks again at listeners that stand still; after a wake-up or a pause. */
export function resumeListeners(): void {
  const { listeners } = engine;
  for (let i = 0; i < listeners.length; i++) {
    if (isMine(listeners[i]!)) resumeListener(listeners[i]!);
  }
}

/**
 * SIGTTOU: looks at no socket any more until `releaseListener`. An abstract name is given up here,
 * by closing it; a path stays in use.
 */
export function suspendListeners(): void {
  const { listeners } = engine;
  for (let i = 0; i < listeners.length; i++) {
    const listener = listeners[i]!;
    const { family } = listener.frontend.config.binds[listener.bindIndex]!.address;
    if (listener.fd < 0 || family === 'unix') continue;
    if (listener.isRegistered && family !== 'fd') acceptClients(listener, BACKLOG_MAX);
    pauseListener(listener);
    listener.isSuspended = true;
    if (family !== 'abns') continue;
    if (isMine(listener)) close(listener.fd);
    listener.fd = -1;
  }
}

/** SIGTTIN: the sockets of a bind line may be used again. @param fds one per worker, or one for all */
export function releaseListener(proxy: number, bind: number, fds: number[]): void {
  const { listeners } = engine;
  for (let i = 0; i < listeners.length; i++) {
    const listener = listeners[i]!;
    if (listener.frontend.index !== proxy || listener.bindIndex !== bind) continue;
    listener.fd = fds[listener.isShared ? 0 : engine.init.workerIndex]!;
    listener.isSuspended = false;
    if (isMine(listener)) resumeListener(listener);
  }
}

/**
 * Stops accepting for good and closes the sockets that are this worker's own. Closing resets what
 * waits to be accepted, so that is accepted first, as far as limits allow.
 */
export function closeListeners(): void {
  const { listeners } = engine;
  for (let i = 0; i < listeners.length; i++) {
    const listener = listeners[i]!;
    if (listener.fd < 0) continue;
    const accepts = listener.isRegistered && !engine.ended;
    const mine = isMine(listener);
    pauseListener(listener);
    // Nothing stands between the last accept and the close: who comes there is reset.
    if (accepts) acceptClients(listener, BACKLOG_MAX);
    if (mine) close(listener.fd);
    listener.fd = -1;
  }
  if (engine.init.workerIndex !== 0) return;
  Atomics.store(engine.shared.handoff, Handoff.Closed, 1);
  const fds = engine.init.wakeFds;
  for (let i = 1; i < fds.length; i++) wake(fds[i]!);
}

/** The listener's socket is readable: accept up to tune.maxaccept connections. */
export function onListener(listener: Listener): void {
  const { maxaccept } = engine.config.global.tune;
  acceptClients(listener, maxaccept > 0 ? maxaccept : ACCEPT_MAX);
}

function acceptClients(listener: Listener, most: number): void {
  const { frontend, entity } = listener;
  for (let i = 0; i < most; i++) {
    const waitMs = takeRates(frontend.frontend);
    if (waitMs > 0) return pauseFor(listener, waitMs);
    if (!takeLimits(frontend.frontend, entity)) {
      giveRates(frontend.frontend);
      return pauseListener(listener);
    }
    const fd = accept(listener.fd);
    if (fd < 0) {
      const code = errno();
      giveRates(frontend.frontend);
      releaseLimits(frontend.frontend, entity);
      if (code === Errno.EAGAIN) return;
      if (code === Errno.EINTR || code === Errno.ECONNABORTED) continue;
      if (isDescriptorLimit(code) && giveUpIdle()) continue;
      // Out of descriptors or memory: existing connections go on, new ones wait in the backlog.
      return pauseFor(listener, EXHAUSTED_PAUSE_MS);
    }
    if (listener.isShared && handOff(fd, listener)) continue;
    openClient(fd, frontend, listener.bindIndex, true);
  }
}

const processRate = PROCESS_ENTITY * State.WIDTH;

/** Counts a session in at all rate limits, or none. @returns 0, or the ms to wait */
function takeRates(frontend: number): number {
  const { state } = engine.shared;
  const now = engine.nowDateMs;
  const own = frontend * State.WIDTH + State.SessionRateMax;
  let wait = takeRate(state, processRate + State.SessionRateMax, now);
  if (wait > 0) return wait;
  wait = takeRate(state, processRate + State.ConnectionRateMax, now);
  if (wait === 0) {
    wait = takeRate(state, own, now);
    if (wait === 0) return 0;
    giveRate(state, processRate + State.ConnectionRateMax, now);
  }
  giveRate(state, processRate + State.SessionRateMax, now);
  return wait;
}

function giveRates(frontend: number): void {
  giveRate(engine.shared.state, processRate + State.ConnectionRateMax, engine.nowDateMs);
  giveSessionRates(frontend);
}

/** Counts the connection in at all levels, or none. */
function takeLimits(frontend: number, listener: number): boolean {
  if (!takeLimit(PROCESS_ENTITY)) return false;
  if (!takeLimit(frontend)) {
    releaseLimit(PROCESS_ENTITY);
    return false;
  }
  if (takeLimit(listener)) return true;
  releaseLimit(frontend);
  releaseLimit(PROCESS_ENTITY);
  return false;
}

/** The limit is looked up each time: it may change while the program runs. */
function takeLimit(entity: number): boolean {
  const state = engine.shared.state;
  const cell = entity * State.WIDTH + State.Current;
  for (;;) {
    const limit = Atomics.load(state, entity * State.WIDTH + State.Maxconn);
    const now = Atomics.add(state, cell, 1) + 1;
    if (limit <= 0 || now <= limit) return true;
    Atomics.sub(state, cell, 1);
    Atomics.store(state, entity * State.WIDTH + State.AcceptPaused, 1);
    // Somebody may have left between the two: then nobody else would wake us.
    if (Atomics.load(state, cell) >= limit) return false;
  }
}

/**
 * Keeps the largest number of connections seen at a time (`smax`). Workers that are about to find
 * out that the limit is reached are in the number, so it is cut to the limit. @returns the number.
 */
function noteMost(entity: number): number {
  const { shared } = engine;
  const current = shared.get(entity, State.Current);
  const limit = shared.get(entity, State.Maxconn);
  const now = limit > 0 && current > limit ? limit : current;
  engine.raise(entity, Counter.SessionsMax, now);
  return now;
}

/** Gives an accepted descriptor to a less loaded worker. @returns false = keep it. */
function handOff(fd: number, listener: Listener): boolean {
  const handoff = engine.shared.handoff;
  let best = 0;
  let load = Atomics.load(handoff, Handoff.Load);
  for (let w = 1; w < engine.shared.workerCount; w++) {
    const other = Atomics.load(handoff, w * Handoff.WORDS + Handoff.Load);
    if (other < load) {
      best = w;
      load = other;
    }
  }
  if (best === 0) return false;
  const at = best * Handoff.WORDS;
  const tail = Atomics.load(handoff, at + Handoff.Tail);
  const head = Atomics.load(handoff, at + Handoff.Head);
  if (((tail - head) | 0) >= Handoff.SLOTS) return false;
  const slot = at + Handoff.First + 3 * (tail & (Handoff.SLOTS - 1));
  handoff[slot] = fd;
  handoff[slot + 1] = listener.frontend.index;
  handoff[slot + 2] = listener.bindIndex;
  Atomics.store(handoff, at + Handoff.Tail, (tail + 1) | 0);
  Atomics.add(handoff, at + Handoff.Load, 1);
  wake(engine.init.wakeFds[best]!);
  return true;
}

/** Takes over what worker 0 has accepted for this worker. */
export function takeHandoffs(): void {
  const handoff = engine.shared.handoff;
  const at = engine.init.workerIndex * Handoff.WORDS;
  // What comes meanwhile wakes this worker again.
  const tail = Atomics.load(handoff, at + Handoff.Tail);
  for (;;) {
    const head = Atomics.load(handoff, at + Handoff.Head);
    if (head === tail) return;
    const slot = at + Handoff.First + 3 * (head & (Handoff.SLOTS - 1));
    const fd = handoff[slot]!;
    const proxy = engine.plans[handoff[slot + 1]!]!.proxy;
    const bind = handoff[slot + 2]!;
    Atomics.store(handoff, at + Handoff.Head, (head + 1) | 0);
    openClient(fd, proxy, bind, false);
  }
}

/** @param addressKnown the peer's address is the one that `accept` has just stored. */
function openClient(fd: number, frontend: Proxy, bind: number, addressKnown: boolean): void {
  const entity = engine.init.entities.listener[frontend.index]![bind]!;
  const conn = engine.takeConn();
  if (conn === null) {
    close(fd);
    if (!addressKnown) Atomics.sub(engine.shared.handoff, engine.loadCell, 1);
    releaseLimits(frontend.frontend, entity);
    return;
  }
  conn.open(Side.Client, fd);
  conn.writable = true;
  conn.plan = engine.plans[frontend.index]!;
  conn.listenerEntity = entity;
  conn.nice = frontend.config.binds[bind]!.nice;
  engine.clients++;
  // A connection that was handed over has been counted by who sent it.
  if (addressKnown) Atomics.add(engine.shared.handoff, engine.loadCell, 1);
  const sess = conn.session;
  sess.frontend = frontend;
  sess.bindIndex = bind;
  sess.destinationFamily = Family.None;
  sess.requests = 0;
  sess.handshakeMs = 0;
  sess.fd = fd;
  if (addressKnown || remoteAddress(fd)) {
    sess.sourceFamily = peerFamily() as Family;
    sess.sourcePort = sess.sourceFamily === Family.Unix ? 0 : peerPort();
    copyPeerAddress(sess.addressOff);
  } else {
    sess.sourceFamily = Family.Unix;
  }
  sess.acceptDateMs = engine.nowDateMs;
  sess.acceptMs = engine.nowMs;
  conn.activeMs = engine.nowMs;
  tuneClient(conn);
  if (noteMost(PROCESS_ENTITY) === engine.init.maxconn) {
    engine.count(PROCESS_ENTITY, Counter.MaxconnReached, 1);
  }
  noteMost(frontend.frontend);
  noteMost(entity);
  countConnection(frontend.frontend, entity);
  if (!admitConnection(conn)) return giveSessionRates(frontend.frontend);
  conn.awaitsHeader = frontend.config.binds[bind]!.acceptProxy;
  if (!secureClient(conn)) return closeConn(conn);
  if (isOpen(conn) && !beginSession(conn)) return;
  if (!engine.poller.add(fd, conn.id, conn.generation)) {
    closeConn(conn);
    return;
  }
  if (isOpen(conn)) startClient(conn);
  else armOpening(conn);
}

function tuneClient(conn: Conn): void {
  const sess = conn.session;
  if (sess.sourceFamily === Family.Unix) return;
  const plan = conn.plan!;
  const config = plan.config;
  const tune = engine.config.global.tune;
  setBuffers(conn.fd, tune.rcvbufClient, tune.sndbufClient);
  setUnsentMark(conn.fd, tune.notsentLowatClient);
  if (plan.has(Option.ClientTcpKeepalive)) {
    setKeepAlive(
      conn.fd,
      config.clitcpkaCnt,
      config.clitcpkaIdleMs / 1000,
      config.clitcpkaIntvlMs / 1000,
    );
  }
  if (plan.has(Option.TcpSmartAccept) && plan.isHttp) setQuickAckOff(conn.fd);
  const userTimeout = config.binds[sess.bindIndex]!.tcpUserTimeout;
  if (userTimeout > 0) setUserTimeout(conn.fd, userTimeout);
}

function countConnection(frontend: number, listener: number): void {
  engine.count(PROCESS_ENTITY, Counter.Connections, 1);
  engine.rate(PROCESS_ENTITY, Counter.ConnectionSecond);
  engine.count(frontend, Counter.Connections, 1);
  engine.rate(frontend, Counter.ConnectionSecond);
  engine.count(listener, Counter.Connections, 1);
}
