/** Timeouts and broken peers, with the termination state of the log line (configuration.txt 8.5). */
import { expect } from 'bun:test';
import { answer, fieldOf } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { scenario, type World } from '../harness/scenario.ts';
import type { UdpReceiver } from '../harness/socket.ts';

interface Stage {
  proxy: Proxy;
  log: UdpReceiver;
  client: Peer;
}

/** A proxy with one short timeout; the others are long. */
async function stage(
  world: World,
  serve: (peer: Peer) => unknown,
  lines: string,
  serverPort?: number,
): Promise<Stage> {
  const log = await world.syslog();
  const server = world.server(serve);
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
defaults
  mode http
  log global
  option httplog
  retries 0
  timeout connect 15s
  timeout client 15s
  timeout server 15s
  ${lines}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${serverPort ?? server.port}
`);
  const client = await world.connect(proxy.port('l'));
  return { proxy, log, client };
}

const get = 'GET /t HTTP/1.1\r\nHost: h\r\n\r\n';
const silence = () => {};

/** The fields `status` and `termination state` of a log line. */
async function outcome(log: UdpReceiver): Promise<string> {
  const line = await log.find(/ l l\//);
  const found = / (-?\d+) \d+ - - (\S{4}) /.exec(line);
  return found === null ? line : `${found[1]} ${found[2]}`;
}

scenario(
  'a client that sends half a head gets 408 and cR (timeout http-request)',
  async (world) => {
    const { log, client } = await stage(world, silence, 'timeout http-request 300ms');
    client.send('GET /t HTTP/1.1\r\nHost');
    expect(await client.readToEnd()).toStartWith('HTTP/1.1 408 Request Time-out\r\n');
    expect(await outcome(log)).toBe('408 cR--');
  },
);

scenario(
  'a buffered body that stalls gets 408 and cR, even without timeout http-request (4.2)',
  async (world) => {
    const { log, client } = await stage(
      world,
      silence,
      'timeout client 300ms\n  option http-buffer-request',
    );
    client.send('POST /t HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf');
    expect(await client.readToEnd()).toStartWith('HTTP/1.1 408 Request Time-out\r\n');
    expect(await outcome(log)).toBe('408 cR--');
  },
);

scenario('an idle connection is closed without a word (timeout http-keep-alive)', async (world) => {
  const { client } = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      peer.send(answer('ok'));
    },
    'timeout http-keep-alive 300ms',
  );
  client.send(get);
  await client.readMessage('GET');
  expect(await client.readToEnd()).toBe('');
  expect(client.ending).toBe('end');
});

scenario('a server that says nothing gives 504 and sH (timeout server)', async (world) => {
  const { log, client } = await stage(world, silence, 'timeout server 300ms');
  client.send(get);
  expect((await client.readMessage('GET')).status).toBe(504);
  expect(await outcome(log)).toBe('504 sH--');
});

scenario('a server that stops in its answer is cut with sD', async (world) => {
  const { log, client } = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    },
    'timeout server 300ms',
  );
  client.send(get);
  expect(await client.readToEnd()).toEndWith('\r\n\r\nabc');
  expect(await outcome(log)).toBe('200 sD--');
});

scenario('a client that stops reading is cut with cD (timeout client)', async (world) => {
  const { log, client } = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n${'x'.repeat(40_000_000)}`);
    },
    'timeout client 400ms',
  );
  client.pause();
  client.send(get);
  expect(await outcome(log)).toBe('200 cD--');
});

scenario('a refused connection gives 503 and SC', async (world) => {
  const { log, client } = await stage(world, silence, '', world.refusedPort());
  client.send(get);
  expect((await client.readMessage('GET')).status).toBe(503);
  expect(await outcome(log)).toBe('503 SC--');
});

scenario('a server that resets before an answer gives 502 and SH', async (world) => {
  const { log, client } = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      peer.reset();
    },
    '',
  );
  client.send(get);
  expect((await client.readMessage('GET')).status).toBe(502);
  expect(await outcome(log)).toBe('502 SH--');
});

scenario('a server that resets in its answer is logged SD', async (world) => {
  const { log, client } = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
      await peer.sent();
      peer.reset();
    },
    '',
  );
  client.send(get);
  const reply = await client.readToEnd();
  expect(reply).toStartWith('HTTP/1.1 200 OK');
  expect(await outcome(log)).toBe('200 SD--');
});

scenario('a client that leaves while the answer comes is logged CD', async (world) => {
  const { log, client } = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n${'x'.repeat(40_000_000)}`);
    },
    '',
  );
  client.send(get);
  await client.readHead();
  client.reset();
  expect(await outcome(log)).toBe('200 CD--');
});

scenario('with abortonclose a client that leaves early ends its request with CH', async (world) => {
  const { log, client } = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      client.close();
      await peer.readToEnd();
    },
    'option abortonclose',
  );
  client.send(get);
  expect(await outcome(log)).toMatch(/CH--$/);
});

scenario('a bad request gives 400 and PR, a bad answer 502 and PH', async (world) => {
  const bad = await stage(world, silence, '');
  bad.client.send('GET / HTTP/1.1\r\nbad field: x\r\n\r\n');
  expect(await bad.client.readToEnd()).toStartWith('HTTP/1.1 400 Bad request\r\n');
  expect(await outcome(bad.log)).toBe('400 PR--');
  const answered = await stage(
    world,
    async (peer) => {
      await peer.readMessage();
      peer.send('HTTP/1.1 200 OK\r\nbad field: x\r\n\r\n');
    },
    '',
  );
  answered.client.send(get);
  expect((await answered.client.readMessage('GET')).status).toBe(502);
  expect(await outcome(answered.log)).toBe('502 PH--');
});

scenario('errorfile replaces the answer byte for byte (4.2 errorfile)', async (world) => {
  const page = 'HTTP/1.0 503 Mine\r\nX-Page: mine\r\nConnection: close\r\n\r\nsorry\n';
  const file = `${world.dir}/503.http`;
  await Bun.write(file, page);
  const { client } = await stage(world, silence, `errorfile 503 ${file}`, world.refusedPort());
  client.send(get);
  const reply = await client.readMessage('GET');
  expect(reply.start).toMatch(/^HTTP\/1\.[01] 503 Mine$/);
  expect(fieldOf(reply, 'x-page')).toBe('mine');
  expect(reply.body).toBe('sorry\n');
});

scenario('errorfile replaces the answers that no rule sees (4.2 errorfile)', async (world) => {
  const file = `${world.dir}/page`;
  const text = 'HTTP/1.0 418 Mine\r\nConnection: close\nX-A:b\r\n\r\nmine\n';
  await Bun.write(file, text);
  const proxy = await world.proxy(`
defaults
  mode http
  timeout client 50ms
  errorfile 400 ${file}
  errorfile 408 ${file}
frontend f
  bind fd@{{f}}
  http-after-response set-header x-ruled yes
  http-request return status 200
`);
  const expected = 'HTTP/1.0 418 Mine\r\nconnection: close\r\nx-a: b\r\n\r\nmine\n';
  const bad = 'GET / HTTP/1.1\r\na b: c\r\n\r\n';
  for (const bytes of [bad, bad.replace('GET', 'HEAD'), 'GET / HTTP/1.1\r\n']) {
    expect(await world.exchange(proxy.port('f'), bytes)).toBe(expected);
  }
});
