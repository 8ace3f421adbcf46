/**
 * Bounded waiting. Nothing in the tests sleeps for a guessed time: a test waits for an event, and a
 * deadline turns an event that never comes into an error that says what was missing.
 */

/** How long a test waits for something that should happen at once. */
export const patienceMs = 10_000;

/** Resolves with `promise`, or rejects after `ms` with a message made at that moment. */
export async function within<T>(
  promise: Promise<T>,
  what: () => string,
  ms: number = patienceMs,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`after ${ms} ms: ${what()}`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Polls `probe` until it gives something else than null, undefined or false. */
export async function until<T>(
  probe: () => T | Promise<T>,
  what: () => string,
  ms: number = patienceMs,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + ms;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`after ${ms} ms: ${what()}`);
    await Bun.sleep(5);
  }
}

/** Tasks that wait for a change; whoever changes the state calls `notify`. */
export class Signal {
  #waiters: (() => void)[] = [];

  notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Waits until `ready()` is true, looking again after each `notify`. */
  async until(ready: () => boolean, what: () => string, ms: number = patienceMs): Promise<void> {
    const deadline = performance.now() + ms;
    while (!ready()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`after ${ms} ms: ${what()}`);
      await this.#change(left);
    }
  }

  async #change(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#waiters.push(resolve);
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
