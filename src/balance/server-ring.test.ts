import { expect, test } from 'bun:test';
import { serverConfig } from '../model/config-fixture.ts';
import { avalanche } from '../rules/hash.ts';
import { ServerRing } from './server-ring.ts';

function createRing(ids: number[]): ServerRing {
  return new ServerRing(ids.map((id, i) => serverConfig(i, { id })));
}

/** Numbers of the servers from node to node. */
function order(ring: ServerRing): string {
  return Array.from({ length: ring.length }, (_, at) => ring.ownerAt(at) + 1).join(' ');
}

test('4.2 hash-type consistent: the nodes in the order in which HAProxy 3.2 goes round', () => {
  const ring = createRing([1, 2, 3]);
  ring.rebuild(Int32Array.from([1, 1, 2]));
  expect(order(ring)).toBe(
    '3 3 3 3 2 1 3 1 3 1 2 3 1 1 3 1 2 2 3 1 3 3 2 3 1 2 3 3 3 1 3 3 ' +
      '2 1 3 2 3 2 3 1 3 1 3 2 1 3 3 2 2 3 3 2 1 3 2 1 3 3 3 3 3 2 1 2',
  );
});

test('any servers: the nearest node, the lower one of two', () => {
  const seed = Date.now() & 0xffff;
  let random = seed;
  const below = (n: number) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 4294967296) * n);
  };
  for (let round = 0; round < 20; round++) {
    const ids = Array.from({ length: 1 + below(8) }, (_, i) => i + 1);
    const weights = Int32Array.from(ids, () => below(6));
    weights[0] = 1;
    const ring = createRing(ids);
    ring.rebuild(weights);
    const nodes = ids.flatMap((id, i) =>
      Array.from({ length: weights[i]! * 16 }, (_, n) => ({ key: avalanche(id * 4096 + n), i })),
    );
    const distance = (a: number, b: number) => Math.min((a - b) >>> 0, (b - a) >>> 0);
    for (let i = 0; i < 200; i++) {
      const hash = i < nodes.length ? nodes[i]!.key : below(4294967296);
      const least = Math.min(...nodes.map(({ key }) => distance(key, hash)));
      const nearest = nodes.filter(({ key }) => distance(key, hash) === least);
      const own = nearest.length === 1 ? nearest[0]! : nearest.find(({ key }) => key <= hash)!;
      expect(ring.ownerAt(ring.nearest(hash)), `seed ${seed}, hash ${hash}`).toBe(own.i);
    }
  }
});

test('a server that goes and comes leaves the nodes of others where they are', () => {
  const ring = createRing([1, 2, 3]);
  ring.rebuild(Int32Array.from([1, 2, 3]));
  const before = order(ring);
  ring.rebuild(Int32Array.from([1, 0, 3]));
  expect(order(ring)).toBe(before.replaceAll(/ ?\b2\b/g, '').trim());
  ring.rebuild(Int32Array.from([1, 2, 3]));
  expect(order(ring)).toBe(before);
  // A new weight: nodes are added behind the others of the server.
  ring.rebuild(Int32Array.from([1, 1, 3]));
  expect(
    order(ring)
      .split(' ')
      .filter((owner) => owner === '2').length,
  ).toBe(16);
  ring.rebuild(new Int32Array(3));
  expect(ring.length).toBe(0);
});

test('going round, each node comes once', () => {
  const ring = createRing([1, 2]);
  ring.rebuild(Int32Array.from([1, 1]));
  const seen = new Set<number>();
  let key = 0;
  for (let i = 0; i < 32; i++) {
    const position = ring.after(key);
    seen.add(position);
    key = ring.keyAt(position);
  }
  expect(seen.size).toBe(32);
  expect(ring.after(key)).toBe(0);
});
