/**
 * The entries that a session or stream tracks as samples (configuration.txt 7.3.3, `sc_*` and its
 * short forms `sc0_*` to `sc2_*`). With a table as argument the tracked key is looked up there.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import type { CounterSet } from '../../model/counter-set.ts';
import { Entry, KeyType } from '../../stick-table/layout.ts';
import { stickTable } from '../../stick-table/registry.ts';
import type { StickTable } from '../../stick-table/table.ts';
import { trackedTable } from '../../stick-table/tracking.ts';
import { mem } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { ArgumentCheck, FetchRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import {
  type ChangeRow,
  changeRows,
  compileChange,
  type EntryAction,
  ReadAction,
  type ValueRow,
  valueRows,
} from '../stick-value.ts';

/** Who tracks something under the number: the stream, else the session; null = nobody. */
export function trackedBy(ctx: RuleContext, number: number): CounterSet | null {
  const strm = ctx.stream;
  if (strm !== null && isTracked(strm.counters, number)) return strm.counters;
  return isTracked(ctx.session.counters, number) ? ctx.session.counters : null;
}

function isTracked(set: CounterSet | null, number: number): boolean {
  return (
    set !== null && set.tracked > 0 && number < set.entries.length && set.entries[number] !== 0
  );
}

/** Makes the key of an entry that is held the one that another table of the same type looks for. */
function copyKey(from: StickTable, entry: number, to: StickTable): boolean {
  if (from.keyType !== to.keyType) return false;
  const key = entry + Entry.WORDS;
  for (let i = 0; i < to.key.length; i++) {
    to.key[i] = i < from.key.length ? from.words[key + i]! : 0;
  }
  const bytes = from.words[entry + Entry.KeyBytes]!;
  to.keyBytes = Math.min(bytes, to.config.keyBytes);
  if (to.keyType === KeyType.Binary) to.keyBytes = to.config.keyBytes;
  to.keyView.fill(0, to.keyBytes);
  return true;
}

/** An entry action on what is tracked; what another table does not have is 0. */
function compileAction(number: number, name: string | undefined, action: EntryAction): Fetch {
  const other = name === undefined ? null : stickTable(name);
  return (ctx, sample) => {
    const set = trackedBy(ctx, number);
    if (set === null) return false;
    const tracked = trackedTable(set, number);
    let entry = set.entries[number]!;
    let table = tracked;
    if (other === null || other === tracked) {
      table.reopen(entry);
    } else {
      table = other;
      if (!copyKey(tracked, entry, other)) return false;
      entry = other.open(ctx.nowMs);
      if (entry === 0) {
        sample.setInt(0);
        return true;
      }
    }
    const found = action.run(ctx, sample, table, entry);
    table.close();
    return found;
  };
}

const trackers: EntryAction = {
  run(_ctx, sample, table, entry) {
    sample.setInt(table.uses(entry));
    return true;
  },
};

/** The key of an entry, which does not change while it is held or its shard is locked. */
export function keySample(sample: Sample, table: StickTable, entry: number): boolean {
  const at = entry + Entry.WORDS;
  const { words } = table;
  const len = words[entry + Entry.KeyBytes]!;
  if (table.keyType === KeyType.Integer || table.keyType === KeyType.Ipv4) {
    sample.setInt(words[at]! >>> 0);
    if (table.keyType === KeyType.Ipv4) sample.type = SampleType.Ipv4;
    return true;
  }
  const off = takeScratch(len);
  if (off === 0) return false;
  // Bytes of keys lie in the order of the machine's words, as they were put there.
  for (let i = 0; i < len; i++) mem[off + i] = (words[at + (i >> 2)]! >>> ((i & 3) * 8)) & 255;
  sample.setStr(off, len);
  if (table.keyType === KeyType.Ipv6) sample.type = SampleType.Ipv6;
  if (table.keyType === KeyType.Binary) sample.type = SampleType.Bin;
  return true;
}

function compileKey(number: number): Fetch {
  return (ctx, sample) => {
    const set = trackedBy(ctx, number);
    return set !== null && keySample(sample, trackedTable(set, number), set.entries[number]!);
  };
}

/** Another table is only asked whether it could have the key. */
function compileTracked(number: number, name: string | undefined): Fetch {
  const table = name === undefined ? null : stickTable(name);
  return (ctx, sample) => {
    const set = trackedBy(ctx, number);
    const tracked = set === null ? null : trackedTable(set, number);
    sample.setBool(tracked !== null && (table === null || tracked.keyType === table.keyType));
    return true;
  };
}

/** Resolves the table among the arguments. @param position of it */
export function createTableCheck(name: string, position: number): ArgumentCheck {
  return (args, scope) => {
    const word = args[position];
    if (word === undefined) return;
    if (scope.table === undefined) throw new ConfigError('stick tables cannot be used here');
    const place = `in arg ${position + 1} of sample fetch keyword '${name}'`;
    args[position] = scope.table(String(word), {
      missing: `unable to find table '%' referenced ${place} in ${scope.proxy}.`,
    });
  };
}

function tableArgument(args: readonly ArgConfig[], position: number): string | undefined {
  const word = args[position];
  return word === undefined ? undefined : String(word);
}

type Compile = (
  args: readonly ArgConfig[],
  position: number,
  number: number,
  table: string | undefined,
) => Fetch;

/** The long form of a name, and the short ones. */
function createForms(
  name: string,
  indexed: boolean,
  doc: string,
  compile: Compile,
  form: Pick<FetchRow, 'out' | 'valid'> & { table: boolean; short: readonly number[] },
): FetchRow[] {
  const { out, table } = form;
  const first = indexed ? 1 : 0;
  const optional = table ? '[,table]' : '';
  const long: FetchRow = {
    name: `sc_${name}`,
    args: `${indexed ? 'integer,integer' : 'integer'}${optional}`,
    out,
    valid: form.valid,
    doc: `${doc}, of the tracked entry`,
    check: createTableCheck(`sc_${name}`, first + 1),
    compile: (args) =>
      compile(
        args,
        indexed ? Number(args[0]) : 0,
        Number(args[first]),
        tableArgument(args, first + 1),
      ),
  };
  const short = form.short.map((number): FetchRow => {
    const own = `sc${number}_${name}`;
    return {
      name: own,
      args: indexed ? `integer${optional}` : table ? '[table]' : '',
      out,
      valid: form.valid,
      doc: `${doc}, of the entry tracked as number ${number}`,
      check: createTableCheck(own, first),
      compile: (args) =>
        compile(args, indexed ? Number(args[0]) : 0, number, tableArgument(args, first)),
    };
  });
  return [long, ...short];
}

const all = [0, 1, 2] as const;
const running = { out: 'sint', valid: valid.running, table: true } as const;

function createValueForms(row: ValueRow): FetchRow[] {
  const compile: Compile = (_args, position, number, table) =>
    compileAction(number, table, new ReadAction(row, position));
  const form = { ...running, valid: row.shift > 0 ? valid.client : valid.running };
  return createForms(row.name, row.indexed, row.doc, compile, {
    ...form,
    short: row.indexed ? [] : all,
  });
}

function createChangeForms(row: ChangeRow): FetchRow[] {
  const compile: Compile = (_args, position, number, table) =>
    compileAction(number, table, compileChange(row, position));
  // HAProxy has sc1_clr_gpc alone.
  const short = !row.indexed ? all : row.clears ? [1] : [];
  return createForms(row.name, row.indexed, row.doc, compile, { ...running, short });
}

export const trackedFetches: readonly FetchRow[] = [
  ...valueRows.flatMap(createValueForms),
  ...changeRows.flatMap(createChangeForms),
  ...createForms('key', false, 'the key', (_args, _position, number) => compileKey(number), {
    out: 'any',
    valid: valid.running,
    table: false,
    short: all,
  }),
  ...createForms(
    'tracked',
    false,
    'whether there is one',
    (_args, _position, number, table) => compileTracked(number, table),
    { ...running, out: 'bool', short: all },
  ),
  ...createForms(
    'trackers',
    false,
    'sessions and streams that track it',
    (_args, _position, number, table) => compileAction(number, table, trackers),
    { ...running, short: all },
  ),
];
