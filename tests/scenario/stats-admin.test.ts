/**
 * What administrators do to servers with the statistics page (configuration.txt 4.2 `stats admin`): forms
 * in, a redirection out, states and log lines. SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

interface Site {
  proxy: Proxy;
  log: Awaited<ReturnType<World['syslog']>>;
  /** Sends a form and gives the `st` of the answer. */
  post(form: string, ...fields: string[]): Promise<string>;
  /** The value of a column of `show stat`. */
  stat(row: string, column: string): Promise<string>;
}

/** Two active servers, of which the first is checked once and then not for a long time, and a backup. */
async function site(world: World, extra = ''): Promise<Site> {
  const server = world.http(() => answer('hello'));
  const log = await world.syslog();
  const proxy = await world.proxy(`
global
  stats socket {{dir}}/stats level admin
${defaultsHttp}
  log 127.0.0.1:${log.port} format raw local0 notice
frontend f
  bind fd@{{f}}
  stats uri /page
  stats admin if { hdr(host) h }
  ${extra}
  default_backend b
backend b
  server s1 127.0.0.1:${server.port} check inter 1h rise 2 fall 3
  server s2 127.0.0.1:${server.port}
  server s3 127.0.0.1:${server.port} backup
backend hidden
  server s1 127.0.0.1:${server.port}
`);
  const stat = async (row: string, column: string) => {
    const [head = '', ...lines] = (await proxy.command('show stat')).trim().split('\n');
    const values = lines.find((line) => line.startsWith(`${row.replace('/', ',')},`))!.split(',');
    return values[head.slice(2).split(',').indexOf(column)]!;
  };
  await until(
    async () => (await stat('b/s1', 'check_status')) === 'L4OK',
    () => 'no first check',
  );
  return {
    proxy,
    log,
    stat,
    async post(form, ...fields) {
      const reply = await world.exchange(
        proxy.port('f'),
        [
          'POST /page HTTP/1.1',
          ...(fields.some((field) => /^host:/i.test(field)) ? [] : ['Host: h']),
          'Connection: close',
          `Content-Length: ${form.length}`,
          ...fields,
          '',
          form,
        ].join('\r\n'),
      );
      expect(reply).toStartWith('HTTP/1.1 303 See Other\r\n');
      return /^location: \/page;st=(.*)\r$/m.exec(reply)?.[1] ?? reply;
    },
  };
}

scenario('a form is answered with what has become of it (stats admin)', async (world) => {
  const { post } = await site(world);
  const cases: [form: string, outcome: string][] = [
    ['s=s1&action=drain&b=b', 'DONE'],
    ['s=s1&action=ready&b=%233', 'DONE'],
    ['b=b&action=ready&s=%731', 'DONE'],
    ['s=s1&s=s2&action=ready&b=b', 'DONE'],
    ['s=s1&s=no&action=ready&b=b', 'PART'],
    ['s=no&action=ready&b=b', 'ERRP'],
    ['s=s1&action=ready&b=no', 'ERRP'],
    ['s=s1&action=ready&b=f', 'ERRP'],
    ['s=s1&action=reddy&b=b', 'ERRP'],
    ['s=s2&action=dhlth&b=b', 'NONE'],
    ['s=s1&action=dagent&b=b', 'NONE'],
    ['s=s1&action=adown&b=b', 'NONE'],
    ['s=s1&b=b', 'NONE'],
    ['action=ready&b=b', 'NONE'],
    ['', 'NONE'],
  ];
  for (const [form, outcome] of cases) expect([form, await post(form)]).toEqual([form, outcome]);
});

scenario('a form of another site, or of nobody who may, changes nothing', async (world) => {
  const { post, stat } = await site(world, 'stats scope b');
  const form = 's=s2&action=maint&b=b';
  for (const field of [
    'Origin: http://evil',
    'Origin: null',
    'Referer: http://evil/h',
    'Origin: http://h.evil',
    'Host: other',
  ]) {
    expect([field, await post(form, field)]).toEqual([field, 'DENY']);
  }
  expect(await post('s=s1&action=maint&b=hidden')).toBe('DENY');
  expect(await stat('b/s2', 'status')).toBe('no check');
  expect(await stat('hidden/s1', 'status')).toBe('no check');
  expect(await post(form, 'Origin: http://h')).toBe('DONE');
  expect(await stat('b/s2', 'status')).toBe('MAINT');
});

scenario('the answer leads back to the page as it was', async (world) => {
  const { proxy } = await site(world, 'stats refresh 5s');
  const head = 'Host: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
  const location = async (target: string) => {
    const reply = await world.exchange(proxy.port('f'), `POST ${target} HTTP/1.1\r\n${head}`);
    return /^location: (.*)\r$/m.exec(reply)?.[1];
  };
  expect(await location('/page;up;norefresh;st=DONE')).toBe('/page;st=NONE;up;norefresh');
  expect(await location('/page?scope=abc')).toBe('/page;st=NONE?scope=abc');
});

scenario('states and lines follow (ready drain maint hrunn hdown dhlth ehlth)', async (world) => {
  const { log, post, stat } = await site(world);
  const online = (active: number) =>
    `${active} active and 1 backup servers online. 0 sessions requeued, 0 total in queue.`;
  const left = (active: number) =>
    `${active} active and 1 backup servers left.${active === 0 ? ' Running on backup.' : ''} ` +
    '0 sessions active, 0 requeued, 0 remaining in queue.';
  const steps: [action: string, server: string, status: string, lines: string[]][] = [
    ['drain', 's1', 'DRAIN', [`Server b/s1 enters drain state. ${online(1)}`]],
    ['drain', 's1', 'DRAIN', []],
    ['maint', 's1', 'MAINT', [`Server b/s1 is going DOWN for maintenance. ${left(1)}`]],
    ['hdown', 's1', 'MAINT', []],
    ['ready', 's1', 'UP 1/3', ['Server b/s1 is UP/READY (leaving forced maintenance).']],
    ['drain', 's1', 'DRAIN 1/3', [`Server b/s1 enters drain state. ${online(1)}`]],
    ['ready', 's1', 'UP 1/3', ['Server b/s1 is UP (leaving forced drain).']],
    ['hdown', 's1', 'DOWN', [`Server b/s1 is DOWN, changed from Web interface. ${left(1)}`]],
    ['maint', 's1', 'MAINT', ['Server b/s1 was DOWN and now enters maintenance.']],
    ['ready', 's1', 'UP 1/3', ['Server b/s1 is UP/READY (leaving forced maintenance).']],
    ['hdown', 's1', 'DOWN', [`Server b/s1 is DOWN, changed from Web interface. ${left(1)}`]],
    ['drain', 's1', 'DOWN', [`Server b/s1 enters drain state. ${left(1)}`]],
    ['ready', 's1', 'DOWN', ['Server b/s1 is DOWN (leaving forced drain).']],
    ['hrunn', 's1', 'UP', [`Server b/s1 is UP, changed from Web interface. ${online(2)}`]],
    ['hnolb', 's1', 'NOLB', [`Server b/s1 is stopping, changed from Web interface. ${online(1)}`]],
    ['hrunn', 's1', 'UP', [`Server b/s1 is UP, changed from Web interface. ${online(2)}`]],
    ['dhlth', 's1', 'no check', []],
    ['hdown', 's1', 'DOWN', [`Server b/s1 is DOWN, changed from Web interface. ${left(1)}`]],
    ['hrunn', 's1', 'no check', [`Server b/s1 is UP, changed from Web interface. ${online(2)}`]],
    ['ehlth', 's1', 'UP', []],
    ['maint', 's2', 'MAINT', [`Server b/s2 is going DOWN for maintenance. ${left(1)}`]],
    [
      'drain',
      's2',
      'DRAIN',
      [
        'Server b/s2 is UP/DRAIN (leaving forced maintenance).',
        'Server b/s2 remains in forced drain mode.',
      ],
    ],
    ['maint', 's1', 'MAINT', [`Server b/s1 is going DOWN for maintenance. ${left(0)}`]],
  ];
  const expected: string[] = [];
  for (const [action, server, status, lines] of steps) {
    expect(await post(`s=${server}&action=${action}&b=b`)).toBe('DONE');
    const found = await stat(`b/${server}`, 'status');
    // haproxy runs a check at once when checks are turned on.
    if (action !== 'ehlth') expect([action, server, found]).toEqual([action, server, status]);
    expected.push(...lines);
  }
  await post('s=s3&action=maint&b=b');
  expected.push(
    'Backup Server b/s3 is going DOWN for maintenance. 0 active and 0 backup servers left. ' +
      '0 sessions active, 0 requeued, 0 remaining in queue.',
    'backend b has no server available!',
  );
  await log.find(/no server available/);
  const said = log.lines
    .map((line) => line.trim())
    .filter((line) => /^(Backup )?[Ss]erver|^backend/.test(line));
  expect(said).toEqual(expected);
});

scenario('traffic follows: a server in drain or maintenance gets nothing', async (world) => {
  const counts = [0, 0];
  const servers = counts.map((_, i) =>
    world.http(() => {
      counts[i]!++;
      return answer('hello');
    }),
  );
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
frontend f
  bind fd@{{f}}
  stats uri /page
  stats admin if TRUE
  default_backend b
backend b
  server s1 127.0.0.1:${servers[0]!.port}
  server s2 127.0.0.1:${servers[1]!.port}
`);
  const get = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
  for (const action of ['drain', 'maint', 'hdown']) {
    const form = `s=s1&b=b&action=${action}`;
    const post = (text: string) =>
      world.exchange(
        proxy.port('f'),
        `POST /page HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
    expect(await post(form)).toContain('st=DONE');
    counts.fill(0);
    // A worker hears of it before it hears of the answer to the form.
    for (let i = 0; i < 6; i++) await world.exchange(proxy.port('f'), get);
    expect([action, ...counts]).toEqual([action, 0, 6]);
    await post('s=s1&b=b&action=ready');
    await post('s=s1&b=b&action=hrunn');
    for (let i = 0; i < 6; i++) await world.exchange(proxy.port('f'), get);
    expect([action, counts[0]! > 0]).toEqual([action, true]);
  }
});

scenario(
  'shutdown ends the sessions of a server and of no other (action=shutdown)',
  async (world) => {
    const server = world.server((peer) =>
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'),
    );
    const log = await world.syslog();
    const proxy = await world.proxy(`${defaultsHttp}
  log 127.0.0.1:${log.port} format raw local0
  option httplog
frontend f
  bind fd@{{f}}
  stats uri /page
  stats admin if TRUE
  use_backend b2 if { path /2 }
  default_backend b
backend b
  server s1 127.0.0.1:${server.port}
backend b2
  server s2 127.0.0.1:${server.port}
`);
    const first = await world.connect(proxy.port('f'));
    first.send('GET /1 HTTP/1.1\r\nHost: h\r\n\r\n');
    const second = await world.connect(proxy.port('f'));
    second.send('GET /2 HTTP/1.1\r\nHost: h\r\n\r\n');
    await Promise.all([first.readUntil('part'), second.readUntil('part')]);
    const form = 's=s1&action=shutdown&b=b';
    const reply = await world.exchange(
      proxy.port('f'),
      `POST /page HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${form.length}\r\n\r\n${form}`,
    );
    expect(reply).toContain('st=DONE');
    await first.readToEnd();
    expect(await log.find(/ b\/s1 /)).toMatch(/ b\/s1 \S+ \d+ \d+ - - K[CD]-- /);
    expect(log.lines.some((line) => line.includes(' b2/s2 '))).toBe(false);
  },
);

scenario('bodies that nobody should send are answered and forgotten', async (world) => {
  const { proxy, post } = await site(world);
  const port = proxy.port('f');
  const head = 'POST /page HTTP/1.1\r\nHost: h\r\nConnection: close\r\n';
  const outcome = async (rest: string) =>
    /^location: .*;st=(\w+)/m.exec(await world.exchange(port, head + rest))?.[1];
  const large = 's=s1&'.repeat(20_000);
  expect(await outcome(`Content-Length: ${large.length}\r\n\r\n${large}`)).toBe('EXCD');
  const many = `${'s=x&'.repeat(3000)}b=b&action=ready`;
  expect(await outcome(`Content-Length: ${many.length}\r\n\r\n${many}`)).toBe('ERRP');
  const form = 's=s1&action=ready&b=b';
  const pieces = [...form].map((char) => `1\r\n${char}\r\n`).join('');
  expect(await outcome(`Transfer-Encoding: chunked\r\n\r\n${pieces}0\r\n\r\n`)).toBe('DONE');
  expect(await outcome(`Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toBe('NONE');
  for (const text of ['%', '%zz=%z', '====', '&&&&', 's=%00&b=b&action=ready', 's[]=1&b&action']) {
    expect(['NONE', 'ERRP']).toContain(
      (await outcome(`Content-Length: ${text.length}\r\n\r\n${text}`))!,
    );
  }
  // A body that never ends: the client leaves.
  for (let i = 0; i < 10; i++) {
    const client = await world.connect(port);
    client.send(`${head}Content-Length: 50\r\n\r\ns=s1&act`);
    client.reset();
  }
  expect(await post(form)).toBe('DONE');
});

scenario(
  'a body that does not come in time is given up (timeout http-request)',
  async (world) => {
    const { proxy } = await site(world, 'timeout http-request 300ms');
    const reply = await world.exchange(
      proxy.port('f'),
      'POST /page HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\ns=s1',
    );
    expect(reply).toStartWith('HTTP/1.1 408 ');
  },
  // haproxy 3.2 waits for timeout client.
  { skip: programUnderTest === 'sluice' ? null : 'haproxy waits for timeout client' },
);
