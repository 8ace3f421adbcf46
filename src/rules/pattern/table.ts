/** The match methods of ACLs (configuration.txt 7.1): their names, what they want, what they make. */
import { ConfigError } from '../../base/config-error.ts';
import { castTarget } from '../cast.ts';
import type { TypeName } from '../row.ts';
import { createAddresses } from './address.ts';
import { createPrefixes, createSuffixes } from './affix.ts';
import { createBinary, createExact } from './exact.ts';
import { networkText } from './hosts.ts';
import { createIntegers } from './integer.ts';
import { createMethods } from './method.ts';
import { BoolPattern, EitherPattern, FoundPattern, type Pattern } from './pattern.ts';
import { isOperator, parseRange } from './range-text.ts';
import { createRegexes } from './regex.ts';
import { createDirectories, createDomains } from './segment.ts';
import { createSubstrings } from './substring.ts';

export interface MatchRow {
  readonly name: string;
  /** The sample is cast to this type before it is compared. */
  readonly wants: TypeName;
  /** Types of samples that the method may be used with (7.1, matrix). */
  readonly accepts: readonly TypeName[];
  readonly create: (patterns: readonly string[], ignoreCase: boolean) => Pattern;
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

export const matchRows = [
  { name: 'found', wants: 'any', accepts: ALL, create: () => new FoundPattern() },
  {
    name: 'bool',
    wants: 'bool',
    accepts: ['any', 'bool', 'sint', 'str'],
    create: () => new BoolPattern(),
  },
  {
    name: 'int',
    wants: 'sint',
    accepts: NUMBERS,
    create: (list) => createIntegers(list, false, false),
  },
  { name: 'ip', wants: 'addr', accepts: ADDRESSES, create: createAddresses },
  { name: 'bin', wants: 'bin', accepts: ALL, create: createBinary },
  { name: 'len', wants: 'str', accepts: ALL, create: (list) => createIntegers(list, true, false) },
  { name: 'str', wants: 'str', accepts: ALL, create: createExact },
  { name: 'beg', wants: 'str', accepts: ALL, create: createPrefixes },
  { name: 'sub', wants: 'str', accepts: ALL, create: createSubstrings },
  { name: 'dir', wants: 'str', accepts: ALL, create: createDirectories },
  { name: 'dom', wants: 'str', accepts: ALL, create: createDomains },
  { name: 'end', wants: 'str', accepts: ALL, create: createSuffixes },
  { name: 'reg', wants: 'str', accepts: ALL, create: createRegexes },
  // Not a word of `-m`: what the criterion `method` implies.
  { name: 'meth', wants: 'meth', accepts: ['meth', 'str', 'any'], create: createMethods },
] as const satisfies readonly MatchRow[];

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
 * @returns the text to keep: host names have become addresses.
 * @throws ConfigError
 */
export function checkPattern(
  match: string,
  word: string,
  afterOperator: boolean,
  readFile: (path: string) => string,
): string {
  switch (match) {
    case 'int':
    case 'len':
      if (!isOperator(word)) parseRange(word, false, afterOperator);
      return word;
    case 'ip':
      return networkText(word, readFile);
    case 'bin':
      checkHex(word);
      return word;
    case 'reg':
      createRegexes([word], false);
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

/**
 * Compiles a list of patterns.
 * @param foldFrom index of the first pattern that ignores case; the length of the list = none.
 */
export function createPattern(
  match: string,
  patterns: readonly string[],
  foldFrom: number,
): Pattern {
  const row = matchRow(match)!;
  if (foldFrom <= 0) return row.create(patterns, true);
  if (foldFrom >= patterns.length) return row.create(patterns, false);
  return new EitherPattern(
    row.create(patterns.slice(0, foldFrom), false),
    row.create(patterns.slice(foldFrom), true),
  );
}

/** What `cast` must make of the sample before the pattern sees it. */
export function matchTarget(match: string): number {
  return castTarget(matchRow(match)!.wants);
}
