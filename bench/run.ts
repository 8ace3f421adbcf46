/**
 * `npm run bench`: nginx back ends, then haproxy, nginx and sluice in turn on the same work, one
 * proxy thread each, with a syslog receiver that really reads. Only the ratios of one run mean
 * anything. Options:
 *
 *   --case NAME        one case only (may be given again); --list names them
 *   --programs A,B     which programs, default haproxy,nginx,sluice
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
import { type BenchCase, benchCases, type CaseResult, type Options } from './cases.ts';
import { stopProcess } from './process.ts';
import { type ProgramName, pathOf, programNames, startBackEnds } from './programs.ts';

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

/** Runs cases between the start and the end of everything that they need. */
export async function runCases(
  cases: readonly BenchCase[],
  options: Options,
): Promise<Map<string, CaseResult>> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const results = new Map<string, CaseResult>();
  const receiver = await startReceiver();
  try {
    const backEnds = await startBackEnds(dir);
    try {
      const setting = { dir, backEndPorts: backEnds.ports, logPort: receiver.port };
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
  return results;
}

/** Names of the programs that the bench needs and that are not installed. */
export function missingPrograms(programs: readonly ProgramName[]): string[] {
  const needed = ['wrk', 'nginx', ...programs.filter((name) => pathOf(name) === null)];
  return [...new Set(needed)].filter((name) => Bun.which(name) === null);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true },
      programs: { type: 'string', default: programNames.join(',') },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      idle: { type: 'string', default: '10000' },
      growth: { type: 'string', default: '60' },
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
  const results = await runCases(cases, {
    programs: programNames.filter((name) => asked.includes(name)),
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    idleConnections: Number(values.idle),
    growthSeconds: Number(values.growth),
    print: (text) => console.log(text),
  });
  const missed = [...results.values()].flatMap((result) => result.limits).filter((l) => !l.held);
  return values.strict && missed.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exit(await main());
