/**
 * The maps of a thread as converters ask them (docs/decisions/0010). What is asked is an object per
 * map and match method whose contents are replaced as a whole when the control thread has compiled
 * the map anew: an evaluation sees the old map or the new one, and waits for nobody.
 */
import type { MapData, MapEntries, MapIndex } from '../../model/pattern.ts';
import { createLineFinder, type LineFinder } from './find.ts';

export class LiveMap {
  entries: MapEntries;
  lines: LineFinder;

  constructor(entries: MapEntries, index: MapIndex) {
    this.entries = entries;
    this.lines = createLineFinder(index);
  }
}

/** By number of the map and match method. */
const liveMaps = new Map<string, LiveMap>();

const nameOf = (map: number, index: MapIndex): string => `${map} ${index.kind}`;

/** The map of a converter, in the thread that calls. */
export function liveMap({ map, entries, index }: MapData): LiveMap {
  const name = nameOf(map, index);
  const known = liveMaps.get(name);
  // A test may compile several configurations in one thread.
  if (known !== undefined && known.entries === entries) return known;
  const created = new LiveMap(entries, index);
  liveMaps.set(name, created);
  return created;
}

/** A map that has been compiled anew. */
export interface MapChange {
  map: number;
  entries: MapEntries;
  /** One for each match method that the configuration uses it with. */
  indexes: MapIndex[];
}

/** Replaces the contents of a map in the thread that calls. */
export function replaceMap({ map, entries, indexes }: MapChange): void {
  for (const index of indexes) {
    const live = liveMaps.get(nameOf(map, index));
    if (live === undefined) continue;
    live.lines = createLineFinder(index);
    live.entries = entries;
  }
}
