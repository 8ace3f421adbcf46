import { describe, expect, test } from 'bun:test';
import { currentRate } from '../model/rate.ts';
import { Counter, SharedState } from '../model/shared.ts';
import { RatePeaks } from './rate.ts';

const second = 1_700_000_000;

function create(workers: number) {
  const shared = new SharedState(SharedState.allocate(2, workers));
  const write = (worker: number, stamp: number, now: number, before: number) => {
    const at = shared.counterBase(worker + 1, 1) + Counter.SessionSecond;
    shared.counters[at] = stamp;
    shared.counters[at + 1] = now;
    shared.counters[at + 2] = before;
  };
  const rate = (ms: number) => currentRate(shared, 1, Counter.SessionSecond, second * 1000 + ms);
  return { shared, write, rate };
}

describe('the current rate (management.txt 9.1 rate)', () => {
  test('is this second plus the part of the previous one within a second of now', () => {
    const { write, rate } = create(1);
    write(0, second, 10, 100);
    expect(rate(0)).toBe(110);
    expect(rate(500)).toBe(60);
    expect(rate(900)).toBe(20);
  });

  test('adds up all workers', () => {
    const { write, rate } = create(3);
    for (let worker = 0; worker < 3; worker++) write(worker, second, 5, 0);
    expect(rate(999)).toBe(15);
  });

  test('takes the count of a worker that was last busy in the previous second', () => {
    const { write, rate } = create(1);
    write(0, second - 1, 40, 7);
    expect(rate(500)).toBe(20);
  });

  test('falls to zero when nothing happens any more', () => {
    const { write, rate } = create(1);
    write(0, second - 2, 40, 7);
    expect(rate(0)).toBe(0);
  });
});

describe('the highest rate', () => {
  test('is the largest total of a finished second, over all workers', () => {
    const { shared, write } = create(2);
    const peaks = new RatePeaks(shared, [Counter.SessionSecond]);
    write(0, second, 30, 0);
    write(1, second, 20, 0);
    peaks.sample((second + 1) * 1000);
    write(0, second + 1, 1, 30);
    write(1, second + 1, 1, 20);
    peaks.sample((second + 2) * 1000);
    const later = (second + 60) * 1000;
    expect(peaks.peak(1, Counter.SessionSecond, later)).toBe(50);
  });

  test('counts the second in progress', () => {
    const { shared, write } = create(1);
    const peaks = new RatePeaks(shared, [Counter.SessionSecond]);
    write(0, second, 12, 0);
    expect(peaks.peak(1, Counter.SessionSecond, second * 1000)).toBe(12);
  });

  test('misses no second when a sample is late', () => {
    const { shared, write } = create(1);
    const peaks = new RatePeaks(shared, [Counter.SessionSecond]);
    peaks.sample(second * 1000);
    write(0, second + 1, 1, 99);
    peaks.sample((second + 2) * 1000);
    expect(peaks.peak(1, Counter.SessionSecond, (second + 60) * 1000)).toBe(99);
  });
});
