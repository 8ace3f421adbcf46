/**
 * Maps as the Runtime API reads and changes them, in the control thread (management.txt 9.3; see
 * docs/decisions/0010). A map that nobody has asked for is only its configuration; the first question
 * makes an object of each of its lines.
 *
 * A change is compiled for all converters that use the map and handed on as a whole. Changes that
 * come close together are one: the next compilation waits twice as long as the last one took.
 */
import type { MapConfig, MapEntries, MapIndex } from '../../model/pattern.ts';
import { matchTarget } from '../pattern/table.ts';
import { createIndex, type MapKind } from './compile.ts';
import { checkValues, entriesOf, type MapOutput, pairsOf } from './entries.ts';
import type { MapChange } from './live.ts';

/** A line, of the version that is matched or of one that is being prepared. */
export interface MapLine {
  /** Identifies it for `#<ref>`. */
  ref: number;
  key: string;
  value: string;
  version: number;
}

/** What the configuration does with a map. */
export interface MapUse {
  kind: MapKind;
  output: MapOutput;
}

const WAIT_FACTOR = 2;
/** Waits that are longer than this would be felt. */
const WAIT_MS_MAX = 1000;

export class MapList {
  readonly id: number;
  readonly config: MapConfig;
  /** The version that is matched, and the last one that was given out. */
  current = 0;
  next = 0;
  private known: MapLine[] | null = null;
  private refs = 0;
  private compiled: { entries: MapEntries; indexes: MapIndex[] } | null = null;
  private readonly changed: (list: MapList) => void;

  constructor(id: number, config: MapConfig, changed: (list: MapList) => void) {
    this.id = id;
    this.config = config;
    this.changed = changed;
  }

  get lines(): MapLine[] {
    if (this.known === null) {
      this.known = [];
      for (const [key, value] of pairsOf(this.config.entries)) this.put(key, value, 0);
    }
    return this.known;
  }

  get count(): number {
    return this.known?.length ?? this.config.entries.key.length;
  }

  linesOf(version: number): MapLine[] {
    return this.lines.filter((line) => line.version === version);
  }

  private put(key: string, value: string, version: number): void {
    this.known!.push({ ref: ++this.refs, key, value, version });
  }

  /** The match methods, each once, in the order of the file. */
  get kinds(): MapKind[] {
    return [...new Set(this.config.uses.map((use) => use.kind))];
  }

  /**
   * Checks one line as when the file is loaded.
   * @throws ConfigError
   */
  private check(key: string, value: string): void {
    const entries = entriesOf([[key, value]]);
    for (const kind of this.kinds) createIndex(kind, entries, null);
    for (const { output } of this.config.uses) checkValues(entries, output, null);
  }

  /** @throws ConfigError when it is no line of this map */
  add(key: string, value: string, version: number): void {
    this.check(key, value);
    void this.lines;
    this.put(key, value, version);
    if (version === this.current) this.touch();
  }

  /**
   * Gives lines a value.
   * @returns how many there are
   * @throws ConfigError when the map cannot have the value
   */
  set(lines: readonly MapLine[], value: string): number {
    if (lines.length > 0) this.check(lines[0]!.key, value);
    for (const line of lines) line.value = value;
    if (lines.length > 0) this.touch();
    return lines.length;
  }

  delete(lines: readonly MapLine[]): void {
    const gone = new Set(lines);
    this.known = this.lines.filter((line) => !gone.has(line));
    if (lines.some((line) => line.version === this.current)) this.touch();
  }

  /** The version becomes the one that is matched; those before it are gone. */
  commit(version: number): void {
    this.known = this.lines.filter((line) => line.version >= version);
    this.current = version;
    this.touch();
  }

  private touch(): void {
    this.compiled = null;
    this.changed(this);
  }

  compile(): MapChange {
    if (this.compiled === null) {
      const lines = this.linesOf(this.current);
      const entries = entriesOf(lines.map(({ key, value }) => [key, value]));
      const indexes = this.kinds.map((kind) => createIndex(kind, entries, null));
      this.compiled = { entries, indexes };
    }
    return { map: this.id, ...this.compiled };
  }
}

/** What a sample is cast to before keys of this kind are compared with it. */
export function keyTarget(kind: MapKind): number {
  return matchTarget(kind === 'regm' ? 'reg' : kind);
}

export class MapStore {
  readonly lists: readonly MapList[];
  private readonly publish: (change: MapChange) => void;
  private readonly waiting = new Set<MapList>();
  private timer: Timer | null = null;
  private lastMs = 0;

  /** @param publish hands a changed map to those who match */
  constructor(maps: readonly MapConfig[], publish: (change: MapChange) => void) {
    this.publish = publish;
    this.lists = maps.map((config, id) => new MapList(id, config, (list) => this.note(list)));
  }

  /** The map of `#<id>` or a name. */
  find(word: string): MapList | null {
    const id = /^#([0-9]+)$/.exec(word);
    if (id) return this.lists[Number(id[1])] ?? null;
    return this.lists.find((list) => list.config.name === word) ?? null;
  }

  private note(list: MapList): void {
    this.waiting.add(list);
    const waitMs = Math.min(WAIT_MS_MAX, this.lastMs * WAIT_FACTOR);
    this.timer ??= setTimeout(() => this.flush(), waitMs);
  }

  private flush(): void {
    this.timer = null;
    const startMs = performance.now();
    for (const list of this.waiting) this.publish(list.compile());
    this.waiting.clear();
    this.lastMs = performance.now() - startMs;
  }
}
