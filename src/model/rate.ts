/**
 * Rates from the frequency counters of all threads. A worker keeps, per counter, the second it
 * last counted in, that second's count and the previous second's. The current rate is what HAProxy
 * reports: what this second has seen so far, plus the part of the previous second that lies within
 * one second of now.
 *
 * @dataplane
 */
import type { Counter, SharedState } from './shared.ts';

/** Events of one thread in a given second. `column` is the `*Second` column of the counter. */
function countIn(
  shared: SharedState,
  row: number,
  entity: number,
  column: Counter,
  second: number,
) {
  const at = shared.counterBase(row, entity) + column;
  const stamp = shared.counters[at]!;
  if (stamp === second) return shared.counters[at + 1]!;
  return stamp === second + 1 ? shared.counters[at + 2]! : 0;
}

/** Events of all threads in one whole second. */
export function totalIn(
  shared: SharedState,
  entity: number,
  column: Counter,
  second: number,
): number {
  let total = 0;
  for (let row = 0; row <= shared.workerCount; row++) {
    total += countIn(shared, row, entity, column, second);
  }
  return total;
}

/**
 * Events per second just now.
 * @param nowMs wall clock, ms since 1970
 */
export function currentRate(
  shared: SharedState,
  entity: number,
  column: Counter,
  nowMs: number,
): number {
  const second = Math.floor(nowMs / 1000);
  const remaining = 1 - (nowMs % 1000) / 1000;
  const now = totalIn(shared, entity, column, second);
  const before = totalIn(shared, entity, column, second - 1);
  return Math.floor(now + before * remaining);
}
