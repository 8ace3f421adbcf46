/**
 * What clients notice of a takeover (`-sf`, management.txt 4) under load: the time of the worst
 * request and those that failed, with files whose start takes long. The new process has the same
 * file as the old one; both have two threads.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchCase, Limit, Options } from './case.ts';
import { type Child, freePort, stopProcess, waitForHttp, withOpenFiles } from './process.ts';
import { type ProgramName, pathOf, type Setting } from './programs.ts';
import { ratio, table } from './table.ts';
import type { TakeoverLoad } from './takeover-load.ts';

/** Load before the new process starts and after the old one has ended. */
const AROUND_MS = 500;
/** A takeover that takes longer has failed. */
const PATIENCE_MS = 60_000;
/** How much worse the worst request may be. */
const WORST_RATIO = 2;

interface TakeoverFile {
  name: string;
  /** Rounds are few where a start takes seconds. */
  rounds: number;
  /** What a round takes of one program, about. */
  seconds: number;
  /** @param size how many of what makes it long; @param dir for further files. */
  text(size: number, port: number, dir: string): string;
  size: number;
}

const head = `global
  nbthread 2
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
`;

const served = (port: number, rule = '') => `frontend main
  bind 127.0.0.1:${port}
  ${rule}
  http-request return status 200 content-type text/plain string served
`;

function lines(count: number, line: (i: number) => string): string {
  return new Array(count)
    .fill('')
    .map((_, i) => line(i))
    .join('\n');
}

/** Addresses in no order, the same in every run. */
function addressList(count: number): string {
  let state = 1;
  return lines(count, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const [a, b, c, d] = [24, 16, 8, 0].map((shift) => (state >>> shift) & 255);
    // None of loopback, where the load comes from.
    return `${a === 127 ? 1 : a}.${b}.${c}.${d}`;
  });
}

const files: readonly TakeoverFile[] = [
  { name: 'ordinary', rounds: 5, seconds: 2, size: 0, text: (_, port) => head + served(port) },
  {
    name: 'servers',
    rounds: 3,
    seconds: 2,
    size: 5000,
    text: (size, port) =>
      head +
      served(port) +
      lines(Math.ceil(size / 50), (b) => {
        const server = (i: number) => `  server s${i} 127.0.${b % 250}.${i + 1}:${1024 + i}`;
        return `backend b${b}\n${lines(50, server)}`;
      }),
  },
  {
    name: 'frontends',
    rounds: 3,
    seconds: 2,
    size: 2000,
    // Addresses of loopback that nobody else uses.
    text: (size, port) =>
      head +
      served(port) +
      lines(size, (i) => `frontend f${i}\n  bind 127.1.${i >> 8}.${i & 255}:${port}`),
  },
  {
    name: 'list',
    rounds: 1,
    seconds: 8,
    size: 1_000_000,
    text: (size, port, dir) => {
      const file = join(dir, 'addresses.lst');
      writeFileSync(file, addressList(size));
      return head + served(port, `http-request deny if { src -f ${file} }`);
    },
  },
];

/** Starts a process and, while requests come at a fixed pace, one that replaces it. */
async function takeOver(
  program: ProgramName,
  file: string,
  port: number,
  root: string,
): Promise<TakeoverLoad> {
  const start = (...more: string[]) =>
    Bun.spawn(withOpenFiles([pathOf(program, root)!, '-f', file, '-db', ...more]), {
      // It names every proxy when it stops.
      stdio: ['ignore', 'ignore', Bun.file(`${file}.log`)],
    }) as unknown as Child;
  const old = start();
  const running: Child[] = [old];
  try {
    await waitForHttp(port, old, false, PATIENCE_MS);
    const load = Bun.spawn(
      [process.execPath, join(import.meta.dir, 'takeover-load.ts'), String(port)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    running.push(load as unknown as Child);
    await Bun.sleep(AROUND_MS);
    const next = start('-sf', String(old.pid));
    running.push(next);
    const ended = await Promise.race([old.exited, next.exited, Bun.sleep(PATIENCE_MS)]);
    if (ended !== 0 || next.exitCode !== null)
      throw new Error(`${program}: no takeover of ${file}`);
    await Bun.sleep(AROUND_MS);
    load.stdin.end();
    return JSON.parse(await new Response(load.stdout).text()) as TakeoverLoad;
  } finally {
    await Promise.all(running.map((child) => stopProcess(child)));
  }
}

/** The worst request in the median of the rounds, failures of all. */
function medianLoad(rounds: TakeoverLoad[]): TakeoverLoad {
  const sorted = [...rounds].sort((a, b) => a.worstMs - b.worstMs);
  const middle = sorted[sorted.length >> 1]!;
  return { ...middle, failed: rounds.reduce((sum, { failed }) => sum + failed, 0) };
}

async function measureFile(
  file: TakeoverFile,
  setting: Setting,
  dir: string,
  options: Options,
): Promise<Partial<Record<ProgramName, TakeoverLoad>>> {
  const port = freePort();
  const path = join(dir, `${file.name}.cfg`);
  const text = file.text(Math.ceil(file.size * options.takeoverScale), port, dir);
  writeFileSync(path, `${text}\n`);
  const all: Partial<Record<ProgramName, TakeoverLoad[]>> = {};
  for (let round = 0; round < Math.min(file.rounds, options.rounds); round++) {
    for (const name of options.programs) {
      if (name === 'nginx') continue;
      all[name] ??= [];
      all[name].push(await takeOver(name, path, port, setting.beforeRoot));
    }
  }
  const medians: Partial<Record<ProgramName, TakeoverLoad>> = {};
  for (const [name, rounds] of Object.entries(all)) {
    medians[name as ProgramName] = medianLoad(rounds);
  }
  return medians;
}

export const takeoverCase: BenchCase = {
  name: 'takeover',
  title: 'a new process with -sf, a connection per request every 2 ms',
  estimate: ({ programs, rounds }) =>
    programs.length *
    files.reduce((sum, file) => sum + Math.min(file.rounds, rounds) * file.seconds, 0),
  async run(setting, options) {
    const dir = join(setting.dir, 'takeover');
    mkdirSync(dir, { recursive: true });
    const rows: string[][] = [];
    const limits: Limit[] = [];
    for (const file of files) {
      const { haproxy, before, sluice } = await measureFile(file, setting, dir, options);
      for (const [name, load] of Object.entries({ haproxy, before, sluice })) {
        if (load === undefined) continue;
        const ms = [load.p99Ms, load.worstMs].map((value) => value.toFixed(1));
        rows.push([`${file.name} ${name}`, String(load.requests), String(load.failed), ...ms]);
      }
      if (haproxy === undefined || sluice === undefined) continue;
      const times = ratio(sluice.worstMs, haproxy.worstMs);
      limits.push({
        text: `${file.name}: worst request ${times} times haproxy's, at most ${WORST_RATIO}`,
        held: sluice.worstMs <= WORST_RATIO * haproxy.worstMs,
      });
      limits.push({ text: `${file.name}: no request of sluice failed`, held: sluice.failed === 0 });
    }
    options.print(table(['', 'requests', 'failed', 'p99 ms', 'worst ms'], rows));
    return { limits, measurements: {} };
  },
};
