/**
 * `npm run bench`: nginx back ends, then haproxy, nginx and sluice in turn on the same work, one
 * proxy thread each, with a syslog receiver that really reads. Only the ratios of one run mean
 * anything. Options:
 *
 *   --case NAME        one case only (may be given again); --list names them
 *   --programs A,B     which programs, default haproxy,nginx,sluice
 *   --against REV      that commit of this repository as one more program, called `before`
 *   --quick            all cases in about three minutes: other defaults for the numbers below
 *   --seconds N        length of each run of wrk, default 5
 *   --rounds N         rounds per case, of which the median counts, default 3
 *   --idle N           idle connections, default 10000
 *   --growth N         seconds of the memory case, default 60
 *   --strict           exit with 1 when a limit does not hold
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchCase, CaseResult, Options } from './case.ts';
import { benchCases } from './cases.ts';
import { build, checkOut, type OtherCommit } from './other-commit.ts';
import { stopProcess } from './process.ts';
import { type ProgramName, pathOf, programNames, startBackEnds, versionOf } from './programs.ts';

/** The syslog receiver, in a process of its own. */
async function startReceiver() {
  const file = join(import.meta.dir, 'syslog-receiver.ts');
  const child = Bun.spawn([process.execPath, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const reader = child.stdout.getReader();
  const read = async () => Number(new TextDecoder().decode((await reader.read()).value));
  const port = await read();
  /** Datagrams read so far. */
  const count = async (): Promise<number> => {
    const socket = await Bun.udpSocket({ connect: { hostname: '127.0.0.1', port } });
    socket.send('count?');
    socket.close();
    return await read();
  };
  return { port, child, count };
}

/** Seconds that are spent before and after all cases. */
const OVERHEAD_SECONDS = 0.5;

/** How long a run of these cases takes, in seconds. */
export function estimateSeconds(cases: readonly BenchCase[], options: Options): number {
  return cases.reduce((sum, bench) => sum + bench.estimate(options), OVERHEAD_SECONDS);
}

/** `2 min 5 s` */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * Runs cases between the start and the end of everything that they need.
 * @param other the commit that `before` is
 */
export async function runCases(
  cases: readonly BenchCase[],
  options: Options,
  other: OtherCommit | null = null,
): Promise<Map<string, CaseResult>> {
  const began = performance.now();
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const results = new Map<string, CaseResult>();
  const beforeRoot = other?.root ?? '';
  options.print(`this takes about ${durationText(estimateSeconds(cases, options))}`);
  for (const name of options.programs) {
    options.print(`${name}: ${name === 'before' ? other!.title : versionOf(name, beforeRoot)}`);
  }
  const receiver = await startReceiver();
  try {
    const backEnds = await startBackEnds(dir);
    try {
      const setting = { dir, backEndPorts: backEnds.ports, logPort: receiver.port, beforeRoot };
      for (const bench of cases) {
        options.print(`\n== ${bench.name}: ${bench.title}\n`);
        const result = await bench.run(setting, options);
        results.set(bench.name, result);
        for (const limit of result.limits) {
          options.print(`\n${limit.held ? 'holds ' : 'MISSED'}  ${limit.text}`);
        }
      }
      options.print(`\nlog lines read by the syslog receiver: ${await receiver.count()}`);
    } finally {
      await stopProcess(backEnds.child);
    }
  } finally {
    receiver.child.kill('SIGKILL');
    await receiver.child.exited;
    rmSync(dir, { recursive: true, force: true });
  }
  options.print(`it took ${durationText((performance.now() - began) / 1000)}`);
  return results;
}

/** Names of the programs that the bench needs and that are not installed. */
export function missingPrograms(programs: readonly ProgramName[]): string[] {
  const needed = ['wrk', 'nginx'].filter((name) => Bun.which(name) === null);
  return [...new Set([...needed, ...programs.filter((name) => pathOf(name) === null)])];
}

/** Numbers of a usual run, and of one that is over in about three. */
const usual = {
  seconds: 5,
  rounds: 3,
  idleConnections: 10_000,
  growthSeconds: 60,
  takeoverScale: 1,
};
const quick = {
  seconds: 2,
  rounds: 1,
  idleConnections: 4000,
  growthSeconds: 4,
  takeoverScale: 0.1,
};

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true },
      programs: { type: 'string', default: programNames.join(',') },
      against: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      idle: { type: 'string' },
      growth: { type: 'string' },
      strict: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    for (const bench of benchCases) console.log(`${bench.name.padEnd(12)}${bench.title}`);
    return 0;
  }
  const unknown = values.case?.filter((name) => !benchCases.some((bench) => bench.name === name));
  if (unknown?.length) {
    console.error(`bench: unknown case ${unknown.join(', ')}; --list names them`);
    return 1;
  }
  const asked = values.programs.split(',') as ProgramName[];
  const missing = missingPrograms(asked);
  if (missing.length > 0) {
    console.error(`bench: not installed: ${missing.join(', ')}`);
    return 1;
  }
  const cases = benchCases.filter((bench) => values.case?.includes(bench.name) ?? true);
  const numbers = values.quick ? quick : usual;
  const programs = programNames.filter((name) => asked.includes(name));
  const options: Options = {
    programs: values.against === undefined ? programs : [...programs, 'before'],
    seconds: Number(values.seconds ?? numbers.seconds),
    rounds: Number(values.rounds ?? numbers.rounds),
    idleConnections: Number(values.idle ?? numbers.idleConnections),
    growthSeconds: Number(values.growth ?? numbers.growthSeconds),
    takeoverScale: numbers.takeoverScale,
    print: (text) => console.log(text),
  };
  const results = await measureAll(cases, options, values.against);
  const missed = [...results.values()].flatMap((result) => result.limits).filter((l) => !l.held);
  return values.strict && missed.length > 0 ? 1 : 0;
}

/** Runs the cases on fresh builds, of this tree and of the other commit. */
async function measureAll(
  cases: readonly BenchCase[],
  options: Options,
  against: string | undefined,
): Promise<Map<string, CaseResult>> {
  build(join(import.meta.dir, '..'));
  if (against === undefined) return await runCases(cases, options);
  const dir = mkdtempSync(join(tmpdir(), 'sluice-against-'));
  try {
    const other = checkOut(against, join(dir, 'tree'));
    try {
      return await runCases(cases, options, other);
    } finally {
      other.remove();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exit(await main());
