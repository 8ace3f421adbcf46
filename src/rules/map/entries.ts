/**
 * The lines of a map (configuration.txt 7.3.1 `map`): a key, blanks, and a value that may hold
 * blanks itself. They are slices of one copy of the file, which all threads and all converters that
 * use the map share: 16 bytes a line over its text.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { MapEntries } from '../../model/pattern.ts';
import { parseIpv6Text } from '../inet-config.ts';
import {
  createBytes,
  createWords,
  isBlank,
  lineOf,
  linesOf,
  type Slices,
  textOf,
} from '../pattern/slices.ts';

/** What the values of a map, or its keys, are given out as. */
export type MapOutput = 'str' | 'int' | 'ip' | 'key';

export function createEntries(file: Uint8Array): MapEntries {
  const lines = linesOf(file);
  const bytes = createBytes(file.length);
  bytes.set(file);
  const key = createWords(lines.count);
  const keyEnd = createWords(lines.count);
  const value = createWords(lines.count);
  const valueEnd = createWords(lines.count);
  for (let i = 0; i < lines.count; i++) {
    let at = lines.from[i]!;
    let until = lines.until[i]!;
    key[i] = at;
    while (at < until && !isBlank(bytes[at]!)) at++;
    keyEnd[i] = at;
    while (at < until && isBlank(bytes[at]!)) at++;
    while (until > at && isBlank(bytes[until - 1]!)) until--;
    value[i] = at;
    valueEnd[i] = until;
  }
  return { bytes, key, keyEnd, value, valueEnd };
}

/** The keys as patterns. */
export function keysOf({ bytes, key, keyEnd }: MapEntries): Slices {
  return { bytes, from: key, until: keyEnd, count: key.length };
}

/** An error about a line of a map. @param name of the file; null = it is in none */
export function lineError(
  message: string,
  keys: Slices,
  index: number,
  name: string | null,
): ConfigError {
  if (name === null) return new ConfigError(message);
  return new ConfigError(`${message} at line ${lineOf(keys, index)} of file '${name}'`);
}

/**
 * Checks that all values have the form of the output.
 * @param name what messages call the file
 * @throws ConfigError naming the first line that is wrong
 */
export function checkValues(entries: MapEntries, output: MapOutput, name: string | null): void {
  if (output === 'str' || output === 'key') return;
  const { bytes, value, valueEnd } = entries;
  const values = { bytes, from: value, until: valueEnd, count: value.length };
  const isValue = output === 'int' ? isInteger : isAddress;
  for (let i = 0; i < values.count; i++) {
    const text = textOf(values, i);
    if (!isValue(text)) throw lineError(`unable to parse '${text}'`, keysOf(entries), i, name);
  }
}

/** Digits may be missing: that is 0, as in HAProxy. */
function isInteger(text: string): boolean {
  return /^[+-]?[0-9]*$/.test(text);
}

/** What stands behind an IPv4 address does not count, as in HAProxy. */
export function isAddress(text: string): boolean {
  const four = /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(?=$|[/ \t])/.exec(text);
  if (four) return four[0].split('.').every((part) => Number(part) <= 255);
  return parseIpv6Text(text) !== null;
}

/** Lines from keys and values, byte strings (latin1) that may hold any byte. */
export function entriesOf(pairs: readonly (readonly [string, string])[]): MapEntries {
  const count = pairs.length;
  const key = createWords(count);
  const keyEnd = createWords(count);
  const value = createWords(count);
  const valueEnd = createWords(count);
  let at = 0;
  pairs.forEach(([first, second], i) => {
    key[i] = at;
    at += first.length;
    keyEnd[i] = at;
    value[i] = at;
    at += second.length;
    valueEnd[i] = at;
  });
  const bytes = createBytes(at);
  bytes.set(Buffer.from(pairs.map((pair) => pair.join('')).join(''), 'latin1'));
  return { bytes, key, keyEnd, value, valueEnd };
}

/** Keys and values of the lines `[from, until)`. */
export function pairsOf(entries: MapEntries, from = 0, until = entries.key.length) {
  const { bytes, key, keyEnd, value, valueEnd } = entries;
  const text = (start: number, end: number) =>
    Buffer.from(bytes.subarray(start, end)).toString('latin1');
  return Array.from({ length: until - from }, (_, i): [string, string] => [
    text(key[from + i]!, keyEnd[from + i]!),
    text(value[from + i]!, valueEnd[from + i]!),
  ]);
}
