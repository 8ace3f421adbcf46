/**
 * Clients that mean no good in the TLS handshake, or behind it: each costs a bounded time and is logged,
 * and nobody else notices.
 */
import { describe, expect } from 'bun:test';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { makeCertificate } from '../harness/certificate.ts';
import type { Proxy } from '../harness/proxy.ts';
import { needs, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { readToEnd, sClient, tlsExchange } from '../harness/tls.ts';

const skip = needs('openssl');
const ours = programUnderTest === 'haproxy' ? 'a limit of sluice alone' : null;
const get = 'GET / HTTP/1.0\r\n\r\n';

/** The bytes of a client's first flight. */
async function clientHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.once('data', (data) => {
      resolve(Buffer.from(data));
      socket.destroy();
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', () => done()));
  const { port } = server.address() as { port: number };
  const client = connectTls({ host: '127.0.0.1', port, servername: 'a.test' });
  client.on('error', () => {});
  const bytes = await promise;
  server.close();
  client.destroy();
  return bytes;
}

/** Sends bytes, then ends or resets. Resolves when the connection is gone. */
function attack(port: number, bytes: Uint8Array, how: 'end' | 'reset' | 'wait'): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connectTcp({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.on('data', () => {});
    socket.on('connect', () => {
      socket.write(bytes, () => {
        if (how === 'end') socket.end();
        if (how === 'reset') socket.resetAndDestroy();
      });
    });
  });
}

async function start(world: World, more = ''): Promise<Proxy> {
  makeCertificate(world.dir, 'a', { names: ['DNS:a.test'] });
  return world.proxy(`global
  nbthread 1
  stats socket {{dir}}/stats level admin
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
${more}
frontend f
  bind fd@{{f}} ssl crt {{dir}}/a.pem
  http-request return status 200 content-type text/plain string good
`);
}

async function serves(proxy: Proxy): Promise<void> {
  expect((await tlsExchange(proxy.port('f'), get)).text).toEndWith('good');
}

/** Connections that the frontend has now. */
async function current(proxy: Proxy): Promise<number> {
  const rows = (await proxy.command('show stat')).split('\n').map((row) => row.split(','));
  const column = rows[0]!.indexOf('scur');
  return Number(rows.find((row) => row[0] === 'f' && row[1] === 'FRONTEND')![column]);
}

describe('a handshake', () => {
  scenario(
    'that is cut after any byte ends, and the next client is served',
    async (world) => {
      const proxy = await start(world);
      const hello = await clientHello();
      const ends = ['end', 'reset'] as const;
      for (const how of ends) {
        const attacks: Promise<void>[] = [];
        for (let n = 0; n <= hello.length; n++) {
          attacks.push(attack(proxy.port('f'), hello.subarray(0, n), how));
          if (attacks.length % 50 === 0) await Promise.all(attacks);
        }
        await Promise.all(attacks);
      }
      await serves(proxy);
      expect(await current(proxy)).toBe(0);
    },
    { skip },
  );

  scenario(
    'with one wrong byte anywhere ends or goes on, and the next client is served',
    async (world) => {
      const proxy = await start(world, '  timeout client-hs 200ms');
      const hello = await clientHello();
      const attacks: Promise<void>[] = [];
      for (let n = 0; n < hello.length; n++) {
        const wrong = Buffer.from(hello);
        wrong[n] = wrong[n]! ^ (1 << (n % 8));
        attacks.push(attack(proxy.port('f'), wrong, 'wait'));
        if (attacks.length % 50 === 0) await Promise.all(attacks);
      }
      await Promise.all(attacks);
      await serves(proxy);
      expect(await current(proxy)).toBe(0);
    },
    { skip },
  );

  scenario(
    'that comes byte by byte succeeds',
    async (world) => {
      const proxy = await start(world);
      const relay = createServer((client) => {
        const server = connectTcp({ host: '127.0.0.1', port: proxy.port('f'), noDelay: true });
        const queue: Buffer[] = [];
        let isBusy = false;
        const pump = async () => {
          if (isBusy) return;
          isBusy = true;
          for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
            for (const byte of part) {
              await new Promise<void>(
                (done) => void server.write(Buffer.from([byte]), () => done()),
              );
            }
          }
          isBusy = false;
        };
        client.on('data', (data) => {
          queue.push(Buffer.from(data));
          pump();
        });
        server.on('data', (data) => void client.write(data));
        server.on('end', () => void client.end());
        for (const socket of [client, server]) socket.on('error', () => {});
      });
      await new Promise<void>((done) => void relay.listen(0, '127.0.0.1', () => done()));
      world.defer(() => relay.close());
      const { port } = relay.address() as { port: number };
      expect((await tlsExchange(port, get)).text).toEndWith('good');
    },
    { skip },
  );

  scenario(
    'of garbage, plain HTTP, a huge record or an alert ends at once',
    async (world) => {
      const proxy = await start(world);
      const attacks = [
        Buffer.from('garbage garbage garbage\r\n'),
        Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'),
        Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), Buffer.alloc(70_000, 1)]),
        Buffer.from([21, 3, 1, 0, 2, 2, 40]),
        Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
        Buffer.alloc(20_000, 0),
      ];
      // Each is over long before `timeout client`.
      await Promise.all(attacks.map((bytes) => attack(proxy.port('f'), bytes, 'end')));
      await serves(proxy);
      expect(await current(proxy)).toBe(0);
    },
    { skip },
  );

  scenario(
    'that does not come ends after timeout client-hs (4.2)',
    async (world) => {
      const proxy = await start(world, '  timeout client-hs 200ms');
      const hello = await clientHello();
      await Promise.all([
        attack(proxy.port('f'), Buffer.alloc(0), 'wait'),
        attack(proxy.port('f'), hello.subarray(0, 20), 'wait'),
      ]);
      await serves(proxy);
    },
    { skip },
  );
});

scenario(
  'a client may not renegotiate (RFC 5746)',
  async (world) => {
    const proxy = await start(world);
    const output = await sClient(proxy.port('f'), ['-tls1_2'], 'R\n');
    expect(output).toMatch(/no renegotiation/i);
    await serves(proxy);
  },
  { skip },
);

scenario(
  'garbage behind the handshake ends that connection alone',
  async (world) => {
    const proxy = await start(world);
    const { port } = await new Promise<{ port: number }>((resolve) => {
      // A relay that lets the handshake pass and then writes what no key fits.
      const relay = createServer((client) => {
        const server = connectTcp({ host: '127.0.0.1', port: proxy.port('f') });
        client.on('data', (data) => void server.write(data));
        server.on('data', (data) => void client.write(data));
        server.on('close', () => client.destroy());
        client.on('end', () => {
          server.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 64]), Buffer.alloc(64, 7)]));
        });
        for (const socket of [client, server]) socket.on('error', () => {});
      });
      relay.listen(0, '127.0.0.1', () => resolve(relay.address() as { port: number }));
      world.defer(() => relay.close());
    });
    const raw = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    socket.on('error', () => {});
    await new Promise<void>((done) => void socket.once('secureConnect', () => done()));
    const ended = readToEnd(socket).catch(() => '');
    raw.end();
    await ended;
    socket.destroy();
    await serves(proxy);
    expect(await current(proxy)).toBe(0);
  },
  { skip },
);

scenario(
  'connections that fail leave no memory of OpenSSL behind',
  async (world) => {
    const proxy = await start(world);
    const hello = await clientHello();
    const resident = async () => {
      const status = await Bun.file(`/proc/${proxy.pid}/status`).text();
      return Number(/VmRSS:\s+(\d+)/.exec(status)![1]);
    };
    const round = async () => {
      for (let i = 0; i < 40; i++) {
        const some = Array.from({ length: 25 }, (_, k) =>
          attack(proxy.port('f'), hello.subarray(0, k % 2 === 0 ? hello.length : 100), 'end'),
        );
        await Promise.all(some);
      }
    };
    await round();
    const before = await resident();
    await round();
    await round();
    // 2,000 connections: one that kept its SSL would keep 20 KiB and more.
    expect((await resident()) - before).toBeLessThan(16_000);
  },
  { skip: skip ?? ours, timeoutMs: 60_000 },
);
