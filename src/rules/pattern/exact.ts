/**
 * Exact match of text or bytes (`-m str`, `-m bin`).
 *
 * A few patterns are compared one after the other. Many go into an open-addressed table of their
 * hashes: a look-up reads the sample once for the hash and once more for the candidate.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { Sample } from '../sample.ts';
import { EmptyPattern, type Pattern } from './pattern.ts';
import { createTexts, TextList } from './text-list.ts';

/** Up to this many patterns a linear scan is as fast as hashing. */
const LINEAR_MAX = 4;

/** FNV-1a over the folded bytes, with its high bits mixed down. */
export function hashBytes(table: Uint8Array, off: number, len: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < len; i++) hash = Math.imul(hash ^ table[mem[off + i]!]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function hashText(bytes: Uint8Array, from: number, until: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = from; i < until; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

class FewTexts implements Pattern {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  matches(sample: Sample): boolean {
    const list = this.list;
    for (let i = 0; i < list.count; i++) {
      if (list.lengthOf(i) === sample.len && list.standsAt(i, sample.off)) return true;
    }
    return false;
  }
}

/** A set of texts; also the base of the directory and domain matches. */
export class TextSet implements Pattern {
  readonly list: TextList;
  readonly longest: number;
  private readonly slots: Int32Array;
  private readonly hashes: Int32Array;
  private readonly mask: number;

  constructor(list: TextList) {
    let size = 8;
    while (size < list.count * 2) size *= 2;
    this.list = list;
    this.slots = new Int32Array(size);
    this.hashes = new Int32Array(list.count);
    this.mask = size - 1;
    let longest = 0;
    for (let i = 0; i < list.count; i++) {
      const hash = hashText(list.bytes, list.start[i]!, list.start[i + 1]!);
      this.hashes[i] = hash;
      let slot = hash & this.mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = i + 1;
      longest = Math.max(longest, list.lengthOf(i));
    }
    this.longest = longest;
  }

  /** Index of the text that equals the slice, or -1. `hash` is `hashBytes` of the slice. */
  indexOf(hash: number, off: number, len: number): number {
    const slots = this.slots;
    for (let slot = hash & this.mask; slots[slot] !== 0; slot = (slot + 1) & this.mask) {
      const i = slots[slot]! - 1;
      if (this.hashes[i] !== hash || this.list.lengthOf(i) !== len) continue;
      if (this.list.standsAt(i, off)) return i;
    }
    return -1;
  }

  matches(sample: Sample): boolean {
    if (sample.len > this.longest) return false;
    const hash = hashBytes(this.list.table, sample.off, sample.len);
    return this.indexOf(hash, sample.off, sample.len) >= 0;
  }
}

/** `-m str`. */
export function createExact(patterns: readonly string[], ignoreCase: boolean): Pattern {
  return createExactOf(createTexts(patterns, ignoreCase), ignoreCase);
}

function createExactOf(texts: readonly Uint8Array[], ignoreCase: boolean): Pattern {
  if (texts.length === 0) return new EmptyPattern();
  const list = new TextList(texts, ignoreCase);
  return texts.length <= LINEAR_MAX ? new FewTexts(list) : new TextSet(list);
}

/** `-m bin`: patterns are hexadecimal. */
export function createBinary(patterns: readonly string[]): Pattern {
  const unique = new Set(patterns.map((text) => text.toLowerCase()));
  return createExactOf(
    [...unique].map((text) => Buffer.from(text, 'hex')),
    false,
  );
}
