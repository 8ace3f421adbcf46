/** The harness itself, with the real haproxy: scenarios must be able to fail for the right reason. */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { answer, takeMessage } from './http.ts';
import { programPath } from './proxy.ts';
import { defaultsHttp, World } from './scenario.ts';
import { UdpReceiver } from './socket.ts';

const absent = programPath('haproxy') === null;

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const world = new World('haproxy');
  try {
    await body(world);
  } finally {
    await world.end();
  }
}

test.skipIf(absent)('a proxy inherits its sockets, both sides see exact bytes, logs arrive', () =>
  inWorld(async (world) => {
    const log = await world.syslog();
    const unix = world.unixLog();
    const server = world.http((request) => answer(`you asked ${request.target}`));
    const proxy = await world.proxy(`
global
  log 127.0.0.1:${log.port} local0
  log ${unix.path} local1
  stats socket {{dir}}/stats
${defaultsHttp}
  log global
  option httplog
listen a
  bind fd@{{a}}
  server s 127.0.0.1:${server.port}
listen b
  bind fd@{{b}}
  server s 127.0.0.1:${server.port}
`);
    for (const name of ['a', 'b']) {
      const client = await world.connect(proxy.port(name));
      client.send(`GET /${name} HTTP/1.1\r\nHost: h\r\n\r\n`);
      expect((await client.readMessage('GET')).body).toBe(`you asked /${name}`);
    }
    expect(server.received().join('')).toContain('GET /a HTTP/1.1\r\nhost: h\r\n\r\n');
    expect(await log.find(/"GET \/b HTTP/)).toContain(' b b/s ');
    expect(await unix.find(/"GET \/a HTTP/)).toContain(' a a/s ');
    expect(await proxy.command('show info')).toContain('Name: HAProxy');
    expect(existsSync(world.dir)).toBe(true);
  }),
);

test.skipIf(absent)('a configuration that is refused fails the start with its message', () =>
  inWorld(async (world) => {
    const start = world.proxy('frontend f\n  bogus\n  bind fd@{{f}}\n');
    await expect(start).rejects.toThrow(/unknown keyword 'bogus'/);
    const result = await world.run('frontend f\n  bogus\n');
    expect(result.status).toBe(1);
  }),
);

test('a peer sees half-closes, resets and the end as what they are', () =>
  inWorld(async (world) => {
    const server = world.server(async (peer, index) => {
      if (index === 0) {
        expect(await peer.readToEnd()).toBe('hello');
        peer.send('after your end');
        peer.end();
      } else {
        await peer.read(1);
        peer.reset();
      }
    });
    const half = await world.connect(server.port);
    half.send('hello');
    half.end();
    expect(await half.readToEnd()).toBe('after your end');
    expect(half.ending).toBe('end');
    const cut = await world.connect(server.port);
    cut.send('x');
    await cut.readToEnd();
    expect(cut.ending).toBe('reset');
    expect((await server.peer(1)).all().toString()).toBe('x');
  }));

test('waiting for what never comes ends with a message that says what came', () =>
  inWorld(async (world) => {
    const server = world.server((peer) => peer.send('abc'));
    const client = await world.connect(server.port);
    await expect(client.readUntil('\n', 200)).rejects.toThrow('no \\n in abc');
    const log = await UdpReceiver.open();
    await expect(log.take(1, 50)).rejects.toThrow('0 of 1 log lines');
    log.stop();
  }));

test('more bytes than the kernel takes at once arrive in order', () =>
  inWorld(async (world) => {
    const size = 8 << 20;
    const server = world.server(async (peer) => {
      peer.send('0123456789abcdef'.repeat(size / 16));
      await peer.sent();
      peer.end();
    });
    const client = await world.connect(server.port);
    client.pause();
    client.resume();
    const all = await client.readToEnd();
    expect(all.length).toBe(size);
    expect(all.slice(-16)).toBe('0123456789abcdef');
  }));

test('messages are delimited as RFC 9112 6.3 says', () => {
  const take = (text: string, method: string | null, ended = false) =>
    takeMessage(Buffer.from(text, 'latin1'), method, ended);
  expect(take('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc', 'GET')?.body).toBe('ab');
  expect(take('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na', 'GET')).toBeNull();
  expect(take('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'HEAD')?.size).toBe(38);
  expect(take('HTTP/1.1 200 OK\r\n\r\nabc', 'GET')).toBeNull();
  expect(take('HTTP/1.1 200 OK\r\n\r\nabc', 'GET', true)?.body).toBe('abc');
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const whole = take(`${chunked}2;x=y\r\nab\r\n0\r\nT: 1\r\n\r\nrest`, 'GET');
  expect([whole?.body, whole?.trailers]).toEqual(['ab', 'T: 1\r\n']);
  expect(take(`${chunked}2\r\nab\r\n0\r\n`, 'GET')).toBeNull();
  expect(() => take(`${chunked}g\r\n`, 'GET')).toThrow('chunk size');
});
