/**
 * Makes dist/sluice, the whole program with its runtime in one executable file. It may have any name:
 * what looks for a process by its executable (start-stop-daemon --exec) finds it, which it cannot
 * where the executable is the runtime.
 */
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const outfile = process.argv[2] ?? join(import.meta.dir, '..', 'dist', 'sluice');

await bundle({ compile: { outfile, execArgv: ['--smol'] } });
