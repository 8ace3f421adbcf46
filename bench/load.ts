/** One run of wrk, and what it did to the measured process. */
import { join } from 'node:path';
import { cpuOf, residentKib } from './process.ts';

export interface Load {
  path: string;
  connections: number;
  seconds: number;
  /** More fields of each request. */
  fields: string[];
  /** Over TLS; what is at the other end is not verified. */
  tls?: boolean;
  /** Mean pause of a connection between two requests, in ms. */
  pauseMs?: number;
}

export interface Measurement {
  requestsPerSecond: number;
  /** CPU of the measured process per request. */
  userUs: number;
  systemUs: number;
  cpuUs: number;
  p50Us: number;
  p99Us: number;
  p999Us: number;
  residentKib: number;
  requests: number;
  /** Failed connections, reads, writes, timeouts, and statuses of 400 and over. */
  errors: number;
}

const script = join(import.meta.dir, 'percentiles.lua');

export async function runWrk(port: number, load: Load): Promise<number[]> {
  const command = ['wrk', '-t1', `-c${load.connections}`, `-d${load.seconds}s`, '-s', script];
  for (const field of load.fields) command.push('-H', field);
  const scheme = load.tls === true ? 'https' : 'http';
  command.push(`${scheme}://127.0.0.1:${port}${load.path}`);
  if (load.pauseMs !== undefined) command.push('--', String(load.pauseMs));
  const child = Bun.spawn(command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = await new Response(child.stdout).text();
  const found = /^RESULT (.*)$/m.exec(output);
  if ((await child.exited) !== 0 || found === null) throw new Error(`wrk failed: ${output}`);
  return found[1]!.split(' ').map(Number);
}

/**
 * Loads whatever listens at `port`, and measures the process `pid` meanwhile.
 * @param pid null = no process: the back end without a proxy, whose CPU says nothing.
 */
export async function measure(pid: number | null, port: number, load: Load): Promise<Measurement> {
  const before = pid === null ? null : cpuOf(pid);
  const [requests, durationUs, p50Us, p99Us, p999Us, broken, refused] = await runWrk(port, load);
  const after = pid === null ? null : cpuOf(pid);
  const perRequest = (kind: 'user' | 'system') =>
    before && after ? ((after[kind] - before[kind]) * 1e6) / requests! : Number.NaN;
  return {
    requestsPerSecond: requests! / (durationUs! / 1e6),
    userUs: perRequest('user'),
    systemUs: perRequest('system'),
    cpuUs: perRequest('user') + perRequest('system'),
    p50Us: p50Us!,
    p99Us: p99Us!,
    p999Us: p999Us!,
    residentKib: pid === null ? Number.NaN : residentKib(pid),
    requests: requests!,
    errors: broken! + refused!,
  };
}

/** The measurement with the median of each number. */
export function medianOf(rounds: Measurement[]): Measurement {
  const result = { ...rounds[0]! };
  for (const key of Object.keys(result) as (keyof Measurement)[]) {
    const sorted = rounds.map((round) => round[key]).sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const odd = sorted.length % 2 === 1;
    result[key] = odd ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }
  result.errors = rounds.reduce((sum, round) => sum + round.errors, 0);
  return result;
}
