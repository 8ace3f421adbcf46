/** Start, stop and errors of the process (management.txt 3 and 4). */
import { expect } from 'bun:test';
import { existsSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { answer, fieldOf } from '../harness/http.ts';
import { connectPeer, type Peer, RawServer } from '../harness/peer.ts';
import { root } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

const sluiceOnly = programUnderTest === 'haproxy' ? 'about sluice' : null;

const listen = (port: number) => `${defaultsHttp}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${port}
`;

scenario('SIGUSR1 finishes the running request, refuses new ones, and ends', async (world) => {
  const server = world.server(() => {});
  const proxy = await world.proxy(listen(server.port));
  const client = await world.connect(proxy.port('l'));
  client.send(get);
  const peer = await server.peer(0);
  await peer.readHead();
  proxy.signal('SIGUSR1');
  await until(
    () =>
      world.connect(proxy.port('l')).then(
        (extra) => {
          extra.close();
          return false;
        },
        () => true,
      ),
    () => 'it still accepts',
  );
  expect(proxy.exitCode).toBeNull();
  peer.send(answer('finished'));
  expect((await client.readMessage('GET')).body).toBe('finished');
  client.close();
  expect(await proxy.exited()).toBe(0);
});

/** A frontend that answers by itself. */
const answering = (global = '', option = '') => `
global
  nbthread 2
  ${global}
${defaultsHttp}
  ${option}
frontend f
  bind fd@{{f}}
  http-request return status 200 content-type text/plain string "yes"
`;

/** The signal has taken effect: no connection is accepted any more. */
async function refuses(world: World, port: number): Promise<void> {
  await until(
    () =>
      world.connect(port).then(
        (extra) => {
          extra.close();
          return false;
        },
        () => true,
      ),
    () => 'it still accepts',
  );
}

/** A connection that has been answered once and is kept. */
async function keptConnection(world: World, port: number): Promise<Peer> {
  const peer = await world.connect(port);
  peer.send(get);
  await peer.readMessage('GET');
  return peer;
}

scenario(
  'SIGUSR1: who is connected and has not asked yet may ask, and is answered',
  async (world) => {
    const proxy = await world.proxy(answering());
    const port = proxy.port('f');
    const clients = await Promise.all(new Array(10).fill(port).map((to) => world.connect(to)));
    const begun = await world.connect(port);
    begun.send(get.slice(0, 9));
    // An answer on a later connection: those before it have been accepted.
    for (let i = 0; i < 4; i++) await keptConnection(world, port);
    proxy.signal('SIGUSR1');
    await refuses(world, port);
    begun.send(get.slice(9));
    for (const client of clients) client.send(get);
    for (const client of [...clients, begun]) {
      const message = await client.readMessage('GET');
      expect(message.body).toBe('yes');
      expect(fieldOf(message, 'connection')).toBe('close');
    }
    expect(await proxy.exited()).toBe(0);
  },
);

scenario('SIGUSR1: a silent client has until timeout http-request', async (world) => {
  const proxy = await world.proxy(answering('', 'timeout http-request 300ms'));
  const silent = await world.connect(proxy.port('f'));
  await keptConnection(world, proxy.port('f'));
  proxy.signal('SIGUSR1');
  expect(await silent.readToEnd()).toStartWith('HTTP/1.1 408 ');
  expect(await proxy.exited()).toBe(0);
});

scenario('SIGUSR1 closes idle connections at once', async (world) => {
  const proxy = await world.proxy(answering());
  const idle = await keptConnection(world, proxy.port('f'));
  proxy.signal('SIGUSR1');
  expect(await idle.readToEnd()).toBe('');
  expect(await proxy.exited()).toBe(0);
});

scenario(
  'SIGUSR1: option idle-close-on-response lets an idle connection ask once more',
  async (world) => {
    const proxy = await world.proxy(answering('', 'option idle-close-on-response'));
    const idle = await keptConnection(world, proxy.port('f'));
    proxy.signal('SIGUSR1');
    await refuses(world, proxy.port('f'));
    idle.send(get);
    expect(fieldOf(await idle.readMessage('GET'), 'connection')).toBe('close');
    expect(await proxy.exited()).toBe(0);
  },
);

scenario('SIGUSR1: close-spread-time ends idle connections within it', async (world) => {
  const proxy = await world.proxy(answering('close-spread-time 1s'));
  const idle: Peer[] = [];
  for (let i = 0; i < 10; i++) idle.push(await keptConnection(world, proxy.port('f')));
  proxy.signal('SIGUSR1');
  const ends = await Promise.all(
    idle.map(async (peer) => {
      expect(await peer.readToEnd()).toBe('');
      return performance.now();
    }),
  );
  // Ten moments of a second at random: that all fall into one twentieth of it does not happen.
  expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan(50);
  expect(await proxy.exited()).toBe(0);
});

scenario('SIGUSR1: close-spread-time infinite keeps connections', async (world) => {
  const proxy = await world.proxy(answering('close-spread-time infinite'));
  const kept = await keptConnection(world, proxy.port('f'));
  proxy.signal('SIGUSR1');
  await refuses(world, proxy.port('f'));
  for (let i = 0; i < 3; i++) {
    kept.send(get);
    expect(fieldOf(await kept.readMessage('GET'), 'connection')).toBe(null);
  }
  kept.close();
  expect(await proxy.exited()).toBe(0);
});

scenario('SIGUSR1: during grace all goes on', async (world) => {
  const proxy = await world.proxy(answering('grace 500ms\n  stats socket {{dir}}/stats'));
  proxy.signal('SIGUSR1');
  await proxy.changes.until(
    () => proxy.stderr.includes('Scheduling a soft-stop in 500 ms.'),
    () => proxy.stderr,
  );
  expect(await proxy.command('show info')).toContain('\nStopping: 1\n');
  const kept = await keptConnection(world, proxy.port('f'));
  kept.send(get);
  expect(fieldOf(await kept.readMessage('GET'), 'connection')).toBe(null);
  kept.close();
  expect(await proxy.exited()).toBe(0);
  expect(proxy.stderr).toContain('Grace period expired, proceeding with soft-stop now.');
});

for (const threads of [1, 4]) {
  for (const address of ['127.0.0.1:{{port}}', 'unix@{{dir}}/http'] as const) {
    scenario(
      `SIGUSR1 loses nobody who waits to be accepted (${address}, ${threads} threads)`,
      async (world) => {
        const free = new RawServer(() => {});
        free.stop();
        const text = answering()
          .replace('nbthread 2', `nbthread ${threads}`)
          .replace('fd@{{f}}', address);
        const proxy = await world.proxy(text, { vars: { port: free.port } });
        const path = join(world.dir, 'http');
        const to = address.startsWith('unix')
          ? { unix: path }
          : { hostname: '127.0.0.1', port: free.port };
        proxy.signal('SIGSTOP');
        const clients = await Promise.all(new Array(500).fill(to).map((at) => connectPeer(at)));
        world.defer(() => {
          for (const client of clients) client.close();
        });
        proxy.signal('SIGUSR1');
        proxy.signal('SIGCONT');
        for (const client of clients) client.send(get);
        for (const client of clients) expect((await client.readMessage('GET')).body).toBe('yes');
        expect(await proxy.exited()).toBe(0);
      },
      { skip: sluiceOnly },
    );
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  scenario(`${signal} ends at once, running requests or not`, async (world) => {
    const server = world.server(() => {});
    const proxy = await world.proxy(listen(server.port));
    const client = await world.connect(proxy.port('l'));
    client.send(get);
    await (await server.peer(0)).readHead();
    proxy.signal(signal);
    expect([0, 130, 143]).toContain(await proxy.exited());
    await client.readToEnd();
  });
}

scenario('an address in use is named with its line, and nothing is left running', async (world) => {
  const taken = new RawServer(() => {});
  world.defer(() => taken.stop());
  const result = await world.run(`${defaultsHttp}
frontend f
  bind 127.0.0.1:${taken.port}
`);
  expect(result.status).toBe(1);
  expect(result.stderr).toContain('[ALERT]');
  expect(result.stderr).toContain(`127.0.0.1:${taken.port}`);
});

scenario('all errors of a configuration are reported, and the status is 1', async (world) => {
  const result = await world.run(`${defaultsHttp}
frontend f
  bogus-one
  bind 127.0.0.1:
  timeout client never
  default_backend nowhere
`);
  expect(result.status).toBe(1);
  for (const line of [9, 10, 11]) expect(result.stderr).toMatch(new RegExp(`\\.cfg:${line}\\]`));
  expect(result.stderr).toContain("unknown keyword 'bogus-one'");
});

scenario('-c -V says that a configuration is valid and ends with 0', async (world) => {
  const result = await world.run(`${defaultsHttp}\nfrontend f\n  bind 127.0.0.1:1\n`, {
    args: ['-c', '-V'],
  });
  expect(result.stdout + result.stderr).toContain('Configuration file is valid');
  expect(result.status).toBe(0);
});

scenario('the same configuration starts again as soon as the first has ended', async (world) => {
  const server = world.http(() => answer('ok'));
  const free = new RawServer(() => {});
  free.stop();
  const config = `${defaultsHttp}
listen l
  bind 127.0.0.1:${free.port}
  server s 127.0.0.1:${server.port}
`;
  for (let i = 0; i < 3; i++) {
    const proxy = await world.proxy(config);
    const client = await world.connect(free.port);
    client.send(get);
    expect((await client.readMessage('GET')).body).toBe('ok');
    await proxy.stop();
  }
});

scenario('a pid file holds the pid (3.1 pidfile)', async (world) => {
  const server = world.http(() => answer('ok'));
  const proxy = await world.proxy(`global\n  pidfile {{dir}}/pid\n${listen(server.port)}`);
  // Only a daemon writes it with haproxy; either way the process serves.
  if (existsSync(join(world.dir, 'pid'))) {
    expect(Number(await Bun.file(join(world.dir, 'pid')).text())).toBe(proxy.pid);
  }
});

scenario(
  'the launcher works through a symbolic link, from any folder, under the name haproxy',
  async (world) => {
    symlinkSync(join(root, 'bin', 'sluice'), join(world.dir, 'haproxy'));
    const child = Bun.spawn([join(world.dir, 'haproxy'), '-v'], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    expect(output).toMatch(/^(HAProxy|sluice)/i);
  },
  { skip: sluiceOnly },
);

scenario(
  'the launcher is replaced by the proxy, so that signals reach it',
  async (world) => {
    const server = world.http(() => answer('ok'));
    const proxy = await world.proxy(listen(server.port));
    expect(readlinkSync(`/proc/${proxy.pid}/exe`)).toMatch(/\/bun(\.exe)?$/);
  },
  { skip: sluiceOnly },
);
