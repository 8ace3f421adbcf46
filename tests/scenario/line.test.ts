/**
 * Rules on whole lines of HAProxy 1.3 to 2.0 (`reqrep`, `rspdel`, ...), on real sockets: what the
 * back end and the client see, and what is logged. HAProxy 3.2 does not know these keywords.
 */
import { expect } from 'bun:test';
import { fieldOf, type HttpMessage } from '../harness/http.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

const skip = programUnderTest === 'haproxy' ? 'removed in HAProxy 2.1' : null;
const raw = String.raw;

const get = (path: string, fields = '') =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;

const page = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: s\r\nX-Real: one\r\n\r\nok';

/** A frontend with `lines`, a backend with `backendLines` and a second backend `other`. */
async function site(
  world: World,
  lines: string,
  backendLines = '',
  response: (path: string) => string = () => page,
) {
  const log = await world.syslog();
  const asked: HttpMessage[] = [];
  const server = world.http((request) => {
    asked.push(request);
    return response(request.target);
  });
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option httplog
  timeout tarpit 100ms
frontend web
  bind fd@{{web}}
  acl x path_beg /x
  ${lines}
  default_backend app
backend app
  ${backendLines}
  server s 127.0.0.1:${server.port}
backend other
  server o 127.0.0.1:${server.port}
`);
  return {
    log,
    asked,
    /** The answer to a request; the back end's view of it is the last of `asked`. */
    visit: (bytes: string) => world.exchange(proxy.port('web'), bytes),
    port: proxy.port('web'),
  };
}

const old = (name: string, body: (world: World) => Promise<void>) => scenario(name, body, { skip });

old('reqrep and reqirep rewrite the request line and header lines', async (world) => {
  const { asked, visit } = await site(
    world,
    raw`reqrep ^([^\ :]*)\ /static/(.*) \1\ /\2
  reqirep ^x-tag:\ (.*) X-Tag:\ <\1>
  reqrep ^HOST:.* Host:\ never
  reqrep ^Host:\ h Host:\ www.example.com`,
  );
  expect(await visit(get('/static/a?b', 'x-TAG: t\r\n'))).toStartWith('HTTP/1.1 200 OK\r\n');
  expect(asked[0]!.start).toBe('GET /a?b HTTP/1.1');
  expect(asked[0]!.fields).toEqual([
    ['host', 'www.example.com'],
    ['x-tag', '<t>'],
  ]);
});

old('a rewritten POST keeps its body and its length, and the connection goes on', async (world) => {
  const { asked, port } = await site(
    world,
    raw`reqrep ^POST\ / PUT\ /p/
  reqidel ^Content-Length:
  reqirep ^Content-Length:\ 5 Content-Length:\ 50`,
  );
  const client = await world.connect(port);
  client.send('POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345');
  expect((await client.readMessage('POST')).body).toBe('ok');
  client.send('GET /b HTTP/1.1\r\nHost: h\r\n\r\n');
  expect((await client.readMessage('GET')).body).toBe('ok');
  expect(asked.map((request) => `${request.start} ${request.body}`)).toEqual([
    'PUT /p/a HTTP/1.1 12345',
    'GET /b HTTP/1.1 ',
  ]);
});

old('reqdel and reqidel remove what a client sent, reqadd comes after them', async (world) => {
  const { asked, visit } = await site(
    world,
    raw`reqadd X-Proto:\ https
  reqidel ^x-proto:
  reqdel ^X-Gone: if x
  reqdel ^x-gOne:`,
  );
  await visit(get('/', 'X-Proto: evil\r\nX-Gone: 1\r\n'));
  await visit(get('/x', 'X-Gone: 1\r\n'));
  expect(asked.map((request) => fieldOf(request, 'x-proto'))).toEqual(['https', 'https']);
  expect(asked.map((request) => fieldOf(request, 'x-gone'))).toEqual(['1', null]);
});

old('reqdeny and reqideny answer 403, PR--', async (world) => {
  const { asked, log, visit } = await site(
    world,
    raw`reqdeny ^GET\ /secret
  reqideny ^User-Agent:\ BAD`,
  );
  expect(await visit(get('/secret'))).toStartWith('HTTP/1.1 403 Forbidden\r\n');
  expect(await log.find(/secret/)).toMatch(/ web\/<NOSRV> \d+\/-1\/-1\/-1\/\d+ 403 \d+ - - PR-- /);
  expect(await visit(get('/SECRET', 'User-Agent: bad one\r\n'))).toStartWith('HTTP/1.1 403 ');
  expect(await visit(get('/SECRET'))).toStartWith('HTTP/1.1 200 ');
  expect(asked).toHaveLength(1);
});

old('reqallow and reqpass end the lines of their section only', async (world) => {
  const { asked, visit } = await site(
    world,
    raw`reqallow ^GET\ /a
  reqiallow ^get\ /B
  reqpass ^GET\ /c
  reqipass ^get\ /D
  reqdeny ^GET\ /
  reqadd X-Added:\ 1`,
    raw`reqdeny ^GET\ /aa`,
  );
  for (const path of ['/a', '/b', '/c', '/d']) {
    expect(await visit(get(path))).toStartWith('HTTP/1.1 200 ');
  }
  expect(asked.map((request) => fieldOf(request, 'x-added'))).toEqual(['1', '1', '1', '1']);
  expect(await visit(get('/e'))).toStartWith('HTTP/1.1 403 ');
  expect(await visit(get('/aa'))).toStartWith('HTTP/1.1 403 ');
});

old('reqtarpit and reqitarpit hold the client, then answer 500, PT--', async (world) => {
  const { asked, log, visit } = await site(
    world,
    raw`reqtarpit ^GET\ /t
  reqitarpit ^x-robot:`,
  );
  expect(await visit(get('/t'))).toStartWith('HTTP/1.1 500 ');
  expect(await log.find(/GET \/t/)).toMatch(/ 500 \d+ - - PT-- /);
  expect(await visit(get('/', 'X-Robot: 1\r\n'))).toStartWith('HTTP/1.1 500 ');
  expect(asked).toHaveLength(0);
});

old('reqsetbe and reqisetbe choose the backend before use_backend', async (world) => {
  const { log, visit } = await site(
    world,
    raw`reqsetbe ^GET\ /o other
  reqisetbe ^HOST:\ O other
  reqisetbe ^host: app if x
  use_backend app if TRUE`,
  );
  await visit(get('/o'));
  expect(await log.find(/GET \/o/)).toContain(' web other/o ');
  await visit(get('/p').replace('Host: h', 'Host: o'));
  expect(await log.find(/GET \/p/)).toContain(' web other/o ');
  await visit(get('/x'));
  expect(await log.find(/GET \/x/)).toContain(' web app/s ');
  await visit(get('/q'));
  expect(await log.find(/GET \/q/)).toContain(' web app/s ');
});

old('rsprep, rspirep, rspdel and rspidel change the response', async (world) => {
  const { log, visit } = await site(
    world,
    raw`rsprep ^HTTP/1.1\ 200\ OK HTTP/1.1\ 201\ Made
  rspidel ^server:
  rspadd Server:\ mine`,
    raw`rspirep ^x-real:\ (.*) X-Real:\ (\1)
  rspdel ^SERVER:`,
  );
  const reply = await visit(get('/'));
  expect(reply).toStartWith('HTTP/1.1 201 Made\r\ncontent-length: 2\r\nx-real: (one)\r\n');
  expect(reply).toContain('\r\nserver: mine\r\n');
  expect(reply).not.toContain('server: s\r\n');
  expect(await log.find(/GET/)).toMatch(/ app\/s \S+ 201 \d+ - - ---- /);
});

old('rspdeny and rspideny answer 502, PH--', async (world) => {
  const { log, visit } = await site(
    world,
    raw`rspideny ^SERVER:\ s
  rspideny ^x-never`,
    raw`rspdeny ^X-Real:\ two
  rspdeny ^HTTP/1.1\ 500`,
    (path) =>
      path === '/named' ? page : page.replace('Server', 'X').replace('one', path.slice(1)),
  );
  expect(await visit(get('/one'))).toStartWith('HTTP/1.1 200 ');
  expect(await visit(get('/two'))).toStartWith('HTTP/1.1 502 ');
  expect(await log.find(/GET \/two/)).toMatch(/ app\/s \S+ 502 \d+ - - PH-- /);
  expect(await visit(get('/named'))).toStartWith('HTTP/1.1 502 ');
});

old('an unsafe rewrite is refused: 400 and PR--, 502 and PH--', async (world) => {
  const { asked, log, visit } = await site(
    world,
    raw`reqrep ^X-N:\ (.*) \1`,
    raw`rsprep ^X-Real:.* Content-Length:\ 0`,
  );
  const evil = [
    'Content-Length: 40',
    'Transfer-Encoding: chunked',
    'Connection: upgrade',
    'Upgrade: h2c',
    'Host: other',
    'no colon',
    ': no name',
  ];
  for (const value of evil) {
    const reply = await visit(get('/evil', `X-N: ${value}\r\n`));
    expect(reply).toStartWith('HTTP/1.1 400 Bad request\r\n');
  }
  expect(asked).toHaveLength(0);
  expect(await log.find(/evil/)).toMatch(/ web\/<NOSRV> \d+\/-1\/-1\/-1\/\d+ 400 \d+ - - PR-- /);
  expect(await visit(get('/good'))).toStartWith('HTTP/1.1 502 ');
  expect(await log.find(/good/)).toMatch(/ app\/s \S+ 502 \d+ - - PH-- /);
});

scenario('http-request allow does not reach the redirect lines (4.2)', async (world) => {
  const { visit } = await site(world, 'http-request allow\n  redirect location /there');
  expect(await visit(get('/'))).toContain('\r\nlocation: /there\r\n');
});
