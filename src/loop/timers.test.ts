import { expect, test } from 'bun:test';
import { Timers } from './timers.ts';

test('a timer fires at its millisecond and not before, over all levels of the wheel', () => {
  for (const delay of [0, 1, 5, 255, 256, 257, 1000, 65_535, 65_536, 70_000, 20_000_000]) {
    const timers = new Timers(4, 1000);
    timers.set(2, 1000 + delay);
    if (delay > 0) expect(timers.expire(1000 + delay - 1)).toBe(0);
    expect(timers.expire(1000 + delay)).toBe(1);
    expect(timers.due(0)).toBe(2);
    expect(timers.wait(1000 + delay)).toBe(-1);
  }
});

test('a timer that is moved later fires only at the later time, a cancelled one never', () => {
  const timers = new Timers(4, 0);
  timers.set(0, 100);
  timers.set(0, 5000);
  timers.set(1, 100);
  timers.clear(1);
  expect(timers.expire(4999)).toBe(0);
  expect(timers.expire(5000)).toBe(1);
  expect(timers.due(0)).toBe(0);
});

test('a timer that is moved earlier fires at the earlier time', () => {
  const timers = new Timers(4, 0);
  timers.set(0, 100_000);
  timers.set(0, 50);
  expect(timers.expire(49)).toBe(0);
  expect(timers.expire(50)).toBe(1);
  expect(timers.expire(200_000)).toBe(0);
});

test('wait never sleeps past a deadline by more than its tick of 1 ms: random deadlines against a sorted list', () => {
  const seed = 12345;
  let x = seed;
  const random = (n: number) => {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    return (x >>> 8) % n;
  };
  const timers = new Timers(200, 0);
  const want = new Map<number, number>();
  let now = 0;
  for (let step = 0; step < 5000; step++) {
    const id = random(200);
    const when = now + random(step % 7 === 0 ? 300_000 : 600);
    timers.set(id, when);
    want.set(id, when);
    const sleep = timers.wait(now);
    const soonest = Math.min(...want.values());
    expect(now + sleep).toBeLessThanOrEqual(Math.max(soonest, now + 1));
    now += random(3) === 0 ? Math.max(sleep, 0) : random(4);
    for (let n = timers.expire(now), i = 0; i < n; i++) {
      const fired = timers.due(i);
      expect(want.get(fired)).toBeLessThanOrEqual(now);
      want.delete(fired);
    }
    for (const [late, at] of want) if (at < now) throw new Error(`seed ${seed}: ${late} missed`);
  }
});
