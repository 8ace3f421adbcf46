/**
 * SipHash-2-4 of bytes in the arena: a short keyed hash that nobody without the key can foresee
 * (Aumasson and Bernstein, 2012). The 64-bit words are pairs of 32-bit integers.
 *
 * @dataplane
 */
import { mem } from '../sys/arena.ts';

/** v0 to v3, low half first. */
const v = new Int32Array(8);

const INIT = Int32Array.of(
  0x70736575,
  0x736f6d65,
  0x6e646f6d,
  0x646f7261,
  0x6e657261,
  0x6c796765,
  0x79746573,
  0x74656462,
);

/** v[a] += v[b] */
function add(a: number, b: number): void {
  const low = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a + 1] = v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0);
  v[a] = low | 0;
}

/** v[a] ^= v[b] */
function xor(a: number, b: number): void {
  v[a] = v[a]! ^ v[b]!;
  v[a + 1] = v[a + 1]! ^ v[b + 1]!;
}

/** v[a] turned left by 0 < n < 32. */
function turn(a: number, n: number): void {
  const low = v[a]!;
  const high = v[a + 1]!;
  v[a] = (low << n) | (high >>> (32 - n));
  v[a + 1] = (high << n) | (low >>> (32 - n));
}

function swapHalves(a: number): void {
  const low = v[a]!;
  v[a] = v[a + 1]!;
  v[a + 1] = low;
}

function round(): void {
  add(0, 2);
  turn(2, 13);
  xor(2, 0);
  swapHalves(0);
  add(4, 6);
  turn(6, 16);
  xor(6, 4);
  add(0, 6);
  turn(6, 21);
  xor(6, 0);
  add(4, 2);
  turn(2, 17);
  xor(2, 4);
  swapHalves(4);
}

function mix(low: number, high: number): void {
  v[6] = v[6]! ^ low;
  v[7] = v[7]! ^ high;
  round();
  round();
  v[0] = v[0]! ^ low;
  v[1] = v[1]! ^ high;
}

function wordAt(at: number): number {
  return mem[at]! | (mem[at + 1]! << 8) | (mem[at + 2]! << 16) | (mem[at + 3]! << 24);
}

/**
 * @param key four integers
 * @param into where the low and the high half of the hash go
 */
export function siphash(
  off: number,
  len: number,
  key: Int32Array,
  into: Int32Array,
  at: number,
): void {
  for (let i = 0; i < 8; i++) v[i] = INIT[i]! ^ key[i & 3]!;
  const whole = len - (len % 8);
  for (let i = 0; i < whole; i += 8) mix(wordAt(off + i), wordAt(off + i + 4));
  let low = 0;
  let high = len << 24;
  for (let i = whole; i < len; i++) {
    const shift = (i - whole) * 8;
    if (shift < 32) low |= mem[off + i]! << shift;
    else high |= mem[off + i]! << (shift - 32);
  }
  mix(low, high);
  v[4] = v[4]! ^ 0xff;
  for (let i = 0; i < 4; i++) round();
  into[at] = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
  into[at + 1] = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
}
