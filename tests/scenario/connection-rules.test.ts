/**
 * `Connection` in the hands of rules (RFC 9110 7.6.1): `close` that a rule puts ends the connection of
 * that side, `keep-alive` is nobody's to promise, and what is left of the field goes out.
 */
import { expect } from 'bun:test';
import { head, okay } from '../differential/case.ts';
import { fieldOf } from '../harness/http.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const get = head('GET / HTTP/1.1', 'Host: h');
const local = 'http-request return status 200 content-type text/plain string ok';

interface Front {
  port: number;
  server: ReturnType<World['http']>;
}

async function front(world: World, rule: string): Promise<Front> {
  const server = world.http(() => okay);
  const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}}
  ${rule}
  server s 127.0.0.1:${server.port}
`);
  return { port: proxy.port('l'), server };
}

const closing = [
  'http-response set-header Connection close',
  'http-response add-header Connection close',
  'http-response set-header connection CLOSE',
  'http-response add-header Connection "x-one, close"',
  'http-after-response set-header Connection close',
  'http-after-response add-header Connection close',
  `${local} hdr Connection close`,
  `${local} hdr Connection "x-one, close"`,
  'http-request deny hdr Connection close',
  `http-after-response set-header Connection close\n  ${local}`,
  'http-after-response add-header Connection close\n  http-request deny',
  'http-response return status 200 content-type text/plain string ok hdr Connection close',
];

for (const rule of closing) {
  scenario(`it ends the client's connection: ${rule}`, async (world) => {
    const { port } = await front(world, rule);
    const client = await world.connect(port);
    client.send(get);
    const answer = await client.readMessage('GET');
    const words = fieldOf(answer, 'connection')!.split(', ');
    expect(words.at(-1)).toBe('close');
    expect(words.filter((word) => word === 'close').length).toBe(1);
    expect(await client.readToEnd()).toBe('');
  });
}

const keeping = [
  'http-response set-header Connection keep-alive',
  'http-response del-header Connection',
  'http-after-response set-header Connection keep-alive',
  'http-after-response del-header Connection',
  `${local} hdr Connection keep-alive`,
  'http-request set-header Connection close',
  'http-request del-header Connection',
];

for (const rule of keeping) {
  scenario(`it does not end the client's connection, nor the wish to: ${rule}`, async (world) => {
    const { port } = await front(world, rule);
    const client = await world.connect(port);
    for (let i = 0; i < 2; i++) {
      client.send(get);
      const answer = await client.readMessage('GET');
      expect(fieldOf(answer, 'connection')).toBeNull();
    }
    client.send(head('GET / HTTP/1.1', 'Host: h', 'Connection: close'));
    const last = await client.readMessage('GET');
    expect(fieldOf(last, 'connection')).toBe('close');
    expect(await client.readToEnd()).toBe('');
  });
}

for (const rule of ['set-header Connection close', 'add-header Connection "x-one, close"']) {
  scenario(`it ends the server's connection: http-request ${rule}`, async (world) => {
    const { port, server } = await front(world, `http-request ${rule}`);
    const client = await world.connect(port);
    for (let i = 0; i < 2; i++) {
      client.send(get);
      await client.readMessage('GET');
      const peer = await server.peer(i);
      expect(peer.all().toString()).toContain('connection: close\r\n');
      const ended = () => peer.ending !== 'open';
      await peer.changes.until(ended, () => 'the connection is still open');
    }
  });
}

scenario('option http-pretend-keepalive hides such a rule from the server', async (world) => {
  const rule = 'http-request set-header Connection close\n  option http-pretend-keepalive';
  const { port, server } = await front(world, rule);
  const client = await world.connect(port);
  for (let i = 0; i < 2; i++) {
    client.send(get);
    await client.readMessage('GET');
    const peer = await server.peer(i);
    expect(peer.all().toString()).not.toContain('connection:');
    const ended = () => peer.ending !== 'open';
    await peer.changes.until(ended, () => 'the connection is still open');
  }
});

scenario('http-request del-header leaves the server its connection', async (world) => {
  const { port, server } = await front(world, 'http-request del-header Connection');
  const client = await world.connect(port);
  for (let i = 0; i < 3; i++) {
    client.send(get);
    await client.readMessage('GET');
  }
  expect(server.peers.length).toBe(1);
});
