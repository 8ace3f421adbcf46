/**
 * The states of servers over a restart: `show servers state` writes them (management.txt 9.3) and
 * `load-server-state-from-file` reads them (configuration.txt 4.2). SLUICE_TEST_PROGRAM=haproxy shows
 * that haproxy agrees.
 */
import { expect } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from '../harness/http.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const columns =
  'be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight ' +
  'srv_time_since_last_change srv_check_status srv_check_result srv_check_health ' +
  'srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord ' +
  'srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port';

const head = (names: string) => `
global
  nbthread 1
  stats socket {{dir}}/stats level admin
  server-state-base {{dir}}
  ${names}
${defaultsHttp}
  default-server inter 50
  load-server-state-from-file global
frontend f
  bind fd@{{f}}
  default_backend b
`;

/** Rows by name, without the time of the last change and whether a check runs just now. */
async function states(proxy: Proxy, backend = ''): Promise<Record<string, string>> {
  const lines = (await proxy.command(`show servers state ${backend}`)).trim().split('\n');
  expect(lines.slice(0, 2)).toEqual(['1', `# ${columns}`]);
  return Object.fromEntries(
    lines.slice(2).map((line) => {
      const words = line.split(' ');
      words[9] = 'age';
      words[13] = String(Number(words[13]) & ~1);
      return [`${words[1]}/${words[3]}`, words.slice(4).join(' ')];
    }),
  );
}

const row = (rest: string) => `3 b 1 ${rest}\n`;
const file = (rows: string) => `1\n# ${columns}\n${rows}`;

scenario('show servers state has a line per server (show servers state)', async (world) => {
  const server = world.http(() => answer('hello'));
  const closed = world.refusedPort();
  const proxy = await world.proxy(`${head('')}
backend b
  server up 127.0.0.1:${server.port} weight 7
  server off 127.0.0.1:1001 disabled
  server path /tmp/nobody id 77
  server agent 127.0.0.2 agent-check agent-port 1 agent-addr 127.0.0.8 agent-inter 50 backup
  server down 127.0.0.3:1 check addr 127.0.0.1 port ${closed}
  server follows 127.0.0.1:1003 track b/down
  server six [::1]:81
  server maint 127.0.0.1:1004 track b/off2
  server off2 127.0.0.1:1004 check disabled
backend c
  id 66
  server only localhost:99
`);
  await until(
    async () => (await states(proxy))['b/follows']?.split(' ')[1] === '0',
    () => 'the server that refuses stays up',
  );
  const all = await states(proxy);
  expect(all).toMatchObject({
    'b/up': `127.0.0.1 2 0 7 7 age 1 0 2 0 0 0 0 - ${server.port} - 0 0 - - 0`,
    'b/off': '127.0.0.1 0 5 1 1 age 1 0 0 8 0 0 0 - 1001 - 0 0 - - 0',
    'b/six': '::1 2 0 1 1 age 1 0 2 0 0 0 0 - 81 - 0 0 - - 0',
    'b/path': '- 2 0 1 1 age 1 0 2 0 0 0 1 - 0 - 0 0 - - 0',
    'b/down': `127.0.0.3 0 0 1 1 age 8 2 0 6 0 0 0 - 1 - 0 ${closed} 127.0.0.1 127.0.0.1 ${closed}`,
    'b/follows': '127.0.0.1 0 0 1 1 age 1 0 2 0 0 0 0 - 1003 - 0 0 - - 0',
    'b/maint': '127.0.0.1 0 2 1 1 age 1 0 0 0 0 0 0 - 1004 - 0 0 - - 0',
    'b/off2': '127.0.0.1 0 5 1 1 age 1 0 0 14 0 0 0 - 1004 - 0 0 - - 0',
    'c/only': '127.0.0.1 2 0 1 1 age 1 0 2 0 0 1 0 localhost 99 - 0 0 - - 0',
  });
  expect(Object.keys(await states(proxy, 'c'))).toEqual(['c/only']);
  expect(Object.keys(await states(proxy, '#66'))).toEqual(['c/only']);
  expect(await proxy.command('show servers state f')).toBe("Can't find backend.\n\n");
});

/** A proxy with a file of a process before it. */
async function restart(world: World, rows: string, servers: string): Promise<Proxy> {
  writeFileSync(join(world.dir, 'all'), file(rows));
  return world.proxy(`${head('server-state-file all')}
backend b
  default-server inter 100s
${servers}`);
}

const down = '0 0 10 10 500 8 2 0 6 0 0 0';
const up = '2 0 10 10 500 6 3 4 6 0 0 0';
const rest = '- 0 0 - - 0';

scenario('a server that was down starts down (load-server-state-from-file)', async (world) => {
  const server = world.http(() => answer('hello'));
  const proxy = await restart(
    world,
    row(`one 127.0.0.1 ${down} - ${server.port} ${rest}`) +
      row(`two 127.0.0.1 ${up} - ${server.port} ${rest}`),
    `  server one 127.0.0.1:${server.port} check weight 10
  server two 127.0.0.1:${server.port} check weight 10
`,
  );
  expect(proxy.stderr).toContain(
    ' : Server b/one is DOWN, changed from server-state after a reload. 1 active and 0 backup ' +
      'servers left. 0 sessions active, 0 requeued, 0 remaining in queue.\n',
  );
  const lines = (await proxy.command('show servers state')).split('\n');
  const age = Number(lines[2]!.split(' ')[9]);
  expect(age).toBeGreaterThanOrEqual(500);
});

scenario(
  'weight, maintenance and drain outlive a restart (load-server-state-from-file)',
  async (world) => {
    const server = world.http(() => answer('hello'));
    const { port } = server;
    const admin = (bits: number, weights = '10 10') =>
      `127.0.0.1 ${bits & 1} ${bits} ${weights} 500 6 3 4 6 0 0 0 - ${port} ${rest}`;
    const running = (bits: number, weights = '10 10') =>
      admin(bits, weights).replace(/^127.0.0.1 ./, '127.0.0.1 2');
    const proxy = await restart(
      world,
      row(`light ${running(0, '5 10')}`) +
        row(`changed ${running(0, '5 11')}`) +
        row(`away ${admin(1).replace(' 1 1 ', ' 0 1 ')}`) +
        row(`drained ${running(8)}`) +
        row(`enabled ${running(4)}`) +
        row(`stays ${running(0)}`),
      ['light', 'changed', 'away', 'drained', 'enabled', 'stays']
        .map((name) => {
          const disabled = name === 'enabled' || name === 'stays' ? ' disabled' : '';
          return `  server ${name} 127.0.0.1:${port} weight 10 check${disabled}\n`;
        })
        .join(''),
    );
    const all = await states(proxy);
    const seen = Object.entries(all).map(([name, line]) => {
      return `${name.slice(2)} ${line.split(' ').slice(1, 5).join(' ')}`;
    });
    expect(seen).toEqual([
      'light 2 0 5 10',
      'changed 2 0 10 10',
      'away 0 1 10 10',
      'drained 2 8 10 10',
      'enabled 2 4 10 10',
      'stays 0 5 10 10',
    ]);
  },
);

const useless: [string, string, string][] = [
  [
    'of another format',
    '2\n',
    "WARNING\\].* : config: Can't get version of the global server state file '.*all'",
  ],
  [
    'that is none',
    'hello\nworld\n',
    "WARNING\\].* : config: Can't get version of the global server state file '.*all'",
  ],
  ['that is empty', '', "NOTICE\\].* : config: Empty global server state file '.*all'"],
  [
    'that was cut',
    file(row(`one 127.0.0.1 ${down} - 1 ${rest}`) + row('two 127.0.0.1 2')),
    "WARNING\\].* : config: corrupted global server state file '.*all' at line [34]",
  ],
  [
    'with a value that cannot be',
    file(row(`one 127.0.0.1 ${down.replace('0', '9')} - 1 ${rest}`)),
    "WARNING\\].* : server-state application failed for server 'b/one', invalid srv_op_state value '9'",
  ],
  [
    'of other servers',
    file(`9 x 1 one 127.0.0.1 ${down} - 1 ${rest}\n${row(`other 127.0.0.1 ${down} - 1 ${rest}`)}`),
    '',
  ],
];

for (const [what, text, message] of useless) {
  scenario(`a file ${what} changes nothing (load-server-state-from-file)`, async (world) => {
    const server = world.http(() => answer('hello'));
    writeFileSync(join(world.dir, 'all'), text);
    const proxy = await world.proxy(`${head('server-state-file all')}
backend b
  server one 127.0.0.1:${server.port}
`);
    expect(await states(proxy)).toEqual({
      'b/one': `127.0.0.1 2 0 1 1 age 1 0 2 0 0 0 0 - ${server.port} - 0 0 - - 0`,
    });
    if (message === '') expect(proxy.stderr).not.toContain('state');
    else expect(proxy.stderr).toMatch(new RegExp(message));
  });
}

scenario('each backend may have a file of its own (server-state-file-name)', async (world) => {
  mkdirSync(join(world.dir, 'states'));
  const rows = file(`3 b 1 s 127.0.0.1 0 1 1 1 5 1 0 0 8 0 0 0 - 1001 ${rest}\n`);
  for (const name of ['all', 'b', 'named'])
    writeFileSync(
      join(world.dir, 'states', name),
      rows.replaceAll(' b ', ` ${name === 'named' ? 'c' : 'b'} `),
    );
  const proxy = await world.proxy(`${head('').replace('-base {{dir}}', '-base {{dir}}/states')}
backend b
  load-server-state-from-file local
  server s 127.0.0.1:1001
backend c
  load-server-state-from-file local
  server-state-file-name named
  server s 127.0.0.1:1001
backend d
  load-server-state-from-file none
  server s 127.0.0.1:1001
backend e
  load-server-state-from-file local
  server s 127.0.0.1:1001
backend g
  server s 127.0.0.1:1001
`);
  const all = await states(proxy);
  const seen = Object.entries(all).map(([name, line]) => `${name} ${line.split(' ')[2]}`);
  expect(seen).toEqual(['b/s 1', 'c/s 1', 'd/s 0', 'e/s 0', 'g/s 0']);
  expect(proxy.stderr).toContain(
    `Proxy 'e': Can't open server state file '${world.dir}/states/e': No such file or directory.`,
  );
  expect(proxy.stderr).toContain(
    " : backend 'g' configured to load server state file from global section 'server-state-file' " +
      "directive. Unfortunately, 'server-state-file' is not set!\n",
  );
});

scenario('what one process writes the next one reads (show servers state)', async (world) => {
  const servers =
    '  server one 127.0.0.1:1001 disabled\n  server two 127.0.0.1:1002 id 9 weight 3\n';
  const first = await world.proxy(`${head('')}\nbackend b\n${servers}`);
  const before = await first.command('show servers state');
  await first.stop();
  writeFileSync(join(world.dir, 'all'), `${before.trimEnd()}\n`);
  const second = await world.proxy(`${head('server-state-file all')}\nbackend b\n${servers}`);
  // haproxy raises the counter of checks, which a server without checks does not need.
  const steady = (text: string) =>
    text.replace(/^((?:\S+ ){9})\S+ (\S+ \S+) \S+/gm, '$1age $2 counter');
  expect(steady(await second.command('show servers state'))).toBe(steady(before));
  expect(second.stderr).not.toContain('server-state');
});

scenario('show servers conn counts connections (show servers conn)', async (world) => {
  const server = world.http(() => answer('hello'));
  const proxy = await world.proxy(`${head('')}
backend b
  server one 127.0.0.1:${server.port} pool-max-conn 5 pool-purge-delay 7s
  server path /tmp/nobody
`);
  await world.exchange(proxy.port('f'), 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  const lines = (await proxy.command('show servers conn b')).split('\n');
  expect(lines[0]).toBe(
    '# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb ' +
      'safe_nb idle_lim idle_cur idle_per_thr[1]',
  );
  const values = lines[1]!.split(' ');
  values[8] = 'estimate';
  expect(values.join(' ')).toBe(`b/one 3/1 127.0.0.1 ${server.port} - 7000 0 1 estimate 1 0 5 1 1`);
  expect(lines[2]).toBe('b/path 3/2 - 0 - 5000 0 0 0 0 0 -1 0 0');
  expect(await proxy.command('show servers conn no')).toBe("Can't find backend.\n\n");
});
