/**
 * Arguments in parentheses of fetches and converters (configuration.txt 2.2, end): a second level
 * of quoting within the word, commas between arguments, types checked against the row's grammar.
 * Runs while the configuration is read.
 */
import { ConfigError } from '../base/config-error.ts';
import type { ArgConfig } from '../model/config.ts';
import { parseIpv4Text, parseIpv6Text } from './inet-config.ts';

export interface Grammar {
  readonly types: readonly string[];
  /** How many of `types` must be given. */
  readonly required: number;
}

const grammars = new Map<string, Grammar>();

/** Reads a grammar as tables print it: `string[,integer]`, `[string,integer]`, '' for none. */
export function parseGrammar(text: string): Grammar {
  const known = grammars.get(text);
  if (known) return known;
  const bracket = text.indexOf('[');
  const split = (part: string) => part.split(',').filter((type) => type !== '');
  const must = split(bracket < 0 ? text : text.slice(0, bracket));
  const may = bracket < 0 ? [] : split(text.slice(bracket + 1, -1));
  const grammar = { types: [...must, ...may], required: must.length };
  grammars.set(text, grammar);
  return grammar;
}

export interface ParsedArguments {
  args: ArgConfig[];
  /** Position after the closing parenthesis, or `from` when there was no opening one. */
  end: number;
}

/** Text in front of an error about the argument at this 1-based position. */
export type ArgumentPrefix = (position: number) => string;

/**
 * Reads the arguments that start at `from`, where a `(` may stand. No parentheses are the same as
 * empty ones.
 * @throws ConfigError in HAProxy's words.
 */
export function parseArguments(
  text: string,
  from: number,
  grammar: Grammar,
  prefix: ArgumentPrefix,
): ParsedArguments {
  const open = text[from] === '(';
  if (!open && grammar.required === 0) return { args: [], end: from };
  const args: ArgConfig[] = [];
  let at = open ? from + 1 : text.length;
  for (let position = 0; position < grammar.types.length; position++) {
    const word = readWord(text, at);
    const blame = addArgument(args, word.text, position, grammar);
    if (blame !== null) throw new ConfigError(prefix(position + 1) + blame);
    at = word.end;
    if (text[at] !== ',' || position + 1 === grammar.types.length) break;
    at++;
  }
  if (open && text[at] !== ')') throw unclosed(text.slice(at), prefix(Math.max(1, args.length)));
  if (args.length < grammar.required) throw missing(args.length, grammar, prefix);
  return { args: trimOptional(args, grammar), end: open ? at + 1 : from };
}

// Empty parentheses, and an empty word at the end that is no text, are the same as no argument.
function trimOptional(args: ArgConfig[], grammar: Grammar): ArgConfig[] {
  let count = args.length;
  while (count > grammar.required && args[count - 1] === '') {
    if (count > 1 && isText(grammar.types[count - 1]!)) break;
    count--;
  }
  return args.slice(0, count);
}

function unclosed(rest: string, prefix: string): ConfigError {
  return new ConfigError(`${prefix}expected ')'${rest === '' ? '' : ` before '${rest}'`}`);
}

function missing(got: number, grammar: Grammar, prefix: ArgumentPrefix): ConfigError {
  const type = grammar.types[got]!;
  return new ConfigError(
    `${prefix(got + 1)}missing arguments (got ${got}/${grammar.required}), type '${type}' expected`,
  );
}

/** One argument up to an unquoted `,` or `)`. */
function readWord(text: string, from: number): { text: string; end: number } {
  let out = '';
  let quote = '';
  let at = from;
  for (; at < text.length; at++) {
    const char = text[at]!;
    if (quote === '' && (char === ',' || char === ')')) break;
    const plain = char === '\\' && quote !== "'" ? escapes[text[at + 1] ?? ''] : undefined;
    if (plain !== undefined) {
      out += plain;
      at++;
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
    } else {
      out += char;
    }
  }
  return { text: out, end: at };
}

// Any other backslash stays: regular expressions rely on it. A comma or a parenthesis can only be
// protected by quotes.
const escapes: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  "'": "'",
  ' ': ' ',
  '\\': '\\',
};

/** @returns what is wrong, or null. */
function addArgument(
  args: ArgConfig[],
  word: string,
  position: number,
  grammar: Grammar,
): string | null {
  const type = grammar.types[position]!;
  if (word === '') {
    if (position < grammar.required && !isText(type)) {
      return `expected type '${type}' at position ${position + 1}, but got nothing`;
    }
    args.push('');
    return null;
  }
  const value = argumentValue(word, type);
  if (value === null) {
    return `failed to parse '${word}' as type '${type}' at position ${position + 1}`;
  }
  args.push(value);
  return null;
}

/** Types for which an empty word stands for itself; the name of a proxy then means the own one. */
function isText(type: string): boolean {
  return ['string', 'regex', 'backend', 'frontend', 'server', 'table'].includes(type);
}

const INTEGER = /^[+-]?[0-9]+$/;

function argumentValue(word: string, type: string): ArgConfig | null {
  switch (type) {
    case 'integer':
      return INTEGER.test(word) ? Number(word) : null;
    case 'IPv4 address':
      return parseIpv4Text(word) ? word : null;
    case 'IPv6 address':
      return parseIpv6Text(word) ? word : null;
    case 'IPv4 mask':
      return isMask(word, 32) || parseIpv4Text(word) ? word : null;
    case 'IPv6 mask':
      return isMask(word, 128) || parseIpv6Text(word) ? word : null;
    default:
      return word;
  }
}

function isMask(word: string, bits: number): boolean {
  return /^[0-9]{1,3}$/.test(word) && Number(word) <= bits;
}
