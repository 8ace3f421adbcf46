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

/** Bytes as they are. */
export const same = Uint8Array.from({ length: 256 }, (_, byte) => byte);

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

/** The first of two texts in the order of the list; -1 = there is none. */
export function earlier(one: number, other: number): number {
  return one < 0 || (other >= 0 && other < one) ? other : one;
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

  /** The text that equals the slice, -1 = none. @param hash of the slice, finished. */
  find(hash: number, off: number, len: number): number {
    const slots = this.slots;
    for (let slot = hash & this.mask; slots[slot] !== 0; slot = (slot + 1) & this.mask) {
      const i = slots[slot]! - 1;
      if (this.hashes[i] === hash && this.lengthOf(i) === len && this.standsAt(i, off)) return i;
    }
    return -1;
  }
}
