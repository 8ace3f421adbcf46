/**
 * Where the things of a stick table lie in its shared memory, in words of 32 bits:
 *
 *   | head | shards | buckets | entry | entry | ...
 *
 *   entry   next in its bucket, older, newer, uses, stamp, hash, bytes of the key | key | data
 *
 * The memory for all `size` entries is reserved at start; a page costs nothing until it is used.
 */
import type { StickTableConfig } from '../model/config.ts';
import { DataType, dataRow, dataRows, kindWords } from './data-type.ts';

/** What keys are (11.1 type). */
export const enum KeyType {
  Ipv4 = 0,
  Ipv6 = 1,
  Integer = 2,
  Text = 3,
  Binary = 4,
}

export const keyTypes: Readonly<Record<StickTableConfig['type'], KeyType>> = {
  ip: KeyType.Ipv4,
  ipv6: KeyType.Ipv6,
  integer: KeyType.Integer,
  string: KeyType.Text,
  binary: KeyType.Binary,
};

/** Words of the head. */
export const enum Head {
  /** Entries in use. Atomic. */
  Used = 0,
  /** Lock of the two that follow. */
  Lock = 1,
  /** First free entry that has been used before, 0 = none. */
  Free = 2,
  /** Entries that have ever been used. */
  Carved = 3,
  /** Where hashes start, so that nobody can choose keys that collide. */
  Seed = 4,
  WORDS = 16,
}

/** Words of a shard: a lock, and the entries that nobody uses in the order of their stamps. */
export const enum Shard {
  Lock = 0,
  Oldest = 1,
  Newest = 2,
  /** A cache line each, so that workers on different shards do not disturb each other. */
  WORDS = 16,
}

/** Words at the start of an entry. */
export const enum Entry {
  /** The next entry of the bucket, or of the free ones; 0 = none. */
  Next = 0,
  /** Neighbours in the shard's order while nobody uses it. */
  Older = 1,
  Newer = 2,
  /** Sessions and streams that track it; -1 = the entry is free. */
  Uses = 3,
  /** When it was last refreshed, ms modulo 2^32. */
  Stamp = 4,
  Hash = 5,
  /** Bytes of the key; the rest of its words is 0. */
  KeyBytes = 6,
  WORDS = 7,
}

/** The largest piece of memory that one typed array can address. */
export const TABLE_BYTES_MAX = 2 ** 32 - 2 ** 16;

/** Tables up to this size have one shard: of a full one exactly the oldest entry goes. */
const ONE_SHARD_MAX = 1023;
const SHARDS_FEW = 16;
const SHARDS_MANY = 64;
const MANY_SHARDS_FROM = 16384;

export interface TableLayout {
  shards: number;
  shardsAt: number;
  buckets: number;
  bucketsAt: number;
  entriesAt: number;
  entryWords: number;
  keyWords: number;
  /** By `DataType`: word of the value within an entry (0 = not stored), how many, period in ms. */
  offset: Int32Array;
  count: Int32Array;
  period: Int32Array;
  /** Bytes of the whole; may be more than `TABLE_BYTES_MAX`. */
  bytes: number;
}

export function tableLayout(config: StickTableConfig): TableLayout {
  const { size } = config;
  const keyWords = Math.max(1, Math.ceil(config.keyBytes / 4));
  const offset = new Int32Array(DataType.COUNT);
  const count = new Int32Array(DataType.COUNT);
  const period = new Int32Array(DataType.COUNT);
  let entryWords = Entry.WORDS + keyWords;
  for (const stored of config.data) {
    const { type, kind } = dataRow(stored.type)!;
    offset[type] = entryWords;
    count[type] = stored.count;
    period[type] = stored.periodMs;
    entryWords += kindWords[kind] * stored.count;
  }
  const shards = size <= ONE_SHARD_MAX ? 1 : size < MANY_SHARDS_FROM ? SHARDS_FEW : SHARDS_MANY;
  const buckets = 2 ** Math.max(0, Math.ceil(Math.log2(size)));
  const shardsAt = Head.WORDS;
  const bucketsAt = shardsAt + shards * Shard.WORDS;
  const entriesAt = bucketsAt + buckets;
  const bytes = (entriesAt + size * entryWords) * Int32Array.BYTES_PER_ELEMENT;
  const place = { shards, shardsAt, buckets, bucketsAt, entriesAt, entryWords, keyWords };
  return { ...place, offset, count, period, bytes };
}

/** The stored types in the order of `show table`. */
export function storedRows(layout: TableLayout): (typeof dataRows)[number][] {
  return dataRows.filter((row) => layout.offset[row.type] !== 0);
}
