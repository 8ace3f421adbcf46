/**
 * Substring match (`-m sub`): the patterns are tried one after the other, each at the places where
 * its first byte stands. As in HAProxy the cost grows with the number of patterns.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { Sample } from '../sample.ts';
import type { TextFinder } from './pattern.ts';
import type { TextList } from './text-list.ts';

class Substrings implements TextFinder {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  find(sample: Sample): number {
    for (let i = 0; i < this.list.count; i++) if (this.contains(i, sample)) return i;
    return -1;
  }

  private contains(index: number, sample: Sample): boolean {
    const list = this.list;
    const len = list.lengthOf(index);
    if (len > sample.len) return false;
    if (len === 0) return true;
    const first = list.bytes[list.start[index]!]!;
    const table = list.table;
    const last = sample.off + sample.len - len;
    for (let at = sample.off; at <= last; at++) {
      if (table[mem[at]!] === first && list.standsAt(index, at)) return true;
    }
    return false;
  }
}

/** `-m sub`. */
export function createSubstrings(list: TextList): TextFinder {
  return new Substrings(list);
}
