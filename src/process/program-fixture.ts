/** Test support: runs the real program with a configuration of its own in a temporary folder. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const launcher = join(import.meta.dir, '../../bin/sluice');

export interface Finished {
  status: number | null;
  signal: NodeJS.Signals | number | null;
  stdout: string;
  stderr: string;
}

type Child = Bun.Subprocess<'ignore', 'pipe', 'pipe'>;

export class ProgramFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-'));
  private readonly children: Child[] = [];
  private readonly pids: number[] = [];

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes the configuration; `%` stands for the folder. @returns its path. */
  config(text: string, name = 'haproxy.cfg'): string {
    writeFileSync(this.path(name), text.replaceAll('%', this.folder));
    return this.path(name);
  }

  start(...args: string[]): Child {
    const child = Bun.spawn([launcher, ...args], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      cwd: this.folder,
    });
    this.children.push(child);
    return child;
  }

  async finish(child: Child): Promise<Finished> {
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    return { status: child.exitCode, signal: child.signalCode, stdout, stderr };
  }

  run(...args: string[]): Promise<Finished> {
    return this.finish(this.start(...args));
  }

  /** Starts in the foreground and waits until the stats socket `%/stats` answers. */
  async serve(...args: string[]): Promise<Child> {
    // A socket that an earlier process left would answer for this one.
    rmSync(this.path('stats'), { force: true });
    const child = this.start('-db', ...args);
    await until(() => existsSync(this.path('stats')) || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error((await this.finish(child)).stderr);
    await this.ask('show version');
    return child;
  }

  /** Remembers a daemon by its pid file, so that it ends with the test. */
  daemonPid(name: string): number {
    const pid = Number(readFileSync(this.path(name), 'utf8').trim());
    this.pids.push(pid);
    return pid;
  }

  /** Sends a line to the stats socket and reads the whole answer. */
  ask(line: string, socket = 'stats'): Promise<string> {
    return askSocket(this.path(socket), line);
  }

  close(): void {
    for (const child of this.children) if (child.exitCode === null) child.kill(9);
    for (const pid of this.pids) {
      try {
        process.kill(pid, 9);
      } catch {
        // It has ended already.
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function askSocket(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    Bun.connect({
      unix: path,
      socket: {
        open: (socket) => {
          socket.write(`${line}\n`);
        },
        data: (_, data) => {
          answer += data.toString('latin1');
        },
        close: () => resolve(answer),
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}

/** Waits for a condition that another process brings about. */
export async function until(condition: () => boolean, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition did not come true');
    await Bun.sleep(2);
  }
}

/** Whether a process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A TCP port that nobody uses just now. */
export function freePort(): number {
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: () => undefined },
  });
  const { port } = listener;
  listener.stop(true);
  return port;
}
