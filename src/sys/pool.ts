/**
 * A pool of equal blocks of the arena. Blocks are carved on demand and come back last-in first-out,
 * so that a quiet worker keeps touching the same warm pages. When a burst has ended, `trim` gives
 * the pages of free blocks back to the kernel.
 *
 *   | block 0 | canary | block 1 | canary | ...
 *
 * In debug runs (`-dM`, tests) a canary stands behind each block that is out; it is looked at when
 * the block comes back.
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import { base, isNullTouched, mem, reserve } from './arena.ts';
import { kernel } from './kernel.ts';

const MADV_DONTNEED = 4;

/** Room behind each block for its canary, always there so that sizes do not depend on the run. */
const CANARY_BYTES = 64;
/** Not a byte that texts, lengths or the usual poison consist of. */
const CANARY = 0xc5;

export class BlockPool {
  /** Usable bytes of a block. */
  readonly blockBytes: number;
  readonly blocksMax: number;
  private readonly poison: number;
  private readonly stride: number;
  private readonly start: number;
  private readonly free: Int32Array;
  private freeCount: number;
  private carved: number;
  /** Fewest free blocks since the last `trim`: what the recent load did not need. */
  private freeLow: number;
  /** Blocks at the bottom of the stack whose pages are with the kernel already. */
  private trimmed: number;

  /** @param poison byte that fills a block before it is handed out (`-dM`), -1 = none. */
  constructor(blockBytes: number, blocksMax: number, poison = -1) {
    this.poison = poison;
    this.blockBytes = blockBytes;
    this.blocksMax = blocksMax;
    this.stride = strideOf(blockBytes);
    this.start = reserve(this.stride * blocksMax);
    this.free = new Int32Array(blocksMax);
    this.freeCount = 0;
    this.carved = 0;
    this.freeLow = 0;
    this.trimmed = 0;
  }

  /** @returns the arena offset of a block with undefined content, or 0 when all are in use. */
  take(): number {
    const off = this.next();
    if (off !== 0 && this.poison >= 0) {
      mem.fill(this.poison, off, off + this.blockBytes);
      mem.fill(CANARY, off + this.blockBytes, off + this.stride);
    }
    return off;
  }

  /** Whether nothing was written behind the block, nor behind the offset that means "none". */
  private checkCanary(off: number): void {
    for (let p = off + this.blockBytes; p < off + this.stride; p++) {
      assert(mem[p] === CANARY, 'a block was written behind its end');
    }
    assert(!isNullTouched(), 'offset 0 was written to');
  }

  private next(): number {
    if (this.freeCount > 0) {
      const off = this.free[--this.freeCount]!;
      if (this.freeCount < this.freeLow) this.freeLow = this.freeCount;
      if (this.freeCount < this.trimmed) this.trimmed = this.freeCount;
      return off;
    }
    if (this.carved === this.blocksMax) return 0;
    return this.start + this.stride * this.carved++;
  }

  give(off: number): void {
    const at = off - this.start;
    const isBlock = at >= 0 && at < this.stride * this.carved && at % this.stride === 0;
    assert(isBlock, 'no block of this pool is given back');
    assert(this.freeCount < this.carved, 'block given back twice');
    if (this.poison >= 0) this.checkCanary(off);
    this.free[this.freeCount++] = off;
  }

  get inUse(): number {
    return this.carved - this.freeCount;
  }

  /** Returns the pages of blocks that stayed free since the last call. For a slow timer. */
  trim(): void {
    const idle = this.freeLow;
    this.freeLow = this.freeCount;
    // Blocks at the bottom of the stack are the ones that were not used.
    for (let i = this.trimmed; i < idle; i++) {
      const off = this.free[i]!;
      const from = (base + off + 4095) / 4096;
      const first = Math.floor(from) * 4096;
      const last = Math.floor((base + off + this.stride) / 4096) * 4096;
      if (last > first) kernel.madvise(first as never, last - first, MADV_DONTNEED);
    }
    if (idle > this.trimmed) this.trimmed = idle;
  }
}

/** @returns bytes from one block of a pool to the next: for sizing the arena. */
export function strideOf(blockBytes: number): number {
  return (blockBytes + CANARY_BYTES + 63) & ~63;
}
