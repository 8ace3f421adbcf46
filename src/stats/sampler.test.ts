import { describe, expect, test } from 'bun:test';
import { Counter, type EntityMap, SharedState } from '../model/shared.ts';
import { Sampler } from './sampler.ts';

const startMs = 1_700_000_000_000;
/** Two frontends, the entities 1 and 2, and a backend, 3; two workers. */
const entities: EntityMap = {
  count: 4,
  frontend: [1, 2, -1],
  backend: [-1, -1, 3],
  server: [[], [], []],
  listener: [[], [], []],
};

function create() {
  const shared = new SharedState(SharedState.allocate(entities.count, 2));
  const sampler = new Sampler(shared, entities, startMs);
  const add = (worker: number, entity: number, column: Counter, amount: number) => {
    shared.counters[shared.counterBase(worker + 1, entity) + column]! += amount;
  };
  return { shared, sampler, add };
}

describe('what is sampled every second (management.txt 9.3 show info)', () => {
  test('Idle_pct is what the workers have left of their time', () => {
    const { sampler } = create();
    expect(sampler.idlePercent).toBe(100);
    // Two workers for 1000 ms: 500 ms of CPU are a quarter.
    sampler.sample(startMs + 1000, 500_000);
    expect(sampler.idlePercent).toBe(75);
    // What was used before does not count again, and more than all is nothing left.
    sampler.sample(startMs + 2000, 500_000);
    expect(sampler.idlePercent).toBe(100);
    sampler.sample(startMs + 3000, 9_500_000);
    expect(sampler.idlePercent).toBe(0);
  });

  test('BytesOutRate is what frontends have sent since the last sample, per second', () => {
    const { sampler, add } = create();
    add(0, 1, Counter.BytesOut, 1000);
    add(1, 2, Counter.BytesOut, 500);
    add(0, 3, Counter.BytesOut, 7777);
    sampler.sample(startMs + 1000, 0);
    expect(sampler.bytesOutRate).toBe(1500);
    add(1, 1, Counter.BytesOut, 300);
    sampler.sample(startMs + 1500, 0);
    expect(sampler.bytesOutRate).toBe(600);
    sampler.sample(startMs + 2500, 0);
    expect(sampler.bytesOutRate).toBe(0);
  });

  test('a clock that stands still or goes back changes nothing', () => {
    const { sampler, add } = create();
    sampler.sample(startMs + 1000, 500_000);
    add(0, 1, Counter.BytesOut, 1000);
    sampler.sample(startMs + 1000, 900_000);
    sampler.sample(startMs + 900, 900_000);
    expect([sampler.idlePercent, sampler.bytesOutRate]).toEqual([75, 0]);
  });

  test('the highest rates are followed', () => {
    const { sampler, shared } = create();
    const second = startMs / 1000;
    for (const worker of [0, 1]) {
      const at = shared.counterBase(worker + 1, 1) + Counter.SessionSecond;
      shared.counters[at] = second;
      shared.counters[at + 1] = 20;
    }
    sampler.sample(startMs + 1100, 0);
    expect(sampler.peaks.peak(1, Counter.SessionSecond, startMs + 9000)).toBe(40);
    expect(sampler.peaks.peak(2, Counter.SessionSecond, startMs + 9000)).toBe(0);
  });

  test('totals are those of all frontends', () => {
    const { sampler, add } = create();
    for (const entity of [1, 2, 3]) add(1, entity, Counter.Requests, entity * 10);
    expect(sampler.totalOf(Counter.Requests)).toBe(30);
  });
});
