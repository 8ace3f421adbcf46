/**
 * The statistics page (configuration.txt 4.2 `stats`): what it answers to whom, its exports, and what the
 * log says. SLUICE_TEST_PROGRAM=haproxy shows that haproxy answers the same.
 */
import { expect } from 'bun:test';
import { join } from 'node:path';
import { answer } from '../harness/http.ts';
import { type Proxy, root } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

const isSluice = programUnderTest === 'sluice';

/** A request as lines, and the whole answer. */
async function ask(world: World, port: number, line: string, ...fields: string[]): Promise<string> {
  const head = [line, 'Host: h', 'Connection: close', ...fields, '', ''].join('\r\n');
  return world.exchange(port, head);
}

function headOf(reply: string): string[] {
  return reply.slice(0, reply.indexOf('\r\n\r\n')).split('\r\n');
}

/** The body without the framing of its chunks. */
function bodyOf(reply: string): string {
  const at = reply.indexOf('\r\n\r\n') + 4;
  if (!/^transfer-encoding: chunked\r$/m.test(reply)) return reply.slice(at);
  let body = '';
  let rest = reply.slice(at);
  for (;;) {
    const end = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return body;
    body += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 4 + size);
  }
}

/** Proxy and name of the rows of an export. */
function rowsOf(csv: string): string[] {
  return csv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').slice(0, 2).join('/'))
    .filter((row) => !row.startsWith('harness-probe'));
}

const basic = (text: string) => `Authorization: Basic ${Buffer.from(text).toString('base64')}`;

async function site(world: World): Promise<Proxy> {
  const server = world.http(() => answer('from the server'));
  return world.proxy(`
global
  stats socket {{dir}}/stats level admin
${defaultsHttp}
frontend f
  bind fd@{{f}}
  http-request deny if { url_param(deny) -m found }
  http-request set-path /page if { path /other }
  http-after-response set-header X-After yes
  redirect location /elsewhere if { path_beg /page } { method PUT }
  redirect location /elsewhere if { path_beg /page }
  stats uri /page
  stats refresh 7s
  default_backend b
backend b
  server s1 127.0.0.1:${server.port} cookie c1
  server s2 127.0.0.1:${server.port} disabled
frontend closed
  bind fd@{{closed}}
  stats auth ann:secret
  stats auth bob:x:y
  stats realm "The Realm"
  stats scope .
  stats scope b
  stats show-legends
  default_backend b
frontend through
  bind fd@{{through}}
  use_backend inner
backend inner
  http-request deny if { url_param(deny) -m found }
  stats uri /inner
`);
}

const html = ['cache-control: no-cache', 'content-type: text/html', 'refresh: 7'];
const chunked = 'transfer-encoding: chunked';

scenario('the page and its exports have their fields (stats uri, stats refresh)', async (world) => {
  const port = (await site(world)).port('f');
  const fieldsOf = async (line: string) =>
    headOf(await ask(world, port, line)).filter((one) => !/^(x-after|connection): /.test(one));
  const ok = 'HTTP/1.1 200 OK';
  expect(await fieldsOf('GET /page HTTP/1.1')).toEqual([ok, ...html, chunked]);
  expect(await fieldsOf('GET /pages/of/any/end HTTP/1.1')).toEqual([ok, ...html, chunked]);
  expect(await fieldsOf('GET /page;norefresh HTTP/1.1')).toEqual([
    ok,
    ...html.slice(0, 2),
    chunked,
  ]);
  expect(await fieldsOf('GET /page HTTP/1.0')).toEqual([ok, ...html]);
  const types = { csv: 'text/plain', typed: 'text/plain', json: 'application/json' };
  for (const [format, type] of Object.entries({ ...types, 'json-schema': 'application/json' })) {
    const fields = [html[0], `content-type: ${type}`, html[2], chunked];
    expect(await fieldsOf(`GET /page;${format} HTTP/1.1`)).toEqual([ok, ...(fields as string[])]);
  }
  const head = await ask(world, port, 'HEAD /page HTTP/1.1');
  expect(headOf(head).slice(0, 4)).toEqual([ok, ...html]);
  expect(head.endsWith('\r\n\r\n')).toBe(true);
});

scenario('the page comes behind http-request and in front of redirect', async (world) => {
  const port = (await site(world)).port('f');
  const status = async (line: string) => (await ask(world, port, line)).slice(9, 12);
  expect(await status('GET /page?deny=1 HTTP/1.1')).toBe('403');
  expect(await status('GET /page HTTP/1.1')).toBe('200');
  expect(await status('GET /other HTTP/1.1')).toBe('200');
  // Other methods are no requests for it.
  expect(await status('PUT /page HTTP/1.1')).toBe('302');
  expect(bodyOf(await ask(world, port, 'GET /pag HTTP/1.1'))).toBe('from the server');
  expect(await ask(world, port, 'GET /page;csv HTTP/1.1')).toContain('\r\nx-after: yes\r\n');
});

scenario('a backend has a page of its own, and rules in front of it', async (world) => {
  const port = (await site(world)).port('through');
  const reply = await ask(world, port, 'GET /inner;csv HTTP/1.1');
  expect(rowsOf(bodyOf(reply))).toContain('inner/BACKEND');
  expect((await ask(world, port, 'GET /inner?deny=1 HTTP/1.1')).slice(9, 12)).toBe('403');
});

scenario('an export has the rows of show stat, and those that are asked for', async (world) => {
  const proxy = await site(world);
  const rows = async (target: string) =>
    rowsOf(bodyOf(await ask(world, proxy.port('f'), `GET ${target} HTTP/1.1`)));
  const all = rowsOf(await proxy.command('show stat'));
  expect(await rows('/page;csv')).toEqual(all);
  expect(all).toContain('b/s2');
  expect(await rows('/page;csv;up')).toEqual(all.filter((row) => row !== 'b/s2'));
  expect(await rows('/page;csv;no-maint')).toEqual(all.filter((row) => row !== 'b/s2'));
  expect(await rows('/page;csv;scope=inner')).toEqual(['inner/BACKEND']);
  expect(await rows('/page;csv?scope=inner')).toEqual(['inner/BACKEND']);
});

scenario('an export is what show stat says (;csv ;json ;typed)', async (world) => {
  const proxy = await site(world);
  const get = async (format: string) =>
    bodyOf(await ask(world, proxy.port('f'), `GET /page;${format} HTTP/1.1`));
  // Quiet objects only: what the request itself counts is another number every time.
  const quiet = (text: string) => text.split('\n').filter((line) => /^(b,|through,)/.test(line));
  const age = (line: string) =>
    line
      .split(',')
      .map((value, i) => ([23, 24].includes(i) ? 'T' : value))
      .join(',');
  const shown = quiet(await proxy.command('show stat')).map(age);
  // Addresses, cookies and algorithms are for show-legends.
  const hidden = (line: string) =>
    line.replaceAll(/127\.0\.0\.1:\d+,(c1)?,/g, ',,').replaceAll('roundrobin', '');
  expect(quiet(await get('csv')).map(age)).toEqual(shown.map(hidden));
  expect(shown.length).toBe(4);
  const typed = (await get('typed')).split('\n');
  expect(
    typed.find((line) => line.includes('.svname.1:KNS') && line.endsWith(':s1')),
  ).toBeDefined();
  const json = JSON.parse(await get('json')) as {
    field: { name: string };
    value: { value: unknown };
  }[][];
  const names = json.map((row) => row.find(({ field }) => field.name === 'svname')?.value.value);
  expect(names).toContain('s2');
  expect(JSON.parse(await get('json-schema'))).toHaveProperty('oneOf');
});

scenario('accounts, realm and scope (stats auth, stats realm, stats scope)', async (world) => {
  const port = (await site(world)).port('closed');
  const get = (...fields: string[]) =>
    ask(world, port, 'GET /haproxy?stats;csv HTTP/1.1', ...fields);
  for (const fields of [[], [basic('ann:wrong')], [basic('bob:x')], [basic('who:secret')]]) {
    const refused = await get(...fields);
    expect(refused).toStartWith('HTTP/1.1 401 Unauthorized\r\n');
    expect(refused).toContain('\r\nwww-authenticate: Basic realm="The Realm"\r\n');
  }
  const allowed = await get(basic('ann:secret'));
  expect(rowsOf(bodyOf(allowed))).toEqual(['b/s1', 'b/s2', 'b/BACKEND', 'closed/FRONTEND']);
  // show-legends
  expect(bodyOf(allowed)).toMatch(/^b,s1,.*,127\.0\.0\.1:\d+,c1,/m);
  expect(await get(basic('bob:x:y'))).toStartWith('HTTP/1.1 200');
});

scenario('stats http-request decides who sees the page', async (world) => {
  const proxy = await world.proxy(`
userlist team
  group admins users ann
  user ann insecure-password secret
  user bob insecure-password hello
${defaultsHttp}
listen l
  bind fd@{{l}}
  stats uri /
  stats http-request allow if { hdr(x-pass) -m found }
  stats http-request auth realm team unless { http_auth(team) }
  stats http-request deny unless { http_auth_group(team) admins }
`);
  const status = async (...fields: string[]) =>
    (await ask(world, proxy.port('l'), 'GET / HTTP/1.1', ...fields)).slice(9, 12);
  expect(await status()).toBe('401');
  expect(await status(basic('bob:hello'))).toBe('403');
  expect(await status(basic('ann:secret'))).toBe('200');
  expect(await status('X-Pass: 1')).toBe('200');
});

scenario('a page of defaults serves who has none, and is left behind as a whole', async (world) => {
  const proxy = await world.proxy(`${defaultsHttp}
  stats uri /common
  stats auth ann:secret
frontend heir
  bind fd@{{heir}}
frontend own
  bind fd@{{own}}
  stats hide-version
`);
  const status = async (name: string, target: string) =>
    (await ask(world, proxy.port(name), `GET ${target} HTTP/1.1`)).slice(9, 12);
  expect(await status('heir', '/common')).toBe('401');
  expect(await status('own', '/common')).toBe('503');
  expect(await status('own', '/haproxy?stats')).toBe('200');
});

scenario('the log names the page as the server (8.2.3 <STATS>)', async (world) => {
  const log = await world.syslog();
  const proxy = await world.proxy(`
global
  stats socket {{dir}}/stats level admin
${defaultsHttp}
  log 127.0.0.1:${log.port} format raw local0
  option httplog
frontend f
  bind fd@{{f}}
  use_backend inner if { path /inner }
  stats uri /page
  stats admin if TRUE
backend inner
  stats uri /inner
`);
  await ask(world, proxy.port('f'), 'GET /page;csv HTTP/1.1');
  await ask(world, proxy.port('f'), 'GET /inner HTTP/1.1');
  await ask(world, proxy.port('f'), 'POST /page HTTP/1.1', 'Content-Length: 0');
  const lines = await log.take(3);
  expect(lines[0]).toMatch(/ f f\/<STATS> 0\/0\/0\/\d+\/\d+ 200 \d+ - - LR-- /);
  expect(lines[1]).toMatch(/ f inner\/<STATS> 0\/0\/0\/\d+\/\d+ 200 \d+ - - LR-- /);
  expect(lines[2]).toMatch(/ f f\/<STATS> 0\/0\/0\/\d+\/\d+ 303 \d+ - - LR-- /);
  const csv = await proxy.command('show stat');
  const names = csv.split('\n')[0]!.slice(2).split(',');
  const row = csv
    .split('\n')
    .find((line) => line.startsWith('f,FRONTEND'))!
    .split(',');
  const value = (name: string) => row[names.indexOf(name)];
  // What a backend answers is not its frontend's.
  expect([value('req_tot'), value('intercepted'), value('hrsp_2xx'), value('hrsp_3xx')]).toEqual([
    '3',
    '2',
    '2',
    '1',
  ]);
});

scenario(
  'the page shows what it is asked to (show-node, show-desc, show-legends)',
  async (world) => {
    const proxy = await world.proxy(`
global
  node the-node
  description "all <of> it"
${defaultsHttp}
frontend plain
  bind fd@{{plain}}
  stats enable
frontend full
  bind fd@{{full}}
  description what it is for
  stats show-node
  stats show-desc
  stats show-legends
  stats show-version
  default_backend b
frontend named
  bind fd@{{named}}
  stats show-node other
  stats show-desc words and more
backend b
  server s1 127.0.0.1:9 cookie c1
`);
    const page = async (name: string) =>
      bodyOf(await ask(world, proxy.port(name), 'GET /haproxy?stats HTTP/1.1'));
    const plain = await page('plain');
    for (const text of ['the-node', '127.0.0.1:9']) expect(plain).not.toContain(text);
    const full = await page('full');
    for (const text of [
      'the-node',
      'all &lt;of&gt; it',
      'what it is for',
      '127.0.0.1:9',
      'cookie c1',
    ]) {
      expect(full).toContain(text);
    }
    expect(/HAProxy \d+\.\d+/.test(plain)).toBe(false);
    expect(/HAProxy \d+\.\d+/.test(full)).toBe(true);
    const named = await page('named');
    expect(named).toContain('other');
    expect(named).toContain('words and more');
    // Nothing of it comes from elsewhere, and nothing runs in it.
    expect(/<script|\son\w+=|src=|@import|https?:\/\//.test(full)).toBe(false);
  },
  { skip: isSluice ? null : 'the words of the page are its own' },
);

scenario('the example with the page and the exporter serves both', async (world) => {
  const text = await Bun.file(join(root, 'examples', 'statistics.cfg')).text();
  const proxy = await world.proxy(
    text
      .replace('bind 127.0.0.1:8404', 'bind fd@{{operators}}')
      .replace('bind 127.0.0.1:8080', 'bind fd@{{web}}')
      .replace('/tmp/sluice-statistics.sock', '{{dir}}/stats'),
  );
  const get = (name: string, path: string, ...fields: string[]) =>
    ask(world, proxy.port(name), `GET ${path} HTTP/1.1`, ...fields);
  expect((await get('operators', '/')).slice(9, 12)).toBe('401');
  const looked = await get('operators', '/', basic('bob:hello'));
  expect(bodyOf(looked)).toContain('app2');
  expect(bodyOf(looked)).not.toContain('name="action"');
  expect(bodyOf(await get('operators', '/', basic('ann:secret')))).toContain('<select name=');
  expect(bodyOf(await get('operators', '/metrics'))).toContain('\nhaproxy_server_status{');
  expect(['200', '503']).toContain((await get('web', '/alive')).slice(9, 12));
});
