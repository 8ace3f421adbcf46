/**
 * The load of proxies and servers as samples, through the running programs (configuration.txt
 * 7.3.2): values at rest and under load, names that rules may use, and messages are HAProxy's.
 */
import { describe, expect, test } from 'bun:test';
import { fieldOf, type HttpMessage } from '../harness/http.ts';
import { type Program, programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';

const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

const site = (frontend: string, backend = '') => `
global
  nbthread 1
  tune.maxrewrite 8000
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
  timeout queue 20s
frontend f
  bind fd@{{l}}
  unique-id-format "%ci-%{+X}rt"
  default_backend b
${frontend}
backend b
  server s 127.0.0.1:{{server}}
${backend}
backend m
  server s 127.0.0.1:{{server}} maxconn 10 maxqueue 5 weight 20
  server t 127.0.0.1:{{server}} maxconn 4 maxqueue 3 backup weight 7
  server u 127.0.0.1:{{server}} maxconn 20 maxqueue 1 weight 0
backend d
  server s 127.0.0.1:{{server}} disabled maxconn 3
  server t 127.0.0.1:{{server}}
backend none
  server s 127.0.0.1:{{server}} disabled
backend one
  server s 127.0.0.1:{{server}} maxconn 1
`;

async function expectSame(observe: (world: World) => Promise<unknown>): Promise<void> {
  const seen: unknown[] = [];
  for (const program of ['haproxy', 'sluice'] satisfies Program[]) {
    const world = new World(program);
    try {
      seen.push(await observe(world));
    } finally {
      await world.end();
    }
  }
  expect(seen[1]).toEqual(seen[0]);
}

const expressions = lines(`
act_conn
avg_queue(b)
avg_queue(none)
be_conn(b)
be_conn(m)
be_conn_free(b)
be_conn_free(m)
be_conn_free(d)
be_conn_free(none)
be_conn_free(one)
be_sess_rate(m)
connslots(b)
connslots(m)
connslots(d)
connslots(none)
dst_conn
fe_conn
fe_conn(f)
fe_sess_rate
nbsrv(b)
nbsrv(m)
nbsrv(d)
nbsrv(none)
queue(b)
srv_conn(b/s)
srv_conn_free(b/s)
srv_conn_free(m/s)
srv_is_up(b/s)
srv_is_up(d/s)
srv_is_up(d/t)
srv_iweight(m/s)
srv_iweight(m/u)
srv_queue(b/s)
srv_sess_rate(m/s)
srv_uweight(m/s)
srv_weight(m/s)
srv_weight(m/t)
srv_weight(m/u)
srv_weight(d/s)
stopping
unique-id
nbsrv(b),add(1)
`);

const noContent = 'HTTP/1.1 204 No Content\r\n\r\n';

const rules = lines(`
http-request deny if { nbsrv 1 }
http-request deny if { nbsrv() 1 }
http-request deny if { nbsrv(b) 1 }
http-request deny if { nbsrv(nope) 1 }
http-request deny if { nbsrv(f) 1 }
http-request deny if { nbsrv(b,c) 1 }
http-request deny if { srv_is_up(b/s) }
http-request set-header a %[nbsrv]
http-request set-header a %[be_conn(nope)]
http-request set-header a %[fe_conn(b)]
http-request set-header a %[fe_conn]
http-request set-header a %[srv_conn(s)]
http-request set-header a %[srv_conn(b/s)]
http-request set-header a %[srv_conn(b/x)]
http-request set-header a %[srv_conn(x/s)]
http-request set-header a %[srv_conn]
http-response set-header a %[nbsrv(nope),add(1)]
use_backend b if { nbsrv(nope) lt 1 }
acl x nbsrv(nope) 1
acl x srv_is_up(nope)
`);

describe.skipIf(programPath('haproxy') === null)('7.3.2: the load of proxies and servers', () => {
  test('at rest, and of the backend that the request is in', () =>
    expectSame(async (world) => {
      let seen: HttpMessage | null = null;
      const server = world.http((request) => {
        seen = request;
        return noContent;
      });
      const fields = expressions.map((text, i) => `  http-request set-header e${i} "<%[${text}]>"`);
      const own = '  http-request set-header own "%[nbsrv] %[be_conn] %[srv_conn(s)] %[queue]"';
      const late = '  http-response set-header late "%[be_conn(b)] %[srv_conn(b/s)] %[unique-id]"';
      const proxy = await world.proxy(site([...fields, late].join('\n'), own), {
        vars: { server: server.port },
      });
      const peer = await world.connect(proxy.port('l'));
      peer.send(get('/'));
      const reply = await peer.readMessage('GET');
      const values = expressions.map((text, i) => `${text}: ${fieldOf(seen!, `e${i}`)}`);
      // The number of a request depends on what was asked before.
      const last = fieldOf(reply, 'late')!.replace(/[\dA-F]{4}$/, '');
      const plain = values.map((line) => line.replace(/(unique-id: <.*-)[\dA-F]{4}>/, '$1>'));
      return [...plain, fieldOf(seen!, 'own'), last];
    }));

  test('under load: connections, the queue, and rules that follow them', () =>
    expectSame(async (world) => {
      let release: () => void = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const busy = Promise.withResolvers<void>();
      const server = world.http(async (request) => {
        if (request.target !== '/one') return noContent;
        busy.resolve();
        await released;
        return noContent;
      });
      const shown = ['be_conn(one)', 'srv_conn(one/s)', 'srv_conn_free(one/s)', 'queue(one)'];
      shown.push('avg_queue(one)', 'be_conn_free(one)', 'fe_conn', 'act_conn', 'dst_conn');
      const text = shown.map((name) => `%[${name}]`).join(' ');
      const proxy = await world.proxy(
        site(`  http-request return status 200 content-type a/b lf-string "${text}" if { path /see }
  http-request deny deny_status 503 if { path /shed } { queue(one) gt 1 } { srv_conn(one/s) 1 }
  use_backend one if { path /one }
`),
        { vars: { server: server.port } },
      );
      const port = proxy.port('l');
      const ask = async (path: string) => {
        const peer = await world.connect(port);
        peer.send(get(path));
        const reply = await peer.readMessage('GET');
        peer.close();
        return reply;
      };
      const first = ask('/one');
      await busy.promise;
      const others = [ask('/one'), ask('/one')];
      // Both wait when the queue says so; the one who asks is a connection too.
      let seen = '';
      for (let i = 0; i < 500 && !seen.includes(' 0 2 2 0 '); i++) seen = (await ask('/see')).body;
      const shed = (await ask('/shed')).status;
      release();
      const statuses = await Promise.all([first, ...others].map(async (one) => (await one).status));
      return {
        seen: seen.split(' ').slice(0, 6),
        shed,
        statuses,
        after: (await ask('/shed')).status,
      };
    }));

  test(
    'names that mean nothing are refused in the words of HAProxy',
    () =>
      expectSame(async (world) => {
        const found: string[] = [];
        for (const rule of rules) {
          const config = site(`  ${rule}`);
          const vars = { server: 1 };
          const { stderr } = await world.run(config, { args: ['-c'], probe: false, vars });
          const [, text = 'nothing'] = /^\[ALERT\] .*\.cfg:\d+\] ?: (.*)$/m.exec(stderr) ?? [];
          found.push(`${rule}: ${text}`);
        }
        return found;
      }),
    60_000,
  );
});
