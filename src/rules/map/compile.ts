/**
 * Maps as they are made while the configuration is read (configuration.txt 7.3.1 `map`): the lines
 * of the file once, and per match method the index that finds a line by its key. Bytes per line
 * over its text: 16, and for texts the key again and 24, for numbers and IPv4 networks at most 24,
 * for IPv6 networks at most 40.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { MapConfig, MapData, MapEntries, MapIndex } from '../../model/pattern.ts';
import { compiledList, listName } from '../pattern/list-file.ts';
import { parseRange } from '../pattern/range-text.ts';
import { directoryEnds, domainEnds } from '../pattern/segment.ts';
import { createInts, type Slices, textOf, textsOf, trim } from '../pattern/slices.ts';
import { createTexts, Direction } from '../pattern/text-builder.ts';
import { checkRegex } from '../regex.ts';
import type { RuleScope } from '../scope.ts';
import { checkValues, createEntries, keysOf, lineError, type MapOutput } from './entries.ts';
import { createNetworks } from './networks.ts';
import { createSegments } from './segments.ts';

export type MapKind = MapIndex['kind'];

/**
 * Loads the map of a name (2.7), or finds it when it has been loaded.
 * @throws ConfigError when that cannot be done, naming the first line that is wrong
 */
export function loadMap(name: string, kind: MapKind, output: MapOutput, scope: RuleScope): MapData {
  const entries = compiledList(name, 'two', 'map', createEntries, scope);
  const id = listName(name);
  const index = indexOf(kind, entries, id);
  checkValues(entries, output, id);
  const map = numberOf(name, entries, scope.maps);
  const { file, line } = scope.origin;
  scope.maps[map]!.uses.push({ kind, output, file, line });
  return { map, entries, index };
}

/** The number of a map, which it gets when it is met first. */
function numberOf(name: string, entries: MapEntries, maps: MapConfig[]): number {
  const id = listName(name);
  const known = maps.findIndex((map) => map.name === id);
  if (known >= 0) return known;
  return maps.push({ name: id, label: name, entries, uses: [], isAcl: false }) - 1;
}

/** The indexes of each map that have been made. */
const indexes = new WeakMap<MapEntries, Map<MapKind, MapIndex>>();

function indexOf(kind: MapKind, entries: MapEntries, name: string): MapIndex {
  const known = indexes.get(entries) ?? new Map<MapKind, MapIndex>();
  indexes.set(entries, known);
  const index = known.get(kind) ?? createIndex(kind, entries, name);
  known.set(kind, index);
  return index;
}

/**
 * Makes the index of a match method.
 * @param name what messages call the file; null for lines that are in none
 * @throws ConfigError when a key is none of the method
 */
export function createIndex(kind: MapKind, entries: MapEntries, name: string | null): MapIndex {
  const keys = keysOf(entries);
  switch (kind) {
    case 'int':
      return createNumbers(keys, name);
    case 'ip':
      return { kind, networks: createNetworks(entries, name) };
    case 'reg':
    case 'regm':
      return { kind, patterns: checkPatterns(keys, kind === 'regm', name) };
    case 'dir':
      return { kind, texts: numberedTexts(trim(keys, directoryEnds)) };
    case 'dom':
      return { kind, texts: numberedTexts(trim(keys, domainEnds)) };
    case 'end':
      return { kind, texts: numberedTexts(keys, Direction.Backwards) };
    default:
      return { kind, texts: numberedTexts(keys) };
  }
}

function numberedTexts(keys: Slices, direction = Direction.Forwards) {
  return createTexts(keys, false, direction, true);
}

function checkPatterns(keys: Slices, hasGroups: boolean, name: string | null): string[] {
  const patterns = textsOf(keys);
  for (const [line, pattern] of patterns.entries()) {
    located(keys, line, name, () =>
      checkRegex(pattern, { ignoreCase: false, plainGroups: !hasGroups }),
    );
  }
  return patterns;
}

function createNumbers(keys: Slices, name: string | null): MapIndex {
  const low = new Float64Array(keys.count);
  const end = new Float64Array(keys.count);
  for (let line = 0; line < keys.count; line++) {
    const parse = () => parseRange(textOf(keys, line), false, false);
    const [first, last] = located(keys, line, name, parse);
    low[line] = first;
    end[line] = numberAfter(last);
  }
  const order = Uint32Array.from({ length: keys.count }, (_, i) => i);
  const { from, owner } = createSegments(low, end, order);
  const entry = createInts(owner.length);
  entry.set(owner);
  return { kind: 'int', from: shared(from), entry };
}

function shared(numbers: Float64Array): Float64Array {
  const copy = new Float64Array(new SharedArrayBuffer(numbers.byteLength));
  copy.set(numbers);
  return copy;
}

/** The next number that a sample can have: a double holds every integer up to 2^53. */
function numberAfter(value: number): number {
  const next = value + 1;
  return next === value && Number.isFinite(value) ? value + Math.abs(value) * 2 ** -52 : next;
}

function located<T>(keys: Slices, line: number, name: string | null, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw lineError(error.message, keys, line, name);
  }
}
