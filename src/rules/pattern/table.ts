/** The match methods of ACLs (configuration.txt 7.1): their names, what they want, what they make. */
import { ConfigError } from '../../base/config-error.ts';
import type { Columns, PatternData, TextData, TextKind } from '../../model/pattern.ts';
import { castTarget } from '../cast.ts';
import { parseNetwork } from '../inet-config.ts';
import { checkRegex } from '../regex.ts';
import type { TypeName } from '../row.ts';
import { createAddresses } from './address.ts';
import { createPrefixes, createSuffixes } from './affix.ts';
import { createExact } from './exact.ts';
import { networkText } from './hosts.ts';
import { createIntegers } from './integer.ts';
import { createMethodData, createMethods } from './method.ts';
import { createAddressData } from './network-range.ts';
import {
  AnyText,
  BoolPattern,
  EmptyPattern,
  FoundPattern,
  type Pattern,
  type TextFinder,
} from './pattern.ts';
import { isOperator, mergeRanges, parseRange } from './range-text.ts';
import { createRegexes } from './regex.ts';
import { createDirectories, createDomains, directoryEnds, domainEnds } from './segment.ts';
import {
  decodeHex,
  firstWords,
  lineOf,
  linesOf,
  type Slices,
  slicesOf,
  textOf,
  textsOf,
  trim,
} from './slices.ts';
import { createSubstrings } from './substring.ts';
import { createTexts, Direction } from './text-builder.ts';
import { TextList } from './text-list.ts';

export interface MatchRow {
  readonly name: string;
  /** The sample is cast to this type before it is compared. */
  readonly wants: TypeName;
  /** Types of samples that the method may be used with (7.1, matrix). */
  readonly accepts: readonly TypeName[];
  /** Compiles patterns that have been checked. */
  readonly compile: (slices: Slices, ignoreCase: boolean) => PatternData;
}

const ALL: readonly TypeName[] = [
  'any',
  'bool',
  'sint',
  'addr',
  'ipv4',
  'ipv6',
  'str',
  'bin',
  'meth',
];
const NUMBERS: readonly TypeName[] = ['any', 'bool', 'sint', 'addr', 'ipv4', 'str'];
const ADDRESSES: readonly TypeName[] = ['any', 'sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin'];

const unchanged = (slices: Slices): Slices => slices;

/** A match of texts; `prepare` takes out of the patterns what does not count. */
function textRow(
  name: TextKind,
  prepare: (slices: Slices) => Slices = unchanged,
  direction: Direction = Direction.Forwards,
): MatchRow {
  return {
    name,
    wants: 'str',
    accepts: ALL,
    compile: (slices, fold) => ({
      kind: name,
      texts: createTexts(prepare(slices), fold, direction),
    }),
  };
}

export const matchRows = [
  { name: 'found', wants: 'any', accepts: ALL, compile: () => ({ kind: 'found' }) },
  {
    name: 'bool',
    wants: 'bool',
    accepts: ['any', 'bool', 'sint', 'str'],
    compile: () => ({ kind: 'bool' }),
  },
  { name: 'int', wants: 'sint', accepts: NUMBERS, compile: (slices) => ranges('int', slices) },
  {
    name: 'ip',
    wants: 'addr',
    accepts: ADDRESSES,
    // Names have become addresses when the patterns were checked.
    compile: (slices) => ({
      kind: 'ip',
      addresses: createAddressData(slices, (text) => parseNetwork(text)!),
    }),
  },
  {
    name: 'bin',
    wants: 'bin',
    accepts: ALL,
    compile: (slices) => ({ kind: 'str', texts: createTexts(decodeHex(slices), false) }),
  },
  { name: 'len', wants: 'str', accepts: ALL, compile: (slices) => ranges('len', slices) },
  textRow('str'),
  textRow('beg'),
  textRow('sub'),
  textRow('dir', (slices) => trim(slices, directoryEnds)),
  textRow('dom', (slices) => trim(slices, domainEnds)),
  textRow('end', unchanged, Direction.Backwards),
  {
    name: 'reg',
    wants: 'str',
    accepts: ALL,
    compile: (slices, ignoreCase) => ({ kind: 'reg', patterns: textsOf(slices), ignoreCase }),
  },
  // Not a word of `-m`: what the criterion `method` implies.
  {
    name: 'meth',
    wants: 'meth',
    accepts: ['meth', 'str', 'any'],
    compile: (slices, fold) => createMethodData(textsOf(slices), fold),
  },
  // Neither is this one, of `http_auth_group`; its patterns are compiled with the userlist.
  {
    name: 'group',
    wants: 'str',
    accepts: ['str'],
    compile: (slices) => ({ kind: 'str', texts: createTexts(slices, false) }),
  },
] satisfies readonly MatchRow[] as readonly MatchRow[];

function ranges(kind: 'int' | 'len', slices: Slices): PatternData {
  const merged = mergeRanges(textsOf(slices), false);
  return {
    kind,
    low: Float64Array.from(merged, (range) => range[0]),
    high: Float64Array.from(merged, (range) => range[1]),
  };
}

const byName = new Map<string, MatchRow>(matchRows.map((row) => [row.name, row]));

/** The method of this name, as `-m` takes it. */
export function matchRow(name: string): MatchRow | undefined {
  return byName.get(name);
}

/** The method that a sample of this type is matched with when no `-m` is given. */
export function defaultMatch(type: TypeName): string | null {
  switch (type) {
    case 'bool':
      return 'bool';
    case 'sint':
      return 'int';
    case 'addr':
    case 'ipv4':
    case 'ipv6':
      return 'ip';
    case 'str':
      return 'str';
    case 'meth':
      return 'meth';
    default:
      return null;
  }
}

/**
 * Checks a pattern when it is parsed.
 * @param resolves host names may stand for addresses
 * @returns the text to keep: host names have become addresses.
 * @throws ConfigError
 */
export function checkPattern(
  match: string,
  word: string,
  afterOperator: boolean,
  resolves: boolean,
): string {
  switch (match) {
    case 'int':
    case 'len':
      if (!isOperator(word)) parseRange(word, false, afterOperator);
      return word;
    case 'ip':
      return networkText(word, resolves);
    case 'bin':
      checkHex(word);
      return word;
    case 'reg':
      checkRegex(word, { ignoreCase: false, plainGroups: true });
      return word;
    default:
      return word;
  }
}

function checkHex(word: string): void {
  if (word.length % 2 !== 0) throw new ConfigError('an even number of hex digit is expected');
  const bad = /[^0-9a-fA-F]/.exec(word);
  if (bad) throw new ConfigError(`an hex digit is expected (found '${bad[0]}')`);
}

/** Compiles patterns that have been checked. */
export function compilePatterns(
  match: string,
  patterns: readonly string[],
  ignoreCase: boolean,
): PatternData {
  return matchRow(match)!.compile(slicesOf(patterns), ignoreCase);
}

/**
 * Checks and compiles the patterns of a file (2.7).
 * @param file its bytes; @param name what messages call it
 * @param resolves host names may stand for addresses
 * @param columns with values behind them, which do not matter here (`-M`)
 * @throws ConfigError naming the first line that is wrong
 */
export function compileFile(
  match: string,
  file: Uint8Array,
  name: string,
  ignoreCase: boolean,
  resolves: boolean,
  columns: Columns = 'one',
): PatternData {
  const lines = linesOf(file);
  const slices = columns === 'one' ? lines : firstWords(lines);
  const checked = (text: string, index: number): string => {
    try {
      // Operators are for the line (7.1.2).
      if (match === 'int' || match === 'len') parseRange(text, false, false);
      return checkPattern(match, text, false, resolves);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const line = lineOf(slices, index);
      throw new ConfigError(`${error.message} at line ${line} of file '${name}'`);
    }
  };
  if (match === 'ip') {
    const parse = (text: string, index: number) => parseNetwork(checked(text, index))!;
    return { kind: 'ip', addresses: createAddressData(slices, parse) };
  }
  if (isChecked(match)) for (let i = 0; i < slices.count; i++) checked(textOf(slices, i), i);
  return matchRow(match)!.compile(slices, ignoreCase);
}

/** Whether not every text is a pattern of this method. */
function isChecked(match: string): boolean {
  return match === 'int' || match === 'len' || match === 'bin' || match === 'reg';
}

/** Makes a compiled list ready to be asked, in the thread that calls. */
export function createPattern(data: PatternData): Pattern {
  switch (data.kind) {
    case 'found':
      return new FoundPattern();
    case 'bool':
      return new BoolPattern();
    case 'int':
    case 'len':
      return createIntegers(data.low, data.high, data.kind === 'len');
    case 'ip':
      return createAddresses(data.addresses);
    case 'reg':
      return createRegexes(data.patterns, data.ignoreCase);
    case 'meth':
      return createMethods(data.known, new TextList(data.texts));
    default:
      return data.texts.count === 0
        ? new EmptyPattern()
        : new AnyText(createTextFinder(data.kind, data.texts));
  }
}

/** Makes a compiled list of texts ready to be asked which of them matches. */
export function createTextFinder(kind: TextKind, texts: TextData): TextFinder {
  const list = new TextList(texts);
  switch (kind) {
    case 'str':
      return createExact(list);
    case 'beg':
      return createPrefixes(list);
    case 'end':
      return createSuffixes(list);
    case 'sub':
      return createSubstrings(list);
    case 'dir':
      return createDirectories(list);
    case 'dom':
      return createDomains(list);
  }
}

/** What `cast` must make of the sample before the pattern sees it. */
export function matchTarget(match: string): number {
  return castTarget(matchRow(match)!.wants);
}
