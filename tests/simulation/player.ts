/**
 * The thread that simulations run in. A thread has one kernel, so this one, and not the thread of
 * the tests, has the fake one; and its arena has room for some hundred engines.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { simulate } from './simulation.ts';
import type { Variant } from './variant.ts';

export interface Programme {
  variant: Variant;
  seeds: number[];
  /** So many of the seeds are run a second time, which must go the same way. */
  repeated: number;
}

export interface Report {
  /** What went wrong, with the seed that repeats it. */
  failures: string[];
  complete: number;
  turns: number;
}

function play({ variant, seeds, repeated }: Programme): Report {
  const report: Report = { failures: [], complete: 0, turns: 0 };
  for (const [i, seed] of seeds.entries()) {
    const outcome = simulate(variant, seed);
    report.complete += outcome.count.complete;
    report.turns += outcome.turns;
    const { violations } = outcome;
    if (i < repeated && simulate(variant, seed).hash !== outcome.hash) {
      violations.push('a second run went another way');
    }
    if (violations.length === 0) continue;
    report.failures.push(`SLUICE_FUZZ_SEED=${seed} ${variant.name}:\n${violations.join('\n')}`);
  }
  return report;
}

parentPort!.postMessage(play(workerData as Programme));
