/**
 * Builds the program into dist/: two files instead of some two hundred modules, which halves the
 * time and memory of a start. `npm install` runs this; without it (`--ignore-scripts`), or when a
 * source is newer than the build, bin/sluice runs the sources.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const outdir = join(root, 'dist');

rmSync(outdir, { recursive: true, force: true });
const result = await Bun.build({
  entrypoints: [join(root, 'src/main.ts'), join(root, 'src/process/worker.ts')],
  root: join(root, 'src'),
  outdir,
  target: 'bun',
  // Names stay, so that a stack trace can be read.
  minify: { whitespace: true, syntax: true, identifiers: false },
});
if (!result.success) {
  for (const log of result.logs) console.error(log);
  process.exit(1);
}
