import { describe, expect, test } from 'bun:test';
import { mem } from './arena.ts';
import { BlockPool } from './pool.ts';

const POISON = 0x50;

describe('a pool of blocks', () => {
  test('hands out each block once, and none when all are out', () => {
    const pool = new BlockPool(100, 3);
    const blocks = [pool.take(), pool.take(), pool.take()];
    expect(new Set(blocks).size).toBe(3);
    expect(blocks).not.toContain(0);
    expect(pool.take()).toBe(0);
    pool.give(blocks[1]!);
    expect(pool.take()).toBe(blocks[1]!);
    expect(pool.inUse).toBe(3);
  });

  test('keeps blocks apart', () => {
    const pool = new BlockPool(100, 2);
    const a = pool.take();
    const b = pool.take();
    mem.fill(1, a, a + 100);
    mem.fill(2, b, b + 100);
    expect(mem[a + 99]).toBe(1);
    expect(mem[a]).toBe(1);
  });

  test('takes back nothing that it did not hand out', () => {
    const pool = new BlockPool(64, 4);
    const block = pool.take();
    expect(() => pool.give(block + 1)).toThrow('no block of this pool');
    expect(() => pool.give(0)).toThrow('no block of this pool');
    pool.give(block);
    expect(() => pool.give(block)).toThrow('given back twice');
  });

  for (const bytes of [64, 100, 127, 128, 16448]) {
    test(`sees with -dM that a block of ${bytes} bytes was written one byte too far`, () => {
      const pool = new BlockPool(bytes, 2, POISON);
      const block = pool.take();
      expect(mem[block + bytes - 1]).toBe(POISON);
      mem.fill(7, block, block + bytes);
      pool.give(block);
      const again = pool.take();
      mem[again + bytes] = 7;
      expect(() => pool.give(again)).toThrow('behind its end');
    });
  }

  test('sees with -dM that something was written behind offset 0, which means "no block"', () => {
    const pool = new BlockPool(64, 1, POISON);
    const block = pool.take();
    for (const off of [0, 3, 1024, 16383]) {
      mem[off] = 7;
      expect(() => pool.give(block)).toThrow('offset 0');
      mem[off] = 0;
    }
    pool.give(block);
  });
});
