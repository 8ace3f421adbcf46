/**
 * The Prometheus exporter (configuration.txt 4.4 use-service): what it says beside HAProxy's on the same
 * configuration, and what its query chooses.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Proxy } from '../harness/proxy.ts';
import { type Program, programPath } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

async function site(world: World, program: Program = programUnderTest): Promise<Proxy> {
  const server = world.http(() => answer('hello'));
  const closed = world.refusedPort();
  const proxy = await world.proxy(
    `
global
  nbthread 1
  stats socket {{dir}}/${program} level admin
${defaultsHttp}
frontend f
  bind fd@{{f}} name li
  option socket-stats
  http-request use-service prometheus-exporter if { path /metrics }
  default_backend b
backend b
  server s1 127.0.0.1:${server.port} check inter 200ms fall 1
  server s2 127.0.0.1:${closed} check inter 200ms fall 1 backup maxconn 7
  server s3 127.0.0.1:${server.port} disabled
  server s4 127.0.0.1:${server.port}
frontend t
  mode tcp
  bind fd@{{t}}
  default_backend bt
backend bt
  mode tcp
  server s1 127.0.0.1:${server.port}
backend empty
`,
    { program },
  );
  await until(
    async () => /^b,s2,.*L4CON/m.test(await proxy.command('show stat', program)),
    () => 'no first check',
  );
  return proxy;
}

async function scrape(proxy: Proxy, query = ''): Promise<string> {
  const response = await fetch(proxy.url('f', `/metrics${query}`));
  expect([query, response.status]).toEqual([query, 200]);
  return response.text();
}

/** Names with labels, in order, without those of the harness; and their values. */
function samplesOf(text: string): [key: string, value: string][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('harness-probe'))
    .map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), line.slice(at + 1)] as [string, string];
    });
}

const typesOf = (text: string) => text.split('\n').filter((line) => line.startsWith('# TYPE'));

/** Values that are those of the program or of the moment. */
const free =
  /^haproxy_process_(?!nbthread|nbproc|rel|pool_f|max_ssl|ssl|.*_ssl|http|act|connected|unst|stop|busy)|limit_sessions|max_connect|bytes|last_change|_rate|_time_|duration|need_conn|last_session|max_sessions|current_sessions|downtime/;

scenario(
  'metrics, types, labels and values are those of HAProxy',
  async (world) => {
    const ours = await site(world, 'sluice');
    const theirs = await site(world, 'haproxy');
    const texts: string[] = [];
    for (const proxy of [ours, theirs]) {
      for (let i = 0; i < 3; i++) await (await fetch(proxy.url('f', '/x'))).text();
      texts.push((await scrape(proxy)).replaceAll(/^.*haproxy_resolver_.*\n/gm, ''));
    }
    const [mine, reference] = texts as [string, string];
    expect(typesOf(mine)).toEqual(typesOf(reference));
    const plain = (text: string) =>
      samplesOf(text)
        .map(([key]) => key.replace(/(version|node)="[^"]*"/, '$1'))
        .sort();
    expect(plain(mine)).toEqual(plain(reference));
    const values = (text: string) =>
      samplesOf(text)
        .filter(([key]) => !free.test(key))
        .sort();
    expect(values(mine)).toEqual(values(reference));
    expect(values(mine).length).toBeGreaterThan(200);
  },
  { skip: programPath('haproxy') === null ? 'haproxy is not installed' : null },
);

scenario('the query chooses (scope= metrics= no-maint)', async (world) => {
  const proxy = await site(world);
  const kinds = async (query: string) => [
    ...new Set(typesOf(await scrape(proxy, query)).map((line) => line.split('_')[1])),
  ];
  expect(await kinds('?scope=server')).toEqual(['server']);
  expect(await kinds('?scope=backend&scope=frontend')).toEqual(['frontend', 'backend']);
  expect(await kinds('?scope=%67lobal')).toEqual(['process']);
  expect(await kinds('?scope=')).toEqual([]);
  expect((await kinds('?scope=*')).slice(0, 5)).toEqual(
    await kinds('').then((all) => all.slice(0, 5)),
  );
  const names = async (query: string) =>
    typesOf(await scrape(proxy, query)).map((line) => line.split(' ')[2]);
  const two = ['haproxy_frontend_status', 'haproxy_server_weight'];
  expect(await names(`?metrics=${two.join(',')}`)).toEqual(two);
  expect(await names(`?metrics=${two[1]}&metrics=${two[0]}`)).toEqual(two);
  const most = await names('?metrics=-haproxy_server_weight');
  expect([most.includes(two[0]!), most.includes(two[1]!)]).toEqual([true, false]);
  expect(await names('?metrics=nothing')).toEqual([]);
  const servers = async (query: string) =>
    samplesOf(await scrape(proxy, `?metrics=haproxy_server_weight${query}`)).map(([key]) => key);
  expect((await servers('')).some((key) => key.includes('server="s3"'))).toBe(true);
  expect((await servers('&no-maint')).some((key) => key.includes('server="s3"'))).toBe(false);
  const response = await fetch(proxy.url('f', '/metrics?scope=nonsense'));
  expect(response.status).toBe(400);
});

scenario('any method is answered, and the log names the service (<PROMEX>)', async (world) => {
  const log = await world.syslog();
  const proxy = await world.proxy(`${defaultsHttp}
  log 127.0.0.1:${log.port} format raw local0
  option httplog
frontend f
  bind fd@{{f}}
  http-request use-service prometheus-exporter
`);
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']) {
    const reply = await world.exchange(
      proxy.port('f'),
      `${method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc`.replace(
        /Content-Length: 3(\r\n\r\n)abc/,
        method === 'GET' || method === 'HEAD' ? '\r\n' : '$&',
      ),
    );
    expect([method, reply.slice(0, 15)]).toEqual([method, 'HTTP/1.1 200 OK']);
    expect(reply).toContain('\r\ncontent-type: text/plain; version=0.0.4\r\n');
    expect(reply.includes('haproxy_process_nbthread ')).toBe(method !== 'HEAD');
  }
  const lines = await log.take(5);
  for (const line of lines)
    expect(line).toMatch(/ f f\/<PROMEX> 0\/0\/0\/\d+\/\d+ 200 \d+ - - LR-- /);
});
