/**
 * The values of stick tables by the names that fetches, converters and the Runtime API have for them
 * (configuration.txt 7.3.1, 7.3.3, 11.1), and what reading or changing one does.
 *
 * @dataplane
 */
import { DataType } from '../stick-table/data-type.ts';
import { stickTables } from '../stick-table/registry.ts';
import { createSlots, type Slot } from '../stick-table/slot.ts';
import type { StickTable } from '../stick-table/table.ts';
import type { RuleContext } from './context.ts';
import type { Sample } from './sample.ts';

/** Something that is read from an entry. */
export interface ValueRow {
  /** As in `sc0_<name>` and `src_<name>`. */
  readonly name: string;
  /** As in `table_<name>`. */
  readonly converter: string;
  readonly type: DataType;
  /** The first argument is the place in an array. */
  readonly indexed: boolean;
  /** Bytes in kilobytes. */
  readonly shift: number;
  readonly doc: string;
}

function createValue(name: string, type: DataType, doc: string, converter = name): ValueRow {
  return { name, converter, type, indexed: false, shift: 0, doc };
}

function createElement(name: string, type: DataType, doc: string, converter = name): ValueRow {
  return { name, converter, type, indexed: true, shift: 0, doc };
}

export const valueRows: readonly ValueRow[] = [
  createValue('bytes_in_rate', DataType.BytesInRate, 'bytes of the client per period'),
  createValue('bytes_out_rate', DataType.BytesOutRate, 'bytes of the server per period'),
  createValue('conn_cnt', DataType.ConnCnt, 'connections'),
  createValue('conn_cur', DataType.ConnCur, 'connections that track it now'),
  createValue('conn_rate', DataType.ConnRate, 'connections per period'),
  createElement('get_gpc', DataType.Gpc, 'general purpose counter', 'gpc'),
  createValue('get_gpc0', DataType.Gpc0, 'first general purpose counter', 'gpc0'),
  createValue('get_gpc1', DataType.Gpc1, 'second general purpose counter', 'gpc1'),
  createElement('get_gpt', DataType.Gpt, 'general purpose tag', 'gpt'),
  createValue('get_gpt0', DataType.Gpt0, 'first general purpose tag', 'gpt0'),
  createValue('glitch_cnt', DataType.GlitchCnt, 'glitches of the client'),
  createValue('glitch_rate', DataType.GlitchRate, 'glitches of the client per period'),
  createElement('gpc_rate', DataType.GpcRate, 'increments of a counter per period'),
  createValue('gpc0_rate', DataType.Gpc0Rate, 'increments of the first counter per period'),
  createValue('gpc1_rate', DataType.Gpc1Rate, 'increments of the second counter per period'),
  createValue('http_err_cnt', DataType.HttpErrCnt, 'errors of the client'),
  createValue('http_err_rate', DataType.HttpErrRate, 'errors of the client per period'),
  createValue('http_fail_cnt', DataType.HttpFailCnt, 'failures of servers'),
  createValue('http_fail_rate', DataType.HttpFailRate, 'failures of servers per period'),
  createValue('http_req_cnt', DataType.HttpReqCnt, 'requests'),
  createValue('http_req_rate', DataType.HttpReqRate, 'requests per period'),
  { ...createValue('kbytes_in', DataType.BytesInCnt, 'kilobytes of the client'), shift: 1024 },
  { ...createValue('kbytes_out', DataType.BytesOutCnt, 'kilobytes of the server'), shift: 1024 },
  createValue('sess_cnt', DataType.SessCnt, 'sessions'),
  createValue('sess_rate', DataType.SessRate, 'sessions per period'),
];

/** Something that changes an entry and says what was or is there. */
export interface ChangeRow {
  readonly name: string;
  readonly count: DataType;
  readonly rate: DataType;
  readonly indexed: boolean;
  readonly clears: boolean;
  readonly doc: string;
}

export const changeRows: readonly ChangeRow[] = [
  createChange('clr_gpc', DataType.Gpc, DataType.GpcRate, true, 'clears a counter'),
  createChange('clr_gpc0', DataType.Gpc0, DataType.Gpc0Rate, false, 'clears the first counter'),
  createChange('clr_gpc1', DataType.Gpc1, DataType.Gpc1Rate, false, 'clears the second counter'),
  createChange('inc_gpc', DataType.Gpc, DataType.GpcRate, true, 'increments a counter'),
  createChange('inc_gpc0', DataType.Gpc0, DataType.Gpc0Rate, false, 'increments the first counter'),
  createChange(
    'inc_gpc1',
    DataType.Gpc1,
    DataType.Gpc1Rate,
    false,
    'increments the second counter',
  ),
];

function createChange(
  name: string,
  count: DataType,
  rate: DataType,
  indexed: boolean,
  doc: string,
): ChangeRow {
  return { name, count, rate, indexed, clears: name.startsWith('clr'), doc };
}

/**
 * Works on an open entry of a table and sets the sample.
 * @returns false when the table does not store what is asked for
 */
export interface EntryAction {
  run(ctx: RuleContext, sample: Sample, table: StickTable, entry: number): boolean;
}

export class ReadAction implements EntryAction {
  private readonly slots: readonly Slot[];
  private readonly divisor: number;

  constructor(row: ValueRow, position: number) {
    this.slots = createSlots(stickTables(), row.type, position);
    this.divisor = row.shift;
  }

  run(ctx: RuleContext, sample: Sample, table: StickTable, entry: number): boolean {
    const slot = this.slots[table.index]!;
    if (slot.offset === 0) return false;
    const found = slot.read(table, entry, ctx.nowMs);
    sample.setInt(this.divisor === 0 ? found : Math.floor(found / this.divisor));
    return true;
  }
}

/** A counter is incremented together with its rate; of a rate alone that is the value. */
export class IncrementAction implements EntryAction {
  private readonly counts: readonly Slot[];
  private readonly rates: readonly Slot[];

  constructor(row: Pick<ChangeRow, 'count' | 'rate'>, position: number) {
    this.counts = createSlots(stickTables(), row.count, position);
    this.rates = createSlots(stickTables(), row.rate, position);
  }

  run(ctx: RuleContext, sample: Sample, table: StickTable, entry: number): boolean {
    sample.setInt(this.add(table, entry, ctx.nowMs, 1));
    return true;
  }

  /** @returns the new value, 0 when there is none */
  add(table: StickTable, entry: number, nowMs: number, amount: number): number {
    const count = this.counts[table.index]!;
    const rate = this.rates[table.index]!;
    table.touch(entry, nowMs);
    if (rate.offset !== 0) rate.add(table, entry, nowMs, amount);
    if (count.offset === 0) return rate.offset === 0 ? 0 : rate.read(table, entry, nowMs);
    count.add(table, entry, nowMs, amount);
    return count.read(table, entry, nowMs);
  }
}

export class ClearAction implements EntryAction {
  private readonly slots: readonly Slot[];

  constructor(row: ChangeRow, position: number) {
    this.slots = createSlots(stickTables(), row.count, position);
  }

  run(ctx: RuleContext, sample: Sample, table: StickTable, entry: number): boolean {
    const slot = this.slots[table.index]!;
    if (slot.offset === 0) return false;
    sample.setInt(slot.read(table, entry, ctx.nowMs));
    slot.set(table, entry, ctx.nowMs, 0);
    table.touch(entry, ctx.nowMs);
    return true;
  }
}

export function compileChange(row: ChangeRow, position: number): EntryAction {
  return row.clears ? new ClearAction(row, position) : new IncrementAction(row, position);
}
