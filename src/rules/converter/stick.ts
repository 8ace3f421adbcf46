/**
 * Looking keys up in stick tables (configuration.txt 7.3.1, `in_table` and `table_*`).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { DataType } from '../../stick-table/data-type.ts';
import { stickTable } from '../../stick-table/registry.ts';
import type { Convert } from '../context.ts';
import type { ArgumentCheck, ConverterRow } from '../row.ts';
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

function createTableCheck(name: string, position: number): ArgumentCheck {
  return (args, scope) => {
    if (scope.table === undefined) throw new ConfigError('stick tables cannot be used here');
    const place = `in arg ${position + 1} of conversion keyword '${name}'`;
    args[position] = scope.table(String(args[position] ?? ''), {
      missing: `unable to find table '%' referenced ${place} in ${scope.proxy}.`,
    });
  };
}

/** @param makes an entry when there is none; otherwise what is not there is 0. */
function compileLookup(name: string, action: EntryAction, makes: boolean): Convert {
  const table = stickTable(name);
  return (ctx, sample) => {
    const isKey = loadKey(table, sample);
    const entry = isKey ? (makes ? table.openOrCreate(ctx.nowMs) : table.open(ctx.nowMs)) : 0;
    if (entry === 0) {
      sample.setInt(0);
      return true;
    }
    const found = action.run(ctx, sample, table, entry);
    table.close();
    return found;
  };
}

function compileInTable(args: readonly ArgConfig[]): Convert {
  const table = stickTable(String(args[0]));
  return (ctx, sample) => {
    const entry = loadKey(table, sample) ? table.open(ctx.nowMs) : 0;
    if (entry !== 0) table.close();
    sample.setBool(entry !== 0);
    return true;
  };
}

/** A time of an entry; without one the default, or no value. */
function compileTime(args: readonly ArgConfig[], expires: boolean): Convert {
  const table = stickTable(String(args[0]));
  const otherwise = args[1] === undefined ? -1 : Number(args[1]);
  return (ctx, sample) => {
    const entry = loadKey(table, sample) ? table.open(ctx.nowMs) : 0;
    if (entry === 0) {
      sample.setInt(otherwise);
      return otherwise >= 0;
    }
    const { nowMs } = ctx;
    sample.setInt(expires ? table.expiresIn(entry, nowMs) : table.idleFor(entry, nowMs));
    table.close();
    return true;
  };
}

const trackers: EntryAction = {
  run(_ctx, sample, table, entry) {
    sample.setInt(table.uses(entry));
    return true;
  },
};

const serverId: ValueRow = {
  name: 'server_id',
  converter: 'server_id',
  type: DataType.ServerId,
  indexed: false,
  shift: 0,
  doc: 'number of the server',
};

function createRow(
  name: string,
  indexed: boolean,
  doc: string,
  create: (position: number, table: string) => Convert,
): ConverterRow {
  const at = indexed ? 1 : 0;
  return {
    name,
    args: indexed ? 'integer,table' : 'table',
    in: 'any',
    out: 'sint',
    doc: `${doc}, of the entry with this key`,
    check: createTableCheck(name, at),
    compile: (args) => create(indexed ? Number(args[0]) : 0, String(args[at])),
  };
}

function createValueRow(row: ValueRow): ConverterRow {
  return createRow(`table_${row.converter}`, row.indexed, row.doc, (position, table) =>
    compileLookup(table, new ReadAction(row, position), false),
  );
}

function createChangeRow(row: ChangeRow): ConverterRow {
  return createRow(`table_${row.name}`, row.indexed, row.doc, (position, table) =>
    compileLookup(table, compileChange(row, position), true),
  );
}

const time = { args: 'table[,integer]', in: 'any', out: 'sint' } as const;

export const stickConverters: readonly ConverterRow[] = [
  {
    name: 'in_table',
    args: 'table',
    in: 'any',
    out: 'bool',
    doc: 'whether the table has the key',
    check: createTableCheck('in_table', 0),
    compile: compileInTable,
  },
  ...[...valueRows, serverId].map(createValueRow),
  ...changeRows.map(createChangeRow),
  {
    ...time,
    name: 'table_expire',
    doc: 'ms until the entry with this key expires',
    check: createTableCheck('table_expire', 0),
    compile: (args) => compileTime(args, true),
  },
  {
    ...time,
    name: 'table_idle',
    doc: 'ms since the entry with this key was used',
    check: createTableCheck('table_idle', 0),
    compile: (args) => compileTime(args, false),
  },
  createRow('table_trackers', false, 'sessions and streams that track it', (_position, table) =>
    compileLookup(table, trackers, false),
  ),
];
