/**
 * `pause` and `wait-for-body` of requests and responses (configuration.txt 4.4), and fetches on bodies
 * (7.3.6). SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer, fieldOf } from '../harness/http.ts';
import type { Peer, RawServer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { scenario, type World } from '../harness/scenario.ts';
import type { LogReceiver } from '../harness/socket.ts';
import { pick, statRows } from '../harness/statistics.ts';

interface Site {
  proxy: Proxy;
  log: LogReceiver;
  server: RawServer;
}

interface Lines {
  frontend?: string;
  backend?: string;
  serve?: (peer: Peer) => unknown;
  defaults?: string;
}

async function site(world: World, lines: Lines): Promise<Site> {
  const log = await world.syslog();
  const { serve } = lines;
  const server = serve ? world.server(serve) : world.http(() => answer('hello'));
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
  stats socket {{dir}}/stats level admin
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  ${lines.defaults ?? ''}
frontend f
  bind fd@{{f}}
  ${lines.frontend ?? ''}
  default_backend b
backend b
  ${lines.backend ?? ''}
  server s 127.0.0.1:${server.port}
`);
  return { proxy, log, server };
}

const seen = 'set-header X-Body "%[req.body_len],%[req.body_size],%[req.body]"';
const post = (length: number, body: string) =>
  `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n${body}`;

/** The request as the server has got it. */
async function requestOf(server: RawServer): Promise<string> {
  const peer = await server.peer(0);
  return peer.all().toString('latin1');
}

for (const side of ['frontend', 'backend'] as const) {
  scenario(`${side}: wait-for-body waits for all of it, then rules go on`, async (world) => {
    const { proxy, server, log } = await site(world, {
      [side]: `http-request set-header X-Before yes
  http-request wait-for-body time 10s
  http-request ${seen}`,
    });
    const client = await world.connect(proxy.port('f'));
    client.send(post(10, '12345'));
    // Another stream uses the message meanwhile.
    const other = await world.connect(proxy.port('f'));
    other.send('GET /other HTTP/1.1\r\nHost: other\r\n\r\n');
    await other.readMessage('GET');
    client.send('67890');
    await client.readMessage('POST');
    await log.find(/POST/);
    const request = (await server.peer(0)).all().toString('latin1');
    const all = server.received().join('');
    expect(all).toContain('x-before: yes\r\nx-body: 10,10,1234567890\r\n\r\n1234567890');
    expect(request).not.toBe('');
  });
}

scenario('wait-for-body at-least goes on with a part, and the rest follows', async (world) => {
  const { proxy, server } = await site(world, {
    frontend: `http-request wait-for-body time 10s at-least 3\n  http-request ${seen}`,
    serve: async (peer) => {
      await peer.readUntil('12345');
      peer.send('HTTP/1.1 103 Early Hints\r\n\r\n');
      await peer.readUntil('67890');
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    },
  });
  const client = await world.connect(proxy.port('f'));
  client.send(post(10, '12345'));
  expect((await client.readHead()).start).toContain('103');
  client.send('67890');
  expect((await client.readHead()).start).toContain('200');
  expect(await requestOf(server)).toContain('x-body: 5,10,12345\r\n');
});

scenario('wait-for-body: chunks are one body to fetches', async (world) => {
  const { proxy, server } = await site(world, {
    frontend: `http-request wait-for-body time 10s\n  http-request ${seen}`,
  });
  const client = await world.connect(proxy.port('f'));
  client.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n');
  await client.sent();
  client.send('a;x=y\r\n6789012345\r\n0\r\n\r\n');
  await client.readMessage('POST');
  expect(await requestOf(server)).toContain('x-body: 15,15,123456789012345\r\n');
});

scenario('wait-for-body answers Expect itself, and the server is not asked', async (world) => {
  const { proxy, server } = await site(world, {
    frontend: 'http-request wait-for-body time 10s',
  });
  const client = await world.connect(proxy.port('f'));
  client.send(post(3, '').replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
  expect((await client.readHead()).start).toContain('100');
  client.send('abc');
  expect((await client.readMessage('POST')).body.toString()).toBe('hello');
  expect(await requestOf(server)).not.toContain('expect');
});

for (const [side, name] of [
  ['frontend', 'f f/<NOSRV>'],
  ['backend', 'f b/<NOSRV>'],
] as const) {
  scenario(`${side}: a body that does not come in time: 408, cR, ereq`, async (world) => {
    const { proxy, log } = await site(world, {
      [side]: 'http-request wait-for-body time 150ms',
    });
    const client = await world.connect(proxy.port('f'));
    client.send(post(10, '12345'));
    expect((await client.readMessage('POST')).start).toContain('408');
    const line = await log.find(/POST/);
    expect(line).toContain(` ${name} -1/-1/-1/-1/`);
    expect(line).toMatch(/ 408 \d+ - - cR-- /);
    expect(pick((await statRows(proxy))['f/FRONTEND'], 'ereq')).toEqual({ ereq: '1' });
  });
}

scenario('wait-for-body: a full buffer is enough', async (world) => {
  const { proxy } = await site(world, {
    frontend: `http-request wait-for-body time 10s
  http-request return status 200 content-type text/plain lf-string %[req.body_len,mul(0),add(7)]`,
  });
  const client = await world.connect(proxy.port('f'));
  client.send(post(200_000, 'x'.repeat(100_000)));
  expect((await client.readMessage('POST')).body.toString()).toBe('7');
});

scenario('req.body_param finds parameters of form data (7.3.6)', async (world) => {
  const { proxy, server } = await site(world, {
    frontend: `http-request wait-for-body time 10s
  acl four req.body_param -m str 4
  http-request set-header X-Four yes if four
  http-request set-header X-P %[req.body_param(a)]|%[req.body_param(b)]|%[req.body_param(C,i)]|%[req.body_param(C)]|%[req.body_param]`,
  });
  const client = await world.connect(proxy.port('f'));
  client.send(post(22, 'a=1&b=x%20y+z&c=3&d=4a'));
  await client.readMessage('POST');
  const request = await requestOf(server);
  expect(request).toContain('x-p: 1|x%20y+z|3||1\r\n');
  expect(request).not.toContain('x-four');
});

for (const side of ['frontend', 'backend'] as const) {
  scenario(`${side}: pauses of requests add up, for each request`, async (world) => {
    const { proxy, log } = await site(world, {
      [side]: `http-request pause 60ms if { path_beg / }
  http-request set-header X-Path %[path]
  http-request pause req.hdr(x-ms)
  http-request set-path /paused%[path]`,
      defaults: 'timeout http-request 50ms',
    });
    const client = await world.connect(proxy.port('f'));
    for (const [path, ms, most] of [
      ['/a', '60', 119],
      ['/b', 'none', 59],
    ] as const) {
      client.send(`GET ${path} HTTP/1.1\r\nHost: h\r\nX-Ms: ${ms}\r\n\r\n`);
      expect((await client.readMessage('GET')).body.toString()).toBe('hello');
      const line = await log.find(new RegExp(`"GET ${path} `));
      expect(Number(/ f b\/s (\d+)\//.exec(line)![1])).toBeGreaterThanOrEqual(most - 1);
    }
  });
}

scenario('pause: a client that resets: CR--, of the backend it would have had', async (world) => {
  const { proxy, log, server } = await site(world, {
    frontend: 'http-request pause 20s if { path /x }',
  });
  const client = await world.connect(proxy.port('f'));
  client.send('GET /x HTTP/1.1\r\nHost: h\r\n\r\n');
  await client.sent();
  await world.exchange(proxy.port('f'), 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  client.reset();
  expect(await log.find(/NOSRV/)).toMatch(/ f b\/<NOSRV> \d+\/-1\/-1\/-1\/\d+ -1 0 - - CR-- /);
  expect(server.peers.length).toBe(1);
});

for (const side of ['frontend', 'backend'] as const) {
  scenario(`${side}: a response pauses, whatever timeout server says`, async (world) => {
    const { proxy, log } = await site(world, {
      [side]: `http-response pause 120ms
  http-response set-header X-Status %[status]
  http-response pause 60`,
      defaults: 'timeout server 100ms',
    });
    const client = await world.connect(proxy.port('f'));
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    const message = await client.readMessage('GET');
    expect([fieldOf(message, 'x-status'), message.body.toString()]).toEqual(['200', 'hello']);
    const line = await log.find(/GET/);
    expect(Number(/ f b\/s \d+\/\d+\/\d+\/\d+\/(\d+) /.exec(line)![1])).toBeGreaterThanOrEqual(178);
  });
}

const half = async (peer: Peer) => {
  await peer.readHead();
  peer.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok');
};

const responseBody = 'set-header X-Body "%[res.body_len],%[res.body_size],%[res.body]"';

scenario('http-response wait-for-body waits for all of it', async (world) => {
  const { proxy } = await site(world, {
    frontend: `http-response wait-for-body time 10s\n  http-response ${responseBody}`,
    serve: async (peer) => {
      await peer.readHead();
      peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n');
      peer.send('8\r\n12345678\r\n0\r\n\r\n');
    },
  });
  const client = await world.connect(proxy.port('f'));
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const message = await client.readMessage('GET');
  expect(fieldOf(message, 'x-body')).toBe('10,10,ok12345678');
  expect(message.body.toString()).toBe('ok12345678');
});

scenario('http-response wait-for-body at-least goes on with a part', async (world) => {
  const { proxy, server } = await site(world, {
    backend: `http-response wait-for-body time 10s at-least 2\n  http-response ${responseBody}`,
    serve: half,
  });
  const client = await world.connect(proxy.port('f'));
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const head = await client.readUntil('\r\n\r\nok');
  expect(head).toContain('x-body: 2,10,ok\r\n');
  (await server.peer(0)).send('12345678');
  expect(await client.read(8)).toBe('12345678');
});

scenario('a response whose body does not come in time: 504, sH, no eresp', async (world) => {
  const { proxy, log } = await site(world, {
    backend: 'http-response wait-for-body time 150ms',
    serve: half,
  });
  const client = await world.connect(proxy.port('f'));
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  expect((await client.readMessage('GET')).start).toContain('504');
  expect(await log.find(/GET/)).toMatch(/ 504 \d+ - - sH-- /);
  expect(pick((await statRows(proxy))['b/BACKEND'], 'eresp')).toEqual({ eresp: '0' });
});

scenario(
  'a response that breaks off while it is waited for goes on as it is: SD',
  async (world) => {
    const { proxy, log } = await site(world, {
      frontend: 'http-response wait-for-body time 10s',
      serve: async (peer) => {
        await peer.readHead();
        peer.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok');
        peer.end();
      },
    });
    const client = await world.connect(proxy.port('f'));
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(await client.readToEnd()).toEndWith('\r\n\r\nok');
    expect(await log.find(/GET/)).toMatch(/ 200 \d+ - - SD-- /);
  },
);
