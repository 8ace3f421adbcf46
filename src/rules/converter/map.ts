/**
 * Converters that look a value up in a map (configuration.txt 7.3.1 `map`). Values lie outside of
 * the arena, in memory that all threads share; the one that is found is copied.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import type { MapData, MapEntries } from '../../model/pattern.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { CastTarget, cast } from '../cast.ts';
import type { Convert } from '../context.ts';
import { clampInt } from '../integer.ts';
import { loadMap, type MapKind } from '../map/compile.ts';
import { isAddress, type MapOutput } from '../map/entries.ts';
import { liveMap } from '../map/live.ts';
import type { ConverterRow, TypeName } from '../row.ts';
import type { Sample } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { takeScratch } from '../scratch.ts';
import { createReplacement, writeReplacement } from './regex.ts';

const TAB = 9;
const SPACE = 32;
const PLUS = 43;
const MINUS = 45;
const SLASH = 47;
const ZERO = 48;

/** Makes the sample a copy of bytes of the map. @returns false when `tune.bufsize` is too small */
function copyText(sample: Sample, bytes: Uint8Array, from: number, until: number): boolean {
  const off = takeScratch(until - from);
  if (off === 0) return false;
  for (let at = from; at < until; at++) mem[off + at - from] = bytes[at]!;
  sample.setStr(off, until - from);
  return true;
}

/** The text was checked when the map was loaded: a sign and digits, or less. */
function readNumber(bytes: Uint8Array, from: number, until: number): number {
  let at = from;
  const isNegative = bytes[at] === MINUS;
  if (isNegative || (at < until && bytes[at] === PLUS)) at++;
  let value = 0;
  for (; at < until; at++) value = value * 10 + bytes[at]! - ZERO;
  return clampInt(isNegative ? -value : value);
}

/** Where an address ends: a mask or more words behind it do not count. */
function addressEnd(bytes: Uint8Array, from: number, until: number): number {
  let at = from;
  while (at < until && bytes[at] !== SLASH && bytes[at] !== SPACE && bytes[at] !== TAB) at++;
  return at;
}

function putValue(sample: Sample, map: MapEntries, line: number, output: MapOutput): boolean {
  const { bytes } = map;
  const from = map.value[line]!;
  const until = map.valueEnd[line]!;
  switch (output) {
    case 'str':
      return copyText(sample, bytes, from, until);
    case 'key':
      return copyText(sample, bytes, map.key[line]!, map.keyEnd[line]!);
    case 'int':
      sample.setInt(readNumber(bytes, from, until));
      return true;
    case 'ip':
      return (
        copyText(sample, bytes, from, addressEnd(bytes, from, until)) &&
        cast(sample, CastTarget.Addr)
      );
  }
}

function hasNoValue(): boolean {
  return false;
}

/** What is given out when no line matches. */
function createDefault(arg: ArgConfig | undefined, output: MapOutput): Convert {
  if (arg === undefined) return hasNoValue;
  if (typeof arg === 'number') {
    const value = clampInt(arg);
    return (_ctx, sample) => {
      sample.setInt(value);
      return true;
    };
  }
  const text = Buffer.from(String(arg), 'latin1');
  const len = output === 'ip' ? addressEnd(text, 0, text.length) : text.length;
  const off = reserveBytes(text);
  return (_ctx, sample) => {
    sample.setStr(off, len);
    return output !== 'ip' || cast(sample, CastTarget.Addr);
  };
}

function compileMap(args: readonly ArgConfig[], output: MapOutput): Convert {
  const map = liveMap(args[0] as MapData);
  const missing = createDefault(args[1], output);
  return (ctx, sample) => {
    const line = map.lines.find(sample);
    if (line >= 0) return putValue(sample, map.entries, line, output);
    return missing(ctx, sample);
  };
}

/** The value of the line is a text with back-references to what its key matched. */
function compileGroupMap(args: readonly ArgConfig[]): Convert {
  const map = liveMap(args[0] as MapData);
  const missing = createDefault(args[1], 'str');
  let entries = map.entries;
  let values = createReplacements(entries);
  return (ctx, sample) => {
    if (map.entries !== entries) {
      entries = map.entries;
      values = createReplacements(entries);
    }
    const line = map.lines.find(sample);
    if (line >= 0) return writeReplacement(sample, values[line]!);
    return missing(ctx, sample);
  };
}

function createReplacements({ bytes, value, valueEnd }: MapEntries) {
  const text = (_: number, line: number) =>
    Buffer.from(bytes.subarray(value[line], valueEnd[line])).toString('latin1');
  return Array.from(value, text).map(createReplacement);
}

function createCheck(kind: MapKind, output: MapOutput) {
  return (args: ArgConfig[], scope: RuleScope): void => {
    if (output === 'ip' && args[1] !== undefined && !isAddress(String(args[1]))) {
      throw new ConfigError(`map: cannot parse default ip <${args[1]}>.`);
    }
    args[0] = loadMap(String(args[0]), kind, output, scope);
  };
}

const inputs: Partial<Record<MapKind, TypeName>> = { int: 'sint', ip: 'addr' };
const outputs = {
  str: { args: 'string[,string]', out: 'str', doc: 'value' },
  int: { args: 'string[,integer]', out: 'sint', doc: 'number' },
  ip: { args: 'string[,string]', out: 'addr', doc: 'address' },
  key: { args: 'string', out: 'str', doc: 'key' },
} as const;

function createRow(kind: MapKind, output: MapOutput, name: string, match: string): ConverterRow {
  const { doc, ...types } = outputs[output];
  return {
    name,
    ...types,
    in: inputs[kind] ?? 'str',
    doc: `${doc} of the line of a map whose key ${match}`,
    check: createCheck(kind, output),
    compile: (args) => compileMap(args, output),
  };
}

/** `map_KIND` and its forms for other outputs. */
function createRows(kind: MapKind, match: string): ConverterRow[] {
  return [
    createRow(kind, 'str', `map_${kind}`, match),
    createRow(kind, 'int', `map_${kind}_int`, match),
    createRow(kind, 'ip', `map_${kind}_ip`, match),
    createRow(kind, 'key', `map_${kind}_key`, match),
  ];
}

export const mapConverters: readonly ConverterRow[] = [
  createRow('str', 'str', 'map', 'is equal'),
  ...createRows('str', 'is equal'),
  ...createRows('beg', 'is the longest prefix'),
  ...createRows('sub', 'is contained, the first one'),
  ...createRows('dir', 'stands between slashes, the first one'),
  ...createRows('dom', 'stands between dots, the first one'),
  ...createRows('end', 'is a suffix, the first one'),
  ...createRows('reg', 'is a regular expression that matches, the first one'),
  {
    ...createRow('regm', 'str', 'map_regm', ''),
    doc: 'as map_reg, with back-references in the value replaced by what the groups matched',
    compile: compileGroupMap,
  },
  ...createRows('int', 'is the number or a range around it, the first one'),
  ...createRows('ip', 'is the network with the longest mask'),
];
