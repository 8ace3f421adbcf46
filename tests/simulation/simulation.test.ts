/**
 * The whole data plane on a fake kernel, by seeds: nothing is mixed, nothing is lost, nothing is left
 * behind, whatever the network, the peers and the kernel do, and one seed is one run.
 * SLUICE_FUZZ_SEED repeats one run; `bin/bun tests/simulation/show.ts VARIANT SEED` prints it call by
 * call.
 */
import { describe, expect, test } from 'bun:test';
import { Worker } from 'node:worker_threads';
import { fuzzFactor, seedOf, seedsFrom, timeoutMs } from '../fuzz/random.ts';
import type { Programme, Report } from './player.ts';
import { scarcity, variants } from './variant.ts';

/** Runs per variant in the usual test run, and how many of them are repeated. */
const SEEDS = 40;
const REPEATED = 4;
/** Runs of one thread: its arena is never given back. */
const SEEDS_PER_THREAD = 128;

function play(programme: Programme): Promise<Report> {
  return new Promise((resolve, reject) => {
    const options = { workerData: programme };
    const thread = new Worker(new URL('./player.ts', import.meta.url), options);
    thread.on('message', (report: Report) => {
      resolve(report);
      void thread.terminate();
    });
    thread.on('error', reject);
  });
}

describe('the data plane on a fake kernel', () => {
  variants.forEach((variant, i) => {
    test(
      `mixes nothing, loses nothing and leaves nothing behind: ${variant.name}`,
      async () => {
        const first = seedOf(300 + i);
        const total = process.env.SLUICE_FUZZ_SEED === undefined ? SEEDS * fuzzFactor : 1;
        let complete = 0;
        const all = seedsFrom(first, total);
        for (let done = 0; done < total; done += SEEDS_PER_THREAD) {
          const seeds = all.slice(done, done + SEEDS_PER_THREAD);
          const report = await play({ variant, seeds, repeated: REPEATED });
          expect(report.failures).toEqual([]);
          complete += report.complete;
        }
        if (total > 1) expect(complete).toBeGreaterThan(total);
      },
      timeoutMs,
    );
  });

  test('a client that had to wait for a receive buffer keeps its request timeout (4.2)', async () => {
    const { failures } = await play({ variant: scarcity, seeds: seedsFrom(1, 10), repeated: 0 });
    expect(failures).toEqual([]);
  });
});
