/**
 * Requests that are sent again after an answer that is none, or is one to retry on (configuration.txt
 * 4.2 retry-on, 4.3 disable-l7-retry). SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

/** What a server does with one request; the last one stands for all that follow. */
type Reply = 'empty' | 'reset' | 'junk' | 'part' | 'hang' | number;

interface Result {
  /** The requests that came, without what is in front of their bodies. */
  bodies: string[];
  status: string;
  line: string;
  columns: Record<string, string>;
}

async function reply(peer: Peer, what: Reply): Promise<void> {
  if (typeof what === 'number')
    peer.send(answer(String(what), `${what} X`, 'Connection: close\r\n'));
  else if (what === 'junk') peer.send('foo bar\r\n\r\n');
  else if (what === 'part') peer.send('HTTP/1.1 200 OK\r\nFoo: b');
  else if (what === 'reset') peer.reset();
  else if (what === 'hang') await peer.readToEnd();
  peer.close();
}

async function ask(
  world: World,
  lines: string,
  replies: Reply[],
  request = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
): Promise<Result> {
  const log = await world.syslog();
  const bodies: string[] = [];
  const server = world.server(async (peer, index) => {
    const message = await peer.readMessage();
    bodies.push(message.body);
    await reply(peer, replies[Math.min(index, replies.length - 1)]!);
  });
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} format raw local0
  stats socket {{dir}}/stats
${defaultsHttp}
  log global
  option httplog
  timeout server 300ms
frontend f
  bind fd@{{f}}
  default_backend b
backend b
  ${lines}
  server s 127.0.0.1:${server.port}
`);
  const got = await world.exchange(proxy.port('f'), request);
  const [head = '', ...rows] = (await proxy.command('show stat')).split('\n');
  const values = rows.find((row) => row.startsWith('b,s,'))!.split(',');
  const columns = Object.fromEntries(
    head
      .slice(2)
      .split(',')
      .map((name, i) => [name, values[i]!]),
  );
  return { bodies, status: got.split(' ')[1] ?? '', line: await log.find(/ HTTP\/1\.1"/), columns };
}

const all = 'retry-on all-retryable-errors';

const cases: [name: string, lines: string, replies: Reply[], status: string, times: number][] = [
  ['an empty answer', 'retry-on empty-response', ['empty', 200], '200', 2],
  ['a reset', 'retry-on empty-response', ['reset', 200], '200', 2],
  ['junk', 'retry-on junk-response', ['junk', 200], '200', 2],
  ['half a head', 'retry-on junk-response', ['part', 200], '200', 2],
  ['silence', 'retry-on response-timeout', ['hang', 200], '200', 2],
  ['a status', 'retry-on 404 429', [404, 429, 503, 200], '503', 3],
  ['all errors', all, [500, 502, 503, 200], '200', 4],
  ['what comes too often', all, [503], '503', 4],
  ['silence that does not end', `${all}\n  retries 1`, ['hang'], '504', 2],
  ['an empty answer that is not named', 'retry-on junk-response', ['empty', 200], '502', 1],
  ['half a head that is not named', 'retry-on empty-response', ['part', 200], '502', 1],
  ['nothing without the keyword', '', ['empty', 200], '502', 1],
  ['nothing with none', 'retry-on none', [503, 200], '503', 1],
  ['nothing without retries', `${all}\n  retries 0`, [503, 200], '503', 1],
  ['nothing that a rule forbids', `${all}\n  http-request disable-l7-retry`, [503, 200], '503', 1],
];

for (const [name, lines, replies, status, times] of cases) {
  scenario(`a request is sent again after ${name} (retry-on)`, async (world) => {
    const result = await ask(world, lines, replies);
    expect(result.status).toBe(status);
    expect(result.bodies.length).toBe(times);
    expect(result.line).toMatch(
      new RegExp(` b/s .* ${status} .*/${times - 1} 0/0 "GET / HTTP/1.1"`),
    );
    expect(result.columns['connect']).toBe(String(times));
  });
}

scenario('the body of a request is sent again with it (retry-on)', async (world) => {
  const request =
    'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello';
  const { bodies, status } = await ask(world, all, [503, 'empty', 200], request);
  expect(status).toBe('200');
  expect(bodies).toEqual(['hello', 'hello', 'hello']);
});

scenario('a request without a connection is not sent with none (retry-on)', async (world) => {
  const log = await world.syslog();
  const proxy = await world.proxy(`
global
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  log global
  option httplog
listen l
  bind fd@{{l}}
  retry-on none
  server s 127.0.0.1:${world.refusedPort()}
`);
  await world.exchange(proxy.port('l'), 'GET / HTTP/1.0\r\n\r\n');
  expect(await log.find(/ HTTP\/1\.0"/)).toMatch(/ l\/s .* 503 .* SC-- .*\/0 0\/0 /);
});
