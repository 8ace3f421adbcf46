import { describe, expect, test } from 'bun:test';
import { Worker } from 'node:worker_threads';
import type { ServerConfig } from '../model/config.ts';
import { AdminFlag, Health, LOAD_BLOCK, State } from '../model/shared.ts';
import { createFixture } from './fixture.ts';
import { LeastConn } from './leastconn.ts';
import type { LeastConnLoad } from './leastconn-load.ts';
import { ServerQueue } from './queue-order.ts';

function setup(servers: Partial<ServerConfig>[]) {
  const fixture = createFixture(servers);
  const proxy = fixture.createProxy();
  const balancer = new LeastConn(proxy, fixture.shared);
  const queue = new ServerQueue(fixture.shared, 0, 1, 16);
  /** Chooses and takes a connection. @returns the number of the server, from 1; 0 = none. */
  const take = () => {
    const server = balancer.pick(null);
    return server !== null && queue.tryAcquire(server, balancer.seen) ? server.index + 1 : 0;
  };
  return { fixture, proxy, balancer, queue, take };
}

describe('balance leastconn (4.2)', () => {
  test('among servers with equally many it goes round', () => {
    const { take, queue, proxy } = setup([{}, {}, {}]);
    const order = Array.from({ length: 7 }, () => {
      const server = take();
      queue.release(proxy.servers[server - 1]!);
      return server;
    });
    expect(order).toEqual([1, 2, 3, 1, 2, 3, 1]);
  });

  test('any number of servers, weights and limits: always one of the least loaded', () => {
    const seed = Date.now() & 0xffff;
    let random = seed;
    const below = (n: number) => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      return Math.floor((random / 4294967296) * n);
    };
    for (const count of [1, 2, LOAD_BLOCK - 1, LOAD_BLOCK, LOAD_BLOCK + 1, 100]) {
      const configs = Array.from({ length: count }, () => ({
        weight: below(5),
        maxconn: below(3) * 4,
      }));
      const { fixture, proxy, balancer, queue } = setup(configs);
      const loads = Array<number>(count).fill(0);
      const keyOf = (i: number) => {
        const { weight, maxconn } = configs[i]!;
        if (weight === 0 || (maxconn > 0 && loads[i]! >= maxconn)) return Infinity;
        return loads[i] === 0 ? 0 : (loads[i]! + 1) / weight;
      };
      for (let step = 0; step < 600; step++) {
        const busy = loads.flatMap((load, i) => (load > 0 ? [i] : []));
        if (busy.length > 0 && below(3) === 0) {
          const index = busy[below(busy.length)]!;
          loads[index]!--;
          queue.release(proxy.servers[index]!);
          continue;
        }
        if (below(50) === 0) {
          const index = below(count);
          configs[index]!.weight = below(5);
          fixture.shared.set(fixture.servers[index]!, State.Weight, configs[index]!.weight);
          balancer.rebuild();
        }
        const least = Math.min(...loads.map((_, i) => keyOf(i)));
        const server = balancer.pick(null);
        if (least === Infinity) {
          expect(server, `seed ${seed}`).toBeNull();
          continue;
        }
        expect(keyOf(server!.index), `seed ${seed}, ${count} servers`).toBe(least);
        expect(queue.tryAcquire(server!, balancer.seen)).toBe(true);
        loads[server!.index]!++;
      }
    }
  });

  test('a choice that another worker was faster with is not taken', () => {
    const { fixture, balancer, queue } = setup([{}, {}]);
    const server = balancer.pick(null)!;
    Atomics.add(fixture.shared.state, server.entity * State.WIDTH + State.Current, 1);
    fixture.shared.noteLoad(server.entity);
    expect(queue.tryAcquire(server, balancer.seen)).toBe(false);
    expect(balancer.pick(null)).not.toBe(server);
  });

  test('those who wait for a server count as its connections', () => {
    const { fixture, balancer, queue } = setup([{}, {}]);
    expect(balancer.pick(null)!.index).toBe(0);
    queue.enqueue(0, fixture.servers[1]!);
    expect(balancer.pick(null)!.index).toBe(0);
    queue.enqueue(1, fixture.servers[0]!);
    queue.enqueue(2, fixture.servers[0]!);
    expect(balancer.pick(null)!.index).toBe(1);
    queue.remove(1);
    queue.remove(2);
    expect(balancer.pick(null)!.index).toBe(0);
  });

  test('a limit that moves with the load is kept (5.2 minconn)', () => {
    const { fixture, take } = setup([{ minconn: 1, maxconn: 10 }, { maxconn: 2 }]);
    fixture.shared.set(fixture.backend, State.Maxconn, 100);
    expect([take(), take(), take(), take()].toSorted()).toEqual([0, 1, 2, 2]);
    // The backend is fuller, so the first one takes more.
    fixture.shared.set(fixture.backend, State.Current, 50);
    expect(take()).toBe(1);
  });

  test('a redispatch avoids the server that failed unless it is the only one', () => {
    const { fixture, proxy, balancer, queue } = setup([{}, {}]);
    queue.tryAcquire(proxy.servers[1]!);
    const [failed] = proxy.servers;
    expect(balancer.pick(failed!)!.index).toBe(1);
    fixture.shared.set(fixture.servers[1]!, State.Admin, AdminFlag.Maintenance);
    balancer.rebuild();
    expect(balancer.pick(failed!)).toBe(failed!);
  });

  test('a server that went down before the workers were woken is passed over', () => {
    const { fixture, take } = setup([{}, {}]);
    fixture.shared.set(fixture.servers[0]!, State.Health, Health.Down);
    expect([take(), take()]).toEqual([2, 2]);
  });

  test('threads that choose at the same time share exactly', async () => {
    const weights = [1, 1, 2, 4, 8];
    const workerCount = 4;
    const fixture = createFixture(
      weights.map((weight) => ({ weight })),
      {},
      workerCount,
    );
    const { state, counters, queue, loadChanges, handoff } = fixture.shared;
    const buffers = {
      entityCount: fixture.shared.entityCount,
      workerCount,
      state: state.buffer as SharedArrayBuffer,
      counters: counters.buffer as SharedArrayBuffer,
      queue: queue.buffer as SharedArrayBuffer,
      loadChanges: loadChanges.buffer as SharedArrayBuffer,
      handoff: handoff.buffer as SharedArrayBuffer,
    };
    const gate = new SharedArrayBuffer(4);
    const workers = Array.from({ length: workerCount }, (_, workerIndex) => {
      const load: LeastConnLoad = { buffers, weights, workerIndex, workerCount, picks: 800, gate };
      return new Worker(new URL('./leastconn-load.ts', import.meta.url), { workerData: load });
    });
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise((resolve, reject) => {
            worker.on('message', resolve);
            worker.on('error', reject);
          }),
      ),
    );
    await Promise.all(workers.map((worker) => worker.terminate()));
    // In a row, 3200 connections make these counts: (n + 1) / weight evens out.
    const counts = fixture.servers.map((entity) => fixture.shared.get(entity, State.Current));
    const alone = setup(weights.map((weight) => ({ weight })));
    for (let i = 0; i < 3200; i++) alone.take();
    const expected = alone.fixture.servers.map((e) => alone.fixture.shared.get(e, State.Current));
    expect(counts.map((n, i) => Math.abs(n - expected[i]!) <= 1)).toEqual(weights.map(() => true));
  });
});
