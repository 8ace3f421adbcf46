/**
 * The bundler's settings for the program: the control thread's file and the worker's. Their bytecode
 * comes with them, so that neither a start nor a worker's first request has to compile functions.
 * (Bytecode of a file on its own needs the CommonJS form, in which `import.meta` is the source's: the
 * program finds its place by `Bun.main`.)
 */
import { join } from 'node:path';

const root = join(import.meta.dir, '..');

/** Bundles the program, or ends this process after saying why not. @param target where to */
export async function bundle(
  target: Pick<Bun.BuildConfig, 'outdir'> | Pick<Bun.BuildConfig, 'compile'>,
): Promise<void> {
  const result = await Bun.build({
    entrypoints: [join(root, 'src/main.ts'), join(root, 'src/process/worker.ts')],
    root: join(root, 'src'),
    target: 'bun',
    format: 'cjs',
    bytecode: true,
    // Names stay, so that a stack trace can be read.
    minify: { whitespace: true, syntax: true, identifiers: false },
    ...target,
  } as Bun.BuildConfig);
  if (result.success) return;
  for (const log of result.logs) console.error(log);
  process.exit(1);
}
