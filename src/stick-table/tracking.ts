/**
 * What happens to tracked entries (configuration.txt 4.4 track-sc0, 11.1 store): they are counted in
 * from when tracking begins to its end, and their counters follow the events of their owner.
 *
 * Each event is a pair of values, a count and a rate, of which a table may store both, one or none.
 *
 * @dataplane
 */
import type { GlobalConfig } from '../model/config.ts';
import { CounterSet } from '../model/counter-set.ts';
import { DataType } from './data-type.ts';
import { createSlots, type Slot } from './slot.ts';
import type { StickTable } from './table.ts';

/** What is counted, each a count and a rate. */
export const enum Event {
  Connection = 0,
  Session = 1,
  Request = 2,
  /** Of the client (3.1 http-err-codes). */
  Error = 3,
  /** Of the server (3.1 http-fail-codes). */
  Failure = 4,
  BytesIn = 5,
  BytesOut = 6,
}

const types = [
  DataType.ConnCnt,
  DataType.ConnRate,
  DataType.SessCnt,
  DataType.SessRate,
  DataType.HttpReqCnt,
  DataType.HttpReqRate,
  DataType.HttpErrCnt,
  DataType.HttpErrRate,
  DataType.HttpFailCnt,
  DataType.HttpFailRate,
  DataType.BytesInCnt,
  DataType.BytesInRate,
  DataType.BytesOutCnt,
  DataType.BytesOutRate,
] as const;

/** By type as above, then by table. */
let slots: readonly (readonly Slot[])[] = [];
let current: readonly Slot[] = [];

let tables: readonly StickTable[] = [];
/** `tune.stick-counters`. */
let counters = 0;
/** Per status the events that it is, bits. */
const statuses = new Uint8Array(1000);

/** Call before the first entry is tracked. */
export function initTracking(
  all: readonly StickTable[],
  global: Pick<GlobalConfig, 'tune' | 'httpErrCodes' | 'httpFailCodes'>,
): void {
  tables = all;
  counters = global.tune.stickCounters;
  statuses.fill(0);
  for (const status of global.httpErrCodes) statuses[status]! |= 1 << Event.Error;
  for (const status of global.httpFailCodes) statuses[status]! |= 1 << Event.Failure;
  slots = types.map((type) => createSlots(tables, type));
  current = createSlots(tables, DataType.ConnCur);
}

/** What a server's answer with this status counts as: bits, 1 << Event. */
export function statusEvents(status: number): number {
  return statuses[status] ?? 0;
}

/** Made when a session or stream tracks for the first time; it keeps the set for the next use. */
export function createCounters(): CounterSet {
  return new CounterSet(counters);
}

/** The table of a number under which something is tracked. */
export function trackedTable(set: CounterSet, number: number): StickTable {
  return tables[set.tables[number]!]!;
}

function count(
  table: StickTable,
  entry: number,
  event: Event,
  nowMs: number,
  amount: number,
): void {
  const total = slots[event * 2]![table.index]!;
  if (total.offset !== 0) total.add(table, entry, nowMs, amount);
  const rate = slots[event * 2 + 1]![table.index]!;
  if (rate.offset !== 0) rate.add(table, entry, nowMs, amount);
}

/**
 * Begins to track the key that `table` has been given, unless the number is taken or the table full.
 * @param of 0, or the events that count from now on as well: bits, 1 << Event
 */
export function track(
  set: CounterSet,
  number: number,
  table: StickTable,
  nowMs: number,
  of: number,
): void {
  if (set.entries[number] !== 0) return;
  const entry = table.openOrCreate(nowMs);
  if (entry === 0) return;
  table.hold(entry);
  table.touch(entry, nowMs);
  count(table, entry, Event.Connection, nowMs, 1);
  const open = current[table.index]!;
  if (open.offset !== 0) open.add(table, entry, nowMs, 1);
  if ((of & (1 << Event.Request)) !== 0) count(table, entry, Event.Request, nowMs, 1);
  if ((of & (1 << Event.Error)) !== 0) count(table, entry, Event.Error, nowMs, 1);
  if ((of & (1 << Event.Failure)) !== 0) count(table, entry, Event.Failure, nowMs, 1);
  table.close();
  set.tables[number] = table.index;
  set.entries[number] = entry;
  set.tracked++;
}

/** An event of the owner: counted in all that it tracks. */
export function countEvent(set: CounterSet, event: Event, nowMs: number, amount: number): void {
  const { entries } = set;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry === 0) continue;
    const table = trackedTable(set, i);
    table.reopen(entry);
    count(table, entry, event, nowMs, amount);
    table.close();
  }
}

/** The owner ends. */
export function releaseAll(set: CounterSet, nowMs: number): void {
  const { entries } = set;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry === 0) continue;
    const table = trackedTable(set, i);
    entries[i] = 0;
    table.reopen(entry);
    const open = current[table.index]!;
    // `set table` may have made it less than there are.
    if (open.offset !== 0 && open.read(table, entry, nowMs) > 0) open.add(table, entry, nowMs, -1);
    table.drop(entry, nowMs);
    table.close();
  }
  set.tracked = 0;
}
