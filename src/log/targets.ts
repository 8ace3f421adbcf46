/**
 * One `log` line as it applies to one log tag: which lines it takes and how it frames them
 * (configuration.txt 4.2 `log`: level, minimum level, sample).
 *
 * @dataplane
 */
import type { LogTargetConfig } from '../model/config.ts';
import type { Sink } from './sink.ts';
import type { Framing } from './syslog.ts';

/** Counter columns per sampled target, shared by all threads. */
export type SampleCounters = Int32Array;

export class LogTarget {
  private readonly sink: Sink;
  private readonly framing: Framing;
  private readonly levelMax: number;
  private readonly levelMin: number;
  /** Lines of the sample that go out, one byte each; null = all. */
  private readonly sample: Uint8Array | null;
  private readonly counters: SampleCounters;
  private readonly counter: number;
  /** Lines that found no room. */
  lost: number;

  /**
   * @param counters one turn counter per sampled `log` line; @param counter its index.
   */
  constructor(
    config: LogTargetConfig,
    sink: Sink,
    framing: Framing,
    counters: SampleCounters,
    counter: number,
  ) {
    this.sink = sink;
    this.framing = framing;
    this.levelMax = config.levelMax;
    this.levelMin = config.levelMin;
    this.sample = createSample(config.sample);
    this.counters = counters;
    this.counter = counter;
    this.lost = 0;
  }

  /** Takes a line if its level and turn say so. */
  send(level: number, off: number, len: number, sdOff: number, sdLen: number): void {
    if (level > this.levelMax) return;
    if (this.sample !== null && !this.takesTurn(this.sample)) return;
    const shown = level < this.levelMin ? this.levelMin : level;
    const at = this.sink.room(this.framing.bytesMax);
    if (at === 0) {
      this.lost++;
      return;
    }
    this.sink.add(this.framing.write(at, shown, off, len, sdOff, sdLen));
  }

  private takesTurn(sample: Uint8Array): boolean {
    const turn = Atomics.add(this.counters, this.counter, 1) >>> 0;
    return sample[turn % sample.length] === 1;
  }
}

/** A byte per line of the sample; ranges count from 1, both ends included. */
function createSample(sample: LogTargetConfig['sample']): Uint8Array | null {
  if (sample === null) return null;
  const table = new Uint8Array(sample.size);
  for (const [first, last] of sample.ranges) table.fill(1, first - 1, last);
  return table;
}
