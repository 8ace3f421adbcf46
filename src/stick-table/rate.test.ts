/** Rates as haproxy 3.2 has them, measured there with a period of one second. */
import { describe, expect, test } from 'bun:test';
import { addRate, readRate, setRate } from './rate.ts';

const PERIOD = 1000;

/** The value at some times after events. */
function values(events: readonly (readonly [number, number])[], at: readonly number[]): number[] {
  const words = new Int32Array(3);
  const start = 123_456;
  for (const [ms, amount] of events) addRate(words, 0, PERIOD, start + ms, amount);
  return at.map((ms) => readRate(words, 0, PERIOD, start + ms));
}

describe('events of the last period', () => {
  test('a single one shows for two periods, so that it does not flicker', () => {
    expect(values([[0, 1]], [0, 999, 1000, 1999, 2000, 5000])).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test('several fade in proportion, rounded down', () => {
    expect(values([[0, 3]], [0, 1000, 1018, 1345, 1666, 1667])).toEqual([3, 3, 2, 1, 1, 0]);
    expect(values([[0, 10]], [999, 1107, 1538, 1930])).toEqual([10, 8, 4, 0]);
  });

  test('those of the period before count besides those of the current one', () => {
    const events = [
      [0, 4],
      [1100, 1],
    ] as const;
    expect(values(events, [1100, 1250, 1270, 1504, 1761, 2500, 3008])).toEqual([
      4, 4, 3, 2, 1, 1, 0,
    ]);
  });

  test('after two quiet periods everything begins anew', () => {
    const events = [
      [0, 50],
      [2000, 2],
    ] as const;
    expect(values(events, [2000, 3000, 3400, 4000])).toEqual([2, 2, 1, 0]);
  });

  test('a thread whose clock is behind counts in the current period', () => {
    const events = [
      [10, 1],
      [7, 1],
    ] as const;
    expect(values(events, [5, 10])).toEqual([2, 2]);
  });

  test('a rate that is set fades like one that was counted', () => {
    const words = new Int32Array(3);
    setRate(words, 0, 0, 100);
    expect([0, 1000, 1229, 1833, 2033].map((ms) => readRate(words, 0, PERIOD, ms))).toEqual([
      100, 100, 77, 16, 0,
    ]);
  });

  test('large counts do not overflow, and the clock may pass 32 bits', () => {
    const words = new Int32Array(3);
    const start = 2 ** 31 - 100;
    addRate(words, 0, PERIOD, start, 4_000_000_000);
    expect(readRate(words, 0, PERIOD, start + 500)).toBe(4_000_000_000);
    expect(readRate(words, 0, PERIOD, start + 1500)).toBe(2_000_000_000);
  });

  test('a period of 0 has no rate', () => {
    const words = new Int32Array(3);
    addRate(words, 0, 0, 5, 3);
    expect(readRate(words, 0, 0, 5)).toBe(0);
  });
});
