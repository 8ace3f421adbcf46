/**
 * A scenario is one test with a world of its own: proxies, back ends, clients and log receivers that
 * are all stopped when it ends, however it ends. SLUICE_TEST_PROGRAM=haproxy runs the same
 * scenarios with the real haproxy, which shows that a scenario asks for what haproxy does.
 */
import { test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpMessage } from './http.ts';
import { connectPeer, type Peer, RawServer, serveHttp } from './peer.ts';
import {
  type Program,
  type Proxy,
  type ProxyOptions,
  programPath,
  type RunResult,
  runToEnd,
  startProxy,
} from './proxy.ts';
import { UdpReceiver, UnixReceiver } from './socket.ts';

export const programUnderTest: Program =
  process.env.SLUICE_TEST_PROGRAM === 'haproxy' ? 'haproxy' : 'sluice';

/** Timeouts that no scenario reaches by accident; put at the head of most configurations. */
export const defaultsHttp = `
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
`;

/** Processes of worlds that have not ended; a run that breaks off takes them with it. */
const running = new Set<number>();

process.on('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
});

type Start = Omit<ProxyOptions, 'program' | 'config' | 'dir'> & { program?: Program };

export class World {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  readonly #endings: (() => unknown)[] = [];
  readonly #servers: RawServer[] = [];
  #sockets = 0;

  constructor(readonly program: Program) {}

  /** Runs `ending` when the scenario ends; last registered, first run. */
  defer(ending: () => unknown): void {
    this.#endings.push(ending);
  }

  /** Makes sure that a process does not outlive the scenario. */
  own(pid: number): void {
    running.add(pid);
    this.defer(() => {
      running.delete(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended, as it should have.
      }
    });
  }

  async proxy(config: string, options: Start = {}): Promise<Proxy> {
    const proxy = await startProxy({ program: this.program, ...options, config, dir: this.dir });
    running.add(proxy.pid);
    this.defer(async () => {
      await proxy.stop();
      running.delete(proxy.pid);
    });
    return proxy;
  }

  /** Runs the program on a configuration until it ends by itself. */
  run(config: string, options: Start = {}): Promise<RunResult> {
    return runToEnd({ program: this.program, ...options, config, dir: this.dir });
  }

  /** A scripted TCP back end. */
  server(serve: (peer: Peer, index: number) => unknown = () => {}): RawServer {
    const server = new RawServer(serve);
    this.#servers.push(server);
    this.defer(() => server.stop());
    return server;
  }

  /** A back end that answers every request. */
  http(answer: (request: HttpMessage, peer: Peer) => string | Promise<string>): RawServer {
    return this.server(serveHttp(answer));
  }

  /** A port of loopback where nothing listens. */
  refusedPort(): number {
    const server = new RawServer(() => {});
    server.stop();
    return server.port;
  }

  async connect(port: number): Promise<Peer> {
    const peer = await connectPeer({ hostname: '127.0.0.1', port });
    this.defer(() => peer.close());
    return peer;
  }

  /** Sends bytes on a new connection and gives everything that comes until its end. */
  async exchange(port: number, bytes: string): Promise<string> {
    const peer = await this.connect(port);
    peer.send(bytes);
    const reply = await peer.readToEnd();
    peer.close();
    return reply;
  }

  async syslog(): Promise<UdpReceiver> {
    const receiver = await UdpReceiver.open();
    this.defer(() => receiver.stop());
    return receiver;
  }

  unixLog(): UnixReceiver {
    const receiver = new UnixReceiver(join(this.dir, `log-${this.#sockets++}`));
    this.defer(() => receiver.stop());
    return receiver;
  }

  async end(): Promise<void> {
    for (const ending of this.#endings.reverse()) await ending();
    rmSync(this.dir, { recursive: true, force: true });
    for (const server of this.#servers) {
      if (server.failures.length > 0) throw server.failures[0];
    }
  }
}

export interface ScenarioOptions {
  timeoutMs?: number;
  /** A reason not to run; null runs it. */
  skip?: string | null;
}

/** Defines a test that runs in a world of its own. */
export function scenario(
  name: string,
  body: (world: World) => Promise<void>,
  options: ScenarioOptions = {},
): void {
  const missing = programPath(programUnderTest) === null ? 'haproxy is not installed' : null;
  const reason = options.skip ?? missing;
  const title = reason ? `${name} (skipped: ${reason})` : name;
  test.skipIf(reason !== null)(
    title,
    async () => {
      const world = new World(programUnderTest);
      let failed = true;
      try {
        await body(world);
        failed = false;
      } finally {
        // A failure of the scenario matters more than one of its clean-up.
        await (failed ? world.end().catch(() => {}) : world.end());
      }
    },
    options.timeoutMs ?? 30_000,
  );
}

/** A reason to skip when a program is absent, else null. */
export function needs(...programs: string[]): string | null {
  const absent = programs.filter((name) => Bun.which(name) === null);
  return absent.length > 0 ? `${absent.join(', ')} not installed` : null;
}
