/**
 * Persistence by stick tables (configuration.txt 4.2 stick): a request goes to the server that an
 * earlier one with the same key went to, and keys are remembered when the server has answered.
 *
 * Keys of `store-request` rules wait in a block of the stream until then:
 *
 *   | rule, bytes of the key, key | rule, bytes of the key, key | ...      up to STORES_MAX of each kind
 *
 * @dataplane
 */

import { STICK_HEAD_BYTES, STICK_STORES_MAX, stickStride } from '../model/capacity.ts';
import type { Server } from '../model/runtime.ts';
import { isReachable } from '../model/server-health.ts';
import { Persist } from '../persistence/cookie.ts';
import type { StickRule } from '../persistence/stick-rules.ts';
import { loadBytes, loadKey } from '../rules/stick-key.ts';
import type { StickTable } from '../stick-table/table.ts';
import { mem, mem32 } from '../sys/arena.ts';
import { BlockPool } from '../sys/pool.ts';
import { engine } from './engine.ts';
import { persistenceOf } from './persist.ts';
import type { Stream } from './stream.ts';

const WORD = 4;

/** Bytes of one waiting key. */
let stride = 0;
/** A block per stream; null without rules that store. */
let blocks: BlockPool | null = null;
/** Number of the last response, which marks the tables that it has been stored in. */
let serial = 0;
let marks = new Int32Array(0);

/** Makes the room for waiting keys. Once, before the first stream. */
export function createStickKeys(): void {
  const { init, config, streamsMax } = engine;
  stride = stickStride(config);
  blocks = stride === 0 ? null : new BlockPool(stride * STICK_STORES_MAX, streamsMax, init.poison);
  serial = 0;
  marks = new Int32Array(init.stickTables.length);
}

/** The request's `stick` rules: finds a server (`cookieServer`), and notes the keys to remember. */
export function applyStickRules(strm: Stream): void {
  const rules = strm.backendPlan.stickRules!;
  const persist = persistenceOf(strm.backendPlan);
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!;
    if (rule.storesResponse) continue;
    // A cookie comes first.
    const looks = rule.matches && !strm.isBound;
    const stores = rule.storesRequest && !hasStore(strm, rule.table);
    if (!(looks || stores) || !hasKey(rule)) continue;
    if (looks) {
      strm.cookieServer = look(rule, persist);
      strm.isBound = strm.cookieServer !== null;
    }
    if (stores) keepKey(strm, i, rule.table);
  }
}

/** Evaluates the rule. @returns whether its table has been given a key. */
function hasKey(rule: StickRule): boolean {
  const { sample } = engine;
  if (!rule.condition(engine) || !rule.expr.evaluate(engine, sample)) return false;
  return loadKey(rule.table, sample);
}

/** The usable server behind the key. */
function look(rule: StickRule, persist: Persist): Server | null {
  const { table } = rule;
  const entry = table.open(engine.nowMs);
  if (entry === 0) return null;
  const server = rule.serverOf(entry);
  table.touch(entry, engine.nowMs);
  table.close();
  if (server === null) return null;
  const goes = persist === Persist.Forced || isReachable(engine.shared, server.entity);
  return goes ? server : null;
}

/** 4.2 stick store-request: one key per table. */
function hasStore(strm: Stream, table: StickTable): boolean {
  const rules = strm.backendPlan.stickRules!;
  for (let i = 0; i < strm.stickStores; i++) {
    if (rules[mem32[storeAt(strm, i) >> 2]!]!.table === table) return true;
  }
  return strm.stickStores === STICK_STORES_MAX;
}

function storeAt(strm: Stream, index: number): number {
  return strm.stickBlock + index * stride;
}

/** Keeps the key that the table has been given. */
function keepKey(strm: Stream, rule: number, table: StickTable): void {
  if (strm.stickBlock === 0) strm.stickBlock = blocks!.take();
  // Without room nothing is remembered.
  if (strm.stickBlock === 0) return;
  const at = storeAt(strm, strm.stickStores++);
  mem32[at >> 2] = rule;
  mem32[(at + WORD) >> 2] = table.keyBytes;
  for (let i = 0; i < table.keyBytes; i++) mem[at + STICK_HEAD_BYTES + i] = table.keyView[i]!;
}

/**
 * The server has answered, or in TCP mode taken the connection: remembers it under the keys of the
 * request and of the response, which is the engine's.
 */
export function storeStick(strm: Stream): void {
  const rules = strm.backendPlan.stickRules!;
  const server = strm.server!;
  if (server.config.nonStick) return;
  for (let i = 0; i < strm.stickStores; i++) {
    const at = storeAt(strm, i);
    const rule = rules[mem32[at >> 2]!]!;
    loadBytes(rule.table, at + STICK_HEAD_BYTES, mem32[(at + WORD) >> 2]!);
    remember(rule, server);
  }
  strm.stickStores = 0;
  serial = (serial + 1) | 0;
  for (let i = 0, stored = 0; i < rules.length && stored < STICK_STORES_MAX; i++) {
    const rule = rules[i]!;
    // Of several rules for one table the first that has a key counts.
    if (!rule.storesResponse || marks[rule.table.index] === serial || !hasKey(rule)) continue;
    marks[rule.table.index] = serial;
    remember(rule, server);
    stored++;
  }
}

/** Makes the key that the table has been given stand for the server. */
function remember(rule: StickRule, server: Server): void {
  const entry = rule.table.openOrCreate(engine.nowMs);
  if (entry === 0) return;
  rule.store(entry, server, engine.nowMs);
  rule.table.close();
}

/** Blocks of waiting keys that streams hold. */
export function stickKeysInUse(): number {
  return blocks === null ? 0 : blocks.inUse;
}

/** The stream ends. */
export function releaseStick(strm: Stream): void {
  if (strm.stickBlock === 0) return;
  blocks!.give(strm.stickBlock);
  strm.stickBlock = 0;
}
