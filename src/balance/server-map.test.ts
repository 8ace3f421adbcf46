import { expect, test } from 'bun:test';
import { ServerMap } from './server-map.ts';

function slots(weights: number[]): number[] {
  const map = new ServerMap(weights.length);
  map.rebuild(Int32Array.from(weights));
  return Array.from(map.slots.subarray(0, map.length), (server) => server + 1);
}

/** The rule of the file's head, slot by slot. */
function bySlot(weights: number[]): number[] {
  const round = weights.reduce((sum, weight) => sum + weight, 0);
  const credit = weights.map(() => 0);
  return Array.from({ length: round }, () => {
    for (const [i, weight] of weights.entries()) credit[i]! += weight;
    const rounds = credit.map((value, i) => (weights[i] ? Math.floor(value / round) : -Infinity));
    const winner = rounds.indexOf(Math.max(...rounds));
    credit[winner]! -= round;
    return winner + 1;
  });
}

test('4.2 hash-type map-based: the slots that HAProxy 3.2 was seen to use', () => {
  expect(slots([1, 1, 1]).join(' ')).toBe('1 2 3');
  expect(slots([1, 2, 3]).join(' ')).toBe('1 3 2 3 2 3');
  expect(slots([10, 20, 30]).join(' ')).toBe('1 3 2 3 2 3');
  expect(slots([3, 1, 5, 7]).join(' ')).toBe('1 2 4 3 4 1 3 4 3 4 1 4 3 4 3 4');
  expect(slots([100, 1]).indexOf(2)).toBe(100);
});

test('any weights: the rule, slot by slot', () => {
  const seed = Date.now() & 0xffff;
  let random = seed;
  const below = (n: number) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 4294967296) * n);
  };
  for (let i = 0; i < 60; i++) {
    // A weight of 1 keeps them in lowest terms.
    const weights = [1, ...Array.from({ length: below(12) }, () => below(40))];
    expect(slots(weights), `seed ${seed}: ${weights}`).toEqual(bySlot(weights));
  }
});

test('no server takes part: no slots', () => {
  expect(slots([0, 0])).toEqual([]);
  expect(slots([])).toEqual([]);
});
