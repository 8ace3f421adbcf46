/**
 * A stick table (configuration.txt 11): keys, what is counted for each of them, and which of them
 * goes when there is no room. One table serves all threads of the process.
 *
 *   bucket ─▶ entry ─▶ entry               buckets belong to shards, each with a lock and the
 *                                           entries that nobody uses, the oldest first
 *
 *     shard 0   oldest ⇄ … ⇄ newest
 *     shard 1   oldest ⇄ … ⇄ newest        a full table loses the oldest of all shards
 *
 * An entry that a session or stream uses (`hold`) is in no such order: it neither expires nor goes.
 * Expiry needs no timer: whoever meets an entry that is too old removes it.
 *
 * A call that returns an entry leaves its shard locked, until `close`. In between nothing is called
 * that may fail, and no second lock is taken but that of the free entries, which is always the last.
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import type { StickTableConfig } from '../model/config.ts';
import {
  Entry,
  Head,
  type KeyType,
  keyTypes,
  Shard,
  type TableLayout,
  tableLayout,
} from './layout.ts';
import { lock, unlock } from './lock.ts';

/** Attempts to make room while others take what was freed. */
const CREATE_TRIES = 8;
/** Entries in use that `purge` frees at a time: one, and one more for each so many of the table. */
const PURGE_SHARE = 1024;
const PURGE_MAX = 64;

export class StickTable {
  readonly config: StickTableConfig;
  readonly name: string;
  /** Position among the tables of the process. */
  readonly index: number;
  readonly keyType: KeyType;
  readonly layout: TableLayout;
  readonly words: Int32Array;
  /** The key that the next `open` looks for, and its bytes. The words behind them are 0. */
  readonly key: Int32Array;
  readonly keyView: Uint8Array;
  keyBytes: number;
  private readonly expireMs: number;
  private readonly purgeBatch: number;
  /** The shard that is locked, 0 = none. */
  private shard: number;

  /** @param buffer of `layout.bytes` bytes, zero at first */
  constructor(config: StickTableConfig, index: number, buffer: SharedArrayBuffer) {
    this.config = config;
    this.name = config.name;
    this.index = index;
    this.keyType = keyTypes[config.type];
    this.layout = tableLayout(config);
    this.words = new Int32Array(buffer);
    this.key = new Int32Array(this.layout.keyWords);
    this.keyView = new Uint8Array(this.key.buffer);
    this.keyBytes = 0;
    this.expireMs = config.expireMs;
    this.purgeBatch = Math.min(PURGE_MAX, 1 + Math.floor(config.size / PURGE_SHARE));
    this.shard = 0;
  }

  /** Entries in use, those included that are too old and have not been met yet. */
  get used(): number {
    return Atomics.load(this.words, Head.Used);
  }

  /** The entry of `key`, with its shard locked; 0 = there is none, and nothing is locked. */
  open(nowMs: number): number {
    const hash = this.hashKey();
    this.lockShard(hash);
    const entry = this.find(hash, nowMs);
    if (entry === 0) this.close();
    return entry;
  }

  /** As `open`, and makes the entry when there is none; 0 = there is no room. */
  openOrCreate(nowMs: number): number {
    const hash = this.hashKey();
    for (let i = 0; i < CREATE_TRIES; i++) {
      this.lockShard(hash);
      const entry = this.find(hash, nowMs) || this.create(hash, nowMs);
      if (entry !== 0) return entry;
      this.close();
      if (!this.makeRoom(nowMs)) return 0;
    }
    return 0;
  }

  /** Locks the shard of an entry that the caller holds. */
  reopen(entry: number): void {
    assert(this.words[entry + Entry.Uses]! > 0, 'an entry of a stick table that nobody holds');
    this.lockShard(this.words[entry + Entry.Hash]!);
  }

  /**
   * Locks the shard of the entry at a position, for a walk over all of them.
   * @returns 0 when it is free or too old; nothing is locked then.
   */
  openAt(position: number, nowMs: number): number {
    const { words } = this;
    const entry = this.layout.entriesAt + position * this.layout.entryWords;
    const hash = Atomics.load(words, entry + Entry.Hash);
    this.lockShard(hash);
    // It may have become another entry before the lock was there.
    const isThere =
      Atomics.load(words, entry + Entry.Uses) >= 0 && words[entry + Entry.Hash] === hash;
    if (isThere && !this.isExpired(entry, nowMs)) return entry;
    this.close();
    return 0;
  }

  /** Positions that `openAt` has to look at. */
  get positions(): number {
    return Atomics.load(this.words, Head.Carved);
  }

  /** Ends what `open` and its like began. */
  close(): void {
    const { shard } = this;
    assert(shard !== 0, 'a stick table is unlocked that is not locked');
    this.shard = 0;
    unlock(this.words, shard + Shard.Lock);
  }

  /** The entry has been used: its time begins again. */
  touch(entry: number, nowMs: number): void {
    const { words } = this;
    const stamp = nowMs | 0;
    if (words[entry + Entry.Stamp] === stamp) return;
    words[entry + Entry.Stamp] = stamp;
    if (words[entry + Entry.Uses] !== 0) return;
    this.unlink(entry);
    this.append(entry);
  }

  /** One more session or stream tracks the entry. */
  hold(entry: number): void {
    if (this.words[entry + Entry.Uses] === 0) this.unlink(entry);
    this.words[entry + Entry.Uses]!++;
  }

  /** One less. */
  drop(entry: number, nowMs: number): void {
    const uses = this.words[entry + Entry.Uses]! - 1;
    if (uses < 0) this.fail('an entry of a stick table is given back twice');
    this.words[entry + Entry.Uses] = uses;
    this.words[entry + Entry.Stamp] = nowMs | 0;
    if (uses === 0) this.append(entry);
  }

  uses(entry: number): number {
    return this.words[entry + Entry.Uses]!;
  }

  /** Ms until the entry expires; 0 in a table without `expire`. */
  expiresIn(entry: number, nowMs: number): number {
    if (this.expireMs === 0) return 0;
    return Math.max(0, (this.words[entry + Entry.Stamp]! + this.expireMs - nowMs) | 0);
  }

  /** Ms since the entry was refreshed. */
  idleFor(entry: number, nowMs: number): number {
    return Math.max(0, (nowMs - this.words[entry + Entry.Stamp]!) | 0);
  }

  /** Takes the open entry out, unless it is in use. @returns whether it is gone. */
  remove(entry: number): boolean {
    if (this.words[entry + Entry.Uses] !== 0) return false;
    this.unlink(entry);
    this.discard(entry);
    return true;
  }

  /** Removes up to `limit` entries that are too old. @returns how many. */
  expire(nowMs: number, limit: number): number {
    if (this.expireMs === 0) return 0;
    const { shards, shardsAt } = this.layout;
    let count = 0;
    for (let i = 0; i < shards && count < limit; i++) {
      const shard = shardsAt + i * Shard.WORDS;
      const oldest = Atomics.load(this.words, shard + Shard.Oldest);
      if (oldest === 0 || !this.isExpired(oldest, nowMs)) continue;
      count += this.removeOldest(shard, nowMs, limit - count, true);
    }
    return count;
  }

  /** Frees some entries: those that are too old, else the oldest. @returns whether there were any. */
  private makeRoom(nowMs: number): boolean {
    if (this.expire(nowMs, this.purgeBatch) > 0) return true;
    if (this.config.nopurge) return false;
    const { words } = this;
    const { shards, shardsAt } = this.layout;
    let found = 0;
    let age = 0;
    for (let i = 0; i < shards; i++) {
      const shard = shardsAt + i * Shard.WORDS;
      const oldest = Atomics.load(words, shard + Shard.Oldest);
      if (oldest === 0) continue;
      const its = (nowMs - Atomics.load(words, oldest + Entry.Stamp)) | 0;
      if (found !== 0 && its <= age) continue;
      found = shard;
      age = its;
    }
    return found !== 0 && this.removeOldest(found, nowMs, this.purgeBatch, false) > 0;
  }

  private removeOldest(shard: number, nowMs: number, limit: number, onlyExpired: boolean): number {
    lock(this.words, shard + Shard.Lock);
    this.shard = shard;
    let count = 0;
    for (; count < limit; count++) {
      const oldest = this.words[shard + Shard.Oldest]!;
      if (oldest === 0 || (onlyExpired && !this.isExpired(oldest, nowMs))) break;
      this.unlink(oldest);
      this.discard(oldest);
    }
    this.close();
    return count;
  }

  private isExpired(entry: number, nowMs: number): boolean {
    if (this.expireMs === 0 || this.words[entry + Entry.Uses] !== 0) return false;
    return ((nowMs - this.words[entry + Entry.Stamp]! - this.expireMs) | 0) >= 0;
  }

  private lockShard(hash: number): void {
    assert(this.shard === 0, 'a second entry of a stick table is opened');
    const { shards, shardsAt } = this.layout;
    const shard = shardsAt + (hash & (shards - 1)) * Shard.WORDS;
    lock(this.words, shard + Shard.Lock);
    this.shard = shard;
  }

  /** FNV-1a over words, with a final mix: buckets are taken from the low bits. */
  private hashKey(): number {
    const { key } = this;
    let hash = this.words[Head.Seed]! ^ this.keyBytes;
    for (let i = 0; i < key.length; i++) {
      hash = Math.imul(hash ^ key[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  private bucketOf(hash: number): number {
    return this.layout.bucketsAt + (hash & (this.layout.buckets - 1));
  }

  private find(hash: number, nowMs: number): number {
    const { words } = this;
    let entry = words[this.bucketOf(hash)]!;
    while (entry !== 0 && !(words[entry + Entry.Hash] === hash && this.isKey(entry))) {
      entry = words[entry + Entry.Next]!;
    }
    if (entry === 0 || !this.isExpired(entry, nowMs)) return entry;
    this.unlink(entry);
    this.discard(entry);
    return 0;
  }

  private isKey(entry: number): boolean {
    const { words, key } = this;
    if (words[entry + Entry.KeyBytes] !== this.keyBytes) return false;
    for (let i = 0; i < key.length; i++) {
      if (words[entry + Entry.WORDS + i] !== key[i]) return false;
    }
    return true;
  }

  /** A new entry of `key`; 0 = there is no free one. */
  private create(hash: number, nowMs: number): number {
    const { words, key } = this;
    const entry = this.takeFree();
    if (entry === 0) return 0;
    words[entry + Entry.Stamp] = nowMs | 0;
    words[entry + Entry.Hash] = hash;
    words[entry + Entry.KeyBytes] = this.keyBytes;
    for (let i = 0; i < key.length; i++) words[entry + Entry.WORDS + i] = key[i]!;
    words.fill(0, entry + Entry.WORDS + key.length, entry + this.layout.entryWords);
    // The last of them: `openAt` of another thread may look at it without this shard's lock.
    Atomics.store(words, entry + Entry.Uses, 0);
    const bucket = this.bucketOf(hash);
    words[entry + Entry.Next] = words[bucket]!;
    words[bucket] = entry;
    this.append(entry);
    return entry;
  }

  private takeFree(): number {
    const { words, layout } = this;
    if (Atomics.load(words, Head.Used) >= this.config.size) return 0;
    lock(words, Head.Lock);
    let entry = words[Head.Free]!;
    if (entry !== 0) {
      words[Head.Free] = words[entry + Entry.Next]!;
    } else if (words[Head.Carved]! < this.config.size) {
      entry = layout.entriesAt + words[Head.Carved]! * layout.entryWords;
      words[entry + Entry.Uses] = -1;
      Atomics.add(words, Head.Carved, 1);
    }
    if (entry !== 0) Atomics.add(words, Head.Used, 1);
    unlock(words, Head.Lock);
    return entry;
  }

  /** Takes an entry that is in no order any more out of its bucket; it is free then. */
  private discard(entry: number): void {
    const { words } = this;
    let at = this.bucketOf(words[entry + Entry.Hash]!);
    while (words[at] !== entry) {
      if (words[at] === 0) this.fail('an entry of a stick table is not in its bucket');
      at = words[at]! + Entry.Next;
    }
    words[at] = words[entry + Entry.Next]!;
    words[entry + Entry.Uses] = -1;
    lock(words, Head.Lock);
    words[entry + Entry.Next] = words[Head.Free]!;
    words[Head.Free] = entry;
    Atomics.sub(words, Head.Used, 1);
    unlock(words, Head.Lock);
  }

  /** A defect must not stop the other threads as well. */
  private fail(message: string): void {
    this.close();
    assert(false, message);
  }

  /** Puts the entry at the end of its shard's order. */
  private append(entry: number): void {
    const { words, shard } = this;
    const last = words[shard + Shard.Newest]!;
    words[entry + Entry.Older] = last;
    words[entry + Entry.Newer] = 0;
    words[last === 0 ? shard + Shard.Oldest : last + Entry.Newer] = entry;
    words[shard + Shard.Newest] = entry;
  }

  private unlink(entry: number): void {
    const { words, shard } = this;
    const older = words[entry + Entry.Older]!;
    const newer = words[entry + Entry.Newer]!;
    words[older === 0 ? shard + Shard.Oldest : older + Entry.Newer] = newer;
    words[newer === 0 ? shard + Shard.Newest : newer + Entry.Older] = older;
  }
}
