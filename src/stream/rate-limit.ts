/**
 * Events per second that all workers together may have (configuration.txt 3.2 maxconnrate and
 * maxsessrate, 4.2 rate-limit sessions). The limit is a cell of shared state, 0 = none, and costs
 * one load while it is 0. The count is HAProxy's: what this second has seen, plus the part of the
 * previous second that lies within one second of now, so a limit lets one second's worth through at
 * once and then one event per 1/limit seconds.
 *
 * Two cells follow the limit, for even and for odd seconds. Each holds its second (12 bits) and that
 * second's count (20 bits) in one word, so that taking one more is a single compare-and-exchange and
 * no two workers can take the last one. A cell that was not touched for exactly 4096 seconds is
 * taken for the present one: it then limits one second too much.
 *
 * @dataplane
 */
import type { State } from '../model/shared.ts';

const COUNT_BITS = 20;
const COUNT_MASK = (1 << COUNT_BITS) - 1;
const SECOND_MASK = 0xfff;

/** The cells of an entity: limit, even seconds, odd seconds. */
export type RateColumn = State.SessionRateMax | State.ConnectionRateMax;

function countOf(word: number, second: number): number {
  return word >>> COUNT_BITS === (second & SECOND_MASK) ? word & COUNT_MASK : 0;
}

/**
 * Takes one event of this second.
 * @param limitCell index of the limit in `SharedState.state`
 * @param nowMs wall clock
 * @returns 0 when it was taken, else the ms until the next one may be free
 */
export function takeRate(state: Int32Array, limitCell: number, nowMs: number): number {
  if (Atomics.load(state, limitCell) <= 0) return 0;
  const second = Math.floor(nowMs / 1000);
  const cell = limitCell + 1 + (second & 1);
  for (;;) {
    const limit = Atomics.load(state, limitCell);
    const word = Atomics.load(state, cell);
    const now = countOf(word, second);
    const before = countOf(Atomics.load(state, limitCell + 2 - (second & 1)), second - 1);
    const passed = (nowMs - second * 1000) / 1000;
    if (now + before * (1 - passed) >= limit) return waitMs(limit, now, before, passed);
    // A full count can only mean a limit that no machine reaches.
    if (now === COUNT_MASK) return 0;
    const next = ((second & SECOND_MASK) << COUNT_BITS) | (now + 1);
    if (Atomics.compareExchange(state, cell, word, next) === word) return 0;
  }
}

/** Until the previous second has faded enough, or else this one begins to. At most 1001 ms. */
function waitMs(limit: number, now: number, before: number, passed: number): number {
  const at = now < limit ? 1 - (limit - now) / before : 1;
  const ms = Math.floor((at - passed) * 1000) + 1;
  // A rounding error must not say that there is nothing to wait for.
  return ms < 1 ? 1 : ms;
}

/** Gives back what `takeRate` has taken at the same `nowMs`. */
export function giveRate(state: Int32Array, limitCell: number, nowMs: number): void {
  if (Atomics.load(state, limitCell) <= 0) return;
  const second = Math.floor(nowMs / 1000);
  const cell = limitCell + 1 + (second & 1);
  for (;;) {
    const word = Atomics.load(state, cell);
    if (countOf(word, second) === 0) return;
    if (Atomics.compareExchange(state, cell, word, word - 1) === word) return;
  }
}
