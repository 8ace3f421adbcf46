/** Log lines as they leave, on all targets (configuration.txt 4.2 log, 8.2). */
import { expect } from 'bun:test';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from '../harness/http.ts';
import { programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { UnixReceiver } from '../harness/socket.ts';

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;

async function visit(
  world: World,
  globalLines: string,
  lines: string,
  bytes: string,
  response = answer('0123456789'),
) {
  const server = world.http(() => response);
  const proxy = await world.proxy(`
global
  nbthread 1
  ${globalLines}
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend web
  bind fd@{{web}}
  log global
  ${lines}
  default_backend app
backend app
  server srv1 127.0.0.1:${server.port}
`);
  const client = await world.connect(proxy.port('web'));
  client.send(bytes);
  const reply = await client.readMessage('GET');
  return { proxy, client, reply };
}

scenario('option httplog: the default line of HTTP (8.2.3)', async (world) => {
  const log = await world.syslog();
  const { client, reply } = await visit(
    world,
    `log 127.0.0.1:${log.port} local3 info`,
    'option httplog',
    get('/p?q'),
  );
  const line = await log.find(/GET/);
  const found = line.match(
    /^<158>(\w{3} [ \d]\d \d\d:\d\d:\d\d) (\w+)\[(\d+)\]: 127\.0\.0\.1:(\d+) \[(.*?)\] web app\/srv1 \d+\/0\/\d+\/\d+\/\d+ 200 (\d+) - - ---- 1\/1\/\d\/\d\/0 0\/0 "GET \/p\?q HTTP\/1\.1"\n?$/,
  );
  expect(found, line).not.toBeNull();
  expect(Number(found![4])).toBe(client.port);
  expect(Number(found![6])).toBeGreaterThanOrEqual(reply.raw.length + 10);
});

scenario('captures stand in braces before the request (8.8)', async (world) => {
  const log = await world.syslog();
  await visit(
    world,
    `log 127.0.0.1:${log.port} local0`,
    `option httplog
  capture request header User-Agent len 8
  capture request header X-None len 10
  capture response header X-Res len 20
  capture cookie SESS= len 12`,
    get('/c', 'User-Agent: curious-browser\r\nCookie: a=b; SESS=abcdef; c=d\r\n'),
    answer('x', '200 OK', 'X-Res: a "b"\r\n'),
  );
  expect(await log.find(/\/c/)).toMatch(
    / SESS=abcdef - ---- \d+\/\d+\/\d\/\d\/0 0\/0 \{curious-\|\} \{a #22b#22\} "GET \/c HTTP\/1\.1"/,
  );
});

scenario('option httplog clf writes the common log format (8.2.3)', async (world) => {
  const log = await world.syslog();
  await visit(world, `log 127.0.0.1:${log.port} local0`, 'option httplog clf', get('/clf'));
  expect(await log.find(/\/clf/)).toMatch(
    /: 127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/clf HTTP\/1\.1" 200 \d+ "" "" \d+ \d+ "web" "app" "srv1" /,
  );
});

scenario('log-format with aliases, flags and text (8.2.6)', async (world) => {
  const log = await world.syslog();
  await visit(
    world,
    `log 127.0.0.1:${log.port} local0`,
    'log-format "%ci|%{+Q}r|%ST|%HM|%HP|%HQ|%HV|%f|%b|%s|%tsc|%rc|%%|end"',
    get('/lf?a=1'),
  );
  expect(await log.find(/end/)).toMatch(
    /: 127\.0\.0\.1\|"GET \/lf\?a=1 HTTP\/1\.1"\|200\|GET\|\/lf\|\?a=1\|HTTP\/1\.1\|web\|app\|srv1\|----\|0\|%\|end/,
  );
});

scenario('a unix datagram target, rfc5424 and a log-tag (4.2 log, log-tag)', async (world) => {
  const unix = world.unixLog();
  await visit(
    world,
    `log ${unix.path} format rfc5424 local1
  log-tag mytag
  log-send-hostname myhost`,
    'option httplog',
    get('/u'),
  );
  expect(await unix.find(/\/u/)).toMatch(
    /^<142>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d myhost mytag \d+ - - 127\.0\.0\.1:/,
  );
});

scenario('stdout with format raw has the bare line (4.2 log)', async (world) => {
  const { proxy } = await visit(world, 'log stdout format raw local0', 'option httplog', get('/o'));
  await proxy.changes.until(
    () => proxy.stdout.includes('/o'),
    () => `no line: ${proxy.stdout}`,
  );
  expect(proxy.stdout).toMatch(/^127\.0\.0\.1:\d+ \[/m);
});

scenario('dontlognull hides connections without a request (4.2)', async (world) => {
  const log = await world.syslog();
  const { proxy } = await visit(
    world,
    `log 127.0.0.1:${log.port} local0`,
    'option httplog\n  option dontlognull',
    get('/first'),
  );
  (await world.connect(proxy.port('web'))).close();
  const last = await world.connect(proxy.port('web'));
  last.send(get('/last'));
  await last.readMessage('GET');
  await log.find(/\/last/);
  expect(log.lines.filter((line) => line.includes(' web ')).length).toBe(2);
});

scenario(
  'dontlog-normal hides what went well, log-separate-errors raises the rest',
  async (world) => {
    const log = await world.syslog();
    const { proxy } = await visit(
      world,
      `log 127.0.0.1:${log.port} local0`,
      'option httplog\n  option dontlog-normal\n  option log-separate-errors',
      get('/fine'),
    );
    const bad = await world.connect(proxy.port('web'));
    bad.send('BAD\x01\r\n\r\n');
    await bad.readToEnd();
    // local0.err instead of local0.info.
    expect(await log.find(/BADREQ/)).toStartWith('<131>');
    expect(log.lines.filter((line) => line.includes('/fine'))).toEqual([]);
  },
);

scenario('a log target that nobody reads never delays traffic', async (world) => {
  const unix = world.unixLog();
  unix.stop();
  const server = world.http(() => answer('ok'));
  const proxy = await world.proxy(`
global
  log ${unix.path} local0
  log 127.0.0.1:9 local0
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 10s
  timeout server 10s
listen web
  bind fd@{{web}}
  server srv1 127.0.0.1:${server.port}
`);
  const client = await world.connect(proxy.port('web'));
  for (let i = 0; i < 50; i++) {
    client.send(get(`/${i}`));
    expect((await client.readMessage('GET')).body).toBe('ok');
  }
});

scenario('%lc numbers the lines of a frontend over all threads (8.2.6)', async (world) => {
  const log = await world.syslog();
  const proxy = await world.proxy(`
global
  nbthread 4
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend web
  bind fd@{{web}}
  log 127.0.0.1:${log.port} local0
  log-format "count=%lc."
  http-request return status 200
`);
  const count = 40;
  // Many at a time, so that several threads have some of them.
  const clients = await Promise.all(
    Array.from({ length: count }, () => world.connect(proxy.port('web'))),
  );
  for (const client of clients) client.send(get('/'));
  for (const client of clients) await client.readMessage('GET');
  const lines = await log.take(count);
  const numbers = lines.map((line) => Number(/count=(\d+)\./.exec(line)![1]));
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
});

/** `/one`, `/two`: asks one after the other, each on a connection of its own. */
async function ask(world: World, port: number, ...paths: string[]): Promise<void> {
  for (const path of paths) await world.exchange(port, `GET ${path} HTTP/1.0\r\n\r\n`);
}

const withLog = (path: string, more = '') => `
global
  nbthread 2
  log ${path} local0
  ${more}
defaults
  mode http
  log global
  log-format "line %HP"
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend web
  bind fd@{{web}}
  http-request return status 200
`;

const paths = (word: string) => Array.from({ length: 8 }, (_, i) => `/${word}${i}`);

/** Waits for a line about each of the requests; two threads have no order. */
async function sees(log: UnixReceiver, word: string): Promise<void> {
  const wanted = paths(word).map((path) => `line ${path}`);
  await log.changes.until(
    () => wanted.every((text) => log.lines.some((line) => line.trimEnd().endsWith(text))),
    () => `not all of ${word} in:\n${log.lines.join('\n')}`,
  );
}

scenario('a unix log socket that appears, goes and is replaced gets every line', async (world) => {
  const path = join(world.dir, 'syslog');
  const proxy = await world.proxy(withLog(path));
  await ask(world, proxy.port('web'), '/nobody');
  for (const word of ['appears', 'again', 'anew']) {
    const log = new UnixReceiver(path);
    await ask(world, proxy.port('web'), ...paths(word));
    await sees(log, word);
    log.stop();
    if (word === 'again') await ask(world, proxy.port('web'), '/nobody');
  }
});

scenario(
  'a unix log socket outside of the chroot gets the first lines, one inside the later ones',
  async (world) => {
    const jail = join(world.dir, 'jail');
    mkdirSync(join(jail, world.dir), { recursive: true });
    const path = join(world.dir, 'syslog');
    const outside = new UnixReceiver(path);
    chmodSync(path, 0o666);
    const proxy = await world.proxy(withLog(path, `chroot ${jail}\n  uid 65534`));
    await ask(world, proxy.port('web'), ...paths('first'));
    await sees(outside, 'first');
    outside.stop();
    const inside = new UnixReceiver(join(jail, path));
    chmodSync(join(jail, path), 0o666);
    await ask(world, proxy.port('web'), ...paths('later'));
    await sees(inside, 'later');
    inside.stop();
  },
  {
    skip:
      process.getuid?.() !== 0
        ? 'only root can chroot'
        : programUnderTest === 'haproxy'
          ? 'haproxy loses the first lines'
          : null,
  },
);
