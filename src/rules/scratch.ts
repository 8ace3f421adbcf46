/**
 * Room for text that is made while a rule is evaluated: casts to text, converters, built values.
 *
 *   start [ ............ | ............ | ............ | ............ ] end
 *                 ^ next                                       (4 x tune.bufsize)
 *
 * A rotating area instead of a stack: nobody frees, the oldest text is overwritten. A slice lives
 * until two more buffers' worth of text has been made (a third may be lost where the area wraps),
 * which covers one expression with all its arguments; whoever keeps a value longer copies it (for a
 * header: `HttpMessage.keep`).
 *
 * @dataplane
 */
import { reserve } from '../sys/arena.ts';

const BUFFERS = 4;

let limit = 16384;
let start = reserve(limit * BUFFERS);
let end = start + limit * BUFFERS;
let next = start;

/** Sizes the area for `tune.bufsize` bytes per value. Call before the first evaluation. */
export function initScratch(bufsize: number): void {
  if (bufsize <= limit) {
    limit = bufsize;
    end = start + limit * BUFFERS;
    next = start;
    return;
  }
  limit = bufsize;
  start = reserve(limit * BUFFERS);
  end = start + limit * BUFFERS;
  next = start;
}

/** The longest text that can be made: `tune.bufsize`. */
export function scratchMax(): number {
  return limit;
}

/** @returns the arena offset of `len` bytes, or 0 when `len` exceeds `tune.bufsize`. */
export function takeScratch(len: number): number {
  if (len > limit) return 0;
  if (next + len > end) next = start;
  const off = next;
  next = off + len;
  return off;
}

/** Gives back what lies from `until` to the end of the piece taken last. */
export function trimScratch(until: number): void {
  next = until;
}
