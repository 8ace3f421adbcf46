/**
 * Time and chance as health checks see them, so that tests run without waiting.
 */

export interface Clock {
  /** Monotonic milliseconds, with fractions. */
  nowMs(): number;
  /** Wall clock, whole seconds since 1970. */
  wallSeconds(): number;
  /** Runs `fire` once after `delayMs`. @returns a function that cancels it. */
  after(delayMs: number, fire: () => void): () => void;
  /** 0 ≤ x < 1. */
  random(): number;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallSeconds: () => Math.floor(Date.now() / 1000),
  after(delayMs, fire) {
    if (delayMs <= 0) {
      // A timer of 0 ms would fire a millisecond later.
      const immediate = setImmediate(fire);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
