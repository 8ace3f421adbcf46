/**
 * Look-ups in maps (configuration.txt 7.3.1 `map`): which line counts for a sample that has been
 * cast to what the match method works on. Texts are looked up by hash, numbers and addresses by
 * halves; only `sub` and `reg` try the keys one after the other, as in HAProxy.
 *
 * @dataplane
 */
import type { MapIndex, NetworkData } from '../../model/pattern.ts';
import { mem } from '../../sys/arena.ts';
import { embeddedIpv4, putMapped, readAddress } from '../inet.ts';
import type { TextFinder } from '../pattern/pattern.ts';
import { createTextFinder } from '../pattern/table.ts';
import { createRegex, type Regex } from '../regex.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';

export interface LineFinder {
  /** @returns the line that counts, -1 = none */
  find(sample: Sample): number;
}

class Texts implements LineFinder {
  private readonly finder: TextFinder;
  private readonly entries: Uint32Array;

  constructor(finder: TextFinder, entries: Uint32Array) {
    this.finder = finder;
    this.entries = entries;
  }

  find(sample: Sample): number {
    const text = this.finder.find(sample);
    return text < 0 ? -1 : this.entries[text]!;
  }
}

class Regexes implements LineFinder {
  private readonly list: readonly Regex[];

  constructor(list: readonly Regex[]) {
    this.list = list;
  }

  find(sample: Sample): number {
    const { off, len } = sample;
    for (let i = 0; i < this.list.length; i++) if (this.list[i]!.test(off, len)) return i;
    return -1;
  }
}

/** Regular expressions whose groups are left in `found`. */
class GroupRegexes implements LineFinder {
  private readonly list: readonly Regex[];

  constructor(list: readonly Regex[]) {
    this.list = list;
  }

  find(sample: Sample): number {
    const { off, len } = sample;
    for (let i = 0; i < this.list.length; i++) if (this.list[i]!.find(off, len, false)) return i;
    return -1;
  }
}

class Numbers implements LineFinder {
  private readonly from: Float64Array;
  private readonly entry: Int32Array;

  constructor(from: Float64Array, entry: Int32Array) {
    this.from = from;
    this.entry = entry;
  }

  find(sample: Sample): number {
    const value = sample.num;
    let from = 0;
    let until = this.from.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if (this.from[middle]! <= value) from = middle + 1;
      else until = middle;
    }
    return from === 0 ? -1 : this.entry[from - 1]!;
  }
}

class Addresses implements LineFinder {
  private readonly from4: Uint32Array;
  private readonly entry4: Int32Array;
  private readonly from6: Uint8Array;
  private readonly entry6: Int32Array;
  private readonly value4: Uint32Array;
  private readonly mask4: Uint32Array;
  private readonly holeEntry: Uint32Array;

  constructor(data: NetworkData) {
    this.from4 = data.from4;
    this.entry4 = data.entry4;
    this.from6 = data.from6;
    this.entry6 = data.entry6;
    this.value4 = data.value4;
    this.mask4 = data.mask4;
    this.holeEntry = data.holeEntry;
  }

  // First the networks of the sample's own family, then of the other one, then masks with holes.
  find(sample: Sample): number {
    if (sample.type === SampleType.Ipv4) {
      const line = this.find4(sample.num);
      return line >= 0 ? line : this.findOther4(sample.num);
    }
    const line = this.find6(sample.off);
    if (line >= 0 || !embeddedIpv4(sample.off)) return line;
    const address = readAddress;
    const other = this.find4(address);
    return other >= 0 ? other : this.findHole(address);
  }

  private findOther4(address: number): number {
    if (this.entry6.length > 0) {
      const off = takeScratch(16);
      putMapped(off, address);
      const line = this.find6(off);
      if (line >= 0) return line;
    }
    return this.findHole(address);
  }

  private find4(address: number): number {
    let from = 0;
    let until = this.from4.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if (this.from4[middle]! <= address) from = middle + 1;
      else until = middle;
    }
    return from === 0 ? -1 : this.entry4[from - 1]!;
  }

  private findHole(address: number): number {
    for (let i = 0; i < this.value4.length; i++) {
      if ((address & this.mask4[i]!) >>> 0 === this.value4[i]) return this.holeEntry[i]!;
    }
    return -1;
  }

  private find6(off: number): number {
    let from = 0;
    let until = this.entry6.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if (compare16(off, this.from6, middle * 16) >= 0) from = middle + 1;
      else until = middle;
    }
    return from === 0 ? -1 : this.entry6[from - 1]!;
  }
}

function compare16(off: number, bound: Uint8Array, at: number): number {
  for (let i = 0; i < 16; i++) {
    const difference = mem[off + i]! - bound[at + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What this thread has made of the indexes of maps: converters that use one map share it. */
const finders = new WeakMap<MapIndex, LineFinder>();

/** Makes the index of a map ready to be asked, in the thread that calls. */
export function createLineFinder(index: MapIndex): LineFinder {
  const known = finders.get(index) ?? createFinder(index);
  finders.set(index, known);
  return known;
}

function createFinder(index: MapIndex): LineFinder {
  switch (index.kind) {
    case 'int':
      return new Numbers(index.from, index.entry);
    case 'ip':
      return new Addresses(index.networks);
    case 'reg':
    case 'regm': {
      const options = { ignoreCase: false, plainGroups: index.kind === 'reg' };
      const list = index.patterns.map((pattern) => createRegex(pattern, options));
      return index.kind === 'reg' ? new Regexes(list) : new GroupRegexes(list);
    }
    default:
      return new Texts(createTextFinder(index.kind, index.texts), index.texts.entries!);
  }
}
