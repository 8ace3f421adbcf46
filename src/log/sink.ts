/**
 * A place that takes framed lines. Lines are written straight into the sink's batch in the arena
 * (`room`, then `add`) and leave together at the end of the loop's turn (`flush`).
 */
export interface Sink {
  /**
   * Makes room for a line, flushing if it must.
   * @returns the arena offset to write at, or 0 when the line must be dropped.
   */
  room(bytes: number): number;
  /** The line of `len` bytes at the offset that `room` gave is complete. */
  add(len: number): void;
  /** Sends what is there; never blocks. */
  flush(): void;
  /** Lines that the target did not take. */
  lost: number;
  /** Closes descriptors of its own. */
  close(): void;
}
