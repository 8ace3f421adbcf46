/**
 * One thread of the load test of a stick table: counts under random keys, holds entries for a while,
 * looks for them and takes some out, while other threads do the same.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { StickTableConfig } from '../model/config.ts';
import { count, setKey } from './fixture.ts';
import { StickTable } from './table.ts';

export interface TableLoad {
  config: StickTableConfig;
  buffer: SharedArrayBuffer;
  worker: number;
  /** Keys are 0 to keys - 1. */
  keys: number;
  rounds: number;
}

const HELD_MAX = 4;

const { config, buffer, worker, keys, rounds } = workerData as TableLoad;
const table = new StickTable(config, 0, buffer);
const counts = new Array<number>(keys).fill(0);
const held: number[] = [];
let random = worker + 1;

function below(n: number): number {
  random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
  return Math.floor((random / 4294967296) * n);
}

function drop(nowMs: number): void {
  const entry = held.shift()!;
  table.reopen(entry);
  table.drop(entry, nowMs);
  table.close();
}

function hold(nowMs: number): void {
  setKey(table, below(keys));
  const entry = table.openOrCreate(nowMs);
  if (entry === 0) return;
  table.hold(entry);
  table.close();
  held.push(entry);
}

/** Only where no count must survive. */
function takeOut(nowMs: number): void {
  setKey(table, below(keys));
  const entry = table.open(nowMs);
  if (entry === 0) return;
  table.remove(entry);
  table.close();
}

for (let i = 0; i < rounds; i++) {
  // Threads see different times, as workers do.
  const nowMs = Math.floor(i / 50) + below(3);
  const key = below(keys);
  if (count(table, key, nowMs) !== null) counts[key]!++;
  if (below(8) === 0) hold(nowMs);
  if (held.length > HELD_MAX) drop(nowMs);
  if (config.expireMs > 0 && below(8) === 0) takeOut(nowMs);
  if (config.expireMs > 0 && below(50) === 0) table.expire(nowMs, 5);
}
while (held.length > 0) drop(Math.floor(rounds / 50));
parentPort!.postMessage(counts);
