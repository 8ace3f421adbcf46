/**
 * Runs the real haproxy beside a test: its frontends get listening sockets that the test made (no
 * port is guessed, nothing is waited for), its logs come to a UDP socket of the test.
 */
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, connect as netConnect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base, mem, reserve } from '../sys/arena.ts';
import { libc } from '../sys/libc.ts';
import { localAddress, peerPort } from '../sys/socket.ts';

export const haproxy = Bun.which('haproxy');

/** A listening TCP socket on a loopback address that a child can inherit. */
export function listeningSocket(host = '127.0.0.1'): { fd: number; port: number } {
  const six = host === '::1';
  const fd = libc.socket(six ? 10 : 2, 1, 0);
  const address = reserve(28);
  mem.fill(0, address, address + 28);
  mem[address] = six ? 10 : 2;
  if (six) mem[address + 23] = 1;
  else mem.set([127, 0, 0, 1], address + 4);
  if (libc.bind(fd, (base + address) as never, six ? 28 : 16) !== 0) throw new Error('bind failed');
  if (libc.listen(fd, 64) !== 0 || !localAddress(fd)) throw new Error('listen failed');
  return { fd, port: peerPort() };
}

/** Collects datagrams. */
export class LogReceiver {
  readonly port: number;
  private readonly socket: Socket;
  private readonly lines: string[] = [];
  private wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.port = socket.address().port;
    socket.on('message', (data) => {
      this.lines.push(data.toString('latin1'));
      this.wake?.();
    });
  }

  static async open(): Promise<LogReceiver> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new LogReceiver(socket);
  }

  /** The next datagram. */
  async next(): Promise<string> {
    while (this.lines.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.lines.shift()!;
  }

  close(): void {
    this.socket.close();
  }
}

/** A back end that gives every request the same answer and remembers where it came from. */
export class AnsweringServer {
  port = 0;
  lastPeerPort = 0;
  lastRequest = '';
  private readonly server: Server;

  private constructor(answer: string, close: boolean) {
    this.server = createServer((socket) => {
      let got = '';
      this.lastPeerPort = socket.remotePort ?? 0;
      socket.on('data', (data) => {
        got += data.toString('latin1');
        if (!got.includes('\r\n\r\n')) return;
        this.lastRequest = got;
        got = '';
        if (close) socket.end(answer, 'latin1');
        else socket.write(answer, 'latin1');
      });
      socket.on('error', () => socket.destroy());
    });
  }

  /** @param close ends the connection after each answer. */
  static async open(answer: string, close = false): Promise<AnsweringServer> {
    const self = new AnsweringServer(answer, close);
    await new Promise<void>((resolve) => self.server.listen(0, '127.0.0.1', resolve));
    self.port = (self.server.address() as AddressInfo).port;
    return self;
  }

  close(): void {
    this.server.close();
  }
}

export class Haproxy {
  readonly ports: number[];
  private readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  private readonly folder: string;
  private readonly fds: number[];

  private readonly stdout: Promise<string>;
  private readonly stderr: Promise<string>;

  /**
   * @param sockets how many listening sockets it gets.
   * @param configuration the text (Latin-1), given the `bind` words of the sockets.
   * @param host the loopback address of the sockets.
   */
  constructor(
    sockets: number,
    configuration: (binds: string[]) => string,
    args: string[] = [],
    host?: string,
  ) {
    const listeners = Array.from({ length: sockets }, () => listeningSocket(host));
    this.ports = listeners.map((listener) => listener.port);
    this.fds = listeners.map((listener) => listener.fd);
    this.folder = mkdtempSync(join(tmpdir(), 'haproxy-'));
    const file = join(this.folder, 'haproxy.cfg');
    writeFileSync(file, configuration(listeners.map((_, i) => `fd@${i + 3}`)), 'latin1');
    this.child = Bun.spawn([haproxy!, '-db', '-f', file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', ...this.fds],
    }) as Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
    this.stdout = new Response(this.child.stdout).text();
    this.stderr = new Response(this.child.stderr).text();
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Waits for `work`, or fails with what it wrote when it ends before, e.g. on a wrong line. */
  async during<T>(work: Promise<T>): Promise<T> {
    const ended = this.child.exited.then(async () => {
      throw new Error(await this.stderr);
    });
    // Nobody waits for its end any more once the work is done.
    ended.catch(() => undefined);
    return Promise.race([work, ended]);
  }

  /** Ends it and returns what it wrote to stdout and stderr. */
  async stop(): Promise<{ stdout: string; stderr: string }> {
    this.child.kill('SIGKILL');
    const [stdout, stderr] = await Promise.all([this.stdout, this.stderr]);
    await this.child.exited;
    for (const fd of this.fds) libc.close(fd);
    rmSync(this.folder, { recursive: true });
    return { stdout, stderr };
  }
}

/** Sends bytes on a new connection and waits for its end. @returns the port used and the answer. */
export async function exchange(
  port: number,
  request: string,
  endAfterAnswer = false,
): Promise<{ clientPort: number; answer: string }> {
  return new Promise((resolve, reject) => {
    let answer = '';
    let clientPort = 0;
    const socket = netConnect(port, '127.0.0.1', () => {
      clientPort = socket.localPort ?? 0;
      socket.write(request, 'latin1');
    });
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      if (endAfterAnswer) socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve({ clientPort, answer }));
  });
}
