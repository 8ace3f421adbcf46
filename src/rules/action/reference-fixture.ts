/**
 * The real HAProxy beside an embedded server that reports the bytes it received: what the same
 * rules do there. One process serves many cases, each a `listen` on its own unix socket.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasHaproxy = Bun.which('haproxy') !== null;

/** What one request did: the bytes the server saw ('' = none) and the bytes the client got. */
export interface Exchange {
  server: string;
  client: string;
}

/** What the server answers unless a case brings its own. */
export const serverResponse =
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: one, two\r\nSet-Cookie: C=1; p\r\n' +
  'X-A: three\r\n\r\nok';

export class Haproxy {
  private readonly folder = mkdtempSync(join(tmpdir(), 'sluice-reference-'));
  private received = '';
  private echo: Server | null = null;
  private process: Bun.Subprocess | null = null;

  /** Where each case listens: a path or a port of `host`. */
  private addresses: (string | { host: string; port: number })[] = [];

  /** @param sections lines of the `listen` section of each case, on a unix socket. */
  start(sections: readonly (readonly string[])[]): Promise<void> {
    this.addresses = sections.map((_, i) => this.path(`case${i}`));
    return this.serve(
      sections.map((section, i) => [
        `listen l${i}`,
        ` bind unix@${this.addresses[i]}`,
        ...section.map((line) => ` ${line}`),
      ]),
    );
  }

  /** A frontend and a backend per case, on ports of a loopback address. */
  async startPairs(
    pairs: readonly { frontend: string[]; backend: string[] }[],
    host: string,
  ): Promise<void> {
    const ports = await freePorts(host, pairs.length);
    this.addresses = ports.map((port) => ({ host, port }));
    return this.serve(
      pairs.map((pair, i) => [
        `frontend f${i}`,
        ` bind ${host}:${ports[i]}`,
        ...pair.frontend.map((line) => ` ${line}`),
        ` default_backend b${i}`,
        `backend b${i}`,
        ...pair.backend.map((line) => ` ${line}`),
      ]),
    );
  }

  private async serve(cases: readonly string[][]): Promise<void> {
    this.echo = createServer((socket) => {
      let got = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => {
        got += data.toString('latin1');
        if (!got.includes('\r\n\r\n')) return;
        this.received = got;
        socket.end(serverResponse, 'latin1');
      });
    });
    const server = this.path('server');
    await new Promise<void>((done) => this.echo!.listen(server, done));
    const lines = ['defaults', ' mode http', ' timeout client 5s', ' timeout server 5s'];
    lines.push(' timeout connect 5s', ' timeout tarpit 10ms');
    for (const one of cases) lines.push(...one, ` server s unix@${server}`);
    const file = this.path('cfg');
    writeFileSync(file, `${lines.join('\n')}\n`, 'latin1');
    this.process = Bun.spawn(['haproxy', '-db', '-f', file], { stderr: 'pipe', stdout: 'pipe' });
    await this.ready(cases.length - 1);
  }

  /** Connects until the last socket accepts; HAProxy binds all of them before it serves. */
  private async ready(last: number): Promise<void> {
    for (;;) {
      if (this.process!.exitCode !== null) {
        throw new Error(await new Response(this.process!.stderr as ReadableStream).text());
      }
      const open = await new Promise<boolean>((done) => {
        const socket = this.connect(last);
        socket.on('connect', () => {
          socket.destroy();
          done(true);
        });
        socket.on('error', () => done(false));
      });
      if (open) return;
    }
  }

  private connect(index: number): Socket {
    const address = this.addresses[index]!;
    return typeof address === 'string' ? connect(address) : connect(address.port, address.host);
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  /** Sends one request to a case and waits for the complete response. */
  async ask(index: number, request: string): Promise<Exchange> {
    this.received = '';
    const client = await new Promise<string>((done, fail) => {
      let got = '';
      const socket = this.connect(index);
      socket.on('error', fail);
      socket.on('close', () => done(got));
      socket.on('connect', () => socket.write(request, 'latin1'));
      socket.on('data', (data) => {
        got += data.toString('latin1');
        if (isComplete(got, request.startsWith('HEAD '))) socket.destroy();
      });
    });
    return { server: this.received, client };
  }

  async stop(): Promise<void> {
    this.process?.kill();
    await this.process?.exited;
    this.echo?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ports that were free a moment ago, all different. */
async function freePorts(host: string, count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, host, done));
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function isComplete(got: string, head: boolean): boolean {
  const end = got.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(got.slice(0, end));
  if (head || /^HTTP\/1\.. (204|304)/.test(got)) return true;
  return length !== null && got.length >= end + 4 + Number(length[1]);
}
