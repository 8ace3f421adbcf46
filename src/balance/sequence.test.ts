import { describe, expect, test } from 'bun:test';
import { haproxyOrder } from './haproxy-order.ts';
import { SequenceBuilder } from './sequence.ts';

function period(weights: number[]): number[] {
  const out = new Uint16Array(256 * weights.length);
  const length = new SequenceBuilder(weights.length).build(Int32Array.from(weights), out);
  return Array.from(out.subarray(0, length), (index) => index + 1);
}

describe('balance roundrobin, order of a period (4.2)', () => {
  test('equal weights give the order of the configuration', () => {
    expect(period([10, 10, 10, 10])).toEqual([1, 2, 3, 4]);
  });

  test('weights are reduced to lowest terms', () => {
    expect(period([10, 20, 30])).toEqual(period([1, 2, 3]));
    expect(period([1, 2, 3])).toEqual([3, 2, 3, 1, 3, 2]);
  });

  test('a server of weight 0 has no turn, and all of them give no period', () => {
    expect(period([1, 0, 1])).toEqual([1, 3]);
    expect(period([0, 0])).toEqual([]);
    expect(period([])).toEqual([]);
  });

  test('every server has as many turns as its weight says, for any weights', () => {
    const seed = Date.now() & 0xffff;
    let state = seed;
    const below = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    for (let round = 0; round < 200; round++) {
      const weights = Array.from({ length: 1 + below(8) }, () => below(round % 2 ? 10 : 257));
      const order = period(weights);
      const divisor = weights.reduce((a, b) => (b === 0 ? a : gcd(a, b)), 0);
      weights.forEach((weight, i) => {
        const turns = order.filter((server) => server === i + 1).length;
        expect(turns, `seed ${seed}, weights ${weights}`).toBe(divisor && weight / divisor);
      });
    }
  });

  test('the largest backend that HAProxy allows is computed in one go', () => {
    const weights = Array.from({ length: 4095 }, (_, i) => 1 + ((i * 7) % 16));
    const order = period(weights);
    expect(order.length).toBe(weights.reduce((a, b) => a + b));
  });

  const known = [
    [1, 1, 1, 1],
    [1, 2, 3],
    [10, 20, 30],
    [3, 2, 1],
    [5, 1, 1],
    [2, 3],
    [100, 1],
  ];
  const more = [
    [1, 4, 4, 2],
    [7, 3, 2],
    [20, 1, 1, 1],
    [12, 16, 14, 7, 4],
  ];
  for (const weights of [...known, ...more]) {
    test.skipIf(!Bun.which('haproxy'))(`weights ${weights} go as in HAProxy`, async () => {
      const order = period(weights);
      const words = weights.map((weight) => `weight ${weight}`);
      expect(await haproxyOrder(words, order.length * 2)).toEqual([...order, ...order]);
    });
  }
});

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
