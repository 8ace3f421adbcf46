/**
 * The entries of stick tables that a session or a stream tracks (configuration.txt 4.4 track-sc0): one
 * per number, up to `tune.stick-counters`. Made when it is first needed, and kept with its owner, which
 * is pooled.
 *
 * @dataplane
 */
export class CounterSet {
  /** Per number: the entry, 0 = nothing is tracked, and the index of its table. */
  readonly entries: Int32Array;
  readonly tables: Int32Array;
  /** How many of them are tracked. */
  tracked: number;

  constructor(count: number) {
    this.entries = new Int32Array(count);
    this.tables = new Int32Array(count);
    this.tracked = 0;
  }
}
