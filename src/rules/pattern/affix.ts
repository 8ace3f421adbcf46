/**
 * Prefix and suffix match (`-m beg`, `-m end`).
 *
 * A pattern that begins with another pattern can go: whatever it matches, the shorter one matches.
 * What is left is prefix-free, so that of the sorted patterns only the greatest one that is not
 * above the sample can be its prefix: one binary search. Suffixes are the same from the other end.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { Sample } from '../sample.ts';
import { EmptyPattern, type Pattern } from './pattern.ts';
import { createTexts, TextList } from './text-list.ts';

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

/** Sorted prefix-free texts. For suffixes both texts and samples are read backwards. */
class SortedAffixes implements Pattern {
  private readonly list: TextList;
  private readonly backwards: boolean;

  constructor(list: TextList, backwards: boolean) {
    this.list = list;
    this.backwards = backwards;
  }

  /**
   * Compares pattern `index` with the sample: 0 when the pattern is an affix of it, below 0 when
   * the pattern sorts before it, above 0 when after.
   */
  private compare(index: number, sample: Sample): number {
    const { bytes, table } = this.list;
    const from = this.list.start[index]!;
    const len = this.list.lengthOf(index);
    const step = this.backwards ? -1 : 1;
    let at = this.backwards ? sample.off + sample.len - 1 : sample.off;
    const common = len < sample.len ? len : sample.len;
    for (let i = 0; i < common; i++) {
      const difference = bytes[from + i]! - table[mem[at]!]!;
      if (difference !== 0) return difference;
      at += step;
    }
    return len > sample.len ? 1 : 0;
  }

  matches(sample: Sample): boolean {
    let low = 0;
    let high = this.list.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.compare(middle, sample);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }
}

function beginsWith(text: Uint8Array, prefix: Uint8Array): boolean {
  if (prefix.length > text.length) return false;
  for (let i = 0; i < prefix.length; i++) if (text[i] !== prefix[i]) return false;
  return true;
}

/** Sorts and drops what begins with another text. */
function createPrefixFree(texts: readonly Uint8Array[]): Uint8Array[] {
  const sorted = [...texts].sort((a, b) => Buffer.compare(a, b));
  const kept: Uint8Array[] = [];
  for (const text of sorted) {
    const last = kept.at(-1);
    if (!last || !beginsWith(text, last)) kept.push(text);
  }
  return kept;
}

/** `-m beg`. */
export function createPrefixes(patterns: readonly string[], ignoreCase: boolean): Pattern {
  const texts = createTexts(patterns, ignoreCase);
  if (texts.length === 0) return new EmptyPattern();
  if (texts.length <= LINEAR_MAX) return new FewPrefixes(new TextList(texts, ignoreCase));
  return new SortedAffixes(new TextList(createPrefixFree(texts), ignoreCase), false);
}

/** `-m end`. */
export function createSuffixes(patterns: readonly string[], ignoreCase: boolean): Pattern {
  const texts = createTexts(patterns, ignoreCase);
  if (texts.length === 0) return new EmptyPattern();
  if (texts.length <= LINEAR_MAX) return new FewSuffixes(new TextList(texts, ignoreCase));
  const reversed = texts.map((text) => text.toReversed());
  return new SortedAffixes(new TextList(createPrefixFree(reversed), ignoreCase), true);
}
