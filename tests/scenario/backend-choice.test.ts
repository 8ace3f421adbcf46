/**
 * Which backend and which server (configuration.txt 4.2 use_backend, timeout tunnel,
 * option http-no-delay), where the frontend's and the backend's settings are different.
 */
import { expect } from 'bun:test';
import { get, head } from '../differential/case.ts';
import type { Peer, RawServer } from '../harness/peer.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const says = (word: string) => (peer: Peer) => {
  peer.send(word);
  peer.close();
};

scenario('use_backend with a name from the connection works in TCP mode', async (world) => {
  const one = world.server(says('one'));
  const other = world.server(says('other'));
  const proxy = await world.proxy(`
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend f
  bind fd@{{a}}
  bind fd@{{b}}
  bind fd@{{c}}
  use_backend b_%[dst_port]
  default_backend rest
backend b_{{a.port}}
  server s 127.0.0.1:${one.port}
backend b_{{b.port}}
  server s 127.0.0.1:${other.port}
backend rest
  server s 127.0.0.1:${world.server(says('rest')).port}
`);
  expect(await world.exchange(proxy.port('a'), '')).toBe('one');
  expect(await world.exchange(proxy.port('b'), '')).toBe('other');
  expect(await world.exchange(proxy.port('c'), '')).toBe('rest');
});

const switching = head('HTTP/1.1 101 Fine', 'Connection: upgrade', 'Upgrade: frob');

scenario('timeout tunnel is the backend’s: the frontend’s own does not count', async (world) => {
  const server = world.server(async (peer) => {
    await peer.readUntil('\r\n\r\n');
    peer.send(switching);
  });
  const proxy = await world.proxy(`
defaults front
  mode http
  timeout client 300ms
  timeout tunnel 60s
defaults back
  mode http
  timeout connect 5s
  timeout server 60s
frontend f from front
  bind fd@{{f}}
  default_backend b
backend b from back
  server s 127.0.0.1:${server.port}
`);
  const client = await world.connect(proxy.port('f'));
  client.send(get('Connection: upgrade', 'Upgrade: frob'));
  await client.readUntil('\r\n\r\n');
  // The client is silent for too long: that is told to the server.
  await (await server.peer(0)).readToEnd();
});

scenario('timeout tunnel of the backend counts for both sides', async (world) => {
  const server = world.server(async (peer) => {
    await peer.readUntil('\r\n\r\n');
    peer.send(switching);
  });
  const proxy = await world.proxy(`
defaults front
  mode http
  timeout client 60s
defaults back
  mode http
  timeout connect 5s
  timeout server 60s
  timeout tunnel 300ms
frontend f from front
  bind fd@{{f}}
  default_backend b
backend b from back
  server s 127.0.0.1:${server.port}
`);
  const client = await world.connect(proxy.port('f'));
  client.send(get('Connection: upgrade', 'Upgrade: frob'));
  await client.readUntil('\r\n\r\n');
  await client.readToEnd();
});

const piece = 'x'.repeat(100);
const rounds = 20;

/** One dialogue inside a large body: the next piece is sent when the last one has come. */
class Dialogue {
  done = 0;

  constructor(
    readonly reader: Peer,
    readonly writer: Peer,
  ) {}

  async run(): Promise<void> {
    while (this.done < rounds) {
      this.writer.send(piece);
      await this.reader.read(piece.length);
      this.done++;
    }
  }
}

const large = 'Content-Length: 10000000';

async function openBody(world: World, proxyPort: number, server: RawServer, response: boolean) {
  const index = server.peers.length;
  const client = await world.connect(proxyPort);
  client.send(response ? get() : head('POST / HTTP/1.1', 'Host: h', large));
  const peer = await server.peer(index);
  await peer.readUntil('\r\n\r\n');
  if (!response) return new Dialogue(peer, client);
  peer.send(head('HTTP/1.1 200 OK', large));
  await client.readUntil('\r\n\r\n');
  return new Dialogue(client, peer);
}

for (const response of [true, false]) {
  const what = response ? 'option http-no-delay: no piece of an answer' : 'no piece of a request';
  scenario(`${what} waits for the next one`, async (world) => {
    const server = world.server();
    const proxy = await world.proxy(`${defaultsHttp}
  option splice-auto
listen slow
  bind fd@{{slow}}
  server s 127.0.0.1:${server.port}
listen fast
  bind fd@{{fast}}
  ${response ? 'option http-no-delay' : ''}
  server s 127.0.0.1:${server.port}
`);
    const slow = await openBody(world, proxy.port('slow'), server, true);
    const fast = await openBody(world, proxy.port('fast'), server, response);
    const rest = slow.run();
    await fast.run();
    expect(slow.done).toBeLessThan(rounds / 2);
    await rest;
  });
}
