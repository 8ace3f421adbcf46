/**
 * Too much of everything (configuration.txt 3.1 ulimit-n, 3.2 maxconn, 4.2 maxconn, timeouts): the
 * proxy waits, refuses or times out, goes on serving, and gives everything back.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { connectPeer, type Peer, serveHttp } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';
import {
  expectQuiet,
  expectSilence,
  HealthyClient,
  infoNumber,
  socketsOf,
  statRows,
} from './quiet.ts';
import { fuzzFactor, timeoutMs } from './random.ts';

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;

interface Setting {
  global?: string;
  defaults?: string;
  listen?: string;
  server?: string;
}

interface Started {
  proxy: Proxy;
  port: number;
  sockets: number;
  /** Closes what the back ends still hold, so that no idle connection is left. */
  release(): void;
}

async function start(world: World, setting: Setting): Promise<Started> {
  const serve = serveHttp((request) => answer(request.target));
  // Requests that are cut short are part of the test.
  const server = world.server((peer) => serve(peer).catch(() => undefined));
  const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  ${setting.global ?? ''}
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
  timeout http-request 3s
  ${setting.defaults ?? ''}
listen l
  bind fd@{{l}}
  ${setting.listen ?? ''}
  server s 127.0.0.1:${server.port} ${setting.server ?? ''}
listen healthy
  bind fd@{{healthy}}
  server s 127.0.0.1:${server.port}
`);
  await until(
    () => proxy.command('show info').catch(() => null),
    () => 'no stats socket',
  );
  const release = () => {
    for (const peer of server.peers) peer.close();
  };
  return { proxy, port: proxy.port('l'), sockets: socketsOf(proxy.pid), release };
}

const open = (port: number) => connectPeer({ hostname: '127.0.0.1', port });

async function together(workers: number, body: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: workers }, (_, i) => body(i)));
}

for (const [name, setting] of [
  ['the process', { global: 'maxconn 10' }],
  ['the frontend', { listen: 'maxconn 7' }],
  ['two threads', { global: 'nbthread 2\n  maxconn 9' }],
] as const) {
  scenario(
    `connections beyond maxconn of ${name} wait in the backlog and are all served (3.2, 4.2)`,
    async (world) => {
      const { proxy, port, sockets, release } = await start(world, setting);
      await together(60, async (i) => {
        const peer = await open(port);
        for (let k = 0; k < 3; k++) {
          peer.send(get(`/${i}/${k}`));
          expect((await peer.readMessage('GET', 15_000)).body).toBe(`/${i}/${k}`);
          await Bun.sleep(3);
        }
        peer.close();
      });
      const row = (await statRows(proxy)).find((r) => r.pxname === 'l' && r.svname === 'FRONTEND')!;
      expect(Number(row.smax)).toBeLessThanOrEqual(10);
      release();
      await expectQuiet(proxy, sockets);
    },
  );
}

scenario(
  'without descriptors the proxy pauses and recovers (3.1 ulimit-n)',
  async (world) => {
    // Room for about thirty connections less than the clients need.
    const global = 'no strict-limits\n  maxconn 400\n  ulimit-n 120';
    const { proxy, port, release, sockets } = await start(world, {
      global,
      defaults: 'http-reuse always',
    });
    const peers: Peer[] = [];
    for (let i = 0; i < 150; i++) {
      const peer = await open(port);
      peer.send(get(`/${i}`));
      peers.push(peer);
    }
    // As many as there are descriptors for are served, all others wait.
    const answered = () => peers.filter((peer) => peer.count() > 0);
    let before = -1;
    await until(
      async () => {
        const now = answered().length;
        const stable = now > 0 && now === before;
        before = now;
        await Bun.sleep(150);
        return stable;
      },
      () => 'nobody is served',
    );
    expect(answered().length).toBeGreaterThan(20);
    expect(answered().length).toBeLessThan(120);
    // Those that got in leave, and the ones behind them follow.
    const statuses = await Promise.all(
      peers.map(async (peer) => {
        const status = await peer.readMessage('GET').then(
          (m) => m.status,
          () => 0,
        );
        peer.close();
        return status;
      }),
    );
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(20);
    for (const status of statuses) expect([0, 200, 503]).toContain(status);
    const again = await open(port);
    again.send(get('/again'));
    expect((await again.readMessage('GET')).body).toBe('/again');
    again.close();
    release();
    await until(
      async () => (await infoNumber(proxy, 'CurrConns')) === 0,
      () => 'not quiet',
    );
    await until(
      () => socketsOf(proxy.pid) <= sockets,
      () => `${socketsOf(proxy.pid)} sockets, ${sockets} before`,
    );
    const crash = / at .*\.ts:\d+|exception|assert/i.exec(proxy.stderr);
    expect(crash === null ? '' : proxy.stderr).toBe('');
  },
  { timeoutMs },
);

scenario(
  'thousands of short connections leave nothing behind, however they end',
  async (world) => {
    const { proxy, port, sockets, release } = await start(world, {});
    const healthy = new HealthyClient(proxy.port('healthy'), '/healthy');
    let left = 2500 * fuzzFactor;
    await together(20, async () => {
      while (left-- > 0) {
        const peer = await open(port);
        const kind = left % 6;
        if (kind === 0) peer.reset();
        else if (kind === 1) peer.close();
        else if (kind === 2) {
          peer.send('GET / HT');
          peer.reset();
        } else if (kind === 3) {
          peer.send(get('/gone'));
          peer.close();
        } else {
          peer.send(get(`/${left}`, kind === 4 ? 'Connection: close\r\n' : ''));
          await peer.readMessage('GET');
          peer.close();
        }
      }
    });
    await healthy.stop();
    release();
    await expectQuiet(proxy, sockets);
  },
  { timeoutMs },
);

scenario(
  'idle kept-alive connections are closed in time (4.2 timeout http-keep-alive)',
  async (world) => {
    const { proxy, port, sockets, release } = await start(world, {
      defaults: 'timeout http-keep-alive 400ms',
    });
    const peers = await Promise.all(Array.from({ length: 200 }, () => open(port)));
    for (const [i, peer] of peers.entries()) peer.send(get(`/${i}`));
    for (const [i, peer] of peers.entries()) {
      expect((await peer.readMessage('GET')).body).toBe(`/${i}`);
    }
    for (const peer of peers) expect(await peer.readToEnd(3000)).toBe('');
    for (const peer of peers) peer.close();
    release();
    await expectQuiet(proxy, sockets);
  },
);

scenario('idle server connections are purged by half (5.2 pool-purge-delay)', async (world) => {
  const { proxy, port, sockets } = await start(world, {
    defaults: 'http-reuse always',
    server: 'pool-purge-delay 100ms',
  });
  await together(30, async (i) => {
    const peer = await open(port);
    peer.send(get(`/${i}`));
    await peer.readMessage('GET');
    peer.close();
  });
  await expectQuiet(proxy, sockets, 6000);
});

scenario(
  'one byte at a time on many connections holds up nobody (4.2 timeout http-request)',
  async (world) => {
    const { proxy, port, sockets, release } = await start(world, {
      defaults: 'timeout http-request 1200ms',
    });
    const healthy = new HealthyClient(proxy.port('healthy'), '/healthy');
    const bytes = get('/slow', `X-Slow: ${'y'.repeat(4000)}\r\n`);
    await together(150, async () => {
      const peer = await open(port);
      for (let i = 0; i < bytes.length && peer.ending === 'open'; i++) {
        peer.send(bytes[i]!);
        await Bun.sleep(20);
      }
      expect(await peer.readToEnd()).toStartWith('HTTP/1.1 408 ');
      peer.close();
    });
    await healthy.stop(1500);
    release();
    await expectQuiet(proxy, sockets);
  },
  { timeoutMs },
);

scenario(
  'a slow body on many connections holds up nobody (4.2 timeout client)',
  async (world) => {
    const { proxy, port, sockets, release } = await start(world, {
      defaults: 'timeout client 500ms',
    });
    const healthy = new HealthyClient(proxy.port('healthy'), '/healthy');
    await together(60, async (i) => {
      const peer = await open(port);
      peer.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n`);
      for (let k = 0; k < 30; k++) {
        // Every third one stops in the middle and is cut off; the others are slow but alive.
        if (i % 3 === 0 && k === 15) break;
        peer.send('b');
        await Bun.sleep(25);
      }
      const end = await peer.readMessage('POST').catch(() => null);
      expect(end?.status ?? 408).toBe(i % 3 === 0 ? 408 : 200);
      peer.close();
    });
    await healthy.stop();
    release();
    await expectQuiet(proxy, sockets);
    expectSilence(proxy);
  },
  { timeoutMs },
);
