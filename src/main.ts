/**
 * sluice: the control thread's program. Everything it does is in process/start.ts; here is only
 * what must happen around it.
 */
import { run } from './process/start.ts';

// The built program (`npm run build`) has its worker beside it under the same name.
const extension = import.meta.path.endsWith('.ts') ? 'ts' : 'js';
const worker = new URL(`./process/worker.${extension}`, import.meta.url);
const status = await run(process.argv.slice(2), worker);
if (status !== null) process.exit(status);
