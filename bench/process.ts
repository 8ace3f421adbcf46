/** Starting processes, and what Linux says about them: CPU time and resident memory (proc(5)). */
import { readFileSync } from 'node:fs';
import type { Subprocess } from 'bun';
import { base, mem32, reserve } from '../src/sys/arena.ts';
import { libc } from '../src/sys/libc.ts';

export interface CpuTime {
  /** Seconds in user mode and in the kernel, of all threads. */
  user: number;
  system: number;
}

/** CPUCLOCK_SCHED of a process: clock_getcpuclockid(3) makes the same number. */
const processClock = (pid: number) => (~pid << 3) | 2;
const timespec = reserve(16);

/**
 * CPU time of a process so far, that of threads which have ended included. The total has a
 * resolution of 1 ns, its split one of 10 ms.
 */
export function cpuOf(pid: number): CpuTime {
  if (libc.clock_gettime(processClock(pid), (base + timespec) as never) < 0) {
    throw new Error(`there is no process ${pid}`);
  }
  const total = mem32[timespec >> 2]! + mem32[(timespec + 8) >> 2]! / 1e9;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const userTicks = Number(fields[11]);
  const ticks = userTicks + Number(fields[12]);
  const user = ticks > 0 ? (total * userTicks) / ticks : 0;
  return { user, system: total - user };
}

/** Resident memory in KiB. */
export function residentKib(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0);
}

/** The words that the process was started with, or that it replaced itself with (execve(2)). */
export function commandLineOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** A free TCP port of loopback, as far as one can know. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const port = listener.port;
  listener.stop(true);
  return port;
}

export type Child = Subprocess<
  'ignore' | 'pipe',
  'pipe' | 'inherit' | 'ignore',
  'pipe' | 'inherit'
>;

/** The command with as many open files as this user may have. */
export function withOpenFiles(command: string[]): string[] {
  return ['sh', '-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', 'sh', ...command];
}

/** Tries to get an answer from an HTTP server until it works. @param patienceMs bounds it. */
export async function waitForHttp(
  port: number,
  child: { exitCode: number | null },
  tls = false,
  patienceMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`a program ended with ${child.exitCode}`);
    if (await answers(port, tls)) return;
    if (performance.now() > deadline) throw new Error(`nothing serves on port ${port}`);
    await Bun.sleep(1);
  }
}

async function answers(port: number, tls: boolean): Promise<boolean> {
  try {
    const response = await fetch(`${tls ? 'https' : 'http'}://127.0.0.1:${port}/small`, {
      tls: { rejectUnauthorized: false },
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(2000),
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Ends a process: SIGTERM, and SIGKILL after three seconds. */
export async function stopProcess(child: {
  exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
  await child.exited;
  clearTimeout(timer);
}
