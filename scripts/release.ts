/**
 * Makes dist/sluice, the whole program with its runtime in one executable file. It may have any name:
 * what looks for a process by its executable (start-stop-daemon --exec) finds it, which it cannot
 * where the executable is the runtime.
 */
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const outfile = process.argv[2] ?? join(root, 'dist', 'sluice');

const result = await Bun.build({
  entrypoints: [join(root, 'src/main.ts'), join(root, 'src/process/worker.ts')],
  root: join(root, 'src'),
  target: 'bun',
  minify: { whitespace: true, syntax: true, identifiers: false },
  compile: { outfile, execArgv: ['--smol'] },
});
if (!result.success) {
  for (const log of result.logs) console.error(log);
  process.exit(1);
}
