/**
 * `npm run mutate -- FILE...`: changes the given files in one place at a time and runs the tests; a
 * change that no test notices is a survivor, and a hole in the tests. It works in a copy of the
 * project, so the checkout stays as it is. Options:
 *
 *   --tests PATTERN    test files to run (may be given again); default: beside the file, then the
 *                      simulation and the scenarios
 *   --lines A-B        only changes in these lines
 *   --most N           at most so many changes, spread evenly over the file
 *   --jobs N           copies that work at the same time, default 1
 *   --list             prints the changes and runs nothing
 *
 * Ends with 1 when there is a survivor. See mutations.ts for the changes.
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSource, projectFiles, readText, root } from '../tests/tidy/source.ts';
import { applyMutation, type Mutation, mutationsOf } from './mutations.ts';

/** A run that takes so much longer than the unchanged one hangs. */
const PATIENCE = 3;
const PATIENCE_MIN_MS = 20_000;

interface Work {
  path: string;
  text: string;
  mutation: Mutation;
}

/** A copy of the project with the modules of the original. */
function createCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-mutate-'));
  for (const path of projectFiles()) cpSync(join(root, path), join(copy, path));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Runs of tests, each the leader of a group: a mutant that grows without end must not outlive us. */
const running = new Set<number>();
const copies: string[] = [];

function leaveNothing(): void {
  for (const pid of running) process.kill(-pid, 'SIGKILL');
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
}

/** @returns whether the tests pass; a run that hangs counts as failed. */
async function passes(copy: string, tests: readonly string[], limitMs: number): Promise<boolean> {
  const command = [join(copy, 'bin/test'), '--bail', ...tests];
  const child = Bun.spawn(['setsid', ...command], {
    cwd: copy,
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  running.add(child.pid);
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), limitMs);
  const code = await child.exited;
  clearTimeout(timer);
  running.delete(child.pid);
  return code === 0;
}

function testsOf(path: string): string[] {
  const near = [...new Bun.Glob(`${dirname(path)}/*.test.ts`).scanSync({ cwd: root })];
  return [...near, 'tests/simulation', 'tests/scenario'];
}

function workOf(paths: readonly string[], lines: readonly number[], most: number): Work[] {
  const [from = 1, until = Number.POSITIVE_INFINITY] = lines;
  const all = paths.flatMap((path) => {
    const text = readText(path);
    const mutations = mutationsOf(parseSource(path, text));
    return mutations
      .filter(({ line }) => line >= from && line <= until)
      .map((mutation) => ({ path, text, mutation }));
  });
  const step = Math.max(1, all.length / most);
  return all.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

function describe({ path, text, mutation }: Work): string {
  const before = text.slice(mutation.start, mutation.end).replace(/\s+/g, ' ');
  return `${path}:${mutation.line}: ${before}  =>  ${mutation.text.replace(/\s+/g, ' ')}`;
}

/** Runs every change once. @returns the survivors. */
async function run(work: readonly Work[], tests: readonly string[], jobs: number): Promise<Work[]> {
  for (let n = Math.min(jobs, work.length); n > 0; n--) copies.push(createCopy());
  const survivors: Work[] = [];
  const queue = [...work];
  const limits = new Map<string, number>();
  const testsFor = (path: string) => (tests.length > 0 ? [...tests] : testsOf(path));
  for (const path of new Set(work.map((one) => one.path))) {
    const start = performance.now();
    const good = await passes(copies[0]!, testsFor(path), 600_000);
    if (!good) throw new Error(`the tests of ${path} fail without a change`);
    limits.set(path, (performance.now() - start) * PATIENCE + PATIENCE_MIN_MS);
  }
  const worker = async (copy: string) => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      writeFileSync(join(copy, one.path), applyMutation(one.text, one.mutation));
      const survived = await passes(copy, testsFor(one.path), limits.get(one.path)!);
      writeFileSync(join(copy, one.path), one.text);
      if (survived) survivors.push(one);
      console.log(`${survived ? 'SURVIVED' : 'killed  '}  ${describe(one)}`);
    }
  };
  await Promise.all(copies.map(worker));
  return survivors;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tests: { type: 'string', multiple: true, default: [] },
      lines: { type: 'string', default: '1-1000000' },
      most: { type: 'string', default: '1000000' },
      jobs: { type: 'string', default: '1' },
      list: { type: 'boolean', default: false },
    },
  });
  if (positionals.length === 0) {
    console.error('usage: npm run mutate -- FILE... [--tests PATTERN] [--lines A-B] [--most N]');
    return 2;
  }
  const paths = positionals.map((path) => relative(root, join(process.cwd(), path)));
  const work = workOf(paths, values.lines.split('-').map(Number), Number(values.most));
  if (values.list) {
    for (const one of work) console.log(describe(one));
    return 0;
  }
  const survivors = await run(work, values.tests, Number(values.jobs));
  console.log(`\n${work.length} changes, ${survivors.length} survived`);
  for (const one of survivors) console.log(describe(one));
  return survivors.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  process.on('exit', leaveNothing);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(1));
  }
  process.exit(await main());
}
