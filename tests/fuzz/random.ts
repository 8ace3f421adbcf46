/**
 * Randomness that can be repeated: every random test draws from one seed and prints it when it
 * fails. SLUICE_FUZZ_SEED=n repeats a run, SLUICE_FUZZ_FACTOR=n makes every test n times as long.
 */

/** mulberry32: small, fast and good enough to wander through states. */
export class Random {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer in 0..n-1. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  }

  /** An integer in low..high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Small more often than large, up to `most`. */
  size(most: number): number {
    return this.below(1 + Math.floor(most ** (this.below(1000) / 999)));
  }

  /** Bytes of any value, one per character. */
  bytes(count: number): string {
    let text = '';
    for (let i = 0; i < count; i++) text += String.fromCharCode(this.below(256));
    return text;
  }

  /** A generator that depends on this one but not on how far others have drawn from it. */
  fork(): Random {
    return new Random(this.below(4294967296));
  }

  /** The text in random pieces; bytes one by one now and then. */
  split(text: string, most = 8): string[] {
    if (text.length < 2) return [text];
    const pieces: string[] = [];
    const fine = this.oneIn(12) && text.length < 300;
    const count = fine ? text.length : this.between(1, most);
    let at = 0;
    for (let i = 1; i < count && at < text.length - 1; i++) {
      const next = fine ? at + 1 : at + 1 + this.below(text.length - 1 - at);
      pieces.push(text.slice(at, next));
      at = next;
    }
    pieces.push(text.slice(at));
    return pieces;
  }
}

/** How many times longer than in `npm test` the random tests run. */
export const fuzzFactor = Math.max(1, Number(process.env.SLUICE_FUZZ_FACTOR ?? 1) || 1);

/** Limit of one random test in ms; far more than it needs. */
export const timeoutMs: number = 30_000 * fuzzFactor;

/** The seed of this run for the test of that number: always the same unless told otherwise. */
export function seedOf(test: number): number {
  const given = process.env.SLUICE_FUZZ_SEED;
  return given === undefined ? 0x51a1ce + test : Number(given) >>> 0;
}

/** Seeds of consecutive runs. */
export function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (first + i * 7919) >>> 0);
}

/** Runs `body` with generators of consecutive seeds; a failure names the one that caused it. */
export function repeat(seed: number, times: number, body: (random: Random) => void): void {
  for (const one of seedsFrom(seed, times * fuzzFactor)) {
    try {
      body(new Random(one));
    } catch (error) {
      throw new Error(`SLUICE_FUZZ_SEED=${one}: ${(error as Error).message}`, { cause: error });
    }
  }
}
