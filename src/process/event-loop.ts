/**
 * The event loop of a worker: what happens in one turn, and what a message changes. It knows no
 * threads: the thread's entry (worker.ts) or a simulation turns it and carries its messages.
 *
 *   wait → clock → events → messages → timers → queues → grants → flush logs → wait
 *
 * @dataplane
 */
import { Ready } from '../loop/poller.ts';
import { variableHeapBytes } from '../model/capacity.ts';
import type { ServiceMessage, ServicePart, ServiceTicket } from '../model/service.ts';
import { Health, State } from '../model/shared.ts';
import { initEntities } from '../rules/entity.ts';
import { initCaptures } from '../rules/fetch/capture.ts';
import { initThread } from '../rules/fetch/process.ts';
import { setDestinationHook } from '../rules/fetch/source.ts';
import { initLogEnvironment } from '../rules/log-format.ts';
import { replaceMap } from '../rules/map/live.ts';
import { initScratch } from '../rules/scratch.ts';
import { initUserlists } from '../rules/userlist.ts';
import { initVariables } from '../rules/variable/variables.ts';
import { initStickTables } from '../stick-table/registry.ts';
import { initTracking } from '../stick-table/tracking.ts';
import {
  closeListeners,
  createListeners,
  onListener,
  releaseListener,
  resumeListeners,
  suspendListeners,
  takeHandoffs,
} from '../stream/accept.ts';
import { Side } from '../stream/conn.ts';
import { createDebug } from '../stream/debug.ts';
import { fetchDestination } from '../stream/destination.ts';
import { createEngine, engine } from '../stream/engine.ts';
import { closeIdleOf, purgeIdle } from '../stream/idle.ts';
import { createIdleLists } from '../stream/idle-list.ts';
import {
  onConnTimer,
  onEvent,
  onException,
  onGranted,
  onResumed,
  onServed,
  onSoftStop,
  onStreamTimer,
} from '../stream/phases.ts';
import { evictQueued, settleBackend, takeGrants } from '../stream/queue.ts';
import { createSecure } from '../stream/secure.ts';
import { changeAddress } from '../stream/server-address.ts';
import { shutdownSessions } from '../stream/shutdown.ts';
import { isOver } from '../stream/soft-stop.ts';
import { createStickKeys } from '../stream/stick.ts';
import type { Conn, Stream } from '../stream/stream.ts';
import type { WorkerInit } from '../stream/worker-init.ts';
import { clock } from '../sys/clock.ts';
import { Errno } from '../sys/errno.ts';
import { drainWake } from '../sys/socket.ts';
import { noteReady } from '../transport/io.ts';
import { listenerOf, WAKE_EVENT } from '../transport/listener.ts';
import { createPipes } from '../transport/pipe.ts';
import type { ToWorker } from './protocol.ts';

/** Streams that go to their server in one turn. */
const GRANTS_PER_TURN = 4096;

/** Turns between two calls out of the loop, so that the optimiser can replace it. */
const TURNS_PER_CALL = 1000;

/** How often memory that is not needed is given back, in ms. */
const TRIM_EVERY_MS = 5000;

/** Exceptions that are told to the control thread. */
const REPORTS_PER_SECOND = 5;

/** Who turns the loop. */
export interface LoopHost {
  /** The next message of the control thread, or null. */
  receive(): ToWorker | null;
  /** An exception while one event was handled. */
  failed(error: unknown): void;
  /** Answers `memory`. */
  reportMemory(): void;
  /** Answers `suspend`. */
  suspended(): void;
  /** Hands what a stream wants to the control thread; `served` brings a part of the answer. */
  serve(message: ServiceMessage): void;
  /** Gives back memory that the runtime does not need. Every few seconds. */
  collect(): void;
}

let host: LoopHost;
let nextPurgeMs = 0;
let nextTrimMs = 0;
let reportsFromMs = 0;
let reports = 0;
let wakeFd = -1;

/** Makes the engine and all that the loop needs. */
export function createEventLoop(init: WorkerInit, loopHost: LoopHost): void {
  host = loopHost;
  nextPurgeMs = 0;
  reportsFromMs = 0;
  reports = 0;
  initScratch(init.config.global.tune.bufsize);
  initCaptures(init.config.global.tune.httpLogurilen);
  initThread(init.workerIndex);
  const { config, maxconn, streamsMax } = init;
  const heapBytes = variableHeapBytes(config, maxconn, streamsMax);
  initEntities(config, init.entities);
  initVariables(config.variables, config.global.tune, heapBytes);
  initTracking(initStickTables(init.config, init.stickTables), init.config.global);
  initUserlists(config.userlists);
  createEngine(
    init,
    init.debug ? createDebug(streamsMax, config.global.tune.bufsize) : null,
    loopHost.serve,
  );
  nextTrimMs = engine.nowMs + TRIM_EVERY_MS;
  const plans = engine.plans;
  initLogEnvironment({
    shared: engine.shared,
    pid: init.pid,
    hostname: init.hostname,
    captureLayouts: plans.map((plan) => plan.layout),
    destinationHook: fetchDestination,
  });
  setDestinationHook(fetchDestination);
  createStickKeys();
  createSecure(init);
  createIdleLists(plans.flatMap((plan) => plan.proxy.servers));
  createPipes(engine.pipesMax, init.config.global.tune.pipesize);
  wakeFd = init.wakeFds[init.workerIndex]!;
  engine.poller.addLevel(wakeFd, WAKE_EVENT, 0);
  createListeners();
}

/** One turn of the loop. */
export function turn(): void {
  const eng = engine;
  const n = eng.poller.wait(waitMs());
  clock.update();
  eng.nowMs = clock.nowMs;
  eng.nowDateMs = clock.dateMs;
  if (eng.hasNice) dispatchByNice(n);
  else for (let i = 0; i < n; i++) dispatch(i);
  // What is due beyond one batch keeps `timers.wait` at 0: it has its turn behind the next events.
  const due = eng.timers.expire(eng.nowMs);
  for (let i = 0; i < due; i++) expire(eng.timers.due(i));
  runQueues();
  housekeeping();
  eng.logger.flush();
  if (eng.debug !== null) eng.debug.flush();
}

/**
 * What events of this turn have left to do. New entries of the meantime wait for the next turn, but
 * for grants: a server slot that was given back by whatever ran before is used at once.
 */
function runQueues(): void {
  const queue = engine.resumeQueue;
  const count = queue.length;
  for (let i = 0; i < count; i++) {
    const conn = queue[i]!;
    try {
      onResumed(conn);
    } catch (error) {
      failed(conn, error);
    }
  }
  queue.copyWithin(0, count);
  queue.length -= count;
  runGrants();
}

/**
 * In the order in which slots were given, with the grants that follow from them: what fails at once
 * is tried again. The bound leaves time for others.
 */
function runGrants(): void {
  const grants = engine.grantQueue;
  let done = 0;
  while (done < grants.length && done < GRANTS_PER_TURN) {
    const strm = grants[done++]!;
    try {
      onGranted(strm);
    } catch (error) {
      if (strm.client !== null) failed(strm.client, error);
    }
  }
  grants.copyWithin(0, done);
  grants.length -= done;
}

function waitMs(): number {
  if (engine.grantQueue.length + engine.resumeQueue.length > 0) return 0;
  // 3.2 busy-polling: not in a process that is being replaced.
  if (engine.busyPolling && !engine.stopping) return 0;
  const timer = engine.timers.wait(engine.nowMs);
  const house = Math.min(nextPurgeMs, nextTrimMs) - engine.nowMs;
  // An idle worker with nothing to purge sleeps until something happens.
  if (engine.buffers.inUse === 0 && engine.conns.length === 0) return timer;
  const ms = house > 0 ? house : 0;
  return timer >= 0 && timer < ms ? timer : ms;
}

function housekeeping(): void {
  if (engine.nowMs >= nextPurgeMs) nextPurgeMs = engine.nowMs + purgeIdle(engine.nowMs);
  if (engine.nowMs >= nextTrimMs) {
    nextTrimMs = engine.nowMs + TRIM_EVERY_MS;
    engine.buffers.trim();
    engine.captures.trim();
    host.collect();
  }
  if (isOver()) engine.ended = true;
}

/** Events of bind lines with a negative `nice` first, of those with a positive one last. */
function dispatchByNice(n: number): void {
  for (let sign = -1; sign <= 1; sign++) {
    for (let i = 0; i < n; i++) {
      const id = engine.poller.id(i);
      const nice = id < 0 ? 0 : engine.conns[id]!.nice;
      if (Math.sign(nice) === sign) dispatch(i);
    }
  }
}

/** One event of the poller. */
function dispatch(index: number): void {
  const id = engine.poller.id(index);
  if (id < 0) return dispatchOther(id);
  const conn = engine.conns[id]!;
  if (conn.generation !== engine.poller.generation(index)) return;
  const ready = engine.poller.ready(index);
  noteReady(conn, ready);
  // A reset client is gone whatever it sent; a server's last bytes are still worth reading.
  if ((ready & Ready.Err) !== 0 && conn.side === Side.Client) conn.error = Errno.ECONNRESET;
  try {
    onEvent(conn);
  } catch (error) {
    failed(conn, error);
  }
}

/** An event of no connection: a listener's, or that of the wake-up. */
function dispatchOther(event: number): void {
  try {
    if (event === WAKE_EVENT) onWake();
    else onListener(engine.listeners[listenerOf(event)]!);
  } catch (error) {
    report(error);
  }
}

function expire(id: number): void {
  if (id >= engine.listenerTimers) return resumeListeners();
  if (id >= engine.connsMax) return expireStream(engine.streams[id - engine.connsMax]!);
  const conn = engine.conns[id]!;
  try {
    onConnTimer(conn);
  } catch (error) {
    failed(conn, error);
  }
}

function expireStream(strm: Stream): void {
  try {
    onStreamTimer(strm);
  } catch (error) {
    if (strm.client !== null) failed(strm.client, error);
  }
}

/** A defect that every request meets must not fill the disk of whoever keeps stderr. */
function mayReport(): boolean {
  if (engine.nowMs >= reportsFromMs + 1000) {
    reportsFromMs = engine.nowMs;
    reports = 0;
  }
  return reports++ < REPORTS_PER_SECOND;
}

function report(error: unknown): void {
  if (mayReport()) host.failed(error);
}

/** A defect of ours must not cost more than the stream that met it. */
function failed(conn: Conn, error: unknown): void {
  report(error);
  try {
    onException(conn);
  } catch {
    // The slot is lost, the worker goes on.
  }
}

/** The control thread or another worker has written to our eventfd. */
function onWake(): void {
  drainWake(wakeFd);
  for (let message = host.receive(); message !== null; message = host.receive()) onMessage(message);
  takeHandoffs();
  takeGrants();
  resumeListeners();
}

function onMessage(message: ToWorker): void {
  switch (message.type) {
    case 'stop':
      engine.ended = true;
      return;
    case 'soft-stop':
      return softStop();
    case 'memory':
      return host.reportMemory();
    case 'suspend':
      suspendListeners();
      return host.suspended();
    case 'resume':
      for (let i = 0; i < message.listeners.length; i++) {
        const { proxy, bind, fds } = message.listeners[i]!;
        releaseListener(proxy, bind, fds);
      }
      return;
    case 'shutdown-sessions':
      return shutdownSessions(message.server, message.cause);
    case 'address':
      return changeAddress(message.proxy, message.server, message.address);
    case 'refresh':
      return refresh();
    case 'served':
      return takeServed(message.ticket, message.part);
    case 'map':
      return replaceMap(message);
    default:
      return;
  }
}

function takeServed(ticket: ServiceTicket, part: ServicePart): void {
  try {
    onServed(ticket, part);
  } catch (error) {
    failed(engine.streams[ticket.slot]!.client!, error);
  }
}

/** No new connections but those that wait to be accepted; idle ones are closed (soft-stop.ts). */
function softStop(): void {
  closeListeners();
  engine.stopping = true;
  engine.stopMs = engine.nowMs;
  const conns = engine.conns;
  for (let i = 0; i < conns.length; i++) onSoftStop(conns[i]!);
}

/** Health, weights or limits have changed. */
function refresh(): void {
  const plans = engine.plans;
  for (let i = 0; i < plans.length; i++) {
    const plan = plans[i]!;
    if (plan.balancer === null) continue;
    plan.balancer.rebuild();
    const servers = plan.proxy.servers;
    for (let k = 0; k < servers.length; k++) {
      const server = servers[k]!;
      if (isDown(server.entity)) closeIdleOf(server);
    }
    evictQueued(plan.proxy);
    settleBackend(servers);
  }
}

function isDown(entity: number): boolean {
  return engine.shared.get(entity, State.Health) === Health.Down;
}

/** As many turns as one call may take; ends early with the worker. */
export function turns(): void {
  for (let i = 0; i < TURNS_PER_CALL && !engine.ended; i++) turn();
}
