/**
 * File descriptors and pipes: enough for all of `maxconn` (configuration.txt 3.1 ulimit-n, 3.2
 * maxconn, maxpipes, nosplice), and what happens when the system gives none.
 */
import { expect } from 'bun:test';
import { readdirSync, readlinkSync } from 'node:fs';
import { answer } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import {
  defaultsHttp,
  needs,
  programUnderTest,
  scenario,
  type World,
} from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

/** What each open descriptor of a process is. */
function descriptors(pid: number): Map<number, string> {
  const open = new Map<number, string>();
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      open.set(Number(name), readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      // It was closed meanwhile.
    }
  }
  return open;
}

/** Pipes have two ends with one name. Those of the process from its start are not counted. */
function pipes(pid: number, before: Set<string>): number {
  const names = new Set([...descriptors(pid).values()].filter((name) => name.startsWith('pipe:')));
  return [...names].filter((name) => !before.has(name)).length;
}

/** Sets the soft limit of open files so that `spare` more can be opened. */
function limitDescriptors(pid: number, spare: number): void {
  const open = descriptors(pid);
  let limit = 0;
  for (let free = 0; free < spare || open.has(limit); limit++) if (!open.has(limit)) free++;
  setDescriptorLimit(pid, limit);
}

function setDescriptorLimit(pid: number, limit: number): void {
  const run = Bun.spawnSync(['prlimit', '--pid', String(pid), `--nofile=${limit}:`]);
  expect(run.exitCode).toBe(0);
}

/** More than the kernel keeps of it for a client that does not read (`tune.sndbuf.client`). */
const large = Buffer.alloc(2_000_000, 'x');

/** A back end that sends a large answer to `/large` and a short one to all else. */
function backEnd(world: World) {
  return world.server(async (peer) => {
    for (;;) {
      await peer.changes.until(
        () => peer.count() > peer.taken || peer.ending !== 'open' || peer.closed,
        () => 'an idle connection',
        600_000,
      );
      if (peer.ending !== 'open' || peer.closed) return;
      const { target } = await peer.readMessage();
      if (target !== '/large') {
        peer.send(answer('short'));
        continue;
      }
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n`);
      peer.send(large);
    }
  });
}

/** Clients that ask for a large answer and read no more than its beginning. */
async function slowClients(world: World, proxy: Proxy, count: number): Promise<Peer[]> {
  const clients = await Promise.all(
    Array.from({ length: count }, () => world.connect(proxy.port('l'))),
  );
  for (const client of clients) client.send(get('/large'));
  for (const client of clients) {
    await client.readHead();
    client.pause();
  }
  return clients;
}

const slow = (globals: string, world: World, port: number, args: readonly string[] = []) =>
  world.proxy(
    `
global
  nbthread 1
  tune.sndbuf.client 65536
  ${globals}
${defaultsHttp}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${port}
`,
    { args: [...args] },
  );

const splices = programUnderTest === 'haproxy' ? 'haproxy splices only when told to' : null;

scenario(
  'an honest client is answered while all others of maxconn read slowly (3.2 maxconn, maxpipes)',
  async (world) => {
    const server = backEnd(world);
    const proxy = await slow('maxconn 120', world, server.port);
    const before = new Set(descriptors(proxy.pid).values());
    await slowClients(world, proxy, 117);
    if (programUnderTest === 'sluice') {
      await until(
        () => pipes(proxy.pid, before) === 30,
        () => `${pipes(proxy.pid, before)} pipes`,
      );
    }
    const honest = await world.connect(proxy.port('l'));
    for (let i = 0; i < 3; i++) {
      honest.send(get('/short'));
      expect((await honest.readMessage('GET')).body).toBe('short');
    }
  },
);

for (const [lines, args, most] of [
  ['maxconn 40', [], 10],
  ['maxconn 40\n  maxpipes 2', [], 2],
  ['maxconn 40\n  nosplice', [], 0],
  ['maxconn 40\n  tune.disable-fast-forward', [], 0],
  ['maxconn 40\n  tune.disable-zero-copy-forwarding', [], 0],
  ['maxconn 40', ['-dS'], 0],
] as const) {
  scenario(
    `large answers go through ${most} pipes with ${[lines, ...args].join(' ').replace('\n', '')} (3.2)`,
    async (world) => {
      const server = backEnd(world);
      const proxy = await slow(`stats socket {{dir}}/stats\n  ${lines}`, world, server.port, args);
      const before = new Set(descriptors(proxy.pid).values());
      const clients = await slowClients(world, proxy, 20);
      if (most > 0) {
        await until(
          () => pipes(proxy.pid, before) === most,
          () => `${pipes(proxy.pid, before)} pipes`,
        );
      }
      // With a pipe or without one, each answer comes whole.
      for (const client of clients) {
        client.resume();
        const body = await client.read(large.length);
        expect(body.length).toBe(large.length);
        expect(pipes(proxy.pid, before)).toBeLessThanOrEqual(most);
      }
      expect(await proxy.command('show info')).toContain(`\nMaxpipes: ${most}\n`);
    },
    { skip: splices },
  );
}

/** Whether a stalled transfer of each kind lies in a pipe (4.2 option splice-*). */
for (const [lines, size, end, isPiped] of [
  ['mode tcp', 4_000_000, 'open', true],
  ['mode tcp', 8_000, 'open', false],
  ['mode tcp\n  option splice-response', 8_000, 'open', true],
  ['mode tcp\n  option splice-request', 8_000, 'open', true],
  ['mode http', 4_000_000, 'close', true],
] as const) {
  scenario(
    `${size} bytes ${isPiped ? 'pass' : 'do not pass'} through a pipe: ${lines.replace('\n', ',')}`,
    async (world) => {
      const begun = Promise.withResolvers<Peer>();
      const server = world.server(async (peer) => {
        await peer.readHead();
        peer.send('HTTP/1.1 200 OK\r\n\r\n');
        begun.resolve(peer);
      });
      const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  ${lines}
  server s 127.0.0.1:${server.port}
`);
      const before = new Set(descriptors(proxy.pid).values());
      const client = await world.connect(proxy.port('l'));
      client.send(get('/'));
      await client.readHead();
      const peer = await begun.promise;
      peer.send('x'.repeat(size));
      if (end === 'close') peer.end();
      expect((await client.read(size)).length).toBe(size);
      // A pipe is kept when it is empty, so it still shows.
      expect(pipes(proxy.pid, before) > 0).toBe(isPiped);
    },
    { skip: splices },
  );
}

scenario(
  'a short body takes no pipe although it comes after the head (3.2 maxpipes)',
  async (world) => {
    const server = world.server();
    const proxy = await slow('maxconn 40', world, server.port);
    const before = new Set(descriptors(proxy.pid).values());
    const client = await world.connect(proxy.port('l'));
    client.send(get('/'));
    const peer = await server.peer(0);
    for (const [size, count] of [
      [20_000, 0],
      [200_000, 1],
    ] as const) {
      await peer.readHead();
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      await client.readHead();
      peer.send('x'.repeat(size));
      await client.read(size);
      // Pipes that nobody uses are kept.
      expect(pipes(proxy.pid, before)).toBe(count);
      client.send(get('/'));
    }
  },
  { skip: splices },
);

scenario(
  'descriptors that lie idle are given up for a request that needs one (3.2 maxconn)',
  async (world) => {
    const server = backEnd(world);
    const proxy = await world.proxy(`
global
  nbthread 1
  maxconn 100
${defaultsHttp}
  http-reuse always
listen idle
  bind fd@{{idle}}
  server s 127.0.0.1:${server.port} pool-purge-delay 60s
listen busy
  bind fd@{{busy}}
  server s 127.0.0.1:${server.port}
`);
    const first = await Promise.all(
      Array.from({ length: 8 }, () => world.connect(proxy.port('idle'))),
    );
    for (const client of first) client.send(get('/idle'));
    for (const client of first) await client.readMessage('GET');
    // Their server connections lie idle, and there is nothing left to take but those.
    limitDescriptors(proxy.pid, 0);
    const clients: Peer[] = [];
    for (let i = 0; i < 4; i++) {
      const client = await world.connect(proxy.port('busy'));
      client.send(get('/busy'));
      expect((await client.readMessage('GET')).status).toBe(200);
      clients.push(client);
    }
  },
  { skip: needs('prlimit') ?? splices },
);

for (const [options, retries] of [
  ['', '3'],
  ['option redispatch', '\\+3'],
  ['retries 1', '1'],
  ['retries 0', '0'],
]) {
  scenario(
    `without a descriptor for the server a request is tried again and fails as SC: ${options} (8.5)`,
    async (world) => {
      const server = backEnd(world);
      const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  log stdout format raw local0
${defaultsHttp}
  log global
  option httplog
listen l
  bind fd@{{l}}
  ${options}
  server s 127.0.0.1:${server.port}
  server t 127.0.0.1:${server.port}
`);
      const client = await world.connect(proxy.port('l'));
      await until(
        async () => /^l,FRONTEND,[^,]*,[^,]*,1,/m.test(await proxy.command('show stat')),
        () => 'the connection was not accepted',
      );
      // Less than is open: whatever is closed meanwhile can be opened no more.
      setDescriptorLimit(proxy.pid, 3);
      client.send(get('/none'));
      expect((await client.readMessage('GET')).status).toBe(503);
      setDescriptorLimit(proxy.pid, 1000);
      const line = await until(
        () => /^.*\/none.*$/m.exec(proxy.stdout)?.[0],
        () => 'no line',
      );
      expect(line).toMatch(
        new RegExp(
          ` l l/[st] \\d+/\\d+/-1/-1/\\d+ 503 \\d+ - - SC-- \\d+/\\d+/\\d+/\\d+/${retries} `,
        ),
      );
      const again = await world.connect(proxy.port('l'));
      again.send(get('/again'));
      expect((await again.readMessage('GET')).status).toBe(200);
    },
    { skip: needs('prlimit') },
  );
}
