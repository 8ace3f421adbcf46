/**
 * `stick-table` (4.2, 11.1) and the references to tables that expressions and rules make. A table may
 * stand behind what refers to it, so references are checked when everything has been read.
 */
import { ConfigError } from '../../base/config-error.ts';
import { DurationError, parseDuration } from '../../base/value/duration.ts';
import type {
  Configuration,
  Origin,
  StickDataConfig,
  StickTableConfig,
} from '../../model/config.ts';
import { canCast } from '../../rules/cast.ts';
import type { TypeName } from '../../rules/row.ts';
import type { TableUse } from '../../rules/scope.ts';
import { type DataRow, dataRow, Kind } from '../../stick-table/data-type.ts';
import { TABLE_BYTES_MAX, tableLayout } from '../../stick-table/layout.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import type { ParserState } from './state.ts';
import { durationMs, sectionName, tightError } from './words.ts';

const ADDRESS4_BYTES = 4;
const ADDRESS6_BYTES = 16;
const DEFAULT_KEY_BYTES = 32;
/** One byte of a string ends it in HAProxy, which counts. */
const KEY_BYTES_MAX = 0x7fffffff;
const FACTOR_MAX = 1024;
const ARRAY_MAX = 100;
const SIZE_MAX = 0xffffffff;

const types: Readonly<Record<string, readonly [StickTableConfig['type'], number]>> = {
  ip: ['ip', ADDRESS4_BYTES],
  ipv4: ['ip', ADDRESS4_BYTES],
  ipv6: ['ipv6', ADDRESS6_BYTES],
  integer: ['integer', ADDRESS4_BYTES],
  string: ['string', DEFAULT_KEY_BYTES],
  binary: ['binary', DEFAULT_KEY_BYTES],
};

/** The words of a `stick-table` line, read one after the other. */
class TableReader {
  readonly table: StickTableConfig;
  private readonly line: KeywordLine;
  private readonly words: readonly string[];
  private at = 1;
  typeGiven = false;

  constructor(name: string, line: KeywordLine) {
    this.line = line;
    this.words = line.words;
    this.table = {
      ...line.origin,
      name,
      type: 'ip',
      keyBytes: ADDRESS4_BYTES,
      size: 0,
      expireMs: 0,
      nopurge: false,
      serverKey: 'name',
      bytesFactor: 1,
      data: [],
    };
  }

  read(): StickTableConfig {
    while (this.at < this.words.length) this.argument(this.words[this.at++]!);
    if (this.table.size === 0) throw new ConfigError('stick-table: missing size.');
    if (!this.typeGiven) throw new ConfigError('stick-table: missing type.');
    if (tableLayout(this.table).bytes > TABLE_BYTES_MAX) {
      throw new ConfigError('stick-table: a table of more than 4 GB is not supported by sluice.');
    }
    return this.table;
  }

  private argument(name: string): void {
    switch (name) {
      case 'size':
        this.table.size = this.size();
        return;
      case 'expire':
        this.table.expireMs = this.expire();
        return;
      case 'nopurge':
        this.table.nopurge = true;
        return;
      case 'type':
        return this.type();
      case 'store':
        return this.store(this.words[this.at++] ?? '');
      case 'srvkey':
        return this.serverKey(this.words[this.at++] ?? '');
      case 'brates-factor':
        this.table.bytesFactor = this.factor();
        return;
      case 'peers':
      case 'recv-only':
      case 'write-to':
        throw new ConfigError(`stick-table: '${name}' is not supported yet by sluice.`);
      default:
        throw new ConfigError(`stick-table: unknown argument '${name}'.`);
    }
  }

  private value(name: string): string {
    const word = this.words[this.at++];
    if (word === undefined || word === '') {
      throw new ConfigError(`stick-table: missing argument after '${name}'.`);
    }
    return word;
  }

  private size(): number {
    const word = this.value('size');
    const [, digits = '', unit = ''] = /^([0-9]*)([kmg]?)/i.exec(word)!;
    const scale = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()]!;
    const size = Number(digits) * scale;
    const used = digits === '' ? 0 : digits.length + unit.length;
    const bad = used < word.length ? word[used] : size > SIZE_MAX ? unit : undefined;
    if (bad !== undefined) {
      throw new ConfigError(`stick-table: unexpected character '${bad}' in argument of 'size'.`);
    }
    return size;
  }

  private expire(): number {
    const word = this.value('expire');
    try {
      return durationMs(word, 'ms', this.line);
    } catch (problem) {
      if (!(problem instanceof DurationError)) throw problem;
      if (problem.fault === 'overflow') {
        throw tightError(
          `stick-table: timer overflow in argument <${word}> to <expire>, maximum value is ` +
            '2147483647 ms (~24.8 days).',
        );
      }
      throw new ConfigError(
        `stick-table: unexpected character '${problem.character}' in argument of 'expire'.`,
      );
    }
  }

  private type(): void {
    const word = this.words[this.at++] ?? '';
    const known = Object.hasOwn(types, word) ? types[word]! : undefined;
    if (known === undefined) throw new ConfigError(`stick-table: unknown type '${word}'.`);
    [this.table.type, this.table.keyBytes] = known;
    this.typeGiven = true;
    if (this.words[this.at] !== 'len' || known[1] !== DEFAULT_KEY_BYTES) return;
    this.at++;
    const bytes = Number.parseInt(this.words[this.at++] ?? '', 10);
    if (!(bytes > 0 && bytes <= KEY_BYTES_MAX)) {
      throw new ConfigError("'len' expects a positive integer argument.");
    }
    this.table.keyBytes = bytes;
  }

  private serverKey(word: string): void {
    if (word !== 'name' && word !== 'addr') {
      throw new ConfigError(`stick-table : unknown server key type '${word}'.`);
    }
    this.table.serverKey = word;
  }

  private factor(): number {
    const word = this.value('brates-factor');
    const bad = /[^0-9]/.exec(word)?.[0];
    if (bad !== undefined) {
      throw new ConfigError(
        `stick-table: unexpected character '${bad}' in argument of 'brates-factor'.`,
      );
    }
    const factor = Number(word);
    if (factor < 1 || factor > FACTOR_MAX) {
      throw new ConfigError(
        "stick-table: argument 'brates-factor' must be greater than 0 and lower or equal than 1024.",
      );
    }
    return factor;
  }

  /** `gpc0,gpc_rate(3,10s)`: a comma also stands between parentheses. */
  private store(list: string): void {
    let rest = list;
    while (rest !== '') {
      const [, name = '', open] = /^([^,(]*)(\(?)/.exec(rest)!;
      rest = rest.slice(name.length);
      let argument: string | null = null;
      if (open === '(') {
        const end = rest.indexOf(')');
        if (end < 0) {
          throw new ConfigError(
            `stick-table: missing closing parenthesis after store option '${name}'.`,
          );
        }
        argument = rest.slice(1, end);
        rest = rest.slice(end + 1);
      }
      this.add(name, argument);
      rest = rest.replace(/^[^,]*,?/, '');
    }
  }

  private add(name: string, argument: string | null): void {
    const row = dataRow(name);
    if (row === undefined) throw new ConfigError(`stick-table: unknown store option '${name}'.`);
    const stored = readData(row, argument);
    if (this.table.data.some((other) => other.type === name)) {
      this.line.state.diagnostics.warning(
        this.line.origin,
        `stick-table: store option '${name}' already enabled, ignored.`,
      );
      return;
    }
    this.table.data.push(stored);
    for (const [array, others, text] of exclusions) {
      const isThere = (type: string) => this.table.data.some((other) => other.type === type);
      if (!isThere(array) || !others.some(isThere)) continue;
      throw new ConfigError(
        `stick-table: simultaneous usage of '${array}' and '${text}' in a same table is not ` +
          `permitted as '${array}' overrides '${text}'.`,
      );
    }
  }
}

const exclusions = [
  ['gpt', ['gpt0'], 'gpt0'],
  ['gpc', ['gpc0', 'gpc1'], 'gpc[0/1]'],
  ['gpc_rate', ['gpc0_rate', 'gpc1_rate'], 'gpc[0/1]_rate'],
] as const;

function readData(row: DataRow, argument: string | null): StickDataConfig {
  const { name } = row;
  const takes = (row.array ? 1 : 0) + (row.kind === Kind.Rate ? 1 : 0);
  if (takes === 0 && argument !== null) {
    throw new ConfigError(`stick-table: unexpected argument to store option '${name}'.`);
  }
  const words = argument === null ? [] : argument.split(',');
  if (words.length < takes) {
    throw new ConfigError(`stick-table: missing argument to store option '${name}'.`);
  }
  let count = 1;
  if (row.array) {
    count = Number.parseInt(words[0]!, 10) || 0;
    if (count < 1 || count > ARRAY_MAX) {
      throw new ConfigError(
        `stick-table: array size is out of allowed range (1-${ARRAY_MAX}) for store option '${name}'.`,
      );
    }
  }
  const periodMs = row.kind === Kind.Rate ? readPeriod(name, words.at(-1)!) : 0;
  return { type: name, count, periodMs };
}

function readPeriod(name: string, word: string): number {
  try {
    return parseDuration(word, 'ms');
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`stick-table: error when processing store option '${name}'.`);
  }
}

export function parseStickTable(draft: ProxyDraft, line: KeywordLine): void {
  const owner = line.state.proxies.find(
    (other) => other.name === draft.name && other.config.stickTable !== null,
  );
  if (owner !== undefined) {
    const { file, line: at } = owner.config.stickTable!;
    throw new ConfigError(
      `stick-table name '${draft.name}' conflicts with table declared in ` +
        `${sectionName(owner)} '${draft.name}' at ${file}:${at}.`,
    );
  }
  draft.config.stickTable = new TableReader(draft.name, line).read();
}

const keyTypes: Readonly<Record<StickTableConfig['type'], TypeName>> = {
  ip: 'ipv4',
  ipv6: 'ipv6',
  integer: 'sint',
  string: 'str',
  binary: 'bin',
};

/** Checks the references, and lets the tables of `stick` lines store servers. */
export function checkTables(config: Configuration, state: ParserState): void {
  const tables = new Map<string, StickTableConfig>();
  for (const { stickTable } of config.proxies) {
    if (stickTable !== null) tables.set(stickTable.name, stickTable);
  }
  const isRefused = (origin: Origin) =>
    state.diagnostics.list.some(
      (found) =>
        found.severity === 'ALERT' &&
        found.origin?.file === origin.file &&
        found.origin.line === origin.line,
    );
  // A section may be missing only because it was refused.
  for (const use of state.sectionLost ? [] : state.tableUses) {
    const table = tables.get(use.table);
    if (faultOf(use, table) !== null && !isRefused(use.origin)) {
      state.diagnostics.error(use.origin, faultOf(use, table)!);
    }
  }
  for (const { stickRules } of config.proxies) {
    for (const rule of stickRules) {
      const data = tables.get(rule.table)?.data ?? [];
      for (const type of ['server_id', 'server_key']) {
        if (data.some((stored) => stored.type === type)) continue;
        data.push({ type, count: 1, periodMs: 0 });
      }
    }
  }
}

/** What is wrong with a reference, null = nothing. */
function faultOf(use: TableUse, table: StickTableConfig | undefined): string | null {
  if (table === undefined) return use.missing;
  const fits = use.key === undefined || canCast(use.key, keyTypes[table.type]);
  return fits ? null : (use.mismatch ?? null);
}
