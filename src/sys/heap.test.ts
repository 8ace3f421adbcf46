import { expect, test } from 'bun:test';
import { mem } from './arena.ts';
import { Heap, pieceBytes } from './heap.ts';

test('pieces have the next power of two as their size, at least 32', () => {
  expect([0, 1, 32, 33, 64, 65, 16384].map(pieceBytes)).toEqual([32, 32, 32, 64, 64, 128, 16384]);
});

test('a heap gives out what fits, no piece over another, and gives it out again', () => {
  const seed = Number(process.env['SLUICE_FUZZ_SEED'] ?? 1);
  let state = seed;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const heap = new Heap(64 << 10, 4096);
  const out = new Map<number, { len: number; mark: number }>();
  for (let i = 0; i < 20_000; i++) {
    if (random(5) < 3) {
      const len = random(3) === 0 ? random(4096) : random(100);
      const off = heap.take(len);
      if (off === 0) continue;
      expect(out.has(off)).toBe(false);
      const mark = random(256);
      mem.fill(mark, off, off + pieceBytes(len));
      out.set(off, { len, mark });
    } else {
      const offs = [...out.keys()];
      if (offs.length === 0) continue;
      const off = offs[random(offs.length)]!;
      const { len, mark } = out.get(off)!;
      const bytes = mem.subarray(off, off + pieceBytes(len));
      if (!bytes.every((byte) => byte === mark)) throw new Error(`seed ${seed}: overwritten`);
      out.delete(off);
      heap.give(off, len);
    }
    const sum = [...out.values()].reduce((total, { len }) => total + pieceBytes(len), 0);
    expect(heap.inUse).toBe(sum);
  }
});

test('what is too long, or more than there is, is not given', () => {
  const heap = new Heap(256, 128);
  expect(heap.take(129)).toBe(0);
  const first = heap.take(128);
  expect(first).toBeGreaterThan(0);
  expect(heap.take(100)).toBeGreaterThan(0);
  expect(heap.take(1)).toBe(0);
  heap.give(first, 128);
  // A large piece is halved for small ones.
  const small = [1, 2, 3, 4].map(() => heap.take(32));
  expect(new Set(small).size).toBe(4);
  expect(small).not.toContain(0);
  expect(heap.take(32)).toBe(0);
  expect(heap.inUse).toBe(256);
});

test('a heap of nothing gives nothing', () => {
  expect(new Heap(0, 16384).take(1)).toBe(0);
});
