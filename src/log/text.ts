/**
 * Small writers of digits into the arena, shared by syslog headers and log lines. The caller has
 * checked that there is room: every function says how much it may take.
 *
 * @dataplane
 */
import { mem } from '../sys/arena.ts';

/** Longest text of `putDecimal`: a sign and the digits of 2^64. */
export const DECIMAL_MAX = 21;

/** Writes a whole number (exact up to 2^53) in decimal. @returns the position after it. */
export function putDecimal(at: number, value: number): number {
  let pos = at;
  let rest = value;
  if (rest < 0) {
    mem[pos++] = 0x2d;
    rest = -rest;
  }
  if (rest < 10) {
    mem[pos] = 0x30 + rest;
    return pos + 1;
  }
  let digits = 1;
  for (let limit = 10; rest >= limit; limit *= 10) digits++;
  const end = pos + digits;
  let i = end;
  // Integer division is only cheap within 31 bits; larger values lose their low digits first.
  while (rest > 0x7fffffff) {
    const high = Math.floor(rest / 10);
    mem[--i] = 0x30 + (rest - high * 10);
    rest = high;
  }
  let small = rest | 0;
  while (i > pos) {
    const high = (small / 10) | 0;
    mem[--i] = 0x30 + (small - high * 10);
    small = high;
  }
  return end;
}

/** Writes exactly `digits` decimal digits, zeroes in front; the value must fit. */
export function putPadded(at: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let i = at + digits - 1; i >= at; i--) {
    const high = (rest / 10) | 0;
    mem[i] = 0x30 + (rest - high * 10);
    rest = high;
  }
  return at + digits;
}

/** Writes upper-case hexadecimal with at least `digits` digits. @returns the position after it. */
export function putHex(at: number, value: number, digits: number): number {
  let count = 1;
  for (let rest = Math.floor(value / 16); rest > 0; rest = Math.floor(rest / 16)) count++;
  if (count < digits) count = digits;
  let rest = value;
  for (let i = at + count - 1; i >= at; i--) {
    const high = Math.floor(rest / 16);
    mem[i] = hexDigit(rest - high * 16);
    rest = high;
  }
  return at + count;
}

/** The upper-case digit of 0..15. */
export function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x37 + value;
}

/** Copies `len` bytes to `at`; short ones byte by byte, which is cheaper than a call. */
export function putBytes(at: number, off: number, len: number): number {
  if (len > 24) mem.copyWithin(at, off, off + len);
  else for (let i = 0; i < len; i++) mem[at + i] = mem[off + i]!;
  return at + len;
}

/** Copies a string as UTF-8, cut between characters at `end`. @returns the position after it. */
export function putString(at: number, end: number, text: string): number {
  let pos = at;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!;
    if (code < 0x80) {
      if (pos >= end) return pos;
      mem[pos++] = code;
      continue;
    }
    const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    if (pos + more >= end) return pos;
    mem[pos++] = ((0xf00 >> (more + 1)) & 0xff) | (code >> (6 * more));
    for (let shift = 6 * (more - 1); shift >= 0; shift -= 6) {
      mem[pos++] = 0x80 | ((code >> shift) & 0x3f);
    }
    if (more === 3) i++;
  }
  return pos;
}
