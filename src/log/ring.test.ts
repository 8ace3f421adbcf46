import { afterEach, describe, expect, test } from 'bun:test';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { mem, reserve } from '../sys/arena.ts';
import { Ring } from './ring.ts';
import { RingForwarder } from './ring-forward.ts';
import { ringFixture } from './test-fixture.ts';

const input = reserve(4096);

function push(ring: Ring, line: string): boolean {
  const bytes = Buffer.from(line, 'latin1');
  mem.set(bytes, input);
  return ring.push(input, bytes.length);
}

function linesOf(ring: Ring): string[] {
  return ring.createSnapshot().map((line) => Buffer.from(line).toString('latin1'));
}

describe('a ring buffer (12.5)', () => {
  test('keeps the newest lines that fit', () => {
    const ring = new Ring(Ring.createBuffer(200));
    for (let i = 0; i < 1000; i++) expect(push(ring, `line ${i}`)).toBe(true);
    const lines = linesOf(ring);
    expect(lines.at(-1)).toBe('line 999');
    const first = 1000 - lines.length;
    expect(lines).toEqual(lines.map((_, i) => `line ${first + i}`));
    // 4 bytes of length and 8 of text each.
    expect(lines.length).toBe(Math.floor(200 / 12));
  });

  test('drops a line that is larger than itself', () => {
    const ring = new Ring(Ring.createBuffer(100));
    push(ring, 'small');
    expect(push(ring, 'x'.repeat(97))).toBe(false);
    expect(ring.dropped).toBe(1);
    expect(linesOf(ring)).toEqual(['small']);
    expect(push(ring, 'x'.repeat(96))).toBe(true);
    expect(linesOf(ring)).toEqual(['x'.repeat(96)]);
  });

  test('keeps what an attached reader has not taken, and drops new lines instead', () => {
    const ring = new Ring(Ring.createBuffer(64));
    push(ring, 'before');
    const reader = ring.attach(false);
    while (push(ring, 'filling'));
    expect(ring.dropped).toBe(1);
    expect(Buffer.from(ring.peek(reader)!).toString()).toBe('before');
    ring.advance(reader);
    expect(push(ring, 'after')).toBe(true);
    expect(Buffer.from(ring.peek(reader)!).toString()).toBe('filling');
    ring.detach(reader);
    for (let i = 0; i < 100; i++) expect(push(ring, 'freely')).toBe(true);
  });

  test('a reader attached at the end sees new lines only', () => {
    const ring = new Ring(Ring.createBuffer(1000));
    push(ring, 'old');
    const reader = ring.attach(true);
    expect(ring.peek(reader)).toBeNull();
    push(ring, 'new');
    expect(Buffer.from(ring.peek(reader)!).toString()).toBe('new');
  });

  test('takes lines of several threads without tearing one', async () => {
    const buffer = Ring.createBuffer(1 << 20);
    const url = new URL('./test-ring-worker.ts', import.meta.url);
    const dropped = await Promise.all(
      ['a', 'b'].map(
        (letter) =>
          new Promise<number>((resolve, reject) => {
            const worker = new Worker(url, { workerData: { buffer, letter } });
            worker.on('message', (count) => {
              void worker.terminate();
              resolve(count);
            });
            worker.on('error', reject);
          }),
      ),
    );
    const lines = linesOf(new Ring(buffer));
    expect(lines.length + dropped[0]! + dropped[1]!).toBe(6000);
    expect(lines.every((line) => /^(a+|b+)$/.test(line))).toBe(true);
  });
});

describe('forwarding to a server (12.5)', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  /** A TCP syslog server that collects bytes. */
  class Collector {
    readonly server: Server;
    readonly sockets: Socket[] = [];
    data = '';
    private wake: (() => void) | null = null;

    constructor() {
      this.server = createServer((socket) => {
        this.sockets.push(socket);
        socket.on('data', (chunk) => {
          this.data += chunk.toString('latin1');
          this.wake?.();
        });
        socket.on('error', () => {});
      });
      closing.push(() => {
        for (const socket of this.sockets) socket.destroy();
        this.server.close();
      });
    }

    async listen(port = 0): Promise<number> {
      await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
      return (this.server.address() as AddressInfo).port;
    }

    async until(text: string): Promise<void> {
      while (!this.data.includes(text)) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  function forward(
    ring: Ring,
    port: number,
    logProto: 'legacy' | 'octet-count',
    messages: string[],
  ) {
    const bytes = [127, 0, 0, 1];
    const address = { family: 'ipv4', datagram: false, bytes, port, path: '', fd: -1 } as const;
    const server = {
      name: 's',
      address: { ...address, bytes, text: `127.0.0.1:${port}` },
      logProto,
    };
    const config = ringFixture({ servers: [server] });
    const onMessage = (text: string) => void messages.push(text);
    const forwarder = new RingForwarder({ config, ring, server, onMessage, reconnectMs: 20 });
    closing.push(() => forwarder.stop());
    return forwarder;
  }

  test('legacy framing ends each line with a line feed (RFC 6587 3.4.2)', async () => {
    const collector = new Collector();
    const ring = new Ring(Ring.createBuffer(1000));
    push(ring, 'before the connection');
    forward(ring, await collector.listen(), 'legacy', []);
    push(ring, 'one');
    push(ring, 'two');
    await collector.until('two\n');
    expect(collector.data).toBe('before the connection\none\ntwo\n');
  });

  test('octet counting puts the length in front (RFC 6587 3.4.1)', async () => {
    const collector = new Collector();
    const ring = new Ring(Ring.createBuffer(1000));
    push(ring, 'twelve bytes');
    push(ring, 'x');
    forward(ring, await collector.listen(), 'octet-count', []);
    await collector.until('1 x');
    expect(collector.data).toBe('12 twelve bytes1 x');
  });

  test('an absent server is told about once and found when it appears', async () => {
    const probe = new Collector();
    const port = await probe.listen();
    await new Promise<void>((resolve) => probe.server.close(() => resolve()));
    const messages: string[] = [];
    const ring = new Ring(Ring.createBuffer(1000));
    forward(ring, port, 'legacy', messages);
    push(ring, 'waiting');
    while (messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const collector = new Collector();
    await collector.listen(port);
    await collector.until('waiting\n');
    expect(messages.length).toBe(1);
    expect(messages[0]).toContain("ring 'r': server 's'");
  });
});
