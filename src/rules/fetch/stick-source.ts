/**
 * The entry of the client's address in a stick table as samples (configuration.txt 7.3.3, `src_*`), and
 * how full a table is (7.3.2, `table_cnt`, `table_avl`).
 *
 * @dataplane
 */
import { DataType } from '../../stick-table/data-type.ts';
import { stickTable } from '../../stick-table/registry.ts';
import { createSlot } from '../../stick-table/slot.ts';
import type { Fetch } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { loadKey } from '../stick-key.ts';
import {
  type ChangeRow,
  changeRows,
  compileChange,
  type EntryAction,
  ReadAction,
  type ValueRow,
  valueRows,
} from '../stick-value.ts';
import { sourceAddress } from './source.ts';
import { createTableCheck } from './tracked.ts';

/** Entries that are too old are taken out before a table is counted: so many at a time. */
const EXPIRE_PER_COUNT = 256;

/** @param makes an entry when there is none; otherwise what is not there is 0. */
function compileSource(name: string, action: EntryAction, makes: boolean): Fetch {
  const table = stickTable(name);
  return (ctx, sample) => {
    if (!sourceAddress(ctx, sample)) return false;
    const isKey = loadKey(table, sample);
    const entry = isKey ? (makes ? table.openOrCreate(ctx.nowMs) : table.open(ctx.nowMs)) : 0;
    if (entry === 0) {
      sample.setInt(0);
      return !makes;
    }
    const found = action.run(ctx, sample, table, entry);
    table.close();
    return found;
  };
}

/** Counts a connection by hand (`src_updt_conn_cnt`). */
function compileUpdate(name: string): Fetch {
  const count = createSlot(stickTable(name), DataType.ConnCnt, 0);
  const action: EntryAction = {
    run(ctx, sample, table, entry) {
      count.add(table, entry, ctx.nowMs, 1);
      table.touch(entry, ctx.nowMs);
      sample.setInt(count.read(table, entry, ctx.nowMs));
      return true;
    },
  };
  return count.offset === 0 ? () => false : compileSource(name, action, true);
}

function compileUsed(name: string, free: boolean): Fetch {
  const table = stickTable(name);
  return (ctx, sample) => {
    table.expire(ctx.nowMs, EXPIRE_PER_COUNT);
    sample.setInt(free ? table.config.size - table.used : table.used);
    return true;
  };
}

function createRow(
  name: string,
  indexed: boolean,
  doc: string,
  create: (position: number, table: string) => Fetch,
): FetchRow {
  const at = indexed ? 1 : 0;
  return {
    name,
    args: indexed ? 'integer,table' : 'table',
    out: 'sint',
    valid: name.startsWith('src_') ? valid.client : valid.running,
    doc,
    check: createTableCheck(name, at),
    compile: (args) => create(indexed ? Number(args[0]) : 0, String(args[at])),
  };
}

function createValueRow(row: ValueRow): FetchRow {
  return createRow(
    `src_${row.name}`,
    row.indexed,
    `${row.doc}, of the client's address`,
    (position, table) => compileSource(table, new ReadAction(row, position), false),
  );
}

function createChangeRow(row: ChangeRow): FetchRow {
  return createRow(
    `src_${row.name}`,
    row.indexed,
    `${row.doc} of the client's address`,
    (position, table) => compileSource(table, compileChange(row, position), true),
  );
}

export const stickSourceFetches: readonly FetchRow[] = [
  ...valueRows.map(createValueRow),
  ...changeRows.map(createChangeRow),
  createRow(
    'src_updt_conn_cnt',
    false,
    "counts a connection of the client's address",
    (_position, table) => compileUpdate(table),
  ),
  createRow('table_avl', false, 'entries that a table has room for', (_position, table) =>
    compileUsed(table, true),
  ),
  createRow('table_cnt', false, 'entries of a table', (_position, table) =>
    compileUsed(table, false),
  ),
];
