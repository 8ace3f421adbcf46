/** The trace of `-d` (management.txt 3), on its own and next to haproxy's. */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer, RawServer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { needs, scenario, type World } from '../harness/scenario.ts';

const config = (http: number, tcp: number, refused: number) => `
global
  nbthread 1
defaults
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend web
  mode http
  bind fd@{{web}}
  http-request deny if { path /deny }
  http-request set-header x-edited 1
  use_backend nobody if { path /nobody }
  use_backend refused if { path /refused }
  use_backend strict if { path /strict }
  default_backend app
backend app
  mode http
  http-response set-header x-edited 2
  server s 127.0.0.1:${http}
backend strict
  mode http
  http-response deny
  server s 127.0.0.1:${http}
backend nobody
  mode http
backend refused
  mode http
  retries 0
  server s 127.0.0.1:${refused}
listen tcp
  mode tcp
  bind fd@{{tcp}}
  server s 127.0.0.1:${tcp}
listen gone
  mode tcp
  retries 0
  bind fd@{{gone}}
  server s 127.0.0.1:${refused}
`;

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
const early = '100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK';
const upgrade =
  'Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const accepted =
  'Connection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';

/** Answers by path; what is not told here is `200 ok`. */
async function serve(peer: Peer): Promise<void> {
  for (;;) {
    await peer.changes.until(
      () => peer.count() > peer.taken || peer.ending !== 'open' || peer.closed,
      () => 'an idle connection',
      600_000,
    );
    if (peer.count() === peer.taken) return peer.close();
    const { target } = await peer.readMessage();
    if (target === '/early') peer.send(answer('ok').replace('200 OK', early));
    else if (target === '/garbage') peer.send('what?\r\n\r\n');
    else if (target.startsWith('/upgrade')) {
      peer.send(`HTTP/1.1 101 Switching\r\n${accepted}\r\n`);
      if (target === '/upgrade') await peer.readUntil('bye');
      else await peer.readToEnd();
      return peer.close();
    } else peer.send(answer('ok', '200 OK', 'X-One: 1\r\n'));
  }
}

/** A TCP server that lets the client's first byte decide who closes. */
async function serveTcp(peer: Peer): Promise<void> {
  const first = await peer.read(1);
  peer.send(first);
  if (first === 'c') await peer.readToEnd();
  peer.close();
}

/** The lines of each stream that was shown, numbers taken out; the harness's own are left out. */
function streams(text: string): string[][] {
  const byStream = new Map<string, string[]>();
  for (const [, id, line] of text.matchAll(/^([0-9a-f]{8}):(.*)$/gm)) {
    const plain = line!
      .replace(/127\.0\.0\.1:\d+/, 'ADDRESS')
      .replaceAll(/(?<=[([:=])(?!ffff)[0-9a-f]{4}(?=[\]):]| from)/g, 'fd');
    byStream.set(id!, [...(byStream.get(id!) ?? []), plain]);
  }
  return [...byStream.values()].filter(([line]) => !line!.startsWith('harness-probe'));
}

/** Waits until `count` streams have been shown to their end. */
async function shown(proxy: Proxy, count: number): Promise<string[][]> {
  const ended = () => streams(proxy.stdout).filter((lines) => /\.closed\[/.test(lines.at(-1)!));
  await proxy.changes.until(
    () => ended().length === count,
    () => `not ${count} streams:\n${proxy.stdout}`,
  );
  return streams(proxy.stdout);
}

async function start(world: World, options: object = {}): Promise<Proxy> {
  const http: RawServer = world.server(serve);
  const tcp: RawServer = world.server(serveTcp);
  const text = config(http.port, tcp.port, world.refusedPort());
  return await world.proxy(text, { args: ['-d'], ...options });
}

/** One exchange after the other, so that the streams are shown in this order. */
async function exchanges(world: World, proxy: Proxy): Promise<string[][]> {
  let count = 0;
  const http = async (...requests: string[]) => {
    const client = await world.connect(proxy.port('web'));
    for (const request of requests) {
      client.send(request);
      await client.readMessage(request.split(' ')[0]!);
      await shown(proxy, ++count);
    }
    client.close();
  };
  await http(get('/', 'X-Name:  Value \r\nx-name: b\r\nEmpty:\r\n'), get('/deny'), get('/two'));
  await http('HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await http('POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc');
  for (const path of ['/early', '/garbage', '/strict', '/nobody', '/refused']) {
    await http(get(path));
  }
  await world.exchange(proxy.port('web'), 'no request\r\n\r\n');
  for (const path of ['/upgrade', '/upgrade-and-leave']) {
    const socket = await world.connect(proxy.port('web'));
    socket.send(get(path, upgrade));
    await socket.readHead();
    if (path === '/upgrade') {
      socket.send('bye');
      await socket.readToEnd();
    }
    socket.close();
    await shown(proxy, ++count);
  }
  for (const first of ['c', 's']) {
    const client = await world.connect(proxy.port('tcp'));
    client.send(first);
    await client.read(1);
    if (first === 's') await client.readToEnd();
    client.close();
    await shown(proxy, ++count);
  }
  await (await world.connect(proxy.port('gone'))).readToEnd();
  return await shown(proxy, ++count);
}

scenario('-d shows a request, its answer and the end of both sides', async (world) => {
  const proxy = await start(world);
  const client = await world.connect(proxy.port('web'));
  client.send(get('/'));
  await client.readMessage('GET');
  expect(await shown(proxy, 1)).toEqual([
    [
      'web.accept(fd)=fd from [ADDRESS] ALPN=<none>',
      'web.clireq[fd:ffffffff]: GET / HTTP/1.1',
      'web.clihdr[fd:ffffffff]: host: h',
      'app.srvrep[fd:fd]: HTTP/1.1 200 OK',
      'app.srvhdr[fd:fd]: x-one: 1',
      'app.srvhdr[fd:fd]: content-length: 2',
      'app.clicls[fd:fd]',
      'app.srvcls[fd:fd]',
      'app.closed[fd:fd]',
    ],
  ]);
});

scenario('-d shows a TCP stream with the side that ends last first', async (world) => {
  const proxy = await start(world);
  const client = await world.connect(proxy.port('tcp'));
  client.send('c');
  await client.read(1);
  client.close();
  expect(await shown(proxy, 1)).toEqual([
    [
      'tcp.accept(fd)=fd from [ADDRESS] ALPN=<none>',
      'tcp.srvcls[fd:fd]',
      'tcp.clicls[fd:fd]',
      'tcp.closed[fd:fd]',
    ],
  ]);
});

scenario(
  '-d shows the lines that haproxy shows',
  async (world) => {
    const ours = await start(world, { program: 'sluice' });
    const theirs = await start(world, { program: 'haproxy' });
    expect(await exchanges(world, ours)).toEqual(await exchanges(world, theirs));
  },
  { skip: needs('haproxy') },
);

scenario('without -d nothing is written to stdout', async (world) => {
  const proxy = await start(world, { args: ['-db'] });
  const client = await world.connect(proxy.port('web'));
  client.send(get('/'));
  await client.readMessage('GET');
  await proxy.stop();
  expect(proxy.stdout).not.toContain('clireq');
});
