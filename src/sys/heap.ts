/**
 * Pieces of the arena of any length up to a limit: for values whose lengths traffic decides. A
 * piece has the next power of two as its size. Pieces that came back are kept in a list per size,
 * linked through their first word; a large one is halved when no smaller one is left. Halves are
 * never joined again: the sizes that a load needs stay the same.
 *
 *   | piece | piece | .... not used yet .... |
 *                   ^ top
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import { mem32, reserve } from './arena.ts';

const LEAST_BITS = 5;

/** Bytes that a piece for `len` bytes takes: a power of two, at least 32. */
export function pieceBytes(len: number): number {
  return 1 << pieceBits(len);
}

function pieceBits(len: number): number {
  const bits = 32 - Math.clz32(len - 1);
  return bits > LEAST_BITS && len > 1 ? bits : LEAST_BITS;
}

export class Heap {
  private readonly mostBits: number;
  private readonly free: Int32Array;
  private top: number;
  private readonly end: number;
  private used: number;

  /**
   * @param bytes size of the whole
   * @param pieceMax longest piece
   */
  constructor(bytes: number, pieceMax: number) {
    this.mostBits = pieceBits(pieceMax);
    this.free = new Int32Array(this.mostBits + 1);
    this.top = bytes === 0 ? 0 : reserve(bytes);
    this.end = this.top + bytes;
    this.used = 0;
  }

  /** Bytes of the pieces that are out. */
  get inUse(): number {
    return this.used;
  }

  /** @returns the arena offset of room for `len` bytes, 0 when there is none. */
  take(len: number): number {
    const bits = pieceBits(len);
    if (bits > this.mostBits) return 0;
    const off = this.takeFree(bits);
    if (off !== 0) {
      this.used += 1 << bits;
      return off;
    }
    const next = this.top;
    if (next + (1 << bits) > this.end) return this.halve(bits);
    this.top = next + (1 << bits);
    this.used += 1 << bits;
    return next;
  }

  /** Gives back what was taken for `len` bytes, or for as many as make a piece of the same size. */
  give(off: number, len: number): void {
    const bits = pieceBits(len);
    this.used -= 1 << bits;
    assert(off > 0 && off < this.top && this.used >= 0, 'no piece of this heap is given back');
    this.putFree(off, bits);
  }

  private takeFree(bits: number): number {
    const off = this.free[bits]!;
    if (off !== 0) this.free[bits] = mem32[off >> 2]!;
    return off;
  }

  private putFree(off: number, bits: number): void {
    mem32[off >> 2] = this.free[bits]!;
    this.free[bits] = off;
  }

  private halve(bits: number): number {
    let from = bits + 1;
    while (from <= this.mostBits && this.free[from] === 0) from++;
    if (from > this.mostBits) return 0;
    const off = this.takeFree(from);
    while (--from >= bits) this.putFree(off + (1 << from), from);
    this.used += 1 << bits;
    return off;
  }
}
