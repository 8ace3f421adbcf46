/**
 * sluice: the control thread's program. Worker threads begin to load at once; everything else is in
 * process/start.ts, which is loaded meanwhile.
 */
import { EarlyWorkers } from './process/early-workers.ts';
import { awaitService } from './process/signals-early.ts';
import { standBack } from './process/start-priority.ts';

async function main(): Promise<void> {
  awaitService();
  // The built program (`npm run build`) has its worker beside it under the same name.
  const worker = Bun.main.endsWith('.ts') ? './process/worker.ts' : './process/worker.js';
  const args = process.argv.slice(2);
  // Threads that are created from here on stand back, too.
  if (args.some((arg) => arg === '-sf' || arg === '-st')) standBack();
  const early = new EarlyWorkers(new URL(worker, Bun.pathToFileURL(Bun.main)), args);
  const { run } = await import('./process/start.ts');
  const status = await run(args, early);
  if (status !== null) process.exit(status);
}

void main();
