/**
 * `json_query`: one value of a JSON text (configuration.txt 7.3.1). Texts without escapes, short
 * integers and arrays are given out where they stand.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import { hexValue } from '../../base/hex.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, text } from '../../sys/arena.ts';
import type { Convert } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import { shortNumber } from './json-number.ts';
import { type JsonStep, parseJsonPath } from './json-path.ts';
import { findJson, JsonType, valueEnd, valueOff } from './json-scan.ts';

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const MINUS = 0x2d;
const ZERO = 0x30;
/** Beyond, integers have no value, as in HAProxy. */
const INTEGER_MAX = 2 ** 53 - 1;

/** The byte that a letter behind a backslash stands for, 0 = none. */
const escapes = createEscapes();

function createEscapes(): Uint8Array {
  const table = new Uint8Array(256);
  const pairs = ['b\b', 'f\f', 'n\n', 'r\r', 't\t', '\\\\', '""'];
  for (const pair of pairs) table[pair.charCodeAt(0)] = pair.charCodeAt(1);
  return table;
}

/** Makes the sample the text between `from` and `until`, its escapes replaced. */
function unescape(sample: Sample, from: number, until: number): boolean {
  let at = from;
  while (at < until && mem[at] !== BACKSLASH) at++;
  if (at === until) {
    sample.setStr(from, until - from);
    return true;
  }
  const off = takeScratch(until - from);
  if (off === 0) return false;
  let to = off;
  for (at = from; at < until; to++) {
    if (mem[at] !== BACKSLASH) {
      mem[to] = mem[at++]!;
      continue;
    }
    const letter = mem[at + 1]!;
    if (letter !== LOWER_U) {
      if (escapes[letter] === 0) return false;
      mem[to] = escapes[letter]!;
      at += 2;
      continue;
    }
    // As in HAProxy: characters that are one byte.
    const isByte = at + 6 <= until && mem[at + 2] === ZERO && mem[at + 3] === ZERO;
    const high = hexValue[mem[at + 4]!]!;
    const low = hexValue[mem[at + 5]!]!;
    if (!isByte || high > 15 || low > 15) return false;
    mem[to] = high * 16 + low;
    at += 6;
  }
  sample.setStr(off, to - off);
  return true;
}

function readInteger(sample: Sample): boolean {
  const isNegative = mem[valueOff] === MINUS;
  let value = 0;
  for (let at = isNegative ? valueOff + 1 : valueOff; at < valueEnd; at++) {
    const digit = mem[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (value > INTEGER_MAX) return false;
  sample.setInt(isNegative ? 0 - value : value);
  return true;
}

const SHORT_DIGITS = 6;

function isShortInteger(): boolean {
  const len = valueEnd - valueOff;
  if (len > SHORT_DIGITS || (mem[valueOff] === ZERO && len > 1)) return false;
  for (let at = valueOff; at < valueEnd; at++) {
    if (mem[at]! < ZERO || mem[at]! > ZERO + 9) return false;
  }
  return true;
}

function putNumber(sample: Sample): boolean {
  const len = valueEnd - valueOff;
  if (isShortInteger()) {
    sample.setStr(valueOff, len);
    return true;
  }
  const short = shortNumber(text(valueOff, len));
  const off = takeScratch(short.length);
  for (let i = 0; i < short.length; i++) mem[off + i] = short.charCodeAt(i);
  sample.setStr(off, short.length);
  return true;
}

/** Replaces the sample by the value of a path in it. */
function query(sample: Sample, path: readonly JsonStep[], asInteger: boolean): boolean {
  switch (findJson(sample.off, sample.len, path)) {
    case JsonType.Text:
      return unescape(sample, valueOff + 1, valueEnd - 1);
    case JsonType.Number:
      return asInteger ? readInteger(sample) : putNumber(sample);
    case JsonType.True:
      sample.setBool(true);
      return true;
    case JsonType.False:
      sample.setBool(false);
      return true;
    case JsonType.Array:
      sample.setStr(valueOff, valueEnd - valueOff);
      return true;
    default:
      return false;
  }
}

function hasNoValue(): boolean {
  return false;
}

/** @param args the path and perhaps `int` */
export function compileQuery(args: readonly ArgConfig[]): Convert {
  const path = parseJsonPath(String(args[0]));
  const asInteger = args[1] === 'int';
  if (path === null) return hasNoValue;
  return (_ctx, sample) => query(sample, path, asInteger);
}

/** Checks the arguments of a query. */
export function checkQuery(args: ArgConfig[]): void {
  if (args[0] === '') throw new ConfigError('json_path must not be empty');
  if (args[1] === undefined || args[1] === '' || args[1] === 'int') return;
  throw new ConfigError('output_type only supports "int" as argument');
}

export const jsonQueryConverters = [
  {
    name: 'json_query',
    args: 'string[,string]',
    in: 'str',
    out: 'any',
    doc: 'the value of a path ($.key[0]) in a JSON text; int: a number as an integer',
    check: checkQuery,
    compile: compileQuery,
  },
] as const satisfies readonly ConverterRow[];
