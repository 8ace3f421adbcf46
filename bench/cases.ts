/** The cases: each loads all programs in alternating rounds, because the machine is noisy. */
import {
  atMost,
  type BenchCase,
  type Limit,
  type Options,
  printRatios,
  startSeconds,
  withPrograms,
} from './case.ts';
import { type Load, type Measurement, measure, medianOf, runWrk } from './load.ts';
import { growthCase, idleCase, startCase, tlsIdleCase } from './memory-cases.ts';
import { type ProgramName, usual, type Variation } from './programs.ts';
import { table } from './table.ts';
import { takeoverCase } from './takeover.ts';

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
  const values = options.programs.map(
    (name) => [name, compared.map(([, value]) => value(results[name]!))] as const,
  );
  printRatios(
    options,
    compared.map(([title]) => title),
    new Map(values),
  );
}

const warmUpSeconds = 6;

/** What a run of wrk takes. */
function wrkSeconds(seconds: number): number {
  return seconds + 0.03;
}

type LimitsOf = (results: Results) => Limit[];

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
    estimate: ({ programs, seconds, rounds }) =>
      programs.length * (startSeconds + wrkSeconds(Math.min(warmUpSeconds, seconds))) +
      rounds * (programs.length + 1) * wrkSeconds(seconds),
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
          const plain = { ...full, tls: false };
          direct.push(await measure(null, setting.backEndPorts[0], plain));
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
  loadCase(
    'tcp',
    'TCP (nginx: HTTP), 64 connections, 64 KiB',
    { ...small, path: '/64k' },
    { defaults: ['mode tcp', 'option tcplog'] },
  ),
  loadCase(
    'tls',
    '64 keep-alive connections over TLS, 42 bytes',
    { ...small, tls: true },
    { tls: true },
  ),
  loadCase(
    'tls-connection',
    'a TLS handshake per request, 42 bytes',
    { ...small, fields: ['Connection: close'], tls: true },
    { tls: true },
  ),
  idleCase,
  tlsIdleCase,
  startCase,
  growthCase,
  takeoverCase,
];
