/** Test support: a stick table of its own, and an audit of all that its memory says. */
import type { StickDataConfig, StickTableConfig } from '../model/config.ts';
import { DataType } from './data-type.ts';
import { Entry, Head, Shard, tableLayout } from './layout.ts';
import { createSlot } from './slot.ts';
import { StickTable } from './table.ts';

export function tableConfig(settings: Partial<StickTableConfig> = {}): StickTableConfig {
  const data: StickDataConfig[] = [
    { type: 'gpc0', count: 1, periodMs: 0 },
    { type: 'bytes_in_cnt', count: 1, periodMs: 0 },
    { type: 'http_req_rate', count: 1, periodMs: 1000 },
  ];
  return {
    file: 't.cfg',
    line: 1,
    name: 't',
    type: 'integer',
    keyBytes: 4,
    size: 100,
    expireMs: 0,
    nopurge: false,
    serverKey: 'name',
    bytesFactor: 1,
    data,
    ...settings,
  };
}

export function createTable(settings: Partial<StickTableConfig> = {}): StickTable {
  const config = tableConfig(settings);
  return new StickTable(config, 0, new SharedArrayBuffer(tableLayout(config).bytes));
}

export function setKey(table: StickTable, key: number): void {
  table.key[0] = key;
  table.keyBytes = 4;
}

/** Adds to `gpc0` of a key. @returns its new value, or null when there is no room */
export function count(table: StickTable, key: number, nowMs: number, amount = 1): number | null {
  const slot = createSlot(table, DataType.Gpc0, 0);
  setKey(table, key);
  const entry = table.openOrCreate(nowMs);
  if (entry === 0) return null;
  slot.add(table, entry, nowMs, amount);
  table.touch(entry, nowMs);
  const value = slot.read(table, entry, nowMs);
  table.close();
  return value;
}

/** `gpc0` by key, of all entries. */
export function contents(table: StickTable, nowMs: number): Map<number, number> {
  const slot = createSlot(table, DataType.Gpc0, 0);
  const found = new Map<number, number>();
  for (let i = 0; i < table.positions; i++) {
    const entry = table.openAt(i, nowMs);
    if (entry === 0) continue;
    found.set(table.words[entry + Entry.WORDS]!, slot.read(table, entry, nowMs));
    table.close();
  }
  return found;
}

/** What is wrong with a table that nobody works on: nothing, if its links are sound. */
export function audit(table: StickTable): string[] {
  const { words, layout } = table;
  const faults: string[] = [];
  const inBuckets = new Set<number>();
  for (let i = 0; i < layout.buckets; i++) {
    for (let at = words[layout.bucketsAt + i]!; at !== 0; at = words[at + Entry.Next]!) {
      if (inBuckets.has(at)) return [`entry ${at} is in a bucket twice`];
      if (words[at + Entry.Uses]! < 0) faults.push(`entry ${at} is free and in a bucket`);
      inBuckets.add(at);
    }
  }
  const inOrder = new Set<number>();
  for (let i = 0; i < layout.shards; i++) {
    const shard = layout.shardsAt + i * Shard.WORDS;
    if (words[shard + Shard.Lock] !== 0) faults.push(`shard ${i} is locked`);
    let before = 0;
    for (let at = words[shard + Shard.Oldest]!; at !== 0; at = words[at + Entry.Newer]!) {
      if (inOrder.has(at)) return [`entry ${at} is in an order twice`];
      if (words[at + Entry.Older] !== before) faults.push(`entry ${at} has a wrong neighbour`);
      inOrder.add(at);
      before = at;
    }
    if (words[shard + Shard.Newest] !== before) faults.push(`shard ${i} ends elsewhere`);
  }
  const idle = [...inBuckets].filter((at) => words[at + Entry.Uses] === 0);
  if (idle.length !== inOrder.size) faults.push(`${idle.length} idle, ${inOrder.size} in order`);
  let free = 0;
  for (let at = words[Head.Free]!; at !== 0; at = words[at + Entry.Next]!) free++;
  if (inBuckets.size !== table.used) faults.push(`${inBuckets.size} entries, ${table.used} used`);
  if (inBuckets.size + free !== words[Head.Carved]) faults.push('entries are lost');
  if (table.used > table.config.size) faults.push('more entries than there may be');
  return faults;
}
