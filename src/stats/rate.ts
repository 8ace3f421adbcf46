/** The highest rates of the frequency counters of all threads (see `model/rate.ts`). */
import { currentRate, totalIn } from '../model/rate.ts';
import type { Counter, SharedState } from '../model/shared.ts';

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
