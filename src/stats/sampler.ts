/**
 * What must be looked at once per second to be known: the highest rates, the idle time of the
 * threads, and the bytes sent per second.
 */
import { Counter, type EntityMap, type SharedState } from '../model/shared.ts';
import { RatePeaks } from './rate.ts';

/** The `*Second` columns whose highest rates are reported. */
const rateColumns = [
  Counter.SessionSecond,
  Counter.RequestSecond,
  Counter.ConnectionSecond,
] as const;

export class Sampler {
  readonly peaks: RatePeaks;
  /** Share of the last second that the workers did not compute, percent. */
  idlePercent = 100;
  /** Bytes sent to clients in the last second. */
  bytesOutRate = 0;
  private readonly shared: SharedState;
  private readonly frontends: number[];
  private lastMs: number;
  private lastCpuUs = 0;
  private lastBytes = 0;

  constructor(shared: SharedState, entities: EntityMap, nowMs: number) {
    this.shared = shared;
    this.peaks = new RatePeaks(shared, rateColumns);
    this.frontends = entities.frontend.filter((entity) => entity >= 0);
    this.lastMs = nowMs;
  }

  /**
   * Call about once per second.
   * @param nowMs wall clock
   * @param cpuUs user and system time of the process so far, µs
   */
  sample(nowMs: number, cpuUs: number): void {
    this.peaks.sample(nowMs);
    const elapsedMs = nowMs - this.lastMs;
    if (elapsedMs <= 0) return;
    const busy = (cpuUs - this.lastCpuUs) / 1000 / elapsedMs / this.shared.workerCount;
    this.idlePercent = Math.round(100 * Math.min(1, Math.max(0, 1 - busy)));
    const bytes = this.totalOf(Counter.BytesOut);
    this.bytesOutRate = Math.round(((bytes - this.lastBytes) * 1000) / elapsedMs);
    this.lastMs = nowMs;
    this.lastCpuUs = cpuUs;
    this.lastBytes = bytes;
  }

  /** Sum of a counter over all frontends. */
  totalOf(column: Counter): number {
    let total = 0;
    for (const entity of this.frontends) total += this.shared.sum(entity, column);
    return total;
  }
}
