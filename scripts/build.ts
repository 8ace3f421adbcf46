/**
 * Builds the program into dist/, or the folder given: two files and their bytecode instead of some
 * two hundred modules, which makes a start several times shorter. `npm install` runs this; without
 * it (`--ignore-scripts`), or when a source is newer than the build, bin/sluice runs the sources.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const outdir = process.argv[2] ?? join(import.meta.dir, '..', 'dist');

rmSync(outdir, { recursive: true, force: true });
await bundle({ outdir });
