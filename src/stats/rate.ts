/**
 * Rates from the frequency counters of all threads. A worker keeps, per counter, the second it
 * last counted in, that second's count and the previous second's. The current rate is what HAProxy
 * reports: what this second has seen so far, plus the part of the previous second that lies within
 * one second of now.
 */
import type { Counter, SharedState } from '../model/shared.ts';

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
function totalIn(shared: SharedState, entity: number, column: Counter, second: number): number {
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

/**
 * The highest rates seen. Workers know only their own maxima, and the sum of those is too much
 * while the largest is too little; so the control thread adds up each finished second.
 */
export class RatePeaks {
  private readonly shared: SharedState;
  private readonly columns: readonly Counter[];
  private readonly peaks: Float64Array;
  private lastSecond = 0;

  /** @param columns the `*Second` columns to follow, for every entity */
  constructor(shared: SharedState, columns: readonly Counter[]) {
    this.shared = shared;
    this.columns = columns;
    this.peaks = new Float64Array(shared.entityCount * columns.length);
  }

  /** Takes the seconds that ended since the last call; call it about once per second. */
  sample(nowMs: number): void {
    const finished = Math.floor(nowMs / 1000) - 1;
    // Counters reach two seconds back: a late timer loses nothing up to there.
    const from = Math.max(this.lastSecond + 1, finished - 1);
    for (let second = from; second <= finished; second++) this.sampleSecond(second);
    this.lastSecond = finished;
  }

  private sampleSecond(second: number): void {
    const { shared, columns, peaks } = this;
    for (let entity = 0; entity < shared.entityCount; entity++) {
      for (let i = 0; i < columns.length; i++) {
        const rate = totalIn(shared, entity, columns[i]!, second);
        const at = entity * columns.length + i;
        if (rate > peaks[at]!) peaks[at] = rate;
      }
    }
  }

  /** The highest rate of a column, the one in progress included. */
  peak(entity: number, column: Counter, nowMs: number): number {
    const i = this.columns.indexOf(column);
    const seen = this.peaks[entity * this.columns.length + i] ?? 0;
    return Math.max(seen, currentRate(this.shared, entity, column, nowMs));
  }
}
