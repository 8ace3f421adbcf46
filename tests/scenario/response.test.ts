/** The server's side of HTTP/1: framing that must not be trusted, interim answers, and floods of them. */
import { expect } from 'bun:test';
import { get, head, okay, reply } from '../differential/case.ts';
import type { Peer } from '../harness/peer.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

async function front(world: World, port: number, lines = '', more = ''): Promise<number> {
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  ${lines}
  server s 127.0.0.1:${port}
${more}
`);
  return proxy.port('l');
}

/** Answers every request of a connection with the same bytes. */
function always(bytes: string): (peer: Peer) => Promise<void> {
  return async (peer) => {
    for (;;) {
      const ready = () => peer.all().indexOf('\r\n\r\n', peer.taken) >= 0;
      const over = () => peer.ending !== 'open' || peer.closed;
      await peer.changes.until(
        () => ready() || over(),
        () => 'a request',
        60_000,
      );
      if (over()) return peer.close();
      await peer.readHead();
      peer.send(bytes);
    }
  };
}

scenario(
  'RFC 9112 6.3: a length and a coding together end the server connection',
  async (world) => {
    const both = reply('2\r\nok\r\n0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked');
    const server = world.server(always(both));
    const port = await front(world, server.port, 'http-reuse always');
    const client = await world.connect(port);
    for (let i = 0; i < 2; i++) {
      client.send(get());
      const answer = await client.readMessage('GET');
      expect(answer.raw).not.toContain('content-length');
      expect(answer.body).toBe('ok');
      const peer = await server.peer(i);
      await peer.changes.until(
        () => peer.ending !== 'open',
        () => 'still open',
      );
    }
  },
);

scenario('the same connection is reused when the framing is plain', async (world) => {
  const server = world.server(always(okay));
  const port = await front(world, server.port, 'http-reuse always');
  const client = await world.connect(port);
  for (let i = 0; i < 3; i++) {
    client.send(get());
    await client.readMessage('GET');
  }
  expect(server.peers.length).toBe(1);
});

scenario('http-buffer-request: no 100 Continue for a client of HTTP/1.0', async (world) => {
  const server = world.server(always(okay));
  const port = await front(world, server.port, 'option http-buffer-request');
  const client = await world.connect(port);
  const fields = ['Host: h', 'Expect: 100-continue', 'Content-Length: 3'];
  client.send(head('POST / HTTP/1.0', ...fields));
  // One worker: when a later request of another client is answered, that head has been read.
  const other = await world.connect(port);
  other.send(get());
  await other.readMessage('GET');
  client.send('abc');
  expect((await client.readToEnd()).slice(0, 15)).toBe('HTTP/1.1 200 OK');
});

scenario(
  'a server that sends interim answers without end does not hold up others',
  async (world) => {
    const hint = head('HTTP/1.1 103 Early Hints', 'Link: </a>');
    const count = 100_000;
    const flooding = world.server(async (peer) => {
      await peer.readUntil('\r\n\r\n');
      peer.send(hint.repeat(count) + okay);
    });
    const honest = world.server(always(okay));
    const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen flood
  bind fd@{{flood}}
  server s 127.0.0.1:${flooding.port}
listen honest
  bind fd@{{honest}}
  server s 127.0.0.1:${honest.port}
`);
    const victim = await world.connect(proxy.port('flood'));
    const client = await world.connect(proxy.port('honest'));
    victim.send(get());
    await victim.readUntil('103 Early Hints');
    const total = hint.length * count;
    // While the flood passes, the others are answered: once per turn of the loop, not once at its end.
    let answers = 0;
    while (victim.count() < total) {
      client.send(get());
      await client.readMessage('GET');
      answers++;
    }
    await victim.changes.until(
      () => victim.count() >= total + 40,
      () => 'the flood',
      30_000,
    );
    expect(victim.all().toString('latin1').lastIndexOf('HTTP/1.1 200 OK')).toBeGreaterThan(0);
    expect(answers).toBeGreaterThan(40);
  },
);
