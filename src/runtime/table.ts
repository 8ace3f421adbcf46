/** `show table`, `clear table` and `set table` (management.txt 9.3). */
import { formatIp, parseIpv4, parseIpv6 } from '../base/value/ip.ts';
import { type DataRow, DataType, dataRow, Kind } from '../stick-table/data-type.ts';
import { Entry, KeyType, storedRows } from '../stick-table/layout.ts';
import { serverKeyText } from '../stick-table/registry.ts';
import { createSlot, type Slot } from '../stick-table/slot.ts';
import type { StickTable } from '../stick-table/table.ts';
import { type Command, type CommandContext, Level } from './command.ts';

/** Conditions of one command. */
const FILTERS_MAX = 4;

type Compare = (value: number, to: number) => boolean;

const operators: Readonly<Record<string, Compare>> = {
  eq: (value, to) => value === to,
  ne: (value, to) => value !== to,
  le: (value, to) => value <= to,
  ge: (value, to) => value >= to,
  lt: (value, to) => value < to,
  gt: (value, to) => value > to,
};

interface Filter {
  slot: Slot;
  compare: Compare;
  value: number;
}

/** What a command is refused with. */
class Refusal {
  readonly text: string;

  constructor(text: string) {
    this.text = `${text}\n`;
  }
}

/** The name of a table as people know its type. */
function headLine(table: StickTable, tickMs: number): string {
  table.expire(tickMs, table.config.size);
  const { name, type, size } = table.config;
  return `# table: ${name}, type: ${type}, size:${size}, used:${table.used}\n`;
}

/** Names an entry until it is removed: HAProxy shows its address. */
function pointerOf(table: StickTable, entry: number): string {
  return `0x${((table.index + 1) * 2 ** 33 + entry * 4).toString(16)}`;
}

function keyBytes(table: StickTable, entry: number): Buffer {
  const bytes = Buffer.alloc(table.words[entry + Entry.KeyBytes]!);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = table.words[entry + Entry.WORDS + (i >> 2)]! >>> ((i & 3) * 8);
  }
  return bytes;
}

function keyText(table: StickTable, entry: number): string {
  const number = table.words[entry + Entry.WORDS]! >>> 0;
  switch (table.keyType) {
    case KeyType.Ipv4:
      return formatIp([number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255]);
    case KeyType.Integer:
      return String(number);
    case KeyType.Ipv6:
      return formatIp([...keyBytes(table, entry)]);
    case KeyType.Binary:
      return keyBytes(table, entry).toString('hex').toUpperCase();
    default:
      return escapeText(keyBytes(table, entry).toString('latin1'));
  }
}

const escapes: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\x1b': '\\e',
  '\\': '\\\\',
  ' ': '\\ ',
  '=': '\\=',
};

/** A key must be one word without `=`, whatever bytes it has. */
function escapeText(text: string): string {
  return text.replace(
    /[^!-<>-[\]-~]/g,
    (char) =>
      escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

interface Column {
  label: string;
  kind: Kind;
  slot: Slot;
}

function columnsOf(table: StickTable): Column[] {
  const { count, period } = table.layout;
  return storedRows(table.layout).flatMap((row) =>
    Array.from({ length: count[row.type]! }, (_, position) => {
      const numbered =
        row.type === DataType.GpcRate ? `gpc${position}_rate` : `${row.name}${position}`;
      const name = row.array ? numbered : row.name;
      const label = row.kind === Kind.Rate ? `${name}(${period[row.type]})` : name;
      return { label, kind: row.kind, slot: createSlot(table, row.type, position) };
    }),
  );
}

function entryLine(
  table: StickTable,
  columns: readonly Column[],
  entry: number,
  tickMs: number,
): string {
  let line =
    `${pointerOf(table, entry)}: key=${keyText(table, entry)} use=${table.uses(entry)} ` +
    `exp=${table.expiresIn(entry, tickMs)} shard=0`;
  for (const { label, kind, slot } of columns) {
    const value = slot.read(table, entry, tickMs);
    line += ` ${label}=${kind === Kind.Text ? (serverKeyText(value) ?? '-') : value}`;
  }
  return `${line}\n`;
}

/** Reads `data.<type>` with an index in brackets. */
function readType(word: string): { row: DataRow; position: number } | null {
  const found = /^data\.([a-z0-9_]+)(?:\[([0-9]+)\])?$/.exec(word);
  const row = found === null ? undefined : dataRow(found[1]!);
  return row === undefined ? null : { row, position: Number(found![2] ?? 0) };
}

function isStored(table: StickTable, row: DataRow): boolean {
  return table.layout.offset[row.type] !== 0;
}

const INTEGER = /^[+-]?[0-9]+$/;

/** @param args what follows the table's name; @param before words in front of them */
function readFilters(
  table: StickTable,
  args: readonly string[],
  before: number,
): Filter[] | Refusal {
  const filters: Filter[] = [];
  for (let at = 0; at < args.length; at += 3) {
    const [word = '', operator = '', value = ''] = args.slice(at, at + 3);
    if (filters.length === FILTERS_MAX || !word.startsWith('data.')) {
      const place = `${before + at + 1}th word of input`;
      return new Refusal(`Detected extra data in filter, ${place}, after '${args[at - 1]}'`);
    }
    const refuse = (text: string) => new Refusal(`Filter entry #${filters.length + 1}: ${text}`);
    const type = readType(word);
    if (type === null) return refuse('Unknown data type');
    if (!isStored(table, type.row)) return refuse('Data type not stored in this table');
    const compare = Object.hasOwn(operators, operator) ? operators[operator]! : null;
    if (compare === null) {
      return refuse('Require and operator among "eq", "ne", "le", "ge", "lt", "gt"');
    }
    if (!INTEGER.test(value)) return refuse('Require a valid integer value to compare against');
    filters.push({
      slot: createSlot(table, type.row.type, type.position),
      compare,
      value: Number(value),
    });
  }
  return filters;
}

function matches(
  table: StickTable,
  entry: number,
  filters: readonly Filter[],
  tickMs: number,
): boolean {
  return filters.every(
    ({ slot, compare, value }) =>
      slot.offset !== 0 && compare(slot.read(table, entry, tickMs), value),
  );
}

/** Calls `visit` for every entry, each with its shard locked. */
function forEach(table: StickTable, tickMs: number, visit: (entry: number) => void): void {
  for (let position = 0; position < table.positions; position++) {
    const entry = table.openAt(position, tickMs);
    if (entry === 0) continue;
    visit(entry);
    table.close();
  }
}

const verbs = {
  show: 'Showing keys from',
  clear: 'Removing keys from',
  set: 'Inserting keys into',
};

/** Makes the word the key that the table looks for. */
function loadKey(
  table: StickTable,
  word: string | undefined,
  verb: keyof typeof verbs,
): Refusal | null {
  if (word === undefined || word === '') return new Refusal('Key value expected');
  const bytes = keyOf(table, word);
  if (bytes === 'unsupported') {
    const types = 'ip, ipv6, string and integer';
    return new Refusal(`${verbs[verb]} tables of type other than ${types} is not supported`);
  }
  if (bytes === null) return new Refusal('Invalid key');
  table.key.fill(0);
  table.keyBytes = bytes.length;
  table.keyView.set(bytes);
  return null;
}

function keyOf(table: StickTable, word: string): Uint8Array | null | 'unsupported' {
  const quad = parseIpv4(word);
  switch (table.keyType) {
    case KeyType.Ipv4:
      // As a number of this machine, whose low byte comes first.
      return quad === null ? null : Uint8Array.from(quad.toReversed());
    case KeyType.Ipv6: {
      const mapped = quad === null ? null : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...quad];
      const bytes = mapped ?? parseIpv6(word);
      return bytes === null ? null : Uint8Array.from(bytes);
    }
    case KeyType.Integer: {
      const number = (Number.parseInt(word, 10) || 0) | 0;
      return new Uint8Array(Int32Array.of(number).buffer);
    }
    case KeyType.Text:
      return Buffer.from(word, 'latin1').subarray(0, table.config.keyBytes);
    default:
      return 'unsupported';
  }
}

/** Opens the entry of a pointer; 0 = there is none. */
function openPointer(table: StickTable, word: string, tickMs: number): number {
  const { entriesAt, entryWords } = table.layout;
  const entry = (Number(word) - (table.index + 1) * 2 ** 33) / 4;
  const position = (entry - entriesAt) / entryWords;
  const isOne = Number.isInteger(position) && position >= 0 && position < table.positions;
  return isOne ? table.openAt(position, tickMs) : 0;
}

/** Opens the entry that `key <key>` or `ptr <ptr>` names. */
function openNamed(
  table: StickTable,
  args: readonly string[],
  verb: keyof typeof verbs,
  tickMs: number,
): number | Refusal {
  const [by, word] = args;
  if (by === 'ptr') {
    if (!/^0x[0-9a-f]+$/i.test(word ?? '')) {
      return new Refusal('Pointer expected (0xffff notation)');
    }
    return openPointer(table, word!, tickMs) || new Refusal('No entry can be found matching ptr.');
  }
  const refusal = loadKey(table, word, verb);
  if (refusal !== null) return refusal;
  return verb === 'set' ? table.openOrCreate(tickMs) : table.open(tickMs);
}

function findTable({ source, args }: CommandContext): StickTable | undefined {
  return source.stickTables.find((table) => table.name === args[0]);
}

const NO_TABLE = 'No such table\n';
const ARGUMENTS =
  'Optional argument only supports "data.<store_data_type>" <operator> <value> or key <key> or ' +
  'ptr <ptr>';

/** Whether the words name one entry. */
function isNaming(args: readonly string[]): boolean {
  return args[0] === 'key' || args[0] === 'ptr';
}

function showTable(context: CommandContext): string {
  const { source, cli, args } = context;
  const tickMs = source.tickMs();
  if (args.length === 0) {
    return source.stickTables
      .map((table) => headLine(table, tickMs))
      .reverse()
      .join('');
  }
  if (cli.level < Level.Operator) return 'Permission denied\n';
  const table = findTable(context);
  if (table === undefined) return NO_TABLE;
  const rest = args.slice(1);
  const columns = columnsOf(table);
  if (isNaming(rest)) {
    const head = headLine(table, tickMs);
    const entry = openNamed(table, rest, 'show', tickMs);
    if (entry instanceof Refusal) return entry.text;
    if (entry === 0) return '';
    const line = entryLine(table, columns, entry, tickMs);
    table.close();
    return head + line;
  }
  if (rest.length > 0 && !rest[0]!.startsWith('data.')) return `${ARGUMENTS}\n`;
  const filters = readFilters(table, rest, 3);
  if (filters instanceof Refusal) return filters.text;
  const lines = [headLine(table, tickMs)];
  forEach(table, tickMs, (entry) => {
    if (matches(table, entry, filters, tickMs)) {
      lines.push(entryLine(table, columns, entry, tickMs));
    }
  });
  return lines.join('');
}

const CLEAR_ARGUMENTS =
  'Required arguments: <table> "data.<store_data_type>" <operator> <value> or <table> key <key> or ' +
  '<table> ptr <ptr>\n';

function clearTable(context: CommandContext): string {
  const { source, args } = context;
  if (args.length === 0) return CLEAR_ARGUMENTS;
  const table = findTable(context);
  if (table === undefined) return NO_TABLE;
  const tickMs = source.tickMs();
  const rest = args.slice(1);
  if (isNaming(rest)) {
    const entry = openNamed(table, rest, 'clear', tickMs);
    if (entry instanceof Refusal) return entry.text;
    if (entry === 0) return '';
    const isGone = table.remove(entry);
    table.close();
    return isGone ? '' : 'Entry currently in use, cannot remove\n';
  }
  if (rest.length > 0 && !rest[0]!.startsWith('data.')) return CLEAR_ARGUMENTS;
  const filters = readFilters(table, rest, 3);
  if (filters instanceof Refusal) return filters.text;
  forEach(table, tickMs, (entry) => {
    if (matches(table, entry, filters, tickMs)) table.remove(entry);
  });
  return '';
}

interface Assignment {
  slot: Slot;
  value: number;
}

function readAssignments(table: StickTable, args: readonly string[]): Assignment[] | Refusal {
  const assignments: Assignment[] = [];
  for (let at = 0; at < args.length; at += 2) {
    const [word = '', value = ''] = args.slice(at, at + 2);
    if (!word.startsWith('data.')) {
      return new Refusal('"data.<type>" followed by a value expected');
    }
    const type = readType(word);
    if (type === null) return new Refusal('Unknown data type');
    if (!isStored(table, type.row)) return new Refusal('Data type not stored in this table');
    const slot = createSlot(table, type.row.type, type.position);
    if (slot.offset === 0) return new Refusal('index out of range in this data array');
    if (!INTEGER.test(value) || type.row.kind === Kind.Text) {
      return new Refusal('Require a valid integer value to store');
    }
    assignments.push({ slot, value: Number(value) });
  }
  return assignments;
}

function setTable(context: CommandContext): string {
  const { source, args } = context;
  const rest = args.slice(1);
  if (args.length > 0 && findTable(context) === undefined) return NO_TABLE;
  if (!isNaming(rest)) {
    return (
      'Required arguments: <table> key <key> [data.<store_data_type> <value>]* or <table> ptr <ptr>' +
      ' [data.<store_data_type> <value>]*\n'
    );
  }
  const table = findTable(context)!;
  const tickMs = source.tickMs();
  const assignments = readAssignments(table, rest.slice(2));
  if (assignments instanceof Refusal) return assignments.text;
  const entry = openNamed(table, rest, 'set', tickMs);
  if (entry instanceof Refusal) return entry.text;
  if (entry === 0) return 'Unable to allocate a new entry\n';
  for (const { slot, value } of assignments) slot.set(table, entry, tickMs, value);
  table.touch(entry, tickMs);
  table.close();
  return '';
}

export const tableCommands: readonly Command[] = [
  {
    name: 'clear table',
    usage: 'clear table <table> [<filter>]*',
    help: 'remove an entry from a table (filter: data/key)',
    level: Level.Operator,
    run: clearTable,
  },
  {
    name: 'set table',
    usage: 'set table <table> key <k> [data.* <v>]*',
    help: "update or create a table entry's data",
    level: Level.Operator,
    run: setTable,
  },
  {
    name: 'show table',
    usage: 'show table [<table> [<filter>]*]',
    help: "report table usage stats or dump this table's contents (filter: data/key)",
    level: Level.User,
    run: showTable,
  },
];
