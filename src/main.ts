/**
 * sluice: the control thread's program. Everything it does is in process/start.ts; here is only
 * what must happen around it.
 */
import { run } from './process/start.ts';

const status = await run(process.argv.slice(2), new URL('./process/worker.ts', import.meta.url));
if (status !== null) process.exit(status);
