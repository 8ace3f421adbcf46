/**
 * Requests on a connection that a server closes instead of answering: what may have had an effect
 * is never sent twice (RFC 9110 9.2.2, RFC 9112 9.3.1), what cannot have one is asked again once
 * when the connection had been used before.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer, RawServer } from '../harness/peer.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

/** What a server does with the request that is in question, of which the head has come. */
type Leave = (peer: Peer) => unknown;

interface Site {
  client: Peer;
  server: RawServer;
  /** The log line of the request whose path is `/asked`. */
  line: () => Promise<string>;
}

/**
 * A client whose connection to the server has carried `before` requests. The first connection
 * leaves the next request, all later connections do what `later` says.
 */
async function site(world: World, before: number, leave: Leave, later: Leave): Promise<Site> {
  const log = await world.syslog();
  const server = world.server(async (peer, index) => {
    if (index > 0) {
      await peer.readHead();
      return await later(peer);
    }
    for (let i = 0; i < before; i++) {
      await peer.readMessage();
      peer.send(answer('before'));
    }
    await peer.readHead();
    await leave(peer);
  });
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  log global
  option httplog
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
`);
  const client = await world.connect(proxy.port('l'));
  for (let i = 0; i < before; i++) {
    client.send('GET /before HTTP/1.1\r\nHost: h\r\n\r\n');
    expect((await client.readMessage('GET')).body).toBe('before');
  }
  return { client, server, line: () => log.find(/ \/asked/) };
}

const again: Leave = (peer) => peer.send(answer('again'));
const close: Leave = (peer) => peer.close();
const reset: Leave = (peer) => peer.reset();

const ask = (method: string, fields = '', body = '') =>
  `${method} /asked HTTP/1.1\r\nHost: h\r\n${fields}\r\n${body}`;

/** How many connections brought the server the request in question. */
const askedTimes = ({ server }: Site) =>
  server.received().filter((bytes) => bytes.includes(' /asked ')).length;

async function expectOnce(place: Site, method: string, state = 'SH--'): Promise<void> {
  expect((await place.client.readMessage(method)).status).toBe(502);
  expect(await place.line()).toMatch(
    new RegExp(` l l/s .* 502 \\d+ - - ${state} \\d+/\\d+/\\d+/\\d+/0 `),
  );
  expect(askedTimes(place)).toBe(1);
}

const skip =
  programUnderTest === 'haproxy'
    ? 'it ends the client connection instead, for the client to ask again'
    : null;
const length = 'Content-Length: 4\r\n';

for (const method of ['POST', 'PATCH', 'LOCK', 'FROB']) {
  for (const [how, leave] of [
    ['close', close],
    ['reset', reset],
  ] as const) {
    scenario(
      `${method} is not sent again after a ${how} of a reused connection (RFC 9110 9.2.2)`,
      async (world) => {
        const place = await site(world, 1, leave, again);
        place.client.send(ask(method, length, 'body'));
        await expectOnce(place, method);
      },
      { skip },
    );
  }
}

for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']) {
  scenario(
    `${method} is sent again after a close of a reused connection (RFC 9110 9.2.2)`,
    async (world) => {
      const place = await site(world, 1, close, again);
      place.client.send(
        ask(method, method === 'PUT' ? length : '', method === 'PUT' ? 'body' : ''),
      );
      expect((await place.client.readMessage(method)).status).toBe(200);
      expect(await place.line()).toMatch(/ l l\/s .* 200 \d+ - - ---- \d+\/\d+\/\d+\/\d+\/1 /);
      const [first, second, ...more] = place.server.received();
      // The whole request once more, as it was.
      expect(second!).toBe(first!.slice(first!.indexOf(`${method} /asked`)));
      expect(more).toEqual([]);
    },
    { skip },
  );
}

scenario(
  'a request is sent again only once: the new connection has not been used before',
  async (world) => {
    const place = await site(world, 1, close, close);
    place.client.send(ask('GET'));
    expect((await place.client.readMessage('GET')).status).toBe(502);
    expect(await place.line()).toMatch(/ l l\/s .* 502 \d+ - - SH-- \d+\/\d+\/\d+\/\d+\/1 /);
    expect(askedTimes(place)).toBe(2);
  },
  { skip },
);

scenario('GET is not sent again after a close of a new connection', async (world) => {
  const place = await site(world, 0, close, again);
  place.client.send(ask('GET'));
  await expectOnce(place, 'GET');
});

scenario('a request is not sent again when a part of the answer has come', async (world) => {
  const place = await site(
    world,
    1,
    async (peer) => {
      peer.send('HTTP/1.1 200 OK\r\nContent-');
      await peer.sent();
      peer.close();
    },
    again,
  );
  place.client.send(ask('GET'));
  await expectOnce(place, 'GET', 'PH--');
});

scenario(
  'a request is not sent again after an interim response was passed on',
  async (world) => {
    let go = () => {};
    const seen = new Promise<void>((resolve) => {
      go = resolve;
    });
    const place = await site(
      world,
      1,
      async (peer) => {
        peer.send('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n');
        await seen;
        peer.close();
      },
      again,
    );
    place.client.send(ask('GET'));
    expect((await place.client.readHead()).status).toBe(103);
    go();
    await expectOnce(place, 'GET');
  },
  { skip },
);

for (const [framing, fields, part, rest] of [
  ['a length', 'Content-Length: 8\r\n', 'half', 'rest'],
  ['chunks', 'Transfer-Encoding: chunked\r\n', '4\r\nhalf\r\n', '4\r\nrest\r\n0\r\n\r\n'],
] as const) {
  scenario(
    `a request is not sent again when a body of ${framing} came after its head (RFC 9112 9.3.1)`,
    async (world) => {
      let asked = () => {};
      const begun = new Promise<void>((resolve) => {
        asked = resolve;
      });
      const place = await site(
        world,
        1,
        async (peer) => {
          asked();
          await peer.readUntil('rest');
          peer.close();
        },
        again,
      );
      place.client.send(ask('PUT', fields, part));
      // Only now is the rest sent: it cannot have come together with the head.
      await begun;
      place.client.send(rest);
      await expectOnce(place, 'PUT');
    },
    { skip },
  );
}

scenario(
  'a connection that brings more than its answer carries no other request',
  async (world) => {
    const server = world.server(async (peer, index) => {
      await peer.readMessage();
      peer.send(answer('right') + (index === 0 ? answer('smuggled') : ''));
    });
    const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
`);
    const client = await world.connect(proxy.port('l'));
    for (let i = 0; i < 2; i++) {
      client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      expect((await client.readMessage('GET')).body).toBe('right');
    }
    expect(server.peers.length).toBe(2);
  },
);
