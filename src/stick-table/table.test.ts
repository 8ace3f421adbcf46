/** The structure behind stick tables (configuration.txt 11). */
import { describe, expect, test } from 'bun:test';
import { Worker } from 'node:worker_threads';
import { Random, seedOf } from '../../tests/fuzz/random.ts';
import { audit, contents, count, createTable, setKey, tableConfig } from './fixture.ts';
import { tableLayout } from './layout.ts';
import { StickTable } from './table.ts';
import type { TableLoad } from './table-load.ts';

describe('entries', () => {
  test('are made by their key and found again', () => {
    const table = createTable();
    expect([7, 7, 9, 7].map((key) => count(table, key, 0))).toEqual([1, 2, 1, 3]);
    expect(table.used).toBe(2);
    setKey(table, 8);
    expect(table.open(0)).toBe(0);
    expect(audit(table)).toEqual([]);
  });

  test('the oldest goes when there is no room (size)', () => {
    const table = createTable({ size: 3 });
    for (const [i, key] of [1, 2, 3, 1, 4].entries()) count(table, key, i);
    expect([...contents(table, 5).keys()].sort()).toEqual([1, 3, 4]);
    expect(audit(table)).toEqual([]);
  });

  test('nothing goes with nopurge but what has expired', () => {
    const table = createTable({ size: 2, nopurge: true, expireMs: 100 });
    expect([1, 2, 3].map((key) => count(table, key, 0))).toEqual([1, 1, null]);
    expect(count(table, 2, 50)).toBe(2);
    expect(count(table, 3, 99)).toBe(null);
    expect(count(table, 3, 100)).toBe(1);
    expect([...contents(table, 100).keys()].sort()).toEqual([2, 3]);
    expect(audit(table)).toEqual([]);
  });

  test('expire when nothing has refreshed them for so long (expire)', () => {
    const table = createTable({ expireMs: 100 });
    count(table, 1, 1000);
    count(table, 2, 1060);
    expect([...contents(table, 1099).keys()].sort()).toEqual([1, 2]);
    expect([...contents(table, 1100).keys()]).toEqual([2]);
    expect(table.used).toBe(2);
    expect(table.expire(1100, 10)).toBe(1);
    expect(table.used).toBe(1);
    // An expired entry that comes back begins with nothing.
    count(table, 2, 1100);
    expect(count(table, 2, 1200)).toBe(1);
    expect(audit(table)).toEqual([]);
  });

  test('the clock may pass the end of 32 bits', () => {
    const table = createTable({ expireMs: 100 });
    const late = 2 ** 31 - 50;
    count(table, 1, late);
    expect([...contents(table, late + 99).keys()]).toEqual([1]);
    expect([...contents(table, late + 100).keys()]).toEqual([]);
  });

  test('in use neither expire nor go', () => {
    const table = createTable({ size: 2, expireMs: 100 });
    setKey(table, 1);
    const entry = table.openOrCreate(0);
    table.hold(entry);
    table.hold(entry);
    expect(table.remove(entry)).toBe(false);
    table.close();
    for (let key = 2; key < 9; key++) expect(count(table, key, key * 1000)).toBe(1);
    expect([...contents(table, 8000).keys()].sort()).toEqual([1, 8]);
    table.reopen(entry);
    table.drop(entry, 8010);
    expect(table.uses(entry)).toBe(1);
    table.drop(entry, 8020);
    table.close();
    expect(table.expire(8119, 9)).toBe(1);
    expect([...contents(table, 8119).keys()]).toEqual([1]);
    expect([...contents(table, 8120).keys()]).toEqual([]);
    expect(audit(table)).toEqual([]);
  });

  test('all in use: there is no room for another', () => {
    const table = createTable({ size: 1 });
    setKey(table, 1);
    table.hold(table.openOrCreate(0));
    table.close();
    expect(count(table, 2, 0)).toBe(null);
  });

  test('a key is compared as a whole, its length included', () => {
    const table = createTable({ type: 'string', keyBytes: 10 });
    const open = (text: string) => {
      table.key.fill(0);
      table.keyBytes = table.keyView.length === 0 ? 0 : text.length;
      for (let i = 0; i < text.length; i++) table.keyView[i] = text.charCodeAt(i);
      const entry = table.openOrCreate(0);
      table.close();
      return entry;
    };
    const entries = ['', 'a', 'a\0', 'ab', 'abcdefghij'].map(open);
    expect(new Set(entries).size).toBe(5);
    expect(open('ab')).toBe(entries[3]!);
  });
});

describe('random work against a plain map', () => {
  for (const [size, nopurge] of [
    [5, false],
    [60, true],
    [3000, false],
  ] as const) {
    test(`size ${size}${nopurge ? ' nopurge' : ''}`, () => {
      const random = new Random(seedOf(77));
      const table = createTable({ size, nopurge, expireMs: 500 });
      const model = new Map<number, { value: number; stamp: number }>();
      let now = 0;
      for (let step = 0; step < 30_000; step++) {
        now += random.below(3);
        const key = random.below(size * 2);
        const known = model.get(key);
        const value = known !== undefined && now - known.stamp < 500 ? known.value : 0;
        const counted = count(table, key, now);
        if (counted === null) {
          expect(nopurge).toBe(true);
          continue;
        }
        // A full table may have forgotten the key; it never invents a value.
        expect(counted === value + 1 || counted === 1).toBe(true);
        model.set(key, { value: counted, stamp: now });
      }
      const found = contents(table, now);
      expect(found.size).toBeLessThanOrEqual(size);
      for (const [key, value] of found) expect(model.get(key)!.value).toBe(value);
      expect(audit(table)).toEqual([]);
    });
  }
});

/** Several threads on one table. @returns their reports */
async function hammer(load: Omit<TableLoad, 'worker'>, workers: number): Promise<number[][]> {
  return Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const done = Promise.withResolvers<number[]>();
      const thread = new Worker(new URL('./table-load.ts', import.meta.url), {
        workerData: { ...load, worker } satisfies TableLoad,
      });
      thread.once('message', (counts: number[]) => done.resolve(counts));
      thread.once('error', (error) => done.reject(error));
      return done.promise;
    }),
  );
}

describe('several threads', () => {
  for (const size of [64, 4000]) {
    test(`lose no count (${size} entries)`, async () => {
      const config = tableConfig({ size });
      const buffer = new SharedArrayBuffer(tableLayout(config).bytes);
      const reports = await hammer({ config, buffer, keys: 40, rounds: 40_000 }, 4);
      const table = new StickTable(config, 0, buffer);
      const found = contents(table, 0);
      for (let key = 0; key < 40; key++) {
        expect(found.get(key)).toBe(reports.reduce((sum, counts) => sum + counts[key]!, 0));
      }
      expect(audit(table)).toEqual([]);
    });
  }

  test('keep a full table sound while entries expire, go and are held', async () => {
    for (const size of [7, 1500]) {
      const config = tableConfig({ size, expireMs: 20 });
      const buffer = new SharedArrayBuffer(tableLayout(config).bytes);
      await hammer({ config, buffer, keys: size * 3, rounds: 40_000 }, 4);
      const table = new StickTable(config, 0, buffer);
      expect(audit(table)).toEqual([]);
      expect(table.used).toBeGreaterThan(0);
    }
  });
});
