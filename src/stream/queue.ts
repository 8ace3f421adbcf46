/**
 * Waiting for a server slot, and slots that change hands (configuration.txt 4.2 timeout queue, 5.2
 * maxconn). A stream that was given one is run later in this turn, in the order in which slots came.
 *
 * @dataplane
 */
import { NOTHING, workerToWake } from '../balance/queue-order.ts';
import type { Proxy, Server } from '../model/runtime.ts';
import { State } from '../model/shared.ts';
import { wake } from '../sys/socket.ts';
import { engine } from './engine.ts';
import { Next, Step } from './step.ts';
import type { Stream } from './stream.ts';

/** Queues for any server of a backend. */
export function waitInQueue(strm: Stream): Next {
  const { backend, config } = strm.backendPlan.proxy;
  strm.step = Step.Queue;
  strm.backendQueue = engine.queue.enqueue(strm.slot, backend) + 1;
  const ms = config.timeout.queue >= 0 ? config.timeout.queue : config.timeout.connect;
  if (ms >= 0) engine.timers.set(engine.streamTimer(strm), engine.nowMs + ms);
  // A slot may have become free between the two.
  settleBackend(strm.backend!.servers);
  return Next.Wait;
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
