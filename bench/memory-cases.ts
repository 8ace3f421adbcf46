/** The cases about a process rather than about its traffic: memory and start-up. */
import { join } from 'node:path';
import {
  atMost,
  type BenchCase,
  type CaseResult,
  type Limit,
  type Options,
  printRatios,
  startSeconds,
  withPrograms,
} from './case.ts';
import { runWrk } from './load.ts';
import { commandLineOf, residentKib, stopProcess, withOpenFiles } from './process.ts';
import { type ProgramName, type Running, type Setting, startProgram, usual } from './programs.ts';
import { table } from './table.ts';

const small = { path: '/small', connections: 64, fields: [] };

async function openIdle(
  port: number,
  count: number,
  tls: boolean,
): Promise<{ close(): Promise<void> }> {
  const bun = process.execPath;
  const command = [bun, join(import.meta.dir, 'opener.ts'), String(port), String(count)];
  if (tls) command.push('tls');
  const child = Bun.spawn(withOpenFiles(command), { stdio: ['pipe', 'pipe', 'inherit'] });
  const reader = child.stdout.getReader();
  const first = await reader.read();
  if (!new TextDecoder().decode(first.value).startsWith('open')) {
    throw new Error(`the connections could not be opened (status ${await child.exited})`);
  }
  return {
    async close() {
      child.stdin.end();
      await child.exited;
    },
  };
}

/** Connections that the opener opens per second, about; of TLS ones a quarter. */
const OPENED_PER_SECOND = 8000;
const TLS_SLOWER = 4;

/** Resident memory of idle keep-alive connections. @param kibMax limit of one, null = none */
function createIdleCase(
  name: string,
  title: string,
  tls: boolean,
  kibMax: number | null,
): BenchCase {
  return { name, title, estimate, run };

  function estimate({ programs, idleConnections }: Options): number {
    const opening = (idleConnections / OPENED_PER_SECOND) * (tls ? TLS_SLOWER : 1);
    return programs.length * (startSeconds + 1 + opening);
  }

  async function run(setting: Setting, options: Options): Promise<CaseResult> {
    const variation = {
      ...usual,
      tls,
      maxconn: options.idleConnections + 500,
      // The limit on open files allows for server connections that this case does not make.
      globals: ['no strict-limits'],
      defaults: ['http-reuse always'],
      poolMax: 64,
    };
    const rows: string[][] = [];
    const values = new Map<ProgramName, number[]>();
    for (const name of options.programs) {
      const one = { ...options, programs: [name] };
      await withPrograms(setting, one, variation, async ([program]) => {
        await runWrk(program!.port, { ...small, tls, seconds: 1 });
        const before = residentKib(program!.pid);
        const idle = await openIdle(program!.port, options.idleConnections, tls);
        const after = residentKib(program!.pid);
        await idle.close();
        const each = (after - before) / options.idleConnections;
        rows.push([name, String(before), String(after), each.toFixed(2)]);
        values.set(name, [before, after, each]);
      });
    }
    const titles = ['before KiB', 'after KiB', 'KiB each'];
    options.print(table([`${options.idleConnections}`, ...titles], rows));
    printRatios(options, titles, values);
    const limits = atMost(
      'KiB per idle connection',
      values.get('sluice')?.[2],
      kibMax ?? undefined,
    );
    return { limits, measurements: {} };
  }
}

const idleTitle = 'idle keep-alive connections: resident memory';
export const idleCase = createIdleCase('idle', idleTitle, false, 2);
export const tlsIdleCase = createIdleCase('tls-idle', `TLS, ${idleTitle}`, true, null);

/** Start-up until the first answer, with two workers. */
export const startCase: BenchCase = {
  name: 'start',
  title: 'start-up until the first answer, two workers',
  // The first start of each is not measured.
  estimate: ({ programs, rounds }) => programs.length * (rounds + 1) * startSeconds,
  async run(setting, options) {
    const variation = { ...usual, threads: 2 };
    const commands = new Map<ProgramName, string[] | null>();
    const starts = new Map<ProgramName, Running[]>();
    for (const name of options.programs) {
      const program = await startProgram(name, setting, variation);
      commands.set(name, directCommand(program));
      starts.set(name, []);
      await stopProcess(program.child);
    }
    const memory = new Map<ProgramName, number>();
    for (let round = 0; round < options.rounds; round++) {
      for (const name of options.programs) {
        const program = await startProgram(name, setting, variation, commands.get(name)!);
        starts.get(name)!.push(program);
        memory.set(name, Math.max(memory.get(name) ?? 0, residentKib(program.pid)));
        await stopProcess(program.child);
      }
    }
    const values = new Map<ProgramName, number[]>();
    for (const [name, list] of starts) {
      const times = list.map(({ startMs }) => startMs).sort((a, b) => a - b);
      values.set(name, [times[times.length >> 1]!, memory.get(name)!]);
    }
    const titles = ['ms', 'RSS KiB'];
    const rows = [...values].map(([name, numbers]) => [name, ...numbers.map((n) => n.toFixed(0))]);
    options.print(table(['', ...titles], rows));
    printRatios(options, titles, values);
    const [ms, kib] = values.get('sluice') ?? [];
    const limits = [
      ...atMost('ms to the first answer', ms, 200),
      ...atMost('MiB with two workers', kib === undefined ? kib : kib / 1024, 80),
    ];
    return { limits, measurements: {} };
  },
};

/**
 * How a program starts without what only its installation needs: HAProxy beside the system's has a
 * shell script in front. sluice's launcher is a part of sluice.
 */
function directCommand({ name, pid }: Running): string[] | null {
  if (name !== 'haproxy') return null;
  const words = commandLineOf(pid);
  return words.slice(0, words.length - 2);
}

/** Memory during a long load: no growth after its first third. */
export const growthCase: BenchCase = {
  name: 'growth',
  title: 'resident memory under load, at a third and at the end',
  estimate: ({ programs, growthSeconds }) => programs.length * (growthSeconds + startSeconds),
  async run(setting, options) {
    const rows: string[][] = [];
    const limits: Limit[] = [];
    const values = new Map<ProgramName, number[]>();
    for (const name of options.programs) {
      const one = { ...options, programs: [name] };
      await withPrograms(setting, one, usual, async ([program]) => {
        const third = Math.max(1, Math.round(options.growthSeconds / 3));
        await runWrk(program!.port, { ...small, seconds: third });
        const early = residentKib(program!.pid);
        await runWrk(program!.port, { ...small, seconds: options.growthSeconds - third });
        const late = residentKib(program!.pid);
        rows.push([name, String(early), String(late), String(late - early)]);
        values.set(name, [early, late]);
        // One percent is what the allocator's own bookkeeping may move.
        if (name === 'sluice') limits.push(...atMost('growth in KiB', late - early, early / 100));
      });
    }
    options.print(table([`${options.growthSeconds} s`, 'early KiB', 'late KiB', 'growth'], rows));
    printRatios(options, ['early KiB', 'late KiB'], values);
    return { limits, measurements: {} };
  },
};
