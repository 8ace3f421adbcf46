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
import type { Pattern } from './pattern.ts';
import { addToHash, finishHash, HASH_START, type TextList } from './text-list.ts';

const LINEAR_MAX = 8;

class FewPrefixes implements Pattern {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  matches(sample: Sample): boolean {
    const list = this.list;
    for (let i = 0; i < list.count; i++) {
      if (list.lengthOf(i) <= sample.len && list.standsAt(i, sample.off)) return true;
    }
    return false;
  }
}

class FewSuffixes implements Pattern {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  matches(sample: Sample): boolean {
    const list = this.list;
    const end = sample.off + sample.len;
    for (let i = 0; i < list.count; i++) {
      const len = list.lengthOf(i);
      if (len <= sample.len && list.standsAt(i, end - len)) return true;
    }
    return false;
  }
}

class ManyPrefixes implements Pattern {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  matches(sample: Sample): boolean {
    const list = this.list;
    const { lengths, table } = list;
    const off = sample.off;
    const most = sample.len < list.longest ? sample.len : list.longest;
    let hash = HASH_START;
    for (let len = 0; ; len++) {
      if (lengths[len] === 1 && list.has(finishHash(hash), off, len)) return true;
      if (len === most) return false;
      hash = addToHash(hash, table[mem[off + len]!]!);
    }
  }
}

class ManySuffixes implements Pattern {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  matches(sample: Sample): boolean {
    const list = this.list;
    const { lengths, table } = list;
    const end = sample.off + sample.len;
    const most = sample.len < list.longest ? sample.len : list.longest;
    let hash = HASH_START;
    for (let len = 0; ; len++) {
      if (lengths[len] === 1 && list.has(finishHash(hash), end - len, len)) return true;
      if (len === most) return false;
      hash = addToHash(hash, table[mem[end - len - 1]!]!);
    }
  }
}

/** `-m beg`. */
export function createPrefixes(list: TextList): Pattern {
  return list.count <= LINEAR_MAX ? new FewPrefixes(list) : new ManyPrefixes(list);
}

/** `-m end`; the texts were hashed backwards. */
export function createSuffixes(list: TextList): Pattern {
  return list.count <= LINEAR_MAX ? new FewSuffixes(list) : new ManySuffixes(list);
}
