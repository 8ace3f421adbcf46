/**
 * Queues of servers with `maxconn` and of backends (configuration.txt 5.2 maxconn, 4.2 timeout
 * queue): first come, first served, whichever worker a stream lives in.
 *
 *   worker 0   server s1: 17 → 23      heads in shared memory:  w0/s1 = 17   w1/s1 = 19
 *              backend:   18                                    w0/be = 18   w1/be =  0
 *   worker 1   server s1: 19
 *
 * A stream waits in its own worker's list (doubly linked through arrays, by its id) and takes a
 * ticket from one dispenser. Each worker publishes the ticket at the head of each of its lists.
 * Who has a free slot of a server looks for the oldest head among all workers' lists for that
 * server and its backend. When that is in another worker, the slot itself is granted to it: the
 * count of the server stays as it is, a grant is added, and the other worker is woken. It looks
 * again at that time, so that the oldest stream runs even if it has changed meanwhile.
 *
 * No wake-up is lost: a stream is published before the count is looked at (`settle` after
 * `enqueue`), and a count goes down before the queue lengths are looked at (`release`). With
 * sequentially consistent atomics at least one of the two sees the other.
 *
 * @dataplane
 */
import type { Server } from '../model/runtime.ts';
import { isReachable } from '../model/server-health.ts';
import { Counter, PROCESS_ENTITY, type SharedState, State } from '../model/shared.ts';
import { ANY_COUNT } from './balancer.ts';
import { connectionLimit } from './server-limit.ts';
import { takesFromBackend } from './server-state.ts';

/** Nothing to run. */
export const NOTHING = -1;
const NO_WORKER = -1;

/** The worker to wake for a result below -1. */
export function workerToWake(result: number): number {
  return -2 - result;
}

export class ServerQueue {
  private readonly shared: SharedState;
  private readonly state: Int32Array;
  private readonly words: Int32Array;
  private readonly workerIndex: number;
  private readonly workerCount: number;
  private readonly entityCount: number;
  /** Per entity: first and last waiting id of this worker, -1 = none. */
  private readonly head: Int32Array;
  private readonly tail: Int32Array;
  /** Per id: neighbours, ticket, and the entity it waits for (-1 = it does not wait). */
  private readonly next: Int32Array;
  private readonly prev: Int32Array;
  private readonly ticket: Int32Array;
  private readonly waitsFor: Int32Array;
  /** Index of this worker's row in `shared.counters`, for the longest queue seen. */
  private readonly counterRow: number;
  /** Where the last search found the oldest head. */
  private foundWorker: number;
  private foundEntity: number;
  private foundTicket: number;

  /** @param capacity ids of streams are 0..capacity-1. */
  constructor(shared: SharedState, workerIndex: number, workerCount: number, capacity: number) {
    this.shared = shared;
    this.state = shared.state;
    this.words = shared.queue;
    this.workerIndex = workerIndex;
    this.workerCount = workerCount;
    this.entityCount = shared.entityCount;
    this.head = new Int32Array(shared.entityCount).fill(-1);
    this.tail = new Int32Array(shared.entityCount).fill(-1);
    this.next = new Int32Array(capacity).fill(-1);
    this.prev = new Int32Array(capacity).fill(-1);
    this.ticket = new Int32Array(capacity);
    this.waitsFor = new Int32Array(capacity).fill(-1);
    this.counterRow = workerIndex + 1;
    this.foundWorker = NO_WORKER;
    this.foundEntity = 0;
    this.foundTicket = 0;
  }

  /**
   * Lets a stream wait for a server or for any server of a backend. Call `settle` right after, for
   * that server or for each server of the backend: a slot may have become free just before.
   * @returns how many wait before it in that queue; `%sq` and `%bq` show one more.
   */
  enqueue(id: number, entity: number): number {
    this.ticket[id] = this.takeTicket();
    this.waitsFor[id] = entity;
    const last = this.tail[entity]!;
    this.prev[id] = last;
    this.next[id] = -1;
    this.tail[entity] = id;
    if (last >= 0) {
      this.next[last] = id;
    } else {
      this.head[entity] = id;
      this.publish(entity);
    }
    const before = Atomics.add(this.state, entity * State.WIDTH + State.Queued, 1);
    this.shared.noteLoad(entity);
    const most = this.shared.counterBase(this.counterRow, entity) + Counter.QueueMax;
    if (before + 1 > this.shared.counters[most]!) this.shared.counters[most] = before + 1;
    return before;
  }

  /** Takes a stream out of its queue (timeout, client gone). Harmless when it does not wait. */
  remove(id: number): void {
    const entity = this.waitsFor[id]!;
    if (entity < 0) return;
    const before = this.prev[id]!;
    const after = this.next[id]!;
    if (after >= 0) this.prev[after] = before;
    else this.tail[entity] = before;
    if (before >= 0) {
      this.next[before] = after;
    } else {
      this.head[entity] = after;
      this.publish(entity);
    }
    this.waitsFor[id] = -1;
    Atomics.sub(this.state, entity * State.WIDTH + State.Queued, 1);
    this.shared.noteLoad(entity);
  }

  /** Entity the stream waits for, -1 when it does not wait. */
  waiting(id: number): number {
    return this.waitsFor[id]!;
  }

  /** Takes out this worker's oldest stream for an entity (the server went down); -1 = none. */
  evict(entity: number): number {
    const id = this.head[entity]!;
    if (id >= 0) this.remove(id);
    return id;
  }

  /**
   * Takes a slot of the server when it is below its limit. Counts in `State.Current`.
   * @param expected the count that there must be (`Balancer.seen`), or `ANY_COUNT`
   */
  tryAcquire(server: Server, expected = ANY_COUNT): boolean {
    const word = server.entity * State.WIDTH + State.Current;
    const limit = connectionLimit(this.shared, server);
    if (limit === 0 && expected === ANY_COUNT) {
      Atomics.add(this.state, word, 1);
      if (server.notesLoad) this.shared.noteLoad(server.entity);
      return true;
    }
    let current = Atomics.load(this.state, word);
    while (limit === 0 || current < limit) {
      if (expected !== ANY_COUNT && current !== expected) return false;
      const seen = Atomics.compareExchange(this.state, word, current, current + 1);
      if (seen === current) {
        if (server.notesLoad) this.shared.noteLoad(server.entity);
        return true;
      }
      current = seen;
    }
    return false;
  }

  private giveBack(server: Server): void {
    Atomics.sub(this.state, server.entity * State.WIDTH + State.Current, 1);
    if (server.notesLoad) this.shared.noteLoad(server.entity);
  }

  /**
   * Gives a slot of the server back and decides who runs next.
   * @returns the id of a stream of this worker that has the slot now and is out of the queue;
   *   -1 = nobody; -2-n = worker n has been granted it: wake that worker.
   */
  release(server: Server): number {
    const word = server.entity * State.WIDTH + State.Current;
    if (this.isAnyQueued(server)) {
      const limit = connectionLimit(this.shared, server);
      // A limit that has been lowered takes slots away instead of passing them on.
      if (limit === 0 || Atomics.load(this.state, word) <= limit) {
        const result = this.passOn(server);
        if (result !== NOTHING) return result;
      }
    }
    this.giveBack(server);
    return this.isAnyQueued(server) ? this.settle(server) : NOTHING;
  }

  /**
   * Gives free slots of the server to those who wait: after `enqueue`, and on `refresh` because a
   * server came up or its limit rose. Call again until it returns -1.
   * @returns like `release`.
   */
  settle(server: Server): number {
    for (;;) {
      if (!this.findOldest(server) || !this.tryAcquire(server)) return NOTHING;
      const result = this.passOn(server);
      if (result !== NOTHING) return result;
      // Whoever waited is gone. Look again, because someone may have come in between.
      this.giveBack(server);
    }
  }

  /** Says whether slots were granted to this worker: then call `takeGrant` for every server. */
  hasGrants(): boolean {
    return Atomics.load(this.words, this.wordOf(this.workerIndex, PROCESS_ENTITY) + 1) > 0;
  }

  /**
   * Takes one slot of the server that was granted to this worker. Call again until it returns -1.
   * @returns like `release`.
   */
  takeGrant(server: Server): number {
    const grants = this.wordOf(this.workerIndex, server.entity) + 1;
    // Only this worker takes its grants away, so a count above zero stays above zero.
    while (Atomics.load(this.words, grants) > 0) {
      Atomics.sub(this.words, grants, 1);
      Atomics.sub(this.words, this.wordOf(this.workerIndex, PROCESS_ENTITY) + 1, 1);
      const result = this.release(server);
      if (result !== NOTHING) return result;
    }
    return NOTHING;
  }

  /** Hands a slot that the caller holds to the oldest waiting stream; -1 = there is none. */
  private passOn(server: Server): number {
    if (!this.findOldest(server)) return NOTHING;
    if (this.foundWorker === this.workerIndex) {
      const id = this.head[this.foundEntity]!;
      this.remove(id);
      return id;
    }
    Atomics.add(this.words, this.wordOf(this.foundWorker, server.entity) + 1, 1);
    Atomics.add(this.words, this.wordOf(this.foundWorker, PROCESS_ENTITY) + 1, 1);
    return -2 - this.foundWorker;
  }

  /** Finds the oldest head that may use the server: of its own queue, or of its backend's. */
  private findOldest(server: Server): boolean {
    this.foundWorker = NO_WORKER;
    // Streams in a down server's own queue are evicted by their workers, not sent there.
    if (!isReachable(this.shared, server.entity)) return false;
    this.searchHeads(server.entity);
    if (takesFromBackend(this.shared, server)) this.searchHeads(server.backend.backend);
    return this.foundWorker !== NO_WORKER;
  }

  private searchHeads(entity: number): void {
    for (let worker = 0; worker < this.workerCount; worker++) {
      const ticket = Atomics.load(this.words, this.wordOf(worker, entity));
      if (ticket === 0) continue;
      // Tickets wrap: the difference, as a signed number, says which is older.
      if (this.foundWorker !== NO_WORKER && ((ticket - this.foundTicket) | 0) > 0) continue;
      this.foundWorker = worker;
      this.foundEntity = entity;
      this.foundTicket = ticket;
    }
  }

  private isAnyQueued(server: Server): boolean {
    return (
      this.shared.get(server.entity, State.Queued) > 0 ||
      this.shared.get(server.backend.backend, State.Queued) > 0
    );
  }

  private publish(entity: number): void {
    const id = this.head[entity]!;
    const ticket = id >= 0 ? this.ticket[id]! : 0;
    Atomics.store(this.words, this.wordOf(this.workerIndex, entity), ticket);
  }

  private takeTicket(): number {
    const word = PROCESS_ENTITY * State.WIDTH + State.QueueTicket;
    for (;;) {
      const ticket = (Atomics.add(this.state, word, 1) + 1) | 0;
      // 0 means an empty list.
      if (ticket !== 0) return ticket;
    }
  }

  private wordOf(worker: number, entity: number): number {
    return (worker * this.entityCount + entity) * 2;
  }
}
