/** The cases: each loads all programs in alternating rounds, because the machine is noisy. */
import { join } from 'node:path';
import { type Load, type Measurement, measure, medianOf, runWrk } from './load.ts';
import { residentKib, stopProcess, withOpenFiles } from './process.ts';
import {
  type ProgramName,
  type Running,
  type Setting,
  startProgram,
  usual,
  type Variation,
} from './programs.ts';
import { ratio, table } from './table.ts';

export interface Options {
  programs: ProgramName[];
  seconds: number;
  rounds: number;
  idleConnections: number;
  growthSeconds: number;
  print(text: string): void;
}

/** A limit that a case sets, and whether it held. */
export interface Limit {
  text: string;
  held: boolean;
}

export interface CaseResult {
  limits: Limit[];
  measurements: Partial<Record<ProgramName, Measurement>>;
}

export interface BenchCase {
  name: string;
  title: string;
  run(setting: Setting, options: Options): Promise<CaseResult>;
}

async function withPrograms<T>(
  setting: Setting,
  options: Options,
  variation: Variation,
  body: (running: Running[]) => Promise<T>,
): Promise<T> {
  const running: Running[] = [];
  try {
    for (const name of options.programs) running.push(await startProgram(name, setting, variation));
    return await body(running);
  } finally {
    await Promise.all(running.map((program) => stopProcess(program.child)));
  }
}

const columns: [string, (m: Measurement) => string][] = [
  ['requests/s', (m) => m.requestsPerSecond.toFixed(0)],
  ['CPU us/req', (m) => m.cpuUs.toFixed(2)],
  ['user', (m) => m.userUs.toFixed(2)],
  ['system', (m) => m.systemUs.toFixed(2)],
  ['p50 us', (m) => m.p50Us.toFixed(0)],
  ['p99 us', (m) => m.p99Us.toFixed(0)],
  ['p99.9 us', (m) => m.p999Us.toFixed(0)],
  ['RSS KiB', (m) => m.residentKib.toFixed(0)],
  ['errors', (m) => String(m.errors)],
];

const compared: [string, (m: Measurement) => number][] = [
  ['requests/s', (m) => m.requestsPerSecond],
  ['CPU', (m) => m.cpuUs],
  ['p50', (m) => m.p50Us],
  ['p99', (m) => m.p99Us],
  ['p99.9', (m) => m.p999Us],
  ['RSS', (m) => m.residentKib],
];

type Results = Partial<Record<ProgramName, Measurement>>;

function printLoad(options: Options, results: Results, direct: Measurement): void {
  const row = (name: string, measured: Measurement) => [
    name,
    ...columns.map(([, cell]) => cell(measured).replace('NaN', '')),
  ];
  const rows = options.programs.map((name) => row(name, results[name]!));
  // What wrk and a back end do alone on this machine: no proxy's latency says less than this.
  rows.push(row('no proxy', direct));
  options.print(table(['', ...columns.map(([title]) => title)], rows));
  const ours = results.sluice;
  if (ours === undefined) return;
  const ratios = options.programs
    .filter((name) => name !== 'sluice')
    .map((name) => [
      `sluice / ${name}`,
      ...compared.map(([, value]) => ratio(value(ours), value(results[name]!))),
    ]);
  if (ratios.length === 0) return;
  options.print('');
  options.print(table(['ratio', ...compared.map(([title]) => title)], ratios));
}

const warmUpSeconds = 6;

type LimitsOf = (results: Results) => Limit[];

function atMost(text: string, value: number | undefined, bound: number | undefined): Limit[] {
  if (value === undefined || bound === undefined) return [];
  return [
    { text: `${text}: ${value.toFixed(2)}, at most ${bound.toFixed(2)}`, held: value <= bound },
  ];
}

function loadCase(
  name: string,
  title: string,
  load: Omit<Load, 'seconds'>,
  variation: Partial<Variation> = {},
  limitsOf: LimitsOf = () => [],
): BenchCase {
  return {
    name,
    title,
    run: (setting, options) =>
      withPrograms(setting, options, { ...usual, ...variation }, async (running) => {
        const full = { ...load, seconds: options.seconds };
        const rounds = new Map<ProgramName, Measurement[]>();
        for (const program of running) {
          // Until the optimiser has done its work and caches are warm: the steady state is measured.
          await runWrk(program.port, {
            ...full,
            seconds: Math.min(warmUpSeconds, options.seconds),
          });
          rounds.set(program.name, []);
        }
        const direct: Measurement[] = [];
        for (let round = 0; round < options.rounds; round++) {
          direct.push(await measure(null, setting.backEndPorts[0], full));
          const order = round % 2 === 0 ? running : [...running].reverse();
          for (const program of order) {
            rounds.get(program.name)!.push(await measure(program.pid, program.port, full));
          }
        }
        const measurements: Results = {};
        for (const [program, list] of rounds) measurements[program] = medianOf(list);
        printLoad(options, measurements, medianOf(direct));
        return { limits: limitsOf(measurements), measurements };
      }),
  };
}

const small = { path: '/small', connections: 64, fields: [] };

function smallLimits(results: Results): Limit[] {
  const { sluice, haproxy, nginx } = results;
  const cpu = (other?: Measurement) => (sluice && other ? sluice.cpuUs / other.cpuUs : undefined);
  return [
    ...atMost("CPU per request over haproxy's", cpu(haproxy), 0.75),
    ...atMost("CPU per request over nginx's", cpu(nginx), 0.9),
    ...latencyLimit(results),
  ];
}

function latencyLimit({ sluice, haproxy }: Results): Limit[] {
  return atMost('p99 in us', sluice?.p99Us, haproxy?.p99Us);
}

async function openIdle(port: number, count: number): Promise<{ close(): Promise<void> }> {
  const bun = process.execPath;
  const command = [bun, join(import.meta.dir, 'opener.ts'), String(port), String(count)];
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

/** Resident memory of idle keep-alive connections. */
const idleCase: BenchCase = {
  name: 'idle',
  title: 'idle keep-alive connections: resident memory',
  async run(setting, options) {
    const variation = {
      ...usual,
      maxconn: options.idleConnections + 500,
      // The limit on open files allows for server connections that this case does not make.
      globals: ['no strict-limits'],
      defaults: ['http-reuse always'],
      poolMax: 64,
    };
    const rows: string[][] = [];
    const limits: Limit[] = [];
    for (const name of options.programs) {
      const one = { ...options, programs: [name] };
      await withPrograms(setting, one, variation, async ([program]) => {
        await runWrk(program!.port, { ...small, seconds: 1 });
        const before = residentKib(program!.pid);
        const idle = await openIdle(program!.port, options.idleConnections);
        const after = residentKib(program!.pid);
        await idle.close();
        const each = (after - before) / options.idleConnections;
        rows.push([name, String(before), String(after), each.toFixed(2)]);
        if (name === 'sluice') limits.push(...atMost('KiB per idle connection', each, 2));
      });
    }
    options.print(
      table([`${options.idleConnections}`, 'before KiB', 'after KiB', 'KiB each'], rows),
    );
    return { limits, measurements: {} };
  },
};

/** Start-up until the first answer, with two workers. */
const startCase: BenchCase = {
  name: 'start',
  title: 'start-up until the first answer, two workers',
  async run(setting, options) {
    const rows: string[][] = [];
    const limits: Limit[] = [];
    for (const name of options.programs) {
      const times: number[] = [];
      let memory = 0;
      for (let round = 0; round < options.rounds; round++) {
        const program = await startProgram(name, setting, { ...usual, threads: 2 });
        times.push(program.startMs);
        memory = Math.max(memory, residentKib(program.pid));
        await stopProcess(program.child);
      }
      const median = times.sort((a, b) => a - b)[times.length >> 1]!;
      rows.push([name, median.toFixed(0), String(memory)]);
      if (name !== 'sluice') continue;
      limits.push(...atMost('ms to the first answer', median, 200));
      limits.push(...atMost('MiB with two workers', memory / 1024, 80));
    }
    options.print(table(['', 'ms', 'RSS KiB'], rows));
    return { limits, measurements: {} };
  },
};

/** Memory during a long load: no growth after its first third. */
const growthCase: BenchCase = {
  name: 'growth',
  title: 'resident memory under load, at a third and at the end',
  async run(setting, options) {
    const rows: string[][] = [];
    const limits: Limit[] = [];
    for (const name of options.programs) {
      const one = { ...options, programs: [name] };
      await withPrograms(setting, one, usual, async ([program]) => {
        const third = Math.max(1, Math.round(options.growthSeconds / 3));
        await runWrk(program!.port, { ...small, seconds: third });
        const early = residentKib(program!.pid);
        await runWrk(program!.port, { ...small, seconds: options.growthSeconds - third });
        const late = residentKib(program!.pid);
        rows.push([name, String(early), String(late), String(late - early)]);
        // One percent is what the allocator's own bookkeeping may move.
        if (name === 'sluice') limits.push(...atMost('growth in KiB', late - early, early / 100));
      });
    }
    options.print(table([`${options.growthSeconds} s`, 'early KiB', 'late KiB', 'growth'], rows));
    return { limits, measurements: {} };
  },
};

const splice = { defaults: ['option splice-response'] };

export const benchCases: readonly BenchCase[] = [
  loadCase('small', '64 keep-alive connections, 42 bytes', small, {}, smallLimits),
  // Latency where every program has the same work to do: see docs/decisions/0006.
  loadCase(
    'paced',
    '64 keep-alive connections that pause for 2 ms on average, 42 bytes',
    { ...small, pauseMs: 2 },
    {},
    latencyLimit,
  ),
  loadCase('connection', 'a connection per request, 42 bytes', {
    ...small,
    fields: ['Connection: close'],
  }),
  loadCase('64k', '64 keep-alive connections, 64 KiB', { ...small, path: '/64k' }, splice),
  loadCase(
    '1m',
    '16 keep-alive connections, 1 MiB',
    { ...small, path: '/1m', connections: 16 },
    splice,
  ),
  idleCase,
  startCase,
  growthCase,
];
