/** Makes the data of a `TextList`: texts folded and without repetitions, and the table of hashes. */
import type { TextData } from '../../model/pattern.ts';
import { fold } from '../fold.ts';
import { createBytes, createInts, createWords, type Slices } from './slices.ts';
import { addToHash, finishHash, HASH_START, same } from './text-list.ts';

/** In which direction a hash runs over a text: from its first byte, or for suffixes its last. */
export const enum Direction {
  Forwards = 1,
  Backwards = -1,
}

/**
 * Compiles byte strings, each only once.
 * @param numbered keeps which slice each text comes from first
 */
export function createTexts(
  slices: Slices,
  ignoreCase: boolean,
  direction: Direction = Direction.Forwards,
  numbered = false,
): TextData {
  return new TextBuilder(slices, ignoreCase ? fold : same, direction).build(ignoreCase, numbered);
}

class TextBuilder {
  private readonly slices: Slices;
  private readonly table: Uint8Array;
  private readonly direction: Direction;
  private readonly bytes: Uint8Array;
  private readonly start: Uint32Array;
  private readonly slots: Uint32Array;
  private readonly hashes: Int32Array;
  private count: number;

  constructor(slices: Slices, table: Uint8Array, direction: Direction) {
    let total = 0;
    for (let i = 0; i < slices.count; i++) total += slices.until[i]! - slices.from[i]!;
    let size = 8;
    while (size < slices.count * 2) size *= 2;
    this.slices = slices;
    this.table = table;
    this.direction = direction;
    this.bytes = createBytes(total);
    this.start = createWords(slices.count + 1);
    this.slots = createWords(size);
    this.hashes = createInts(slices.count);
    this.count = 0;
  }

  build(ignoreCase: boolean, numbered: boolean): TextData {
    const entries = numbered ? createWords(this.slices.count) : null;
    let longest = 0;
    for (let i = 0; i < this.slices.count; i++) {
      const isNew = this.add(this.slices.from[i]!, this.slices.until[i]!);
      if (isNew && entries !== null) entries[this.count - 1] = i;
      longest = Math.max(longest, this.slices.until[i]! - this.slices.from[i]!);
    }
    const { bytes, start, slots, hashes, count } = this;
    const lengths = createBytes(longest + 1);
    for (let i = 0; i < count; i++) lengths[start[i + 1]! - start[i]!] = 1;
    const data = { bytes, start, count, ignoreCase, slots, hashes, lengths };
    return entries === null ? data : { ...data, entries };
  }

  /** @returns whether the text is a new one */
  private add(from: number, until: number): boolean {
    const source = this.slices.bytes;
    const at = this.start[this.count]!;
    const len = until - from;
    for (let i = 0; i < len; i++) this.bytes[at + i] = this.table[source[from + i]!]!;
    const hash = this.hashOf(at, at + len);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.equals(this.slots[slot]! - 1, hash, at, len)) return false;
    }
    this.hashes[this.count] = hash;
    this.slots[slot] = ++this.count;
    this.start[this.count] = at + len;
    return true;
  }

  private hashOf(from: number, until: number): number {
    let hash = HASH_START;
    if (this.direction === Direction.Forwards) {
      for (let i = from; i < until; i++) hash = addToHash(hash, this.bytes[i]!);
    } else {
      for (let i = until - 1; i >= from; i--) hash = addToHash(hash, this.bytes[i]!);
    }
    return finishHash(hash);
  }

  private equals(index: number, hash: number, at: number, len: number): boolean {
    const from = this.start[index]!;
    if (this.hashes[index] !== hash || this.start[index + 1]! - from !== len) return false;
    for (let i = 0; i < len; i++) if (this.bytes[from + i] !== this.bytes[at + i]) return false;
    return true;
  }
}
