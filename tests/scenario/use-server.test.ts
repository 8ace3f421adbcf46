/**
 * Servers chosen before balancing: use-server rules and the server of the last request (configuration.txt
 * 4.2 use-server, option prefer-last-server). SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { defaultsHttp, scenario } from '../harness/scenario.ts';

const request = (path: string, cookie: string) =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\n${cookie === '' ? '' : `Cookie: S=${cookie}\r\n`}` +
  'Connection: close\r\n\r\n';

/** Path, cookie, who answers, the cookie letters of the log. */
const cases: [path: string, cookie: string, server: string, letters: string][] = [
  ['/', '', 'a', 'NI'],
  ['/b', '', 'b', 'NN'],
  ['/b', 'ca', 'b', 'UN'],
  ['/b', 'cb', 'b', 'UN'],
  ['/b', 'bad', 'b', 'UN'],
  ['/off', '', 'a', 'NN'],
  ['/off', 'cb', 'a', 'UN'],
  ['/x/b', 'ca', 'b', 'UN'],
  ['/x/nobody', '', 'a', 'NI'],
  ['/x/nobody', 'cb', 'b', 'VN'],
  ['/unless', '', 'a', 'NI'],
];

scenario('use-server comes before the cookie and before balancing (use-server)', async (world) => {
  const log = await world.syslog();
  const [a, b] = ['a', 'b'].map((name) => world.http(() => answer(name)));
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  log global
  option httplog
frontend f
  bind fd@{{f}}
  default_backend b
backend b
  cookie S insert indirect
  use-server b if { path /b }
  use-server off if { path /off }
  use-server a if { path /off }
  use-server %[path,regsub(/x/,)] if { path_beg /x/ }
  use-server b if { path_beg /x/ }
  use-server b unless { path_beg / }
  server a 127.0.0.1:${a!.port} cookie ca
  server b 127.0.0.1:${b!.port} cookie cb weight 0
  server off 127.0.0.1:${b!.port} disabled cookie coff
`);
  for (const [path, cookie, server, letters] of cases) {
    const reply = await world.exchange(proxy.port('f'), request(path, cookie));
    expect([path, cookie, reply.at(-1)!]).toEqual([path, cookie, server]);
    expect(reply.includes('set-cookie: S=')).toBe(letters.endsWith('I'));
  }
  await log.take(cases.length);
  expect(log.lines.map((line) => / --(..) /.exec(line)?.[1] ?? line)).toEqual(
    cases.map(([, , , letters]) => letters),
  );
});

scenario('use-server goes to a server that is down when persistence is forced', async (world) => {
  const [a, b] = ['a', 'b'].map((name) => world.http(() => answer(name)));
  const proxy = await world.proxy(`
${defaultsHttp}
listen l
  bind fd@{{l}}
  force-persist if { path /forced }
  use-server b if TRUE
  server a 127.0.0.1:${a!.port}
  server b 127.0.0.1:${b!.port} disabled
`);
  expect(await world.exchange(proxy.port('l'), request('/', ''))).toEndWith('a');
  expect(await world.exchange(proxy.port('l'), request('/forced', ''))).toEndWith('b');
});

scenario('use-server works in TCP mode (use-server)', async (world) => {
  const [a, b] = ['a', 'b'].map((name) =>
    world.server((peer) => {
      peer.send(name);
      peer.close();
    }),
  );
  const proxy = await world.proxy(`
${defaultsHttp}
listen l
  mode tcp
  bind fd@{{l}}
  use-server b if { src 127.0.0.1 }
  server a 127.0.0.1:${a!.port}
  server b 127.0.0.1:${b!.port} weight 0
`);
  expect(await world.exchange(proxy.port('l'), '')).toBe('b');
});

scenario('use-server names a server of its backend (use-server)', async (world) => {
  const result = await world.run(
    `${defaultsHttp}backend b\n  server s 127.0.0.1:1\n  use-server t if TRUE\n`,
    { args: ['-c'] },
  );
  expect(result.status).toBe(1);
  expect(result.stderr).toContain(
    "backend 'b' : unable to find server 't' referenced in a 'use-server' rule.\n",
  );
});

for (const [lines, expected] of [
  ['', 'abab'],
  ['option prefer-last-server', 'aaaa'],
  ['option prefer-last-server\n  balance uri whole', null],
] as const) {
  const name = lines === '' ? 'nothing' : lines.replace('\n ', ' and');
  scenario(`with ${name} requests of a client (option prefer-last-server)`, async (world) => {
    const [a, b] = ['a', 'b'].map((server) => world.http(() => answer(server)));
    const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  ${lines}
  http-reuse never
  server a 127.0.0.1:${a!.port}
  server b 127.0.0.1:${b!.port}
`);
    const client = await world.connect(proxy.port('l'));
    let seen = '';
    for (let i = 0; i < 4; i++) {
      client.send(`GET /${i} HTTP/1.1\r\nHost: h\r\n\r\n`);
      seen += (await client.readMessage('GET')).body;
    }
    if (expected !== null) expect(seen).toBe(expected);
    else expect(new Set(seen)).toEqual(new Set('ab'));
  });
}
