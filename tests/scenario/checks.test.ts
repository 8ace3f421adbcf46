/** Health checks that speak, and what becomes of the traffic (configuration.txt 4.2, 5.2). */
import { expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from '../harness/http.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

/** A server that answers `/check` with a status that the test changes, and clients with its name. */
function checkedServer(world: World, name: string) {
  const state = { status: '200 OK', port: 0 };
  const server = world.http((request) =>
    request.target === '/check' ? answer('', state.status) : answer(name),
  );
  state.port = server.port;
  return state;
}

const head = (logPort: number) => `
global
  log 127.0.0.1:${logPort} format raw local0
  max-spread-checks 1ms
${defaultsHttp}
  log global
  timeout check 5s
`;

scenario(
  'a server that answers 404 to its check gets no new clients (4.2 disable-on-404)',
  async (world) => {
    const log = await world.syslog();
    const [one, two] = [checkedServer(world, 'one'), checkedServer(world, 'two')];
    const proxy = await world.proxy(`${head(log.port)}
listen l
  bind fd@{{l}}
  option httpchk GET /check
  http-check disable-on-404
  server one 127.0.0.1:${one.port} check inter 20ms
  server two 127.0.0.1:${two.port}
`);
    const served = async () => {
      const names = new Set<string>();
      for (let i = 0; i < 6; i++) names.add(await (await fetch(proxy.url('l'))).text());
      return [...names].sort();
    };
    one.status = '404 Not Found';
    const stopping = await log.find(/^Server l\/one is stopping/);
    expect(stopping.trimEnd().replace(/\d+ms/, 'Nms')).toBe(
      'Server l/one is stopping, reason: Layer7 check conditionally passed, code: 404, ' +
        'check duration: Nms. 1 active and 0 backup servers online. 0 sessions requeued, ' +
        '0 total in queue.',
    );
    expect(await served()).toEqual(['two']);
    one.status = '200 OK';
    await log.find(/^Server l\/one is UP, reason: Layer7 check passed, code: 200/);
    expect(await served()).toEqual(['one', 'two']);
    one.status = '500 Oh';
    await log.find(/^Server l\/one is DOWN, reason: Layer7 wrong status, code: 500, info: "Oh"/);
    expect(await served()).toEqual(['two']);
  },
);

scenario('servers that hang, break off or flood do not hold up other checks', async (world) => {
  const log = await world.syslog();
  const flood = 'x'.repeat(1 << 20);
  const bad = [
    world.server(() => {}),
    world.server((peer) => peer.reset()),
    world.server((peer) => peer.send(flood)),
    world.server((peer) => {
      peer.send('HTTP/1.1 200 OK\r\nContent-');
    }),
  ];
  const good = checkedServer(world, 'good');
  const servers = bad.flatMap((server, i) =>
    Array.from(
      { length: 10 },
      (_, n) => `server b${i}-${n} 127.0.0.1:${server.port} check inter 30ms`,
    ),
  );
  await world.proxy(`${head(log.port)}
listen bad
  bind fd@{{bad}}
  timeout check 60ms
  option httpchk GET /check
  ${servers.join('\n  ')}
listen l
  bind fd@{{l}}
  option httpchk GET /check
  server good 127.0.0.1:${good.port} check inter 20ms fall 1
`);
  await log.find(/^listen bad has no server available!|^proxy bad has no server available!/);
  // Many changes of the good server, seen while the bad ones are checked again and again.
  for (let round = 1; round <= 5; round++) {
    good.status = '503 No';
    const count = (what: RegExp) => log.lines.filter((line) => what.test(line)).length;
    const reach = (what: RegExp) =>
      log.changes.until(
        () => count(what) >= round,
        () => `round ${round} of ${what}`,
      );
    await reach(/^Server l\/good is DOWN, reason: Layer7 wrong status, code: 503/);
    good.status = '200 OK';
    await reach(/^Server l\/good is UP, reason: Layer7 check passed, code: 200/);
  }
  expect(log.lines.some((line) => /^Server bad\/\S+ is UP/.test(line))).toBe(false);
});

// HAProxy 3.2 sends nothing then, and the check ends in a timeout (docs/differences.md).
scenario(
  'option httpchk of defaults is sent although the section has lines of its own (4.2)',
  async (world) => {
    const log = await world.syslog();
    const one = checkedServer(world, 'one');
    await world.proxy(`${head(log.port)}
  option httpchk GET /check
  option log-health-checks
listen l
  bind fd@{{l}}
  http-check expect status 418
  server one 127.0.0.1:${one.port} check inter 20ms
`);
    await log.find(
      /^Health check for server l\/one failed, reason: Layer7 wrong status, code: 200/,
    );
    one.status = "418 I'm a teapot";
    await log.find(/^Health check for server l\/one succeeded, .*, code: 418/);
  },
  { skip: programUnderTest === 'haproxy' ? 'a difference' : null },
);

scenario(
  'an agent changes weight, limit and state of its server (5.2 agent-check)',
  async (world) => {
    const log = await world.syslog();
    const [one, two] = [checkedServer(world, 'one'), checkedServer(world, 'two')];
    const said = { line: 'up\n', asked: 0 };
    const agent = world.server(async (peer) => {
      await peer.readUntil('hello\n');
      said.asked++;
      peer.send(said.line);
      peer.end();
    });
    const proxy =
      await world.proxy(`${head(log.port).replace('global', 'global\n  stats socket {{dir}}/stats')}
listen l
  bind fd@{{l}}
  server one 127.0.0.1:${one.port} weight 50 agent-check agent-port ${agent.port} agent-inter 20ms agent-send hello\\n
  server two 127.0.0.1:${two.port} weight 50
`);
    const served = async () => {
      const names = new Set<string>();
      for (let i = 0; i < 6; i++) names.add(await (await fetch(proxy.url('l'))).text());
      return [...names].sort();
    };
    const say = async (line: string) => {
      said.line = line;
      const { asked } = said;
      // The answer before this one may still be on its way.
      await agent.changes.until(
        () => said.asked > asked + 2,
        () => `nobody asked for ${line}`,
      );
      const table = (await proxy.command('show stat')).split('\n').map((row) => row.split(','));
      const row = table.find(([px, name]) => px === 'l' && name === 'one')!;
      const value = (name: string) => row[table[0]!.indexOf(name)]!;
      return ['status', 'uweight', 'slim', 'last_agt', 'agent_health'].map(value);
    };
    expect(await say('up 50% maxconn:30\n')).toEqual([
      'no check',
      '25',
      '30',
      'via agent : up',
      '1',
    ]);
    expect(await say('weight:0\n')).toEqual(['no check', '0', '30', '', '1']);
    expect(await served()).toEqual(['two']);
    expect(await say('100% maxconn:0 drain\n')).toEqual(['DRAIN (agent)', '50', '', '', '1']);
    expect(await served()).toEqual(['two']);
    expect(await say('ready\n')).toEqual(['no check', '50', '', '', '1']);
    expect(await served()).toEqual(['one', 'two']);
    const why = 'via agent : stopped (a new version)';
    expect(await say('stopped # a new version\n')).toEqual(['DOWN (agent)', '50', '', why, '0']);
    expect(await served()).toEqual(['two']);
    // Only the agent's own word brings it back.
    expect(await say('what?\n')).toEqual([
      'DOWN (agent)',
      '50',
      '',
      'agent reports an error : what?',
      '0',
    ]);
    expect(await say('up\n')).toEqual(['no check', '50', '', 'via agent : up', '1']);
    expect(await served()).toEqual(['one', 'two']);
    expect(await say('maint\n')).toEqual(['MAINT', '50', '', '', '1']);
    expect(await served()).toEqual(['two']);
    expect(await say('ready\n')).toEqual(['no check', '50', '', '', '1']);
    const counts = 'active and 0 backup servers';
    const lines = log.lines.filter((line) => line.startsWith('Server '));
    expect(lines.map((line) => line.trimEnd().replace(/\d+ms/, 'Nms'))).toEqual([
      `Server l/one enters drain state. 1 ${counts} online. 0 sessions requeued, 0 total in queue.`,
      'Server l/one is UP (leaving forced drain).',
      `Server l/one is DOWN, reason: Layer7 wrong status, code: 0, info: "${why}", ` +
        `check duration: Nms. 1 ${counts} left. 0 sessions active, 0 requeued, 0 remaining in queue.`,
      'Server l/one is UP, reason: Layer7 check passed, code: 0, info: "via agent : up", ' +
        `check duration: Nms. 2 ${counts} online. 0 sessions requeued, 0 total in queue.`,
      `Server l/one is going DOWN for maintenance. 1 ${counts} left. 0 sessions active, ` +
        '0 requeued, 0 remaining in queue.',
      'Server l/one is UP/READY (leaving forced maintenance).',
    ]);
  },
);

scenario('servers that track another one have its state (5.2 track)', async (world) => {
  const log = await world.syslog();
  const [one, two] = [checkedServer(world, 'one'), checkedServer(world, 'two')];
  const proxy = await world.proxy(`${head(log.port)}
listen l
  bind fd@{{l}}
  server two 127.0.0.1:${two.port} track base/one
  server spare 127.0.0.1:${two.port} backup track two
backend base
  option httpchk GET /check
  server one 127.0.0.1:${one.port} check inter 20ms
`);
  one.status = '500 Oh';
  await log.find(/^\w+ l has no server available!/);
  expect((await fetch(proxy.url('l'))).status).toBe(503);
  one.status = '200 OK';
  await log.find(/^Backup Server l\/spare is UP/);
  expect(await (await fetch(proxy.url('l'))).text()).toBe('two');
  const lines = log.lines.map((line) => line.trimEnd()).filter((line) => /erver l\//.test(line));
  expect(lines).toEqual([
    'Server l/two is DOWN via base/one. 0 active and 1 backup servers left. Running on backup. ' +
      '0 sessions active, 0 requeued, 0 remaining in queue.',
    'Backup Server l/spare is DOWN via l/two. 0 active and 0 backup servers left. ' +
      '0 sessions active, 0 requeued, 0 remaining in queue.',
    'Server l/two is UP via base/one. 1 active and 0 backup servers online. ' +
      '0 sessions requeued, 0 total in queue.',
    'Backup Server l/spare is UP via l/two. 1 active and 1 backup servers online. ' +
      '0 sessions requeued, 0 total in queue.',
  ]);
});

scenario(
  'a program checks a server by its exit status (4.2 option external-check)',
  async (world) => {
    const log = await world.syslog();
    const one = checkedServer(world, 'one');
    const status = join(world.dir, 'status');
    const seen = join(world.dir, 'seen');
    const script = join(world.dir, 'check.sh');
    writeFileSync(status, '0');
    writeFileSync(
      script,
      `#!/bin/sh
{ echo "$@"; /usr/bin/env | /usr/bin/grep '^HAPROXY_\\|^PATH=' | /usr/bin/sort; } > ${seen}.new
/bin/mv ${seen}.new ${seen}
read status < ${status}
[ "$status" = hang ] && exec /bin/sleep 100
exit $status
`,
      { mode: 0o755 },
    );
    await world.proxy(`${head(log.port).replace('global', 'global\n  external-check\n  insecure-fork-wanted')}
  option log-health-checks
backend app
  id 5
  option external-check
  external-check command ${script}
  external-check path /nowhere:/bin
  server one 127.0.0.1:${one.port} check inter 1s downinter 50ms fall 1 rise 1 maxconn 7
backend none
  option external-check
  external-check command ${world.dir}/none
  server one 127.0.0.1:${one.port} check inter 50ms
`);
    const next = (what: RegExp) => log.find(new RegExp(`^Health check for server ${what.source}`));
    await next(/app\/one succeeded, reason: External check passed, code: 0, check duration/);
    expect(readFileSync(seen, 'utf8').trim().split('\n')).toEqual([
      `NOT_USED NOT_USED 127.0.0.1 ${one.port}`,
      'HAPROXY_PROXY_ADDR=',
      'HAPROXY_PROXY_ID=5',
      'HAPROXY_PROXY_NAME=app',
      'HAPROXY_PROXY_PORT=',
      'HAPROXY_SERVER_ADDR=127.0.0.1',
      'HAPROXY_SERVER_CURCONN=0',
      'HAPROXY_SERVER_ID=1',
      'HAPROXY_SERVER_MAXCONN=7',
      'HAPROXY_SERVER_NAME=one',
      `HAPROXY_SERVER_PORT=${one.port}`,
      'HAPROXY_SERVER_PROTO=h1',
      'HAPROXY_SERVER_SSL=0',
      'PATH=/nowhere:/bin',
    ]);
    writeFileSync(status, '7');
    await next(/app\/one failed, reason: External check error, code: 7, check duration/);
    writeFileSync(status, 'hang');
    await next(/app\/one failed, reason: External check timeout, code: \d+, check duration/);
    writeFileSync(status, '0');
    await log.find(/^Server app\/one is UP/);
    await next(/none\/one failed, reason: External check error, code: 255, check duration/);
  },
);
