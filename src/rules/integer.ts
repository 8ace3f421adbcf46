/**
 * Integers as text and back, on bytes (configuration.txt 7.1.2, 7.3).
 *
 * A sample's integer is a double that holds an integer. Up to 2^53 it is exact; beyond that, values
 * saturate at the bounds of a 64-bit integer, as the manual says for `add` and `mul`.
 *
 * @dataplane
 */
import { mem } from '../sys/arena.ts';

/** Bounds of a signed 64-bit integer, as doubles. */
export const INT_MAX = 2 ** 63;
export const INT_MIN = -INT_MAX;
/** Bytes of the longest decimal number. */
export const INT_TEXT_MAX = 20;

const ZERO = 0x30;
const MINUS = 0x2d;
const CHUNK = 1e8;

/** Cuts towards zero and saturates at 64 bits. */
export function clampInt(value: number): number {
  if (value >= INT_MAX) return INT_MAX;
  if (value <= INT_MIN) return INT_MIN;
  // `+ 0` turns -0 into 0.
  return Math.trunc(value) + 0;
}

/** Writes `value` in decimal at `off`. @returns the number of bytes (at most `INT_TEXT_MAX`). */
export function putInt(off: number, value: number): number {
  let at = off;
  let rest = value;
  if (rest < 0) {
    mem[at++] = MINUS;
    rest = -rest;
  }
  if (rest >= INT_MAX) return putBound(at, value < 0) - off;
  return putDigits(at, rest) - off;
}

// The doubles nearest to the bounds print as the bounds themselves.
function putBound(at: number, negative: boolean): number {
  const end = putDigits(at, 922337203685477) + 4;
  mem[end - 4] = ZERO + 5;
  mem[end - 3] = ZERO + 8;
  mem[end - 2] = ZERO;
  mem[end - 1] = ZERO + (negative ? 8 : 7);
  return end;
}

function putDigits(at: number, value: number): number {
  let high = value;
  // Whole chunks of eight digits, so that the loop below runs on small integers.
  if (high >= CHUNK) {
    const low = high % CHUNK;
    const end = putDigits(at, (high - low) / CHUNK) + 8;
    putFixed(end - 8, low, 8);
    return end;
  }
  let digits = 1;
  for (let bound = 10; bound <= high; bound *= 10) digits++;
  high |= 0;
  putFixed(at, high, digits);
  return at + digits;
}

/** Writes exactly `digits` decimal digits, zeros in front. `value` is below 2^31. */
export function putFixed(off: number, value: number, digits: number): void {
  let rest = value | 0;
  for (let at = off + digits - 1; at >= off; at--) {
    const next = (rest / 10) | 0;
    mem[at] = ZERO + (rest - next * 10);
    rest = next;
  }
}

/** Result of `readInt`, valid when it returned true. */
export let readValue = 0;

/**
 * Reads a decimal integer that fills the whole slice: optional sign, at least one digit.
 * Saturates at 64 bits. The value is in `readValue`.
 */
export function readInt(off: number, len: number): boolean {
  return len > 0 && readLeadingInt(off, len) === len;
}

/** Reads as many digits as there are. @returns bytes used, 0 when there is no number. */
export function readLeadingInt(off: number, len: number): number {
  const end = off + len;
  let at = off;
  let negative = false;
  if (at < end && (mem[at] === MINUS || mem[at] === 0x2b)) {
    negative = mem[at] === MINUS;
    at++;
  }
  const digits = at;
  let value = 0;
  for (; at < end; at++) {
    const digit = mem[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (at === digits) {
    readValue = 0;
    return 0;
  }
  readValue = clampInt(negative ? -value : value);
  return at - off;
}
