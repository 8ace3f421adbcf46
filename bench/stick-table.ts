/**
 * What a stick table costs: looking a key up and counting it, in a table of few and of many entries,
 * alone and while other threads do the same.
 *
 *   bin/bun bench/stick-table.ts [entries...]
 */
import { Worker } from 'node:worker_threads';
import { DataType } from '../src/stick-table/data-type.ts';
import { createTable, setKey, tableConfig } from '../src/stick-table/fixture.ts';
import { tableLayout } from '../src/stick-table/layout.ts';
import { createSlot } from '../src/stick-table/slot.ts';
import type { StickTable } from '../src/stick-table/table.ts';
import type { TableLoad } from '../src/stick-table/table-load.ts';

export interface TableResult {
  /** ns per operation. */
  fillNs: number;
  readNs: number;
  updateNs: number;
  /** A new key in a full table: the oldest entry goes. */
  replaceNs: number;
}

const PRIME = 7919;

function measure(rounds: number, run: (round: number) => void): number {
  for (let i = 0; i < Math.min(rounds, 20_000); i++) run(i);
  const start = Bun.nanoseconds();
  for (let i = 0; i < rounds; i++) run(i);
  return (Bun.nanoseconds() - start) / rounds;
}

/** Counts a request of the key: a number and a rate. */
function createUpdate(table: StickTable): (key: number) => void {
  const count = createSlot(table, DataType.Gpc0, 0);
  const rate = createSlot(table, DataType.HttpReqRate, 0);
  let now = 0;
  return (key) => {
    now++;
    setKey(table, key);
    const entry = table.openOrCreate(now >> 10);
    if (entry === 0) return;
    count.add(table, entry, now >> 10, 1);
    rate.add(table, entry, now >> 10, 1);
    table.touch(entry, now >> 10);
    table.close();
  };
}

/** @param entries that the table has; @param rounds operations of each kind */
export function benchTable(entries: number, rounds: number): TableResult {
  const table = createTable({ size: entries, expireMs: 3_600_000 });
  const update = createUpdate(table);
  const slot = createSlot(table, DataType.Gpc0, 0);
  const start = Bun.nanoseconds();
  for (let key = 0; key < entries; key++) update(key);
  const fillNs = (Bun.nanoseconds() - start) / entries;
  let sum = 0;
  const read = (round: number) => {
    setKey(table, (round * PRIME) % entries);
    const entry = table.open(0);
    if (entry === 0) return;
    sum += slot.read(table, entry, 0);
    table.close();
  };
  const readNs = measure(rounds, read);
  const updateNs = measure(rounds, (round) => update((round * PRIME) % entries));
  const replaceNs = measure(rounds, (round) => update(entries + round));
  if (sum < 0 || table.used > entries) throw new Error('the table counts wrong');
  return { fillNs, readNs, updateNs, replaceNs };
}

/** Several threads count in one table. @returns ns per operation of all of them together */
export async function benchThreads(
  threads: number,
  entries: number,
  rounds: number,
): Promise<number> {
  const config = tableConfig({ size: entries });
  const buffer = new SharedArrayBuffer(tableLayout(config).bytes);
  const start = Bun.nanoseconds();
  await Promise.all(
    Array.from({ length: threads }, (_, worker) => {
      const done = Promise.withResolvers<void>();
      const url = new URL('../src/stick-table/table-load.ts', import.meta.url);
      const load: TableLoad = { config, buffer, worker, keys: entries, rounds };
      const thread = new Worker(url, { workerData: load });
      thread.once('message', () => done.resolve());
      thread.once('error', (error) => done.reject(error));
      return done.promise;
    }),
  );
  return (Bun.nanoseconds() - start) / (threads * rounds);
}

if (import.meta.main) {
  const sizes = process.argv.slice(2).map(Number);
  for (const entries of sizes.length > 0 ? sizes : [1000, 1_000_000]) {
    const { fillNs, readNs, updateNs, replaceNs } = benchTable(entries, 2_000_000);
    process.stdout.write(
      `${entries} entries: fill ${fillNs.toFixed(0)} ns, read ${readNs.toFixed(0)} ns, update ` +
        `${updateNs.toFixed(0)} ns, replace ${replaceNs.toFixed(0)} ns\n`,
    );
  }
  for (const threads of [1, 2, 4]) {
    const ns = await benchThreads(threads, 100_000, 500_000);
    process.stdout.write(`${threads} threads, 100000 entries: ${ns.toFixed(0)} ns per operation\n`);
  }
}
