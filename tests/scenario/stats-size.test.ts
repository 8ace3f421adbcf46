/**
 * A large statistics page (configuration.txt 4.2 `stats`): whole for whoever reads it, and cheap for whom
 * it is too much. The page also opens in a browser, on a wide screen and on a narrow one.
 */
import { expect } from 'bun:test';
import { readFileSync } from 'node:fs';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

const SERVERS = 2000;
/** Those of a page of several megabytes. */
const SOME = 800;
const CLIENTS = 60;
/** What so many clients may cost, with garbage: far less than one page for each. */
const MEMORY_MAX = 200 << 20;

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

async function site(world: World, count = SERVERS): Promise<Proxy> {
  const servers = Array.from({ length: count }, (_, i) => `  server s${i} 127.0.0.1:9 disabled`);
  return world.proxy(`
global
  nbthread 1
  maxconn 500
${defaultsHttp}
  timeout client 60s
frontend f
  bind fd@{{f}}
  stats uri /page
  stats admin if TRUE
backend b
${servers.join('\n')}
`);
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)![1]) * 1024;
}

scenario('a page of thousands of servers is whole, and the connection lives on', async (world) => {
  const proxy = await site(world);
  const client = await world.connect(proxy.port('f'));
  for (const [path, pattern] of [
    ['/page', /value="s\d+"/g],
    ['/page;csv', /^b,s\d+,/gm],
  ] as const) {
    client.send(get(path));
    const { body } = await client.readMessage('GET');
    expect(body.match(pattern)?.length).toBe(SERVERS);
    if (path === '/page') expect(body).toEndWith('</html>\n');
  }
});

scenario(
  'clients that take nothing of it cost a part of a page each (memory)',
  async (world) => {
    const proxy = await site(world, SOME);
    const whole = await world.connect(proxy.port('f'));
    whole.send(get('/page;json'));
    const size = (await whole.readMessage('GET')).body.length;
    expect(size * CLIENTS).toBeGreaterThan(2.5 * MEMORY_MAX);
    const before = residentBytes(proxy.pid);
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => world.connect(proxy.port('f'))),
    );
    for (const client of clients) {
      client.pause();
      client.send(get('/page;json'));
    }
    // All have been served their first part when a later one has its whole page.
    whole.send(get('/page;json'));
    expect((await whole.readMessage('GET')).body.length).toBeGreaterThan(size / 2);
    expect(residentBytes(proxy.pid) - before).toBeLessThan(MEMORY_MAX);
    // One of them goes on, the others leave.
    for (const client of clients.slice(1)) client.reset();
    clients[0]!.resume();
    expect((await clients[0]!.readMessage('GET')).body).toEndWith(']]');
    whole.send(get('/page;csv'));
    expect((await whole.readMessage('GET')).body).toContain(`b,s${SOME - 1},`);
  },
  { timeoutMs: 60_000 },
);

scenario('a soft stop lets a page go out whole', async (world) => {
  const proxy = await site(world);
  const client = await world.connect(proxy.port('f'));
  client.pause();
  client.send(get('/page'));
  // The answer has begun when another client, who came later, has one.
  const other = await world.connect(proxy.port('f'));
  other.send(get('/page;csv'));
  await other.readMessage('GET');
  proxy.signal('SIGUSR1');
  client.resume();
  expect((await client.readMessage('GET')).body).toContain('</html>');
  await proxy.exited();
});

const chromium =
  Bun.which('chromium') ?? Bun.which('chromium-browser') ?? Bun.which('google-chrome');

scenario(
  'a browser shows the page without scripts, tables when wide and cards when narrow',
  async (world) => {
    const proxy = await world.proxy(`${defaultsHttp}
frontend f
  bind fd@{{f}}
  stats uri /page
  stats admin if TRUE
backend b
  server s1 127.0.0.1:9 disabled
  server s2 127.0.0.1:9
`);
    const dump = async (width: number) => {
      const child = Bun.spawn(
        [
          chromium!,
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          `--user-data-dir=${world.dir}/browser`,
          `--window-size=${width},900`,
          '--dump-dom',
          proxy.url('f', '/page'),
        ],
        { stdout: 'pipe', stderr: 'ignore' },
      );
      world.own(child.pid);
      return new Response(child.stdout).text();
    };
    const dom = await dump(1300);
    // What the parser of a browser makes of it is what was meant: nothing was moved or closed early.
    expect(dom.match(/<section /g)?.length).toBe(2 + 1);
    expect(dom).toContain('<form method="post"><h2>');
    expect(dom.match(/<input type="checkbox" name="s" value="s\d"/g)?.length).toBe(2);
    expect(dom.match(/<tr /g)?.length).toBe(dom.match(/<th scope="row">/g)?.length);
    expect(await dump(390)).toContain('</footer>\n</body></html>');
  },
  {
    timeoutMs: 60_000,
    skip:
      programUnderTest !== 'sluice'
        ? 'the page is another one'
        : chromium === null
          ? 'chromium is not installed'
          : null,
  },
);
