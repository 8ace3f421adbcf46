/**
 * The CPU time of a start that replaces a process (`-sf`, `-st`): it takes every CPU for a tenth of
 * a second and more, and clients of the old process wait until one is free. So such a start stands
 * back, and comes forward again when it is about to serve; threads take the priority of the one
 * that creates them. This file is loaded first and must not import much.
 */
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** By how much, as nice(2) counts: a tenth of the share of CPU time where all CPUs are busy. */
const STEP = 10;
const NICE_MAX = 19;

/** What to come back to; null = this process did not stand back. */
let ownNice: number | null = null;

/** Lowers the priority of the calling thread, if it may be raised again (CAP_SYS_NICE). */
export function standBack(): void {
  const nice = getPriority(0);
  try {
    // Nothing else tells: in a user namespace a process has the capability to no effect.
    setPriority(0, nice - 1);
  } catch {
    return;
  }
  setPriority(0, Math.min(nice + STEP, NICE_MAX));
  ownNice = nice;
}

/**
 * Gives all threads the priority that the process was started with. While one stands back it may
 * create others, so this ends when none is found any more.
 */
export function comeForward(): void {
  if (ownNice === null) return;
  while (raiseThreads(ownNice));
  ownNice = null;
}

/** @returns whether any had another priority. */
function raiseThreads(nice: number): boolean {
  let found = false;
  for (const name of readdirSync('/proc/self/task')) {
    const thread = Number(name);
    try {
      if (getPriority(thread) === nice) continue;
      setPriority(thread, nice);
      found = true;
    } catch {
      // It has ended.
    }
  }
  return found;
}
