/**
 * The queue across workers under every kind of interleaving, from a seed. Workers act in random
 * order and a woken worker looks at its grants some steps later, as in life. In the second mode
 * other workers also act in the middle of a call, at any of its atomic operations, which is what
 * threads do to each other.
 */
import { expect, test } from 'bun:test';
import { State } from '../model/shared.ts';
import { createFixture } from './fixture.ts';
import { NOTHING, ServerQueue, workerToWake } from './queue-order.ts';

const CAPACITY = 64;
const operations = ['add', 'sub', 'load', 'store', 'compareExchange'] as const;

class Simulation {
  private readonly workers: number;
  private readonly maxconns: number[];
  private readonly fixture: ReturnType<typeof createFixture>;
  private readonly servers: ReturnType<ReturnType<typeof createFixture>['createProxy']>['servers'];
  private readonly queues: ServerQueue[];
  private readonly interrupts: boolean;
  private random: number;
  /** Who waits, by worker and id: when it came and for what. */
  private readonly waiting = new Map<number, { age: number; entity: number }>();
  /** Streams that hold a slot. */
  private readonly running: { worker: number; server: number }[] = [];
  private readonly woken: boolean[];
  private readonly freeIds: number[][];
  /** Workers in the middle of a call. */
  private readonly busy = new Set<number>();
  private age = 0;
  private isClosing = false;

  constructor(seed: number, interrupts: boolean) {
    this.random = seed;
    this.interrupts = interrupts;
    this.workers = this.below(4) + (interrupts ? 2 : 1);
    this.maxconns = Array.from({ length: 1 + this.below(3) }, () => 1 + this.below(4));
    const servers = this.maxconns.map((maxconn) => ({ maxconn }));
    this.fixture = createFixture(servers, {}, this.workers);
    this.servers = this.fixture.createProxy().servers;
    const each = <T>(make: (worker: number) => T): T[] =>
      Array.from({ length: this.workers }, (_, worker) => make(worker));
    const { shared } = this.fixture;
    this.queues = each((worker) => new ServerQueue(shared, worker, this.workers, CAPACITY));
    this.woken = each(() => false);
    this.freeIds = each(() => Array.from({ length: CAPACITY }, (_, id) => id));
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.act();
      this.check();
    }
    this.isClosing = true;
    // Nobody arrives any more: everybody who waits must run, and every slot must come back.
    const isOver = () =>
      this.waiting.size + this.running.length === 0 && !this.woken.includes(true);
    for (let step = 0; !isOver(); step++) {
      expect(step, 'somebody waits for ever').toBeLessThan(10_000);
      for (let worker = 0; worker < this.workers; worker++) this.wake(worker);
      if (this.waiting.size > 0 && !this.woken.includes(true)) {
        expect(this.running.length, 'somebody waits for a free slot').toBeGreaterThan(0);
      }
      this.finish();
      this.check();
    }
    const entities = this.servers.map((server) => server.entity);
    for (const entity of entities) expect(this.get(entity, State.Current)).toBe(0);
    for (const entity of [this.fixture.backend, ...entities]) {
      expect(this.get(entity, State.Queued)).toBe(0);
    }
  }

  /** Called before every atomic operation: perhaps another worker acts first. */
  interrupt(): void {
    if (!this.interrupts || this.busy.size === 0 || this.busy.size > 2) return;
    if (this.below(5) === 0) this.act();
  }

  private below(n: number): number {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.random / 4294967296) * n);
  }

  private get(entity: number, column: State): number {
    return this.fixture.shared.get(entity, column);
  }

  private act(): void {
    const action = this.below(10);
    const worker = this.below(this.workers);
    if (this.busy.has(worker)) return;
    if (action < 4) {
      if (!this.isClosing) this.arrive(worker);
    } else if (action < 7) this.finish();
    else if (action < 8) this.leave();
    else this.wake(worker);
  }

  private call<T>(worker: number, body: (queue: ServerQueue) => T): T {
    this.busy.add(worker);
    try {
      return body(this.queues[worker]!);
    } finally {
      this.busy.delete(worker);
    }
  }

  /** Acts on a result. @returns whether there may be more to hand out. */
  private handle(worker: number, server: number, result: number): boolean {
    if (result === NOTHING) return false;
    if (result < NOTHING) {
      this.woken[workerToWake(result)] = true;
      return true;
    }
    const key = worker * CAPACITY + result;
    const entry = this.waiting.get(key)!;
    const entity = this.servers[server]!.entity;
    const mayRun = (other: number) => other === entity || other === this.fixture.backend;
    expect(mayRun(entry.entity)).toBe(true);
    for (const other of this.waiting.values()) {
      if (this.interrupts || !mayRun(other.entity)) continue;
      expect(other.age, 'overtaken').toBeGreaterThanOrEqual(entry.age);
    }
    this.waiting.delete(key);
    this.freeIds[worker]!.push(result);
    this.running.push({ worker, server });
    return true;
  }

  private arrive(worker: number): void {
    const server = this.below(this.servers.length);
    const toBackend = this.below(2) === 0;
    const target = this.servers[server]!;
    const entity = toBackend ? this.fixture.backend : target.entity;
    const isFree = this.get(entity, State.Queued) === 0;
    if (isFree && this.call(worker, (queue) => queue.tryAcquire(target))) {
      this.running.push({ worker, server });
      return;
    }
    const id = this.freeIds[worker]!.pop();
    if (id === undefined) return;
    this.waiting.set(worker * CAPACITY + id, { age: this.age++, entity });
    this.call(worker, (queue) => {
      queue.enqueue(id, entity);
      for (let i = 0; i < this.servers.length; i++) {
        if (!toBackend && i !== server) continue;
        while (this.handle(worker, i, queue.settle(this.servers[i]!)));
      }
    });
  }

  private leave(): void {
    const keys = [...this.waiting.keys()];
    const key = keys[this.below(keys.length)];
    if (key === undefined) return;
    const worker = Math.floor(key / CAPACITY);
    if (this.busy.has(worker)) return;
    this.waiting.delete(key);
    this.call(worker, (queue) => queue.remove(key % CAPACITY));
    this.freeIds[worker]!.push(key % CAPACITY);
  }

  private finish(): void {
    const index = this.below(this.running.length);
    const done = this.running[index];
    if (done === undefined || this.busy.has(done.worker)) return;
    this.running.splice(index, 1);
    const { worker, server } = done;
    const result = this.call(worker, (queue) => queue.release(this.servers[server]!));
    this.handle(worker, server, result);
  }

  private wake(worker: number): void {
    if (!this.woken[worker]) return;
    this.woken[worker] = false;
    this.call(worker, (queue) => {
      if (!this.interrupts) expect(queue.hasGrants()).toBe(true);
      if (!queue.hasGrants()) return;
      for (let i = 0; i < this.servers.length; i++) {
        while (this.handle(worker, i, queue.takeGrant(this.servers[i]!)));
      }
    });
  }

  /** What holds whenever no call is under way. */
  private check(): void {
    this.servers.forEach((server, i) => {
      const held = this.running.filter((entry) => entry.server === i).length;
      const current = this.get(server.entity, State.Current);
      expect(current).toBeLessThanOrEqual(this.maxconns[i]!);
      expect(held).toBeLessThanOrEqual(current);
      if (current === this.maxconns[i]!) return;
      const targets = [server.entity, this.fixture.backend];
      const waits = [...this.waiting.values()].some((entry) => targets.includes(entry.entity));
      expect(waits, 'somebody waits although a slot is free').toBe(false);
    });
  }
}

/** Runs with every atomic operation announced to `before`. */
function withInterrupts(before: () => void, body: () => void): void {
  const atomics = Atomics as unknown as Record<string, (...args: unknown[]) => unknown>;
  const originals = operations.map((name) => [name, atomics[name]!] as const);
  for (const [name, original] of originals) {
    atomics[name] = (...args) => {
      before();
      return original(...args);
    };
  }
  try {
    body();
  } finally {
    for (const [name, original] of originals) atomics[name] = original;
  }
}

function simulate(seed: number, interrupts: boolean): void {
  const simulation = new Simulation(seed, interrupts);
  try {
    if (interrupts) {
      withInterrupts(
        () => simulation.interrupt(),
        () => simulation.run(300),
      );
    } else {
      simulation.run(600);
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
  }
}

/** A fixed set that is always run, then a new one. */
function seeds(): number[] {
  const first = Date.now() % 1_000_000;
  // 5674: somebody comes while `settle` gives back a slot that nobody wanted any more.
  return [5674, ...Array.from({ length: 60 }, (_, i) => (i < 30 ? i + 1 : first + i))];
}

test('no slot is lost, nobody overtakes and nobody waits for ever (5.2 maxconn)', () => {
  for (const seed of seeds()) simulate(seed, false);
});

test('no slot is lost when workers act in the middle of each other', () => {
  for (const seed of seeds()) simulate(seed, true);
});
