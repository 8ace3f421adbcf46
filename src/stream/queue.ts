/**
 * Waiting for a server slot, and slots that change hands (configuration.txt 4.2 timeout queue, 5.2
 * maxconn). A stream that was given one is run later in this turn, in the order in which slots came.
 *
 * @dataplane
 */
import { NOTHING, workerToWake } from '../balance/queue-order.ts';
import { Option } from '../model/config.ts';
import type { Proxy, Server } from '../model/runtime.ts';
import { isReachable } from '../model/server-health.ts';
import { Health, State } from '../model/shared.ts';
import { wake } from '../sys/socket.ts';
import { engine } from './engine.ts';
import { Next, Step } from './step.ts';
import type { Stream } from './stream.ts';

/** Queues for any server of a backend. */
export function waitInQueue(strm: Stream): Next {
  armQueue(strm);
  strm.backendQueue = engine.queue.enqueue(strm.slot, strm.backendPlan.proxy.backend) + 1;
  // A slot may have become free between the two.
  settleBackend(strm.backend!.servers);
  return Next.Wait;
}

/** Queues for this server: logs name it from now on. */
export function waitForServer(strm: Stream, server: Server): Next {
  strm.server = server;
  armQueue(strm);
  strm.serverQueue = engine.queue.enqueue(strm.slot, server.entity) + 1;
  settleServer(server);
  return Next.Wait;
}

/** The time in the queue ends without a slot. */
export function leaveQueue(strm: Stream): void {
  engine.queue.remove(strm.slot);
  strm.queueMs = engine.nowMs - strm.startMs;
}

/** 4.2 timeout queue, for which `timeout connect` stands in. */
function armQueue(strm: Stream): void {
  const { timeout } = strm.backend!.config;
  strm.step = Step.Queue;
  const ms = timeout.queue >= 0 ? timeout.queue : timeout.connect;
  if (ms >= 0) engine.timers.set(engine.streamTimer(strm), engine.nowMs + ms);
}

/** Gives free slots to waiting streams, wherever they are. */
export function settleBackend(servers: Server[]): void {
  for (let i = 0; i < servers.length; i++) settleServer(servers[i]!);
}

function settleServer(server: Server): void {
  for (;;) {
    const next = engine.queue.settle(server);
    if (next === NOTHING) return;
    runNext(server, next);
  }
}

/** A slot has changed hands: run our stream or wake the worker that has it now. */
function runNext(server: Server, next: number): void {
  if (next >= 0) {
    const strm = engine.streams[next]!;
    engine.timers.clear(engine.streamTimer(strm));
    strm.slotHeld = server;
    chooseLater(strm);
  } else {
    wake(engine.init.wakeFds[workerToWake(next)]!);
  }
}

/** Later in this turn, not from here: many failing servers must not become a deep stack. */
export function chooseLater(strm: Stream): void {
  strm.step = Step.Balance;
  engine.grantQueue.push(strm);
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

/**
 * Who waits for a server that has gone chooses again, if requests may go to another one (4.2 option
 * redispatch) or it was taken away on purpose. When the last usable server of the backend has gone,
 * so does who waits for any, and is told so at once.
 */
export function evictQueued(backend: Proxy): void {
  const shared = engine.shared;
  const entity = backend.backend;
  const mayLeave = (backend.config.options & Option.Redispatch) !== 0;
  for (let i = 0; i < backend.servers.length; i++) {
    const server = backend.servers[i]!.entity;
    if (isReachable(shared, server)) continue;
    if (mayLeave || shared.get(server, State.Health) !== Health.Down) evict(server);
  }
  const usable = shared.get(entity, State.ActiveServers) + shared.get(entity, State.BackupServers);
  if (usable === 0) evict(entity);
}

function evict(entity: number): void {
  for (;;) {
    const id = engine.queue.evict(entity);
    if (id < 0) return;
    const strm = engine.streams[id]!;
    engine.timers.clear(engine.streamTimer(strm));
    strm.server = null;
    chooseLater(strm);
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
