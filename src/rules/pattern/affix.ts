/**
 * Prefix and suffix match (`-m beg`, `-m end`).
 *
 * The hash of the sample is carried on byte by byte, from its first byte or for suffixes from its
 * last, and looked up at each length that a pattern has: the cost grows with the sample, not with
 * the number of patterns.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { Sample } from '../sample.ts';
import type { TextFinder } from './pattern.ts';
import { addToHash, earlier, finishHash, HASH_START, type TextList } from './text-list.ts';

const LINEAR_MAX = 8;

class FewPrefixes implements TextFinder {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  find(sample: Sample): number {
    const list = this.list;
    let best = -1;
    let longest = -1;
    for (let i = 0; i < list.count; i++) {
      const len = list.lengthOf(i);
      if (len <= longest || len > sample.len || !list.standsAt(i, sample.off)) continue;
      best = i;
      longest = len;
    }
    return best;
  }
}

class FewSuffixes implements TextFinder {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  find(sample: Sample): number {
    const list = this.list;
    const end = sample.off + sample.len;
    for (let i = 0; i < list.count; i++) {
      const len = list.lengthOf(i);
      if (len <= sample.len && list.standsAt(i, end - len)) return i;
    }
    return -1;
  }
}

class ManyPrefixes implements TextFinder {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  find(sample: Sample): number {
    const list = this.list;
    const { lengths, table } = list;
    const off = sample.off;
    const most = sample.len < list.longest ? sample.len : list.longest;
    let hash = HASH_START;
    let best = -1;
    for (let len = 0; ; len++) {
      if (lengths[len] === 1) {
        const found = list.find(finishHash(hash), off, len);
        if (found >= 0) best = found;
      }
      if (len === most) return best;
      hash = addToHash(hash, table[mem[off + len]!]!);
    }
  }
}

class ManySuffixes implements TextFinder {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  find(sample: Sample): number {
    const list = this.list;
    const { lengths, table } = list;
    const end = sample.off + sample.len;
    const most = sample.len < list.longest ? sample.len : list.longest;
    let hash = HASH_START;
    let best = -1;
    for (let len = 0; ; len++) {
      if (lengths[len] === 1) best = earlier(best, list.find(finishHash(hash), end - len, len));
      if (len === most) return best;
      hash = addToHash(hash, table[mem[end - len - 1]!]!);
    }
  }
}

/** `-m beg`. */
export function createPrefixes(list: TextList): TextFinder {
  return list.count <= LINEAR_MAX ? new FewPrefixes(list) : new ManyPrefixes(list);
}

/** `-m end`; the texts were hashed backwards. */
export function createSuffixes(list: TextList): TextFinder {
  return list.count <= LINEAR_MAX ? new FewSuffixes(list) : new ManySuffixes(list);
}
