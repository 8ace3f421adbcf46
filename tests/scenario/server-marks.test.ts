/**
 * Where a server begins, and what becomes of its sessions when its state changes (configuration.txt 5.2
 * init-addr, init-state, on-marked-down, on-marked-up). SLUICE_TEST_PROGRAM=haproxy shows that haproxy
 * agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { RawServer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const head = `
global
  nbthread 1
  stats socket {{dir}}/stats level admin
${defaultsHttp}
`;

/** The status of every server in `show stat`. */
async function statuses(proxy: Proxy): Promise<Record<string, string>> {
  const lines = (await proxy.command('show stat')).trim().split('\n').slice(1);
  const rows = lines.map((line) => line.split(',')).filter(([name]) => name === 'b');
  return Object.fromEntries(rows.map((row) => [row[1]!, row[17]!]));
}

scenario('init-addr takes the first way that gives an address (init-addr)', async (world) => {
  const server = world.http(() => answer('here'));
  const proxy = await world.proxy(`${head}
frontend f
  bind fd@{{f}}
  default_backend b
backend b
  default-server init-addr libc,none
  server gone no-such-host.invalid:80
  server never localhost:80 init-addr none
  server fixed no-such-host.invalid:${server.port} init-addr last,libc,127.0.0.1
  server name localhost:${server.port} init-addr last,libc
  server plain 127.0.0.1:${server.port}
`);
  const all = (await proxy.command('show stat'))
    .split('\n')
    .filter((line) => line.startsWith('b,'));
  const seen = all.map((line) => [line.split(',')[1], line.split(',')[17], line.split(',')[73]]);
  expect(seen.slice(0, 3)).toEqual([
    ['gone', 'MAINT (resolution)', ''],
    ['never', 'MAINT (resolution)', ''],
    ['fixed', 'no check', `127.0.0.1:${server.port}`],
  ]);
  expect(seen[3]![1]).toBe('no check');
  expect(proxy.stderr).toContain(
    "'server b/gone' : could not resolve address 'no-such-host.invalid', disabling server.\n",
  );
  expect(proxy.stderr).toContain(
    "'server b/fixed' : could not resolve address 'no-such-host.invalid', falling back to " +
      'configured address.\n',
  );
  expect(proxy.stderr).not.toContain('b/never');
  expect(await world.exchange(proxy.port('f'), 'GET / HTTP/1.0\r\n\r\n')).toEndWith('here');
});

for (const [method, message] of [
  ['libc', "could not resolve address 'no-such-host.invalid'."],
  ['last', "no method found to resolve address 'no-such-host.invalid'."],
]) {
  scenario(`init-addr ${method} without an address is an error (init-addr)`, async (world) => {
    const result = await world.run(
      `${head}backend b\n  server s no-such-host.invalid:80 init-addr ${method}\n`,
      { args: ['-c'] },
    );
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(`'server b/s' : ${message}\n`);
  });
}

scenario('init-state says what a server is before its checks (init-state)', async (world) => {
  const proxy = await world.proxy(`${head}
frontend f
  bind fd@{{f}}
backend b
  default-server inter 100s rise 3 fall 2
  server always 127.0.0.1:1 init-state down
  server usual 127.0.0.1:1 disabled check init-state fully-down
  server none 127.0.0.1:1 init-state none
  server up 127.0.0.1:1 init-state fully-up
`);
  expect(await statuses(proxy)).toEqual({
    always: 'DOWN',
    usual: 'MAINT',
    none: 'no check',
    up: 'no check',
    BACKEND: 'UP',
  });
});

scenario('with init-state a server waits for its checks (init-state)', async (world) => {
  const server = world.http(() => answer('ok'));
  const proxy = await world.proxy(`${head}
frontend f
  bind fd@{{f}}
backend b
  default-server inter 30 rise 2 fall 2
  server down 127.0.0.1:${server.port} check init-state down
  server fully 127.0.0.1:${server.port} check init-state fully-down
  server usual 127.0.0.1:${server.port} check
`);
  await until(
    async () => Object.values(await statuses(proxy)).every((status) => status === 'UP'),
    () => proxy.stderr,
  );
  expect(proxy.stderr).toContain('Server b/down is UP, reason: Layer4 check passed');
  expect(proxy.stderr).toContain('Server b/fully is UP, reason: Layer4 check passed');
  expect(proxy.stderr).not.toContain('b/usual is');
});

/** A back end that answers checks by what the test says, and begins long answers to the rest. */
function patient(world: World): { server: RawServer; waiting: () => number } {
  let waiting = 0;
  const server = world.server(async (peer) => {
    const head = await peer.readUntil('\r\n\r\n');
    waiting++;
    if (head.includes('/half')) peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc');
    await peer.readToEnd();
  });
  return { server, waiting: () => waiting };
}

interface Marked {
  proxy: Proxy;
  replies: Promise<string>[];
  log: { lines(): string[] };
}

/** Two requests that wait for their servers: without an answer, and in the middle of one. */
async function twoSessions(world: World, servers: (port: number) => string): Promise<Marked> {
  const { server, waiting } = patient(world);
  const receiver = await world.syslog();
  const proxy =
    await world.proxy(`${head.replace('nbthread 1', `nbthread 1\n  log 127.0.0.1:${receiver.port} local0`)}
  log global
  option httplog
frontend f
  bind fd@{{f}}
  default_backend b
backend b
${servers(server.port)}`);
  const replies = ['/none', '/half'].map((path) =>
    world.exchange(proxy.port('f'), `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`),
  );
  await until(
    () => waiting() === 2,
    () => `${waiting()} requests came`,
  );
  return { proxy, replies, log: { lines: () => receiver.lines } };
}

async function expectEnd({ replies, log }: Marked, letter: string, name: string): Promise<void> {
  const [none, half] = await Promise.all(replies);
  expect(none).toBe('');
  expect(half).toEndWith('\r\n\r\nabc');
  const ends = await until(
    () => {
      const lines = log.lines().filter((line) => line.includes(' HTTP/1.1"'));
      return lines.length === 2 ? lines : null;
    },
    () => log.lines().join('\n'),
  );
  for (const line of ends) expect(line).toMatch(new RegExp(` f b/${name} .* ${letter}[A-Z]-- `));
}

/** What checks ask; it says whether the server is up. */
function switchable(world: World, isUp: boolean): { port: number; is(up: boolean): void } {
  let up = isUp;
  const { port } = world.http(() => (up ? answer('') : answer('', '503 Service Unavailable')));
  return {
    port,
    is: (now) => {
      up = now;
    },
  };
}

scenario('a server that goes down takes its sessions with it (on-marked-down)', async (world) => {
  const check = switchable(world, true);
  const marked = await twoSessions(
    world,
    (port) => `  option httpchk
  server s 127.0.0.1:${port} check inter 30 port ${check.port} on-marked-down shutdown-sessions
`,
  );
  check.is(false);
  await expectEnd(marked, 'D', 's');
});

scenario('without it sessions go on (on-marked-down)', async (world) => {
  const check = switchable(world, true);
  const { proxy, replies } = await twoSessions(
    world,
    (port) => `  option httpchk
  server s 127.0.0.1:${port} check inter 30 port ${check.port}
`,
  );
  let ended = 0;
  for (const reply of replies) reply.then(() => ended++);
  check.is(false);
  await until(
    async () => (await statuses(proxy))['s'] === 'DOWN',
    () => proxy.stderr,
  );
  expect(ended).toBe(0);
  await proxy.stop();
});

scenario('an active server ends the sessions of backup servers (on-marked-up)', async (world) => {
  const check = switchable(world, false);
  const marked = await twoSessions(
    world,
    (port) => `  option httpchk
  server active 127.0.0.1:1 check inter 30 port ${check.port} init-state down on-marked-up shutdown-backup-sessions
  server spare 127.0.0.1:${port} backup
`,
  );
  check.is(true);
  await expectEnd(marked, 'U', 'spare');
});
