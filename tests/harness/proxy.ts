/**
 * Runs a proxy, sluice or the real haproxy, on a configuration text.
 *
 * `{{name}}` after `fd@` stands for a listening socket that the harness opens on a free port and
 * the proxy inherits (configuration.txt 4.2 `bind`, fd@), so there is no race for ports and a
 * connection made before the proxy is ready waits in the backlog. `{{name.port}}` is its port,
 * `{{dir}}` a private folder, and other names come from `vars`.
 *
 * The proxy counts as ready when a probe proxy, in a second file so that line numbers stay, answers.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Subprocess } from 'bun';
import { connectPeer } from './peer.ts';
import { closeDescriptor, listenInherited } from './socket.ts';
import { patienceMs, Signal, within } from './wait.ts';

export type Program = 'sluice' | 'haproxy';

export const root = join(import.meta.dir, '..', '..');

/** The file that runs a program, or null when it is not installed. */
export function programPath(program: Program): string | null {
  return program === 'haproxy' ? Bun.which('haproxy') : join(root, 'bin', 'sluice');
}

export interface ProxyOptions {
  program: Program;
  config: string;
  /** A private folder that exists. */
  dir: string;
  vars?: Record<string, string | number>;
  /** Words of the command line after `-f FILE`. */
  args?: string[];
  env?: Record<string, string>;
  /** False for a configuration that cannot take a probe proxy, such as a daemon. */
  probe?: boolean;
  /** File for the standard output: a pipe that is full loses log lines. */
  stdoutFile?: string;
}

const probeText = (fd: number) => `
defaults
  mode http
  timeout client 10s
  timeout http-request 10s
frontend harness-probe
  bind fd@${fd}
`;

/** The text with its `{{names}}` replaced, and the sockets that were opened for it. */
function expand(options: ProxyOptions): {
  text: string;
  fds: number[];
  ports: Map<string, number>;
} {
  const ports = new Map<string, number>();
  const numbers = new Map<string, number>();
  const fds: number[] = [];
  for (const [, name] of options.config.matchAll(/fd@\{\{(\w+)\}\}/g)) {
    if (numbers.has(name!)) continue;
    const socket = listenInherited();
    ports.set(name!, socket.port);
    numbers.set(name!, 3 + fds.length);
    fds.push(socket.fd);
  }
  const values: Record<string, string | number> = { dir: options.dir, ...options.vars };
  const text = options.config.replace(/\{\{([\w.]+)\}\}/g, (_, name: string) => {
    const port = name.endsWith('.port') ? ports.get(name.slice(0, -5)) : undefined;
    const value = numbers.get(name) ?? port ?? values[name];
    if (value === undefined) throw new Error(`the configuration names an unknown {{${name}}}`);
    return String(value);
  });
  return { text, fds, ports };
}

export class Proxy {
  readonly program: Program;
  readonly dir: string;
  stdout = '';
  stderr = '';
  readonly changes = new Signal();
  readonly #child: Subprocess<'ignore', 'pipe', 'pipe'>;
  readonly #ports: Map<string, number>;
  readonly #read: Promise<unknown>;

  constructor(
    options: ProxyOptions,
    child: Subprocess<'ignore', 'pipe', 'pipe'>,
    ports: Map<string, number>,
  ) {
    this.program = options.program;
    this.dir = options.dir;
    this.#child = child;
    this.#ports = ports;
    this.#read = Promise.all([
      options.stdoutFile === undefined &&
        this.#collect(child.stdout, (text) => {
          this.stdout += text;
        }),
      this.#collect(child.stderr, (text) => {
        this.stderr += text;
      }),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** The port of the listening socket of that name. */
  port(name: string): number {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`no socket is named ${name}`);
    return port;
  }

  url(name: string, path = '/'): string {
    return `http://127.0.0.1:${this.port(name)}${path}`;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits for the end of the process and of its output; gives the exit status. */
  async exited(ms: number = patienceMs): Promise<number> {
    const status = await within(
      this.#child.exited,
      () => `${this.program} still runs\n${this.stderr}`,
      ms,
    );
    // A descendant may hold the pipes; its output is not waited for long.
    await Promise.race([this.#read, Bun.sleep(200)]);
    return status;
  }

  /** Sends a command to `stats socket {{dir}}/stats` and gives the whole answer. */
  async command(line: string, file = 'stats'): Promise<string> {
    const peer = await connectPeer({ unix: join(this.dir, file) });
    peer.send(`${line}\n`);
    const reply = await peer.readToEnd();
    peer.close();
    return reply;
  }

  /** Stops the process, softly at first. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    try {
      await this.exited(3000);
    } catch {
      this.#child.kill('SIGKILL');
      await this.exited(3000);
    }
  }

  /** Resolves when the probe answers; rejects with the output when the process ends before. */
  async ready(probePort: number): Promise<void> {
    const answered = (async () => {
      const peer = await connectPeer({ hostname: '127.0.0.1', port: probePort });
      peer.send('GET / HTTP/1.0\r\n\r\n');
      const reply = await peer.readToEnd(patienceMs);
      peer.close();
      if (reply.startsWith('HTTP/1.')) return;
      await this.exited(2000);
      throw new Error('the probe was not answered');
    })();
    const died = this.#child.exited.then(async (status) => {
      await this.exited();
      throw new Error(`${this.program} ended with status ${status}\n${this.stderr}${this.stdout}`);
    });
    died.catch(() => {});
    answered.catch(() => {});
    await within(Promise.race([answered.catch(() => died), died]), () => 'not ready', patienceMs);
  }

  async #collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void) {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      add(decoder.decode(chunk, { stream: true }));
      this.changes.notify();
    }
  }
}

let files = 0;

function spawnProxy(options: ProxyOptions, probe: boolean): { proxy: Proxy; probePort: number } {
  const path = programPath(options.program);
  if (path === null) throw new Error(`${options.program} is not installed`);
  const { text, fds, ports } = expand(options);
  const file = join(options.dir, `proxy-${files++}.cfg`);
  writeFileSync(file, text);
  const command = [path, '-f', file];
  let probePort = 0;
  if (probe) {
    const socket = listenInherited();
    probePort = socket.port;
    fds.push(socket.fd);
    writeFileSync(`${file}.probe`, probeText(2 + fds.length));
    command.push('-f', `${file}.probe`);
  }
  command.push(...(options.args ?? []));
  try {
    const child = Bun.spawn(command, {
      cwd: options.dir,
      env: { ...process.env, ...options.env },
      stdio: [
        'ignore',
        options.stdoutFile === undefined ? 'pipe' : Bun.file(options.stdoutFile),
        'pipe',
        ...fds,
      ],
    }) as Subprocess<'ignore', 'pipe', 'pipe'>;
    return { proxy: new Proxy(options, child, ports), probePort };
  } finally {
    for (const fd of fds) closeDescriptor(fd);
  }
}

/** Starts a proxy and waits until it serves. Rejects with its output when it does not. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const probe = options.probe ?? true;
  const { proxy, probePort } = spawnProxy(options, probe);
  try {
    if (probe) await proxy.ready(probePort);
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  return proxy;
}

export interface RunResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, as for a configuration that must be refused or only checked. */
export async function runToEnd(options: ProxyOptions): Promise<RunResult> {
  const { proxy } = spawnProxy(options, false);
  try {
    const status = await proxy.exited();
    return { status, stdout: proxy.stdout, stderr: proxy.stderr };
  } finally {
    await proxy.stop();
  }
}

/** A folder made if it is missing. */
export function ensureDir(path: string): string {
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
  return path;
}
