/**
 * The dates in a persistence cookie (configuration.txt 4.2 cookie, maxidle and maxlife): behind the
 * server's value stand when the client was last seen and when it came first, as ticks of four seconds in
 * five digits of base64.
 *
 *     SRV=s1|awgyl|awgyl
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../sys/arena.ts';

export const BAR = 0x7c;
export const DATE_LEN = 5;
const TICK_MS = 4000;

const alphabet = reserveBytes('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const NO_DIGIT = 255;
/** By byte. */
const digits = createDigits();

function createDigits(): Uint8Array {
  const table = new Uint8Array(256).fill(NO_DIGIT);
  for (let i = 0; i < 64; i++) table[mem[alphabet + i]!] = i;
  return table;
}

/** The tick of a moment, rounded up. @param dateMs wall clock, ms since 1970 */
export function tickOf(dateMs: number): number {
  return Math.ceil(Math.floor(dateMs / 1000) / (TICK_MS / 1000));
}

/** Ticks of a delay. */
export function ticksOf(delayMs: number): number {
  return delayMs / TICK_MS;
}

/** Reads the first five bytes of [off, end). @returns 0 when they are no date. */
export function readDate(off: number, end: number): number {
  if (end - off < DATE_LEN) return 0;
  let tick = 0;
  for (let i = 0; i < DATE_LEN; i++) {
    const digit = digits[mem[off + i]!]!;
    if (digit === NO_DIGIT) return 0;
    tick = tick * 64 + digit;
  }
  return tick;
}

export function putDate(off: number, tick: number): void {
  let rest = tick;
  for (let i = DATE_LEN - 1; i >= 0; i--) {
    mem[off + i] = mem[alphabet + (rest & 63)]!;
    rest = Math.floor(rest / 64);
  }
}
