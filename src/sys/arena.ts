/**
 * The arena: one anonymous mapping per thread, one `Uint8Array` over it. A buffer is an integer
 * offset into `mem`; the kernel is given `base + offset`. No view is made per request.
 *
 *   0 .. nothing .. | .... fixed blocks (bump, never freed) .... | ..... untouched .....
 *
 * Pages are touched only when used (MAP_NORESERVE), so the size is a limit, not a cost. It stays
 * below 2^31 so that every offset is a small integer for the JIT.
 */
import { isMainThread } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { kernel } from './kernel.ts';
import { memoryAt } from './memory.ts';

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANON_NORESERVE = 0x02 | 0x20 | 0x4000;

/** Address space of a worker's arena, and of every other thread's. */
const WORKER_BYTES = 1 << 30;
const OTHER_BYTES = 64 << 20;
/** With less than this nothing can be served. */
const LEAST_BYTES = 16 << 20;

/** Maps the wanted size, or half of it again and again where address space is limited (RLIMIT_AS). */
function mapArena(): { address: number; bytes: number } {
  const flags = MAP_PRIVATE_ANON_NORESERVE;
  for (let bytes = isMainThread ? OTHER_BYTES : WORKER_BYTES; bytes >= LEAST_BYTES; bytes /= 2) {
    const address = Number(kernel.mmap(null, bytes, PROT_READ_WRITE, flags, -1, 0));
    if (address > 4096) return { address, bytes };
  }
  throw new Error('sluice: no address space for the arena (mmap failed); see ulimit -v');
}

const mapping = mapArena();
export const arenaSize = mapping.bytes;
/** Address of offset 0; pass `base + offset` to the kernel. */
export const base = mapping.address;
/** The arena as bytes. */
export const mem = new Uint8Array(memoryAt(base, arenaSize));
/** The same bytes as 32-bit integers, for kernel structures; index = offset >> 2. */
export const mem32 = new Int32Array(mem.buffer);
/** The same bytes as doubles; index = offset >> 3. */
export const mem64 = new Float64Array(mem.buffer);
const view = new DataView(mem.buffer);

/**
 * The first bytes are never handed out: offset 0 means "no buffer" everywhere, and a defect that
 * writes behind it writes over nothing. Debug runs look whether it happened (`BlockPool.give`).
 */
const NULL_BYTES = 16 << 10;

let top = NULL_BYTES;

/** Whether something was written behind the offset that means "none". */
export function isNullTouched(): boolean {
  for (let i = 0; i < NULL_BYTES >> 2; i++) if (mem32[i] !== 0) return true;
  return false;
}

/** Takes `bytes` from the arena for ever, aligned to 64 bytes. For start-up, not for requests. */
export function reserve(bytes: number): number {
  const off = top;
  const next = (off + bytes + 63) & ~63;
  assert(next > off && next <= arenaSize, `arena of ${arenaSize} bytes is full`);
  top = next;
  return off;
}

/** How far `reserve` has come: for `releaseTo`. */
export function reserveMark(): number {
  return top;
}

/** Takes back all that was reserved since `mark`, of which nothing may be used any more. */
export function releaseTo(mark: number): void {
  assert(mark <= top, 'the arena is released to where it has not been');
  top = mark;
}

/**
 * Copies bytes into the arena for ever; for constants made at start-up. A string is a byte string:
 * one character per byte, as the configuration is read.
 */
export function reserveBytes(value: string | Uint8Array): number {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  const off = reserve(bytes.length + 1);
  mem.set(bytes, off);
  mem[off + bytes.length] = 0;
  return off;
}

/** Writes a 64-bit little-endian pointer or size at `off` (for iovec, msghdr and the like). */
export function putPointer(off: number, value: number): void {
  mem32[off >> 2] = value | 0;
  mem32[(off >> 2) + 1] = Math.floor(value / 4294967296);
}

/** Reads a 64-bit little-endian unsigned integer at `off`; exact up to 2^53. */
export function getU64(off: number): number {
  return view.getUint32(off, true) + view.getUint32(off + 4, true) * 4294967296;
}

// One view for all calls; the method is part of Node's Buffer but not of its types.
const memBuffer = Buffer.from(mem.buffer as ArrayBuffer) as unknown as {
  latin1Slice(from: number, until: number): string;
};

/**
 * The bytes of a slice as a string of characters 0 to 255, for diagnostics and APIs that need a
 * string. Allocates.
 */
export function text(off: number, len: number): string {
  return memBuffer.latin1Slice(off, off + len);
}
