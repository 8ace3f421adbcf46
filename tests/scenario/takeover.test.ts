/** Giving up listening addresses for a new process: SIGTTOU, SIGTTIN, -sf (management.txt 4). */
import { expect } from 'bun:test';
import { connectPeer, RawServer } from '../harness/peer.ts';
import type { Program, Proxy } from '../harness/proxy.ts';
import {
  defaultsHttp,
  needs,
  programUnderTest,
  scenario,
  type World,
} from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const haproxyOnly = programUnderTest === 'haproxy' ? 'about sluice' : null;

/** Every answer names the process, so that a test sees who serves. */
const frontend = (address: string, threads = 2) => `
global
  nbthread ${threads}
  stats socket {{dir}}/stats
${defaultsHttp}
frontend f
  bind ${address}
  http-request return status 200 content-type text/plain lf-string "%[env(WHO)]"
`;

function freePort(): number {
  const server = new RawServer(() => {});
  server.stop();
  return server.port;
}

/** Who answers on a new connection to a port of loopback; null when it is refused. */
async function who(port: number): Promise<string | null> {
  const peer = await connectPeer({ hostname: '127.0.0.1', port }).catch(() => null);
  if (peer === null) return null;
  peer.send(get);
  const reply = await peer.readMessage('GET');
  peer.close();
  return reply.body;
}

async function says(proxy: Proxy, text: string): Promise<void> {
  await proxy.changes.until(
    () => proxy.stderr.includes(text),
    () => `no "${text}" in:\n${proxy.stderr}`,
  );
}

scenario('SIGTTOU stops listening, connections go on, SIGTTIN listens again', async (world) => {
  const port = freePort();
  const proxy = await world.proxy(frontend(`127.0.0.1:${port}`), { env: { WHO: 'one' } });
  const kept = await world.connect(port);
  kept.send(get);
  await kept.readMessage('GET');
  proxy.signal('SIGTTOU');
  await says(proxy, 'Paused frontend f.\n');
  await says(proxy, 'Paused frontend GLOBAL.\n');
  await until(
    async () => (await who(port)) === null,
    () => 'it still accepts',
  );
  expect(await proxy.command('show stat')).toMatch(/^f,FRONTEND,.*,PAUSED,/m);
  kept.send(get);
  expect((await kept.readMessage('GET')).body).toBe('one');
  proxy.signal('SIGTTIN');
  await says(proxy, 'Resumed frontend f.\n');
  // Enough for every thread to have a turn.
  for (let i = 0; i < 20; i++) expect(await who(port)).toBe('one');
  expect(await proxy.command('show stat')).toMatch(/^f,FRONTEND,.*,OPEN,/m);
});

scenario('a second SIGTTOU or SIGTTIN changes nothing and says nothing', async (world) => {
  const port = freePort();
  const proxy = await world.proxy(frontend(`127.0.0.1:${port}`), { env: { WHO: 'one' } });
  for (const [signal, text] of [
    ['SIGTTOU', 'Paused frontend f.\n'],
    ['SIGTTIN', 'Resumed frontend f.\n'],
  ] as const) {
    proxy.signal(signal);
    await says(proxy, text);
    proxy.signal(signal);
    // Two pending signals have no order: this one must be over before the next is sent.
    await proxy.command('show stat');
  }
  expect(proxy.stderr.split('Paused frontend f.')).toHaveLength(2);
  expect(proxy.stderr.split('Resumed frontend f.')).toHaveLength(2);
  expect(await who(port)).toBe('one');
});

scenario('SIGTTIN says when an address was taken, and a later one gets it back', async (world) => {
  const port = freePort();
  const proxy = await world.proxy(frontend(`127.0.0.1:${port}`), { env: { WHO: 'one' } });
  proxy.signal('SIGTTOU');
  await says(proxy, 'Paused frontend f.\n');
  await until(
    async () => (await who(port)) === null,
    () => 'it still accepts',
  );
  const taker = new RawServer(() => {}, { hostname: '127.0.0.1', port });
  proxy.signal('SIGTTIN');
  await says(proxy, 'Some proxies refused to resume');
  taker.stop();
  proxy.signal('SIGTTIN');
  await until(
    async () => (await who(port)) === 'one',
    () => `it does not listen\n${proxy.stderr}`,
  );
});

scenario('SIGUSR1 ends a paused process', async (world) => {
  const proxy = await world.proxy(frontend(`127.0.0.1:${freePort()}`), { env: { WHO: 'one' } });
  proxy.signal('SIGTTOU');
  await says(proxy, 'Paused frontend f.\n');
  proxy.signal('SIGUSR1');
  expect(await proxy.exited()).toBe(0);
});

/** Starts a second process with `-sf` and expects it to serve alone. */
async function replace(world: World, old: Proxy, next: Program, config: string): Promise<Proxy> {
  const args = ['-sf', String(old.pid)];
  const proxy = await world.proxy(config, { program: next, args, env: { WHO: 'two' } });
  expect(await old.exited()).toBe(0);
  return proxy;
}

for (const [first, second] of [
  ['sluice', 'sluice'],
  ['haproxy', 'sluice'],
  ['sluice', 'haproxy'],
] as const) {
  const absent = first === second ? null : needs('haproxy');
  scenario(
    `-sf: ${second} takes a TCP address that ${first} bound without SO_REUSEPORT (-dR)`,
    async (world) => {
      const port = freePort();
      const config = frontend(`127.0.0.1:${port}`);
      const old = await world.proxy(config, {
        program: first,
        args: ['-dR'],
        env: { WHO: 'one' },
      });
      expect(await who(port)).toBe('one');
      await replace(world, old, second, config);
      expect(old.stderr).toContain('Paused frontend f.\n');
      for (let i = 0; i < 10; i++) expect(await who(port)).toBe('two');
    },
    { skip: haproxyOnly ?? absent },
  );
}

/** A proxy in front of an abstract socket, which tests cannot connect to by themselves. */
async function door(world: World, name: string): Promise<number> {
  const proxy = await world.proxy(`
${defaultsHttp.replace('http', 'tcp')}
listen l
  bind fd@{{l}}
  server s abns@${name}
`);
  return proxy.port('l');
}

let names = 0;
const freeName = () => `sluice-takeover-${process.pid}-${names++}`;

for (const second of ['sluice', 'haproxy'] as const) {
  scenario(
    `-sf: ${second} takes an abstract socket over from sluice`,
    async (world) => {
      const name = freeName();
      const port = await door(world, name);
      const config = frontend(`abns@${name}`);
      const old = await world.proxy(config, { program: 'sluice', env: { WHO: 'one' } });
      expect(await who(port)).toBe('one');
      await replace(world, old, second, config);
      expect(old.stderr).toContain('Paused frontend f.\n');
      expect(await who(port)).toBe('two');
    },
    { skip: haproxyOnly ?? (second === 'haproxy' ? needs('haproxy') : null) },
  );
}

scenario(
  'an abstract socket is opened again by SIGTTIN',
  async (world) => {
    const name = freeName();
    const port = await door(world, name);
    const proxy = await world.proxy(frontend(`abns@${name}`), { env: { WHO: 'one' } });
    proxy.signal('SIGTTOU');
    await says(proxy, 'Paused frontend f.\n');
    expect(await Bun.file('/proc/net/unix').text()).not.toContain(`@${name}`);
    proxy.signal('SIGTTIN');
    await says(proxy, 'Resumed frontend f.\n');
    expect(await who(port)).toBe('one');
  },
  { skip: haproxyOnly },
);

scenario('-sf: when the address cannot be had, the old process listens again', async (world) => {
  const [port, taken] = [freePort(), new RawServer(() => {})];
  world.defer(() => taken.stop());
  const config = frontend(`127.0.0.1:${port}`, 1);
  const old = await world.proxy(config, { env: { WHO: 'one' } });
  const result = await world.run(`${config}  bind 127.0.0.1:${taken.port}\n`, {
    args: ['-sf', String(old.pid)],
  });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain(`for [127.0.0.1:${taken.port}]`);
  await says(old, 'Resumed frontend f.\n');
  expect(old.stderr).toContain('Paused frontend f.\n');
  expect(await who(port)).toBe('one');
});
