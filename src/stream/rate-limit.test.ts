import { describe, expect, test } from 'bun:test';
import { giveRate, takeRate } from './rate-limit.ts';

const startMs = 1_700_000_000_000;

function create(limit: number) {
  const state = new Int32Array(new SharedArrayBuffer(16));
  state[0] = limit;
  return {
    state,
    take: (ms: number) => takeRate(state, 0, startMs + ms),
    give: (ms: number) => giveRate(state, 0, startMs + ms),
  };
}

/** Takes at a time until the limit says no. */
function takeAll(take: (ms: number) => number, ms: number): number {
  for (let taken = 0; taken < 10_000; taken++) if (take(ms) > 0) return taken;
  throw new Error('no limit');
}

describe('a limit of events per second (3.2 maxsessrate)', () => {
  test('lets the whole limit through at once, from a second without any', () => {
    for (const limit of [1, 7, 1000]) expect(takeAll(create(limit).take, 300)).toBe(limit);
  });

  test('of 0 is none, and leaves no count behind', () => {
    const { state, take, give } = create(0);
    for (let i = 0; i < 100; i++) expect(take(0)).toBe(0);
    give(0);
    expect([...state]).toEqual([0, 0, 0, 0]);
  });

  test('counts the part of the previous second that lies within a second of now', () => {
    const { take } = create(10);
    expect(takeAll(take, 0)).toBe(10);
    expect(takeAll(take, 1000)).toBe(0);
    expect(takeAll(take, 1501)).toBe(6);
    expect(takeAll(take, 1999)).toBe(4);
    // Two seconds later nothing is left of it.
    expect(takeAll(take, 4000)).toBe(10);
  });

  test('says when the next one is free, to the millisecond', () => {
    for (const [limit, ms] of [
      [10, 0],
      [10, 640],
      [3, 999],
      [250, 20],
    ] as const) {
      const { take } = create(limit);
      takeAll(take, ms);
      // In the next second, too, where the previous one fades.
      let now = ms;
      for (let i = 0; i < 3 * limit; i++) {
        const wait = take(now);
        expect(wait).toBeLessThanOrEqual(1001);
        if (wait > 1) expect(take(now + wait - 2)).toBeGreaterThan(0);
        now += wait;
      }
      // Two limits were taken after the burst, at the rate of the limit but for the rounding.
      expect(now - ms).toBeLessThanOrEqual(3000 + 4 * limit);
    }
  });

  test('has nothing free until the second is over when it is used up', () => {
    const { take } = create(10);
    takeAll(take, 50);
    expect(take(50)).toBe(951);
    takeAll(take, 1200);
    // 8 of the last second and 2 of this one: the next is free when a tenth more has passed.
    expect(take(1200)).toBeWithin(1, 101);
  });

  test('gives back what was taken and not used', () => {
    const { take, give } = create(3);
    takeAll(take, 0);
    give(0);
    expect(takeAll(take, 0)).toBe(1);
    for (let i = 0; i < 3; i++) give(0);
    expect(takeAll(take, 0)).toBe(3);
  });

  test('gives nothing back that was not taken in this second', () => {
    const { state, take, give } = create(3);
    give(0);
    expect([...state]).toEqual([3, 0, 0, 0]);
    take(0);
    const before = [...state];
    give(2000);
    expect([...state]).toEqual(before);
    give(0);
    give(0);
    expect(takeAll(take, 0)).toBe(3);
  });

  test('follows a limit that changes', () => {
    const { state, take } = create(2);
    expect(takeAll(take, 0)).toBe(2);
    state[0] = 5;
    expect(takeAll(take, 0)).toBe(3);
    state[0] = 1;
    expect(take(0)).toBeGreaterThan(0);
    state[0] = 0;
    expect(take(0)).toBe(0);
  });

  test('tells seconds apart for more than an hour', () => {
    const { take } = create(4);
    expect(takeAll(take, 0)).toBe(4);
    for (const seconds of [2, 60, 1024, 2048, 4095]) {
      expect(takeAll(take, seconds * 1000)).toBe(4);
    }
  });
});
