/**
 * The choice of a server: balancing, the slot that a queue has given, or none (configuration.txt 4.2
 * balance, timeout queue).
 *
 * @dataplane
 */
import { NO_KEY } from '../balance/balancer.ts';
import { hasRoom } from '../balance/server-limit.ts';
import { Option } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { Counter, State } from '../model/shared.ts';
import { Cause, CookieIn, StreamFlag } from '../model/stream.ts';
import { lastServer } from './choice.ts';
import { useServer } from './connect.ts';
import { engine } from './engine.ts';
import { leaveQueue, waitForServer, waitInQueue } from './queue.ts';
import { replyOrAbort } from './reply.ts';
import { Next, Step } from './step.ts';
import type { Stream } from './stream.ts';

/** Most attempts to take a slot from servers that other workers fill at the same time. */
const ACQUIRE_TRIES = 8;

/**
 * Goes to the server whose slot the stream holds, else to one with room, or waits: for the server that
 * its key leads to, or in the backend's queue. After a failure it prefers another server than the one
 * that failed (`triedServer`).
 */
export function assignServer(strm: Stream): Next {
  const held = strm.slotHeld;
  if (held !== null) {
    // It has had the slot before: only who comes from a queue has no time in it yet.
    const again = held === strm.server && strm.triedServer === null && strm.queueMs >= 0;
    return again ? useServer(strm, held) : takeServer(strm, held);
  }
  if (strm.isBound) {
    const next = takeBound(strm, strm.cookieServer!);
    if (next !== Next.Back) return next;
  }
  const last = lastServer(strm);
  if (last !== null) {
    const next = takeBound(strm, last);
    if (next !== Next.Back) return next;
  }
  const balancer = strm.backendPlan.balancer!;
  for (let i = 0; i < ACQUIRE_TRIES; i++) {
    const server = balancer.pick(strm.triedServer, strm.balanceKey);
    if (server === null) break;
    // Only a key leads to a server that is full.
    if (strm.balanceKey !== NO_KEY && !hasRoom(engine.shared, server)) {
      countChoice(strm, server);
      return isQueueFull(server) ? refuse(strm, server) : waitForServer(strm, server);
    }
    if (!engine.queue.tryAcquire(server, balancer.seen)) continue;
    countChoice(strm, server);
    return takeServer(strm, server);
  }
  // The counts are written before workers are woken, so they know more than the balancer's table.
  const shared = engine.shared;
  const entity = strm.backend!.backend;
  if (shared.get(entity, State.ActiveServers) + shared.get(entity, State.BackupServers) === 0) {
    return noServer(strm);
  }
  return waitInQueue(strm);
}

/** Goes to the server of the client's cookie, or of its key. @returns Back when another one is to be chosen */
function takeBound(strm: Stream, server: Server): Next {
  strm.isBound = false;
  if (hasRoom(engine.shared, server) && engine.queue.tryAcquire(server)) {
    return takeServer(strm, server);
  }
  if (!isQueueFull(server)) return waitForServer(strm, server);
  // 5.2 maxqueue: then persistence is broken, where a request may go elsewhere at all.
  if (!strm.backendPlan.has(Option.Redispatch)) return refuse(strm, server);
  strm.triedServer = server;
  return Next.Back;
}

/** 5.2 maxqueue. */
function isQueueFull(server: Server): boolean {
  const { maxqueue } = server.config;
  return maxqueue > 0 && engine.shared.get(server.entity, State.Queued) >= maxqueue;
}

/** Neither the server nor its queue takes the request. */
function refuse(strm: Stream, server: Server): Next {
  strm.step = Step.Queue;
  countChange(strm, server);
  strm.server = server;
  strm.blame(Cause.Server);
  engine.count(server.entity, Counter.ConnectErrors, 1);
  engine.count(strm.backend!.backend, Counter.ConnectErrors, 1);
  return replyOrAbort(strm, 503);
}

/** 9.1 lbtot: chosen by balancing, not by a queue. */
function countChoice(strm: Stream, server: Server): void {
  if (strm.triedServer === server) return;
  engine.count(server.entity, Counter.Selected, 1);
  engine.count(strm.backend!.backend, Counter.Selected, 1);
}

function noServer(strm: Stream): Next {
  countChange(strm, null);
  strm.server = null;
  strm.blame(Cause.Server);
  engine.count(strm.backend!.backend, Counter.ConnectErrors, 1);
  return replyOrAbort(strm, 503);
}

/** Balancing or the queue has given the stream a slot of this server. */
function takeServer(strm: Stream, server: Server): Next {
  countChange(strm, server);
  if (strm.cookieIn === CookieIn.Valid && server !== strm.cookieServer) {
    strm.cookieIn = CookieIn.Down;
  }
  strm.slotHeld = server;
  strm.server = server;
  strm.client!.lastServer = server;
  strm.queueMs = engine.nowMs - strm.startMs;
  return useServer(strm, server);
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

/** `timeout queue` has expired. */
export function onQueueTimeout(strm: Stream): Next {
  const { backend } = strm.backend!;
  if (engine.queue.waiting(strm.slot) === backend) strm.server = null;
  else engine.count(strm.server!.entity, Counter.ConnectErrors, 1);
  engine.count(backend, Counter.ConnectErrors, 1);
  leaveQueue(strm);
  strm.triedServer = null;
  strm.blame(Cause.ServerTimeout);
  return replyOrAbort(strm, 503);
}
