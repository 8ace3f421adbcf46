/**
 * Texts of a list in one block of memory outside of the arena (a list may have a million entries),
 * and a table of their hashes:
 *
 *   bytes   [ p a t t e r n 0 | p a t t e r n 1 | ... ]
 *   start   [ 0, 8, 16, ... , total ]
 *   slots   [ 0, 2, 0, 1, ... ]        text number + 1, 0 = free
 *
 * With `-i` the bytes are folded here once, and the sample's bytes are folded by table on the way.
 * A look-up reads the sample once for the hash and once more for the candidate. An entry costs 16 to
 * 24 bytes over its text.
 *
 * @dataplane
 */
import type { TextData } from '../../model/pattern.ts';
import { mem } from '../../sys/arena.ts';
import { fold } from '../fold.ts';
import { allocate, type Slices } from './slices.ts';

const same = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** FNV-1a; `finishHash` makes of it what the table is indexed by. */
export const HASH_START = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;

export function addToHash(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, HASH_FACTOR);
}

/** Mixes the high bits down. */
export function finishHash(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** In which direction a hash runs over a text: from its first byte, or for suffixes its last. */
export const enum Direction {
  Forwards = 1,
  Backwards = -1,
}

/** Texts of a list as they are matched. */
export class TextList {
  readonly bytes: Uint8Array;
  readonly start: Uint32Array;
  readonly count: number;
  /** Maps the bytes of a sample before they are compared. */
  readonly table: Uint8Array;
  /** Per length: whether there is a text that is so long. */
  readonly lengths: Uint8Array;
  readonly longest: number;
  private readonly slots: Uint32Array;
  private readonly hashes: Int32Array;
  private readonly mask: number;

  constructor(data: TextData) {
    this.bytes = data.bytes;
    this.start = data.start;
    this.count = data.count;
    this.table = data.ignoreCase ? fold : same;
    this.lengths = data.lengths;
    this.longest = data.lengths.length - 1;
    this.slots = data.slots;
    this.hashes = data.hashes;
    this.mask = data.slots.length - 1;
  }

  lengthOf(index: number): number {
    return this.start[index + 1]! - this.start[index]!;
  }

  /** Whether text `index` stands at `off` in the arena; the caller has checked the room. */
  standsAt(index: number, off: number): boolean {
    const bytes = this.bytes;
    const table = this.table;
    const from = this.start[index]!;
    const len = this.start[index + 1]! - from;
    for (let i = 0; i < len; i++) {
      if (table[mem[off + i]!] !== bytes[from + i]) return false;
    }
    return true;
  }

  /** Whether a text equals the slice. @param hash of the slice, finished. */
  has(hash: number, off: number, len: number): boolean {
    const slots = this.slots;
    for (let slot = hash & this.mask; slots[slot] !== 0; slot = (slot + 1) & this.mask) {
      const i = slots[slot]! - 1;
      if (this.hashes[i] === hash && this.lengthOf(i) === len && this.standsAt(i, off)) return true;
    }
    return false;
  }
}

/** Compiles byte strings, each only once. */
export function createTexts(
  slices: Slices,
  ignoreCase: boolean,
  direction: Direction = Direction.Forwards,
): TextData {
  return new TextBuilder(slices, ignoreCase ? fold : same, direction).build(ignoreCase);
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
    this.bytes = new Uint8Array(allocate(total));
    this.start = new Uint32Array(allocate((slices.count + 1) * 4));
    this.slots = new Uint32Array(allocate(size * 4));
    this.hashes = new Int32Array(allocate(slices.count * 4));
    this.count = 0;
  }

  build(ignoreCase: boolean): TextData {
    let longest = 0;
    for (let i = 0; i < this.slices.count; i++) {
      this.add(this.slices.from[i]!, this.slices.until[i]!);
      longest = Math.max(longest, this.slices.until[i]! - this.slices.from[i]!);
    }
    const { bytes, start, slots, hashes, count } = this;
    const lengths = new Uint8Array(allocate(longest + 1));
    for (let i = 0; i < count; i++) lengths[start[i + 1]! - start[i]!] = 1;
    return { bytes, start, count, ignoreCase, slots, hashes, lengths };
  }

  private add(from: number, until: number): void {
    const source = this.slices.bytes;
    const at = this.start[this.count]!;
    const len = until - from;
    for (let i = 0; i < len; i++) this.bytes[at + i] = this.table[source[from + i]!]!;
    const hash = this.hashOf(at, at + len);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.equals(this.slots[slot]! - 1, hash, at, len)) return;
    }
    this.hashes[this.count] = hash;
    this.slots[slot] = ++this.count;
    this.start[this.count] = at + len;
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
