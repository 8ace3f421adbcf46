/**
 * The PROXY protocol on both sides (proxy-protocol.txt; configuration.txt 5.1 accept-proxy, 5.2
 * send-proxy, send-proxy-v2, check-send-proxy).
 */
import { expect } from 'bun:test';
import { head, reply } from '../differential/case.ts';
import type { Peer } from '../harness/peer.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

const get = head('GET / HTTP/1.1', 'Host: h');
const signature = '\r\n\r\n\0\r\nQUIT\n';
const addresses = '\x01\x02\x03\x04\x05\x06\x07\x08\x04\x57\x08\xae';
const six = `${'\0'.repeat(15)}\x01${'\0'.repeat(15)}\x02\x04\x57\x08\xae`;
const real = '127.0.0.1';

async function front(world: World) {
  const log = await world.syslog();
  const proxy = await world.proxy(`${defaultsHttp}
frontend f
  timeout client 1s
  bind fd@{{f}} accept-proxy
  log 127.0.0.1:${log.port} local0
  tcp-request connection reject if { src 1.2.3.4 }
  tcp-request session reject if { src 9.9.9.9 }
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
`);
  return { port: proxy.port('f'), log };
}

for (const [what, bytes, seen] of [
  ['TCP4', 'PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n', '1.2.3.4 1111 5.6.7.8 2222'],
  ['TCP6', 'PROXY TCP6 ::1 2001:db8::2 1111 2222\r\n', '::1 1111 2001:db8::2 2222'],
  ['UNKNOWN', 'PROXY UNKNOWN\r\n', real],
  ['version 2, TCP4', `${signature}\x21\x11\x00\x0c${addresses}`, '1.2.3.4 1111 5.6.7.8 2222'],
  ['version 2, TCP6', `${signature}\x21\x21\x00\x24${six}`, '::1 1111 ::2 2222'],
  ['version 2, LOCAL', `${signature}\x20\x00\x00\x00`, real],
  [
    'version 2, extensions',
    `${signature}\x21\x11\x00\x13${addresses}\x04\x00\x04abcd`,
    '1.2.3.4 1111 5.6.7.8 2222',
  ],
] as const) {
  scenario(`a header is believed: ${what} (5.1 accept-proxy)`, async (world) => {
    const { port } = await front(world);
    const client = await world.connect(port);
    client.send(Buffer.from(bytes + get, 'latin1'));
    expect((await client.readMessage('GET')).body).toStartWith(seen);
    // It is the connection's, so the next request has it too.
    client.send(get);
    expect((await client.readMessage('GET')).body).toStartWith(seen);
  });
}

scenario('rules of the session know the address of the header (4.4)', async (world) => {
  const { port } = await front(world);
  const client = await world.connect(port);
  client.send(`PROXY TCP4 9.9.9.9 5.6.7.8 1111 2222\r\n${get}`);
  expect(await client.readToEnd()).toBe('');
});

const splits = programUnderTest === 'haproxy' ? 'haproxy wants a header in one piece' : null;

for (const bytes of [
  'PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n',
  `${signature}\x21\x11\x00\x0c${addresses}`,
]) {
  scenario(
    `a header may come byte by byte: ${bytes.length} bytes`,
    async (world) => {
      const { port } = await front(world);
      const client = await world.connect(port);
      for (const byte of Buffer.from(bytes, 'latin1')) {
        client.send(Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.send(get);
      expect((await client.readMessage('GET')).body).toStartWith('1.2.3.4 1111');
    },
    { skip: splits },
  );
}

for (const [bytes, why] of [
  [get, 'Received something which does not look like a PROXY protocol header'],
  [`PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n${get}`, 'Received an unhandled protocol in'],
  [`PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n${get}`, 'Received an invalid PROXY protocol header'],
  [`PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n${get}`, 'Received an invalid PROXY protocol header'],
] as const) {
  scenario(`what is no header ends the connection: ${JSON.stringify(bytes)}`, async (world) => {
    const { port, log } = await front(world);
    const client = await world.connect(port);
    client.send(bytes);
    expect(await client.readToEnd()).toBe('');
    await log.find(new RegExp(`127.0.0.1:\\d+ \\[.*\\] f/1: ${why}`));
  });
}

for (const bytes of [
  'PROXY TCP4 1.2.3.4 5.6.7.8 1 70000\r\n',
  'PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n',
  `PROXY TCP4 ${'1'.repeat(120)}\r\n`,
  `${signature}\x21\x11\x00\x04${addresses}`,
  `${signature}\x21\x11\x00\x0f${addresses}\x04\x00\x09`,
  `${signature}\x21\x11\x00\x13${addresses}\x03\x00\x04\x01\x02\x03\x04`,
  `${signature}\x22\x11\x00\x0c${addresses}`,
  `${signature}\x21\x11\xff\xff${addresses}`,
]) {
  scenario(
    `a header that contradicts itself is refused: ${JSON.stringify(bytes).slice(0, 60)}`,
    async (world) => {
      const { port, log } = await front(world);
      const client = await world.connect(port);
      client.send(Buffer.from(bytes + get, 'latin1'));
      expect(await client.readToEnd()).toBe('');
      await log.find(/Received an invalid PROXY protocol header/);
      const next = await world.connect(port);
      next.send(`PROXY UNKNOWN\r\n${get}`);
      expect((await next.readMessage('GET')).status).toBe(200);
    },
    { skip: programUnderTest === 'haproxy' ? 'haproxy takes some of them' : null },
  );
}

scenario('silence ends with timeout client-hs, or client', async (world) => {
  const { port, log } = await front(world);
  const client = await world.connect(port);
  expect(await client.readToEnd()).toBe('');
  await log.find(/f\/1: Timeout while waiting for PROXY protocol header/);
});

/** A back end that shows what a connection begins with, and answers requests. */
function recorder(world: World, begin: (peer: Peer) => Promise<string>) {
  const seen: string[] = [];
  const server = world.server(async (peer) => {
    seen.push(await begin(peer));
    for (;;) {
      const request = await peer.readHead().catch(() => null);
      if (request === null) return;
      peer.send(reply('ok', 'Content-Length: 2'));
    }
  });
  return { seen, server };
}

for (const [option, begin, pattern] of [
  [
    'send-proxy',
    (peer: Peer) => peer.readUntil('\r\n'),
    /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/,
  ],
  [
    'send-proxy-v2',
    (peer: Peer) => peer.read(28),
    /^\r\n\r\n\0\r\nQUIT\n!\x11\0\f\x7f\0\0\x01\x7f\0\0\x01/,
  ],
] as const) {
  scenario(`a server learns whose connection it is (5.2 ${option})`, async (world) => {
    const { seen, server } = recorder(world, begin);
    const proxy = await world.proxy(`${defaultsHttp}
  http-reuse always
frontend f
  bind fd@{{f}}
  default_backend b
backend b
  server s 127.0.0.1:${server.port} ${option}
`);
    for (const requests of [2, 1]) {
      const client = await world.connect(proxy.port('f'));
      for (let i = 0; i < requests; i++) {
        client.send(get);
        expect((await client.readMessage('GET')).body).toBe('ok');
      }
    }
    // One connection for each client: it is nobody else's.
    expect(seen.length).toBe(2);
    expect(seen[0]).not.toBe(seen[1]);
    for (const bytes of seen) expect(bytes).toMatch(pattern);
  });
}

for (const [options, first] of [
  ['send-proxy', /^PROXY (UNKNOWN|TCP4 .*)\r\nOPTIONS/],
  ['send-proxy-v2', /^\r\n\r\n\0\r\nQUIT\n \0\0\0OPTIONS/],
  ['send-proxy port {{port}}', /^OPTIONS/],
  ['send-proxy check-send-proxy port {{port}}', /^PROXY (UNKNOWN|TCP4 .*)\r\nOPTIONS/],
] as const) {
  scenario(`a check begins as connections do: ${options}`, async (world) => {
    const begun = Promise.withResolvers<string>();
    const server = world.server(async (peer) => {
      begun.resolve(await peer.readUntil('OPTIONS'));
    });
    await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}}
  option httpchk
  server s 127.0.0.1:${server.port} check inter 50ms ${options.replace('{{port}}', String(server.port))}
`);
    expect(await begun.promise).toMatch(first);
  });
}
