/**
 * What traffic leaves in `show stat` (management.txt 9.1): every event of a stream at its frontend,
 * its bind line, its backend and its server. SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import { pick, type StatRow, statRows } from '../harness/statistics.ts';
import { until } from '../harness/wait.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;

/** A frontend, its backend and one server. */
async function site(world: World, frontend: string, backend: string, port: number): Promise<Proxy> {
  return world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats level admin
${defaultsHttp}
  option socket-stats
  timeout connect 300ms
  retries 1
frontend f
  bind fd@{{f}} name line
  ${frontend}
  default_backend b
backend b
  ${backend}
  server s 127.0.0.1:${port}
`);
}

scenario('lastsess is the age of the last session, -1 without one (lastsess)', async (world) => {
  const server = world.http(() => answer('hello'));
  const proxy = await site(world, '', '', server.port);
  const before = await statRows(proxy);
  expect([before['b/s']!['lastsess'], before['b/BACKEND']!['lastsess']]).toEqual(['-1', '-1']);
  await world.exchange(proxy.port('f'), get('/'));
  const after = await until(
    async () => {
      const now = await statRows(proxy);
      // It goes on growing: the age is that of the session, not a constant.
      return Number(now['b/s']!['lastsess']) >= 2 ? now : null;
    },
    () => 'lastsess stays',
  );
  expect(Number(after['b/BACKEND']!['lastsess'])).toBeGreaterThanOrEqual(2);
  await world.exchange(proxy.port('f'), get('/'));
  await until(
    async () => Number((await statRows(proxy))['b/s']!['lastsess']) < 2,
    () => 'a session that changes nothing',
  );
});

scenario('lastsess in TCP mode (lastsess)', async (world) => {
  const server = world.server((peer) => {
    peer.send('hello');
    peer.close();
  });
  const proxy = await world.proxy(`
global
  stats socket {{dir}}/stats
${defaultsHttp}
listen l
  mode tcp
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
  server unused 127.0.0.1:${server.port} backup
`);
  await world.exchange(proxy.port('l'), '');
  const all = await statRows(proxy);
  expect(Number(all['l/s']!['lastsess'])).toBeGreaterThanOrEqual(0);
  expect(Number(all['l/BACKEND']!['lastsess'])).toBeGreaterThanOrEqual(0);
  expect(all['l/unused']!['lastsess']).toBe('-1');
});

const denials: [string, string, string, Record<string, StatRow>][] = [
  [
    'a request denied by the frontend',
    'http-request deny',
    '',
    { 'f/FRONTEND': { dreq: '1' }, 'f/line': { dreq: '1' }, 'b/BACKEND': { dreq: '0' } },
  ],
  [
    'a request denied by the backend',
    '',
    'http-request deny',
    { 'f/FRONTEND': { dreq: '1' }, 'f/line': { dreq: '1' }, 'b/BACKEND': { dreq: '1' } },
  ],
  [
    'a rejected request',
    'http-request reject',
    '',
    { 'f/FRONTEND': { dreq: '1' }, 'f/line': { dreq: '1' } },
  ],
  [
    'a tarpitted request',
    'timeout tarpit 50\n  http-request tarpit',
    '',
    { 'f/FRONTEND': { dreq: '1' }, 'f/line': { dreq: '1' } },
  ],
  ...['frontend', 'backend'].map((side): [string, string, string, Record<string, StatRow>] => [
    `a response denied by the ${side}`,
    side === 'frontend' ? 'http-response deny' : '',
    side === 'backend' ? 'http-response deny' : '',
    {
      'f/FRONTEND': { dresp: '1', hrsp_2xx: '0', hrsp_5xx: '1' },
      'f/line': { dresp: '1' },
      'b/BACKEND': { dresp: '1', hrsp_2xx: '0', hrsp_5xx: '1' },
      // The server has said 200.
      'b/s': { dresp: '1', hrsp_2xx: '1', hrsp_5xx: '0' },
    },
  ]),
  [
    'a request answered by the frontend',
    'http-request return status 200',
    '',
    { 'f/FRONTEND': { intercepted: '1', req_tot: '1' } },
  ],
  [
    'a request answered by the backend',
    '',
    'http-request return status 200',
    { 'f/FRONTEND': { intercepted: '0', req_tot: '1' } },
  ],
];

for (const [what, frontend, backend, expected] of denials) {
  scenario(`${what} counts where it belongs (dreq, dresp, intercepted, hrsp)`, async (world) => {
    const server = world.http(() => answer('hello'));
    const proxy = await site(world, frontend, backend, server.port);
    await world.exchange(proxy.port('f'), get('/'));
    const all = await statRows(proxy);
    const found = Object.entries(expected).map(([name, row]) => {
      return [name, pick(all[name], Object.keys(row).join(' '))];
    });
    expect(Object.fromEntries(found)).toEqual(expected);
  });
}

scenario('what never became a request is one, and an error (req_tot, ereq)', async (world) => {
  const server = world.http(() => answer('hello'));
  const proxy = await site(world, 'timeout http-request 200ms', '', server.port);
  await world.exchange(proxy.port('f'), 'BAD\r\n\r\n');
  await world.exchange(proxy.port('f'), 'GET / HT');
  const gone = await world.connect(proxy.port('f'));
  gone.send('GET / HT');
  gone.close();
  await until(
    async () => (await statRows(proxy))['f/FRONTEND']!['ereq'] === '3',
    () => 'three errors',
  );
  const all = await statRows(proxy);
  expect(pick(all['f/FRONTEND'], 'req_tot h1req ereq conn_tot')).toEqual({
    req_tot: '3',
    h1req: '3',
    ereq: '3',
    conn_tot: '3',
  });
  expect(pick(all['f/line'], 'ereq conn_tot stot')).toEqual({
    ereq: '3',
    conn_tot: '3',
    stot: '3',
  });
});

scenario(
  'a response that breaks off is an error of the server (eresp, srv_abrt)',
  async (world) => {
    const server = world.server(async (peer) => {
      await peer.readMessage();
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc');
      peer.close();
    });
    const proxy = await site(world, '', '', server.port);
    await world.exchange(proxy.port('f'), get('/'));
    const all = await statRows(proxy);
    for (const name of ['b/s', 'b/BACKEND']) {
      expect(pick(all[name], 'eresp srv_abrt')).toEqual({ eresp: '1', srv_abrt: '1' });
    }
  },
);

scenario('balancing counts what it chose, not retries or the queue (lbtot)', async (world) => {
  const refused = await site(world, '', '', world.refusedPort());
  await world.exchange(refused.port('f'), get('/'));
  const once = { lbtot: '1', wretr: '1' };
  expect(pick((await statRows(refused))['b/s'], 'lbtot wretr')).toEqual(once);
  const waiting: (() => void)[] = [];
  const server = world.http(async (request) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return answer(request.target);
  });
  const queued = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
${defaultsHttp}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} maxconn 1
`);
  const all = Array.from({ length: 3 }, () => world.exchange(queued.port('l'), get('/')));
  for (let served = 0; served < 3; served++) {
    await until(
      async () =>
        waiting.length > 0 && (await statRows(queued))['l/BACKEND']!['qcur'] === `${2 - served}`,
      () => 'the queue',
    );
    waiting.shift()!();
  }
  await Promise.all(all);
  expect(pick((await statRows(queued))['l/s'], 'lbtot stot')).toEqual({ lbtot: '1', stot: '3' });
});

scenario(
  'idle connections that one session has used are not safe (idle_conn_cur)',
  async (world) => {
    const server = world.http(() => answer('hello'));
    const proxy = await site(world, '', 'http-reuse always', server.port);
    const counts = 'srv_icur idle_conn_cur safe_conn_cur';
    const idle = (unsafe: string, safe: string): StatRow => ({
      srv_icur: '1',
      idle_conn_cur: unsafe,
      safe_conn_cur: safe,
    });
    await world.exchange(proxy.port('f'), get('/'));
    await until(
      async () => (await statRows(proxy))['b/s']!['srv_icur'] === '1',
      () => 'an idle connection',
    );
    expect(pick((await statRows(proxy))['b/s'], counts)).toEqual(idle('1', '0'));
    await world.exchange(proxy.port('f'), get('/'));
    await until(
      async () => (await statRows(proxy))['b/s']!['safe_conn_cur'] === '1',
      () => 'a safe connection',
    );
    expect(pick((await statRows(proxy))['b/s'], counts)).toEqual(idle('0', '1'));
  },
);

scenario('a backend without servers was never down (downtime)', async (world) => {
  const proxy = await world.proxy(`
global
  stats socket {{dir}}/stats
${defaultsHttp}
backend none
backend one
  server s 127.0.0.1:1
`);
  const all = await statRows(proxy);
  expect([all['none/BACKEND']!['downtime'], all['one/BACKEND']!['downtime']]).toEqual(['', '0']);
});
