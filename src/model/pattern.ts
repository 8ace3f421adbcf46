/**
 * Lists of patterns once they have been compiled (configuration.txt 7.1), as plain data: typed
 * arrays, which all threads share when they are large. Who compiles and matches them is
 * `rules/pattern`.
 */

/** Texts of a list, each once, with the index that finds them by hash. */
export interface TextData {
  /** The texts, one behind the other; folded to lower case with `ignoreCase`. */
  bytes: Uint8Array;
  /** Where text i begins; one entry more than there are texts. */
  start: Uint32Array;
  count: number;
  ignoreCase: boolean;
  /** Open-addressed table of text numbers + 1; a power of two, at least twice as many as texts. */
  slots: Uint32Array;
  hashes: Int32Array;
  /** 1 = there is a text of this length; its own length is that of the longest, plus 1. */
  lengths: Uint8Array;
  /** In maps: the line of the file that text i is the key of. */
  entries?: Uint32Array;
}

/** Networks as closed ranges in ascending order that do not touch each other. */
export interface AddressData {
  low4: Uint32Array;
  high4: Uint32Array;
  /** IPv4 masks with holes cannot be ranges. */
  value4: Uint32Array;
  mask4: Uint32Array;
  /** 16 bytes per bound. */
  low6: Uint8Array;
  high6: Uint8Array;
}

/** The matches of texts, as `-m` names them. */
export type TextKind = 'str' | 'beg' | 'end' | 'sub' | 'dir' | 'dom';

export type PatternData =
  | { kind: 'found' }
  | { kind: 'bool' }
  | { kind: 'int' | 'len'; low: Float64Array; high: Float64Array }
  | { kind: 'ip'; addresses: AddressData }
  | { kind: TextKind; texts: TextData }
  | { kind: 'reg'; patterns: string[]; ignoreCase: boolean }
  /** Known methods by number, others by text. */
  | { kind: 'meth'; known: Uint8Array; texts: TextData };

/** The lines of a map (configuration.txt 7.3.1 `map`): slices of the bytes of its file. */
export interface MapEntries {
  bytes: Uint8Array;
  key: Uint32Array;
  keyEnd: Uint32Array;
  value: Uint32Array;
  valueEnd: Uint32Array;
}

/**
 * How lines are found by their keys. Of numbers and addresses: what begins at `from[i]`, up to the
 * next one, belongs to line `entry[i]`; -1 = to none.
 */
export type MapIndex =
  | { kind: TextKind; texts: TextData }
  | { kind: 'int'; from: Float64Array; entry: Int32Array }
  | { kind: 'ip'; networks: NetworkData }
  | { kind: 'reg' | 'regm'; patterns: string[] };

export interface NetworkData {
  from4: Uint32Array;
  entry4: Int32Array;
  /** 16 bytes each. */
  from6: Uint8Array;
  entry6: Int32Array;
  /** IPv4 masks with holes, in the order of the file. */
  value4: Uint32Array;
  mask4: Uint32Array;
  holeEntry: Uint32Array;
}

/** A map of the configuration; its number is its place among them. */
export interface MapConfig {
  /** What identifies it (2.7), and as it was written first. */
  name: string;
  label: string;
  entries: MapEntries;
  /** The converters that look up in it. */
  uses: {
    kind: MapIndex['kind'];
    output: 'str' | 'int' | 'ip' | 'key';
    file: string;
    line: number;
  }[];
  /** An ACL matches its keys too (`-M`). */
  isAcl: boolean;
}

/** A map as one converter uses it. */
export interface MapData {
  /** Its number. */
  map: number;
  entries: MapEntries;
  index: MapIndex;
}

/** What a list may be compiled to. */
export type ListData = PatternData | MapEntries;

/** What stands on the lines of a list: patterns, or with values behind them. */
export type Columns = 'one' | 'two';
