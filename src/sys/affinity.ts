/** Which CPUs a thread runs on: sched_setaffinity(2) and sched_getaffinity(2). */
import { availableParallelism } from 'node:os';
import { base, mem32, reserve } from './arena.ts';
import { libc } from './libc.ts';

/** Bytes of the mask: 1024 CPUs. */
const MASK_BYTES = 128;
const mask = reserve(MASK_BYTES);

/** CPUs that this process may run on: the default of `nbthread`. */
export function usableCpus(): number {
  const bytes = libc.sched_getaffinity(0, MASK_BYTES, (base + mask) as never);
  if (bytes < 0) return availableParallelism();
  let count = 0;
  for (let i = 0; i < MASK_BYTES / 4; i++) {
    let bits = mem32[(mask >> 2) + i]! >>> 0;
    while (bits !== 0) {
      count += bits & 1;
      bits >>>= 1;
    }
  }
  return Math.max(1, count);
}

/**
 * Binds the calling thread.
 * @param cpus numbers below 1024
 * @returns false when none of them may be used, with the reason in `errno()`
 */
export function bindThread(cpus: readonly number[]): boolean {
  for (let i = 0; i < MASK_BYTES / 4; i++) mem32[(mask >> 2) + i] = 0;
  for (const cpu of cpus) mem32[(mask >> 2) + (cpu >> 5)]! |= 1 << (cpu & 31);
  return libc.sched_setaffinity(0, MASK_BYTES, (base + mask) as never) === 0;
}
