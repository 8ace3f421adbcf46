/** Start, stop and errors of the process (management.txt 3 and 4). */
import { expect } from 'bun:test';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from '../harness/http.ts';
import { RawServer } from '../harness/peer.ts';
import { root } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

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

const sluiceOnly = programUnderTest === 'haproxy' ? 'about the launcher of sluice' : null;

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
    const command = await Bun.file(`/proc/${proxy.pid}/cmdline`).text();
    expect(command).toMatch(/main\.(ts|js)/);
    expect(command.split('\0')[0]).toMatch(/\/bun(\.exe)?$/);
  },
  { skip: sluiceOnly },
);
