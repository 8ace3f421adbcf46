/**
 * The hash of a key as `hash-type` asks for it (configuration.txt 4.2).
 *
 * @dataplane
 */
import type { HashTypeConfig } from '../../model/config.ts';
import { avalanche, crc32, djb2, sdbm, wt6 } from '../../rules/hash.ts';
import { mem } from '../../sys/arena.ts';

/** Hashes bytes of the arena to 32 bits without a sign. */
export type HashFunction = (off: number, len: number) => number;

const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const INT64_MAX = 2 ** 63;

/**
 * `none`: the key is a number. White space, a sign and digits count, the rest does not; a key that
 * does not begin so is 0. Of the 64-bit number, with what is beyond cut off, the low half counts.
 */
export function numberOf(off: number, len: number): number {
  const end = off + len;
  let at = off;
  while (at < end && (mem[at] === SPACE || (mem[at]! >= 9 && mem[at]! <= 13))) at++;
  const isNegative = mem[at] === MINUS;
  if (at < end && (isNegative || mem[at] === PLUS)) at++;
  let low = 0;
  let value = 0;
  for (; at < end; at++) {
    const digit = mem[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    low = (Math.imul(low, 10) + digit) | 0;
    value = value * 10 + digit;
  }
  if (value >= INT64_MAX) return isNegative ? 0 : 0xffffffff;
  return (isNegative ? -low : low) >>> 0;
}

const functions: Record<HashTypeConfig['function'], HashFunction> = {
  sdbm,
  djb2,
  wt6,
  crc32,
  none: numberOf,
};

export function createHashFunction(type: HashTypeConfig): HashFunction {
  const hash = functions[type.function];
  return type.avalanche ? (off, len) => avalanche(hash(off, len)) : hash;
}
