/**
 * Servers that are changed at run time (management.txt 9.3: set server, set weight, enable and disable,
 * set maxconn, shutdown sessions server). SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const get = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

async function site(world: World, servers: string, options = ''): Promise<Proxy> {
  return world.proxy(`
global
  nbthread 1
  ${options}
  stats socket {{dir}}/stats level admin
${defaultsHttp}
  retries 0
  default-server inter 100s
frontend f
  bind fd@{{f}}
  default_backend b
backend b
${servers}
`);
}

/** Each command with its answer, without the empty line at its end. */
async function expectAnswers(proxy: Proxy, dialogue: [string, string][]): Promise<void> {
  for (const [command, reply] of dialogue) {
    expect([command, (await proxy.command(command)).replace(/\n+$/, '')]).toEqual([command, reply]);
  }
}

/** `srv_op_state srv_admin_state srv_uweight` of every server. */
async function states(proxy: Proxy): Promise<Record<string, string>> {
  const lines = (await proxy.command('show servers state')).trim().split('\n').slice(2);
  const rows = lines.map((line) => line.split(' '));
  return Object.fromEntries(rows.map((row) => [`${row[1]}/${row[3]}`, row.slice(5, 8).join(' ')]));
}

async function bodies(world: World, proxy: Proxy, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i++) {
    found.push((await world.exchange(proxy.port('f'), get)).split('\r\n\r\n')[1]!);
  }
  return found.sort();
}

scenario('set server state takes a server out and in (set server)', async (world) => {
  const one = world.http(() => answer('one'));
  const two = world.http(() => answer('two'));
  const proxy = await site(
    world,
    `  server one 127.0.0.1:${one.port}
  server two 127.0.0.1:${two.port} id 9
backend c
  server follows 127.0.0.1:1 track b/up
  server far 127.0.0.1:1 track c/follows
backend b2
  server x 127.0.0.1:1`
      .replace('b/up', 'b/three')
      .replace(
        'backend c',
        `  server three 127.0.0.1:${two.port} weight 0 disabled check\nbackend c`,
      ),
  );
  expect(await states(proxy)).toMatchObject({
    'b/three': '0 5 0',
    'c/follows': '0 2 1',
    'c/far': '0 2 1',
  });
  expect(await bodies(world, proxy, 4)).toEqual(['one', 'one', 'two', 'two']);
  await expectAnswers(proxy, [['set server b/one state maint', '']]);
  expect(await bodies(world, proxy, 2)).toEqual(['two', 'two']);
  await expectAnswers(proxy, [['set server b/#9 state drain', '']]);
  expect(await states(proxy)).toMatchObject({ 'b/one': '0 1 1', 'b/two': '2 8 1' });
  expect((await bodies(world, proxy, 1))[0]).toContain('503 Service Unavailable');
  await expectAnswers(proxy, [
    ['set server b/one state ready', ''],
    ['enable server b/two', ''],
    ['disable server b/two', ''],
    ['enable server b/three', ''],
  ]);
  expect(await bodies(world, proxy, 2)).toEqual(['one', 'one']);
  expect(await states(proxy)).toMatchObject({
    'b/three': '2 4 0',
    'c/follows': '2 0 1',
    'c/far': '2 0 1',
  });
  for (const line of [
    'Server b/one is going DOWN for maintenance. 1 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.',
    'Server b/two enters drain state. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.',
    "backend 'b' has no server available!",
    'Server b/one is UP/READY (leaving forced maintenance).',
    'Server b/two is UP (leaving forced drain).',
    'Server b/three is UP/READY (leaving forced maintenance).',
    'Server c/follows is UP/READY (leaving maintenance).',
    'Server c/far is UP/READY (leaving maintenance).',
  ]) {
    expect(proxy.stderr).toContain(` : ${line}\n`);
  }
});

scenario('those that track a server take over its state (set server)', async (world) => {
  const server = world.http(() => answer('ok'));
  const proxy = await site(
    world,
    `  server s 127.0.0.1:${server.port} check
backend c
  server t 127.0.0.1:1 track b/s
  server u 127.0.0.1:1 track c/t`,
  );
  const steps: [command: string, states: string[]][] = [
    ['set server b/s state drain', ['2 8 1', '2 16 1', '2 16 1']],
    ['set server b/s state maint', ['0 1 1', '0 2 1', '0 2 1']],
    ['set server c/t state maint', ['0 1 1', '0 3 1', '0 2 1']],
    ['set server b/s state ready', ['2 0 1', '0 1 1', '0 2 1']],
    ['set server c/t state ready', ['2 0 1', '2 0 1', '2 0 1']],
    ['set server b/s health down', ['0 0 1', '0 0 1', '0 0 1']],
    ['set server b/s health stopping', ['3 0 1', '3 0 1', '3 0 1']],
    ['set server b/s health up', ['2 0 1', '2 0 1', '2 0 1']],
  ];
  for (const [command, expected] of steps) {
    expect(await proxy.command(command)).toBe('\n');
    const all = await states(proxy);
    expect([command, all['b/s'], all['c/t'], all['c/u']]).toEqual([command, ...expected]);
  }
  for (const line of [
    'Server c/u enters drain state via c/t. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.',
    'Server c/t is going DOWN for maintenance via b/s. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.',
    'Server c/t remains in forced maintenance.',
    'Server c/t is UP/READY (leaving forced maintenance).',
    'Server b/s is DOWN, changed from CLI. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.',
    'Server c/u is stopping via c/t. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.',
  ]) {
    expect(proxy.stderr).toContain(` : ${line}\n`);
  }
});

scenario('weights change at run time (set weight, get weight)', async (world) => {
  const one = world.http(() => answer('one'));
  const two = world.http(() => answer('two'));
  const proxy = await site(
    world,
    `  server one 127.0.0.1:${one.port} weight 10
  server two 127.0.0.1:${two.port} weight 10
backend c
  balance source
  server d 127.0.0.1:1 weight 5`,
  );
  const isStatic =
    "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.";
  await expectAnswers(proxy, [
    ['set weight b/one 30', ''],
    ['get weight b/one', '30 (initial 10)'],
    ['set server b/one weight 50%', ''],
    ['get weight b/#1', '5 (initial 10)'],
    ['set weight b/one 5000%', ''],
    ['get weight b/one', '256 (initial 10)'],
    ['set weight b/one 300', 'Absolute weight can only be between 0 and 256 inclusive.'],
    ['set weight b/one x', 'Empty weight string empty or preceded by garbage'],
    ['set weight b/one 5x', 'Trailing garbage in weight string'],
    ['set weight b/one', 'Require <weight> or <weight%>.'],
    ['get weight b', "Require 'backend/server'."],
    ['get weight z/s', 'No such backend.'],
    ['get weight b/z', 'No such server.'],
    ['set weight c/d 3', isStatic],
    ['set weight c/d 0', ''],
    ['set weight c/d 100%', ''],
    ['set weight b/one 0', ''],
  ]);
  expect(await bodies(world, proxy, 2)).toEqual(['two', 'two']);
  await expectAnswers(proxy, [['set weight b/one 30', '']]);
  expect(await bodies(world, proxy, 4)).toEqual(['one', 'one', 'one', 'two']);
});

scenario('a server can move to another address (set server addr)', async (world) => {
  const one = world.http(() => answer('one'));
  const two = world.http(() => answer('two'));
  const proxy = await site(
    world,
    `  server s 127.0.0.1:${one.port}
  server path /tmp/nobody disabled`,
  );
  const by = "by 'stats socket command'";
  const keep = await world.connect(proxy.port('f'));
  keep.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  expect((await keep.readMessage('GET')).body).toBe('one');
  await expectAnswers(proxy, [
    ['set server b/s addr', 'set server <b>/<s> addr requires an address and optionally a port.'],
    ['set server b/s addr foo', "Invalid addr 'foo'"],
    ['set server b/s addr 127.0.0.1', 'nothing changed'],
    [
      `set server b/s addr 127.0.0.2 port ${two.port}`,
      `IP changed from '127.0.0.1' to '127.0.0.2', port changed from '${one.port}' to '${two.port}' ${by}`,
    ],
    ['set server b/s addr 127.0.0.1', `IP changed from '127.0.0.2' to '127.0.0.1' ${by}`],
    ['set server b/s addr 127.0.0.1 port x', "problem converting port 'x' to an int"],
    [
      'set server b/path addr 127.0.0.1',
      'Update for the current server address family is only supported through configuration file.',
    ],
  ]);
  keep.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  expect((await keep.readMessage('GET')).body).toBe('two');
  expect(await bodies(world, proxy, 1)).toEqual(['two']);
});

scenario(
  'checks can be moved and stopped (set server check-addr, disable health)',
  async (world) => {
    const server = world.http(() => answer('ok'));
    const proxy = await site(
      world,
      `  default-server inter 30
  server s 127.0.0.1:${world.refusedPort()} check
  server a 127.0.0.1:1 agent-check agent-port 1 agent-inter 100s
  server plain 127.0.0.1:1`,
    );
    const down = async () => (await states(proxy))['b/s']!.startsWith('0');
    await until(down, () => 'the server stays up');
    const health = 'health checks are not enabled on this server';
    const agent = 'agent checks are not enabled on this server';
    await expectAnswers(proxy, [
      ['set server b/s check-port x', 'provided port is not an integer'],
      ['set server b/s check-port 99999999', 'provided port is invalid'],
      ['set server b/s check-port', 'set server <b>/<s> check-port requires a port.'],
      ['set server b/s check-addr 127.0.0.1', ''],
      ['set server b/s check-addr foo', "invalid addr 'foo'"],
      ['disable health b/s', ''],
      ['set server b/s check-port 1', health],
      ['set server b/plain check-port 44', health],
      ['set server b/plain check-addr 127.0.0.1', health],
      ['set server b/plain agent-port 44', agent],
      ['set server b/plain agent up', `${agent}.`],
      ['set server b/plain agent-send x', `${agent}.`],
      ['enable health b/plain', 'Health check was not configured on this server, cannot enable.'],
      ['enable agent b/plain', 'Agent was not configured on this server, cannot enable.'],
      ['disable agent b/plain', ''],
      ['set server b/a agent-addr 127.0.0.9 port 7', ''],
      ['set server b/a agent-send hello', ''],
      ['set server b/a agent foo', "'set server <srv> agent' expects 'up' or 'down'."],
      ['set server b/a agent down', ''],
      [
        'set server b/s state foo',
        "'set server <srv> state' expects 'ready', 'drain' and 'maint'.",
      ],
      [
        'set server b/s health foo',
        "'set server <srv> health' expects 'up', 'stopping', or 'down'.",
      ],
    ]);
    expect((await states(proxy))['b/a']).toBe('0 0 1');
    const row = (await proxy.command('show servers state'))
      .split('\n')
      .find((line) => / a /.test(line));
    expect(row).toEndWith(' 127.0.0.9 7');
    expect(await down()).toBe(true);
    await expectAnswers(proxy, [
      ['set server b/a agent up', ''],
      ['enable health b/s', ''],
      [`set server b/s check-port ${server.port}`, ''],
    ]);
    await until(
      async () => !(await down()),
      () => 'the server stays down',
    );
  },
);

scenario('limits change at run time (set maxconn)', async (world) => {
  let open = 0;
  const server = world.server(async (peer) => {
    await peer.readHead();
    open++;
    await peer.readToEnd();
  });
  const proxy = await site(world, `  server s 127.0.0.1:${server.port} maxconn 1`, 'maxconn 50');
  for (let i = 0; i < 2; i++) (await world.connect(proxy.port('f'))).send(get);
  await until(
    () => open === 1,
    () => 'no request came',
  );
  await expectAnswers(proxy, [
    ['set maxconn server b/s', 'Require <maxconn>.'],
    ['set maxconn server b/s x', 'maxconn string empty or preceded by garbage'],
    ['set maxconn server b/s 2', ''],
    ['set maxconn frontend f', 'Integer value expected.'],
    ['set maxconn frontend nope 3', 'No such frontend.'],
    ['set maxconn frontend f -3', 'Value out of range.'],
    ['set maxconn frontend f 3', ''],
    ['set maxconn global', 'Expects an integer value.'],
    ['set maxconn global 99999999', 'Value out of range.'],
    ['set maxconn global 40', ''],
  ]);
  await until(
    () => open === 2,
    () => 'the second request still waits',
  );
  const stat = (await proxy.command('show stat')).split('\n');
  expect(stat.find((line) => line.startsWith('f,FRONTEND'))!.split(',')[6]).toBe('3');
  expect(await proxy.command('show info')).toContain('\nMaxconn: 40\n');
  await expectAnswers(proxy, [['set maxconn global 0', '']]);
  expect(await proxy.command('show info')).toContain('\nMaxconn: 50\n');
});

scenario('sessions of a server can be ended (shutdown sessions server)', async (world) => {
  let waiting = 0;
  const server = world.server(async (peer) => {
    await peer.readHead();
    waiting++;
    await peer.readToEnd();
  });
  const receiver = await world.syslog();
  const proxy = await site(
    world,
    `  server s 127.0.0.1:${server.port}`,
    `log 127.0.0.1:${receiver.port} format raw local0`,
  );
  const replies = [1, 2].map(() => world.exchange(proxy.port('f'), get));
  await until(
    () => waiting === 2,
    () => `${waiting} requests came`,
  );
  await expectAnswers(proxy, [
    ['shutdown sessions server b/nope', 'No such server.'],
    ['shutdown sessions server b/s', ''],
  ]);
  expect(await Promise.all(replies)).toEqual(['', '']);
});
