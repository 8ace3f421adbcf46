import { describe, expect, test } from 'bun:test';
import { Worker } from 'node:worker_threads';
import type { ServerConfig } from '../model/config.ts';
import { Counter, Health, SharedState, State } from '../model/shared.ts';
import { createFixture } from './fixture.ts';
import type { QueueLoad } from './queue-load.ts';
import { NOTHING, ServerQueue, workerToWake } from './queue-order.ts';
import { initServerState } from './server-state.ts';

const CAPACITY = 64;

function setup(servers: Partial<ServerConfig>[], workers = 1) {
  const fixture = createFixture(servers, {}, workers);
  const proxy = fixture.createProxy();
  const queues = Array.from(
    { length: workers },
    (_, worker) => new ServerQueue(fixture.shared, worker, workers, CAPACITY),
  );
  const get = (entity: number, column: State) => fixture.shared.get(entity, column);
  return { ...fixture, queues, queue: queues[0]!, proxy, srv: proxy.servers, get };
}

describe('queue of a server with maxconn (5.2)', () => {
  test('connections are counted, up to the limit', () => {
    const { queue, srv, get } = setup([{ maxconn: 2 }, {}]);
    expect([1, 2, 3].map(() => queue.tryAcquire(srv[0]!))).toEqual([true, true, false]);
    expect(get(srv[0]!.entity, State.Current)).toBe(2);
    expect(queue.release(srv[0]!)).toBe(NOTHING);
    expect(queue.tryAcquire(srv[0]!)).toBe(true);
    for (let i = 0; i < 1000; i++) expect(queue.tryAcquire(srv[1]!)).toBe(true);
    expect(get(srv[1]!.entity, State.Current)).toBe(1000);
  });

  test('a released slot goes to the oldest, in the order of arrival', () => {
    const { queue, srv, get } = setup([{ maxconn: 1 }]);
    const server = srv[0]!;
    queue.tryAcquire(server);
    expect([5, 3, 9].map((id) => queue.enqueue(id, server.entity))).toEqual([0, 1, 2]);
    expect(queue.settle(server)).toBe(NOTHING);
    expect(get(server.entity, State.Queued)).toBe(3);
    expect([1, 2, 3, 4].map(() => queue.release(server))).toEqual([5, 3, 9, NOTHING]);
    expect(get(server.entity, State.Queued)).toBe(0);
    expect(get(server.entity, State.Current)).toBe(0);
  });

  test('those of the server and those of its backend go by age', () => {
    const { queue, srv, backend } = setup([{ maxconn: 1 }, { maxconn: 1 }]);
    for (const server of srv) queue.tryAcquire(server);
    queue.enqueue(1, backend);
    queue.enqueue(2, srv[0]!.entity);
    queue.enqueue(3, backend);
    queue.enqueue(4, srv[1]!.entity);
    expect(queue.release(srv[0]!)).toBe(1);
    expect(queue.release(srv[1]!)).toBe(3);
    expect(queue.release(srv[1]!)).toBe(4);
    expect(queue.release(srv[1]!)).toBe(NOTHING);
    expect(queue.release(srv[0]!)).toBe(2);
  });

  test('a stream may leave from anywhere in the queue, once', () => {
    const { queue, srv, get } = setup([{ maxconn: 1 }]);
    const server = srv[0]!;
    queue.tryAcquire(server);
    for (let id = 0; id < 5; id++) queue.enqueue(id, server.entity);
    for (const id of [0, 2, 4, 2]) queue.remove(id);
    expect(get(server.entity, State.Queued)).toBe(2);
    expect(queue.waiting(2)).toBe(-1);
    expect(queue.waiting(3)).toBe(server.entity);
    expect([1, 2, 3].map(() => queue.release(server))).toEqual([1, 3, NOTHING]);
  });

  test('settle hands out what became free before the stream was listed', () => {
    const { queue, srv } = setup([{ maxconn: 2 }]);
    const server = srv[0]!;
    for (const id of [1, 2, 3]) queue.enqueue(id, server.entity);
    expect([1, 2, 3].map(() => queue.settle(server))).toEqual([1, 2, NOTHING]);
  });

  test('a limit that was lowered takes slots away', () => {
    const { queue, srv, shared, get } = setup([{ maxconn: 3 }]);
    const server = srv[0]!;
    for (let i = 0; i < 3; i++) queue.tryAcquire(server);
    queue.enqueue(1, server.entity);
    shared.set(server.entity, State.Maxconn, 1);
    expect(queue.release(server)).toBe(NOTHING);
    expect(queue.release(server)).toBe(NOTHING);
    expect(queue.release(server)).toBe(1);
    expect(get(server.entity, State.Current)).toBe(1);
  });

  test('a server that is down runs nobody, and its queue can be moved elsewhere', () => {
    const { queue, srv, shared, backend, get } = setup([{ maxconn: 1 }]);
    const server = srv[0]!;
    queue.tryAcquire(server);
    queue.enqueue(1, server.entity);
    queue.enqueue(2, backend);
    shared.set(server.entity, State.Health, Health.Down);
    expect(queue.release(server)).toBe(NOTHING);
    expect(get(server.entity, State.Current)).toBe(0);
    expect([queue.evict(server.entity), queue.evict(server.entity)]).toEqual([1, -1]);
    shared.set(server.entity, State.Health, Health.Up);
    expect(queue.settle(server)).toBe(2);
  });

  test('a server of weight 0 serves its own queue, not that of its backend', () => {
    const { queue, srv, backend } = setup([{ maxconn: 1, weight: 0 }]);
    const server = srv[0]!;
    queue.tryAcquire(server);
    queue.enqueue(1, backend);
    queue.enqueue(2, server.entity);
    expect(queue.release(server)).toBe(2);
    expect(queue.release(server)).toBe(NOTHING);
  });

  test('the order survives the wrap of the tickets, and 0 is never one', () => {
    const { queue, srv, shared } = setup([{ maxconn: 1 }]);
    const server = srv[0]!;
    for (const start of [0x7fffffff - 1, -3]) {
      shared.set(0, State.QueueTicket, start);
      queue.tryAcquire(server);
      for (let id = 0; id < 6; id++)
        queue.enqueue(id, id % 2 ? server.entity : server.backend.backend);
      expect([0, 1, 2, 3, 4, 5, 6].map(() => queue.release(server))).toEqual([
        0,
        1,
        2,
        3,
        4,
        5,
        NOTHING,
      ]);
    }
  });

  test('the longest queue seen is kept for the statistics', () => {
    const { queue, shared, backend } = setup([{ maxconn: 1 }]);
    for (let id = 0; id < 4; id++) queue.enqueue(id, backend);
    for (let id = 0; id < 4; id++) queue.remove(id);
    expect(shared.max(backend, Counter.QueueMax)).toBe(4);
  });
});

describe('queue across workers', () => {
  test('a slot is granted to the worker of the oldest stream, which is woken', () => {
    const { queues, srv, get } = setup([{ maxconn: 1 }], 3);
    const server = srv[0]!;
    queues[0]!.tryAcquire(server);
    queues[2]!.enqueue(7, server.entity);
    queues[1]!.enqueue(8, server.entity);
    queues[0]!.enqueue(9, server.entity);
    const result = queues[0]!.release(server);
    expect(workerToWake(result)).toBe(2);
    expect(queues.map((queue) => queue.hasGrants())).toEqual([false, false, true]);
    expect(get(server.entity, State.Current)).toBe(1);
    expect(queues[2]!.takeGrant(server)).toBe(7);
    expect(queues[2]!.takeGrant(server)).toBe(NOTHING);
    expect(queues[2]!.hasGrants()).toBe(false);
  });

  test('a worker whose stream has gone passes the slot on', () => {
    const { queues, srv, get } = setup([{ maxconn: 1 }], 2);
    const server = srv[0]!;
    queues[0]!.tryAcquire(server);
    queues[1]!.enqueue(1, server.entity);
    queues[0]!.enqueue(2, server.entity);
    expect(workerToWake(queues[0]!.release(server))).toBe(1);
    queues[1]!.remove(1);
    expect(workerToWake(queues[1]!.takeGrant(server))).toBe(0);
    queues[0]!.remove(2);
    expect(queues[0]!.takeGrant(server)).toBe(NOTHING);
    expect(get(server.entity, State.Current)).toBe(0);
  });

  test('threads that take and give back slots at once lose none', async () => {
    const workerCount = 2;
    const maxconns = [1, 2];
    const servers = maxconns.map((maxconn) => ({ maxconn }));
    const { config, entities, servers: serverEntities, backend } = createFixture(servers);
    const buffers = SharedState.allocate(entities.count, workerCount);
    const shared = new SharedState(buffers);
    initServerState(config, entities, shared, 0);
    const wake = new SharedArrayBuffer((workerCount + 1) * 4);
    const seed = Date.now() & 0xffffff;
    const loads = Array.from({ length: workerCount }, (_, workerIndex) => {
      const own = seed + workerIndex;
      const load: QueueLoad = {
        buffers,
        wake,
        workerIndex,
        workerCount,
        maxconns,
        streams: 8,
        rounds: 2000,
        seed: own,
      };
      return load;
    });
    const results = await Promise.all(loads.map(runLoad));
    expect(results, `seed ${seed}`).toEqual(['done', 'done']);
    for (const entity of serverEntities) expect(shared.get(entity, State.Current)).toBe(0);
    for (const entity of [backend, ...serverEntities]) {
      expect(shared.get(entity, State.Queued)).toBe(0);
    }
  });
});

function runLoad(load: QueueLoad): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./queue-load.ts', import.meta.url), { workerData: load });
    worker.on('message', (result: string) => {
      void worker.terminate();
      resolve(result);
    });
    worker.on('error', reject);
  });
}
