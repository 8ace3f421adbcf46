/** Idle server connections (configuration.txt 4.2 http-reuse, 5.2 pool-purge-delay, pool-max-conn). */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer, RawServer } from '../harness/peer.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

interface Idle {
  server: RawServer;
  clients: Peer[];
  /** Lets a request for `/hold` be answered, by their order. */
  asked: (() => void)[];
}

/** A proxy with `count` idle server connections; connection i became idle as number i. */
async function idleConnections(world: World, count: number, options: string): Promise<Idle> {
  const asked: (() => void)[] = [];
  const server = world.http(
    ({ target }) =>
      new Promise((resolve) => {
        if (target === '/hold') asked.push(() => resolve(answer('held')));
        else resolve(answer('ok'));
      }),
  );
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
  http-reuse always
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} ${options}
`);
  const clients: Peer[] = [];
  for (let i = 0; i < count; i++) {
    const client = await world.connect(proxy.port('l'));
    client.send(get('/hold'));
    clients.push(client);
    await until(
      () => asked.length === i + 1,
      () => `no request ${i} at the server`,
    );
  }
  for (let i = 0; i < count; i++) {
    asked[i]!();
    await clients[i]!.readMessage('GET');
  }
  return { server, clients, asked };
}

const ended = (peer: Peer) => peer.ending !== 'open';
const inner = programUnderTest === 'haproxy' ? 'a choice of our own' : null;

scenario(
  'the connections that have been idle for longest are purged first, whichever ended before (5.2)',
  async (world) => {
    const { server } = await idleConnections(world, 12, 'pool-purge-delay 700ms');
    const peers = server.peers;
    // Two of the oldest are closed by the server: the others keep their places.
    peers[0]!.close();
    peers[1]!.close();
    const left = peers.slice(2);
    await until(
      () => left.some(ended),
      () => 'nothing was purged',
      20_000,
    );
    // What goes at a time is the older part: nobody behind one that stays has gone.
    const open = left.map((peer) => !ended(peer));
    const firstOpen = open.indexOf(true);
    if (firstOpen >= 0) expect(open.slice(firstOpen).every(Boolean)).toBe(true);
    expect(ended(left[0]!)).toBe(true);
    await until(
      () => left.every(ended),
      () => 'some were never purged',
      20_000,
    );
  },
  { skip: inner, timeoutMs: 60_000 },
);

scenario(
  'the connection that was used last is used next, whichever ended before (4.2 http-reuse)',
  async (world) => {
    const { server, clients } = await idleConnections(world, 6, 'pool-purge-delay 60s');
    const peers = server.peers;
    const used = () => peers.map((peer) => peer.count());
    for (const index of [2, 0]) {
      peers[index]!.close();
      const before = used();
      for (let n = 0; n < 3; n++) {
        clients[index]!.send(get('/next'));
        expect((await clients[index]!.readMessage('GET')).body).toBe('ok');
      }
      const busy = used().flatMap((count, i) => (count > before[i]! ? [i] : []));
      expect(busy).toEqual([5]);
    }
    // And when it is gone too, the one before it.
    peers[5]!.close();
    const before = used();
    clients[3]!.send(get('/last'));
    await clients[3]!.readMessage('GET');
    expect(used().flatMap((count, i) => (count > before[i]! ? [i] : []))).toEqual([4]);
  },
  { skip: inner },
);

scenario(
  'no more connections are kept than pool-max-conn says, and none is lost from the count (5.2)',
  async (world) => {
    const { server, clients, asked } = await idleConnections(
      world,
      6,
      'pool-max-conn 3 pool-purge-delay 60s',
    );
    await until(
      () => server.peers.filter(ended).length === 3,
      () => 'not three connections are kept',
    );
    expect(server.peers.slice(0, 3).some(ended)).toBe(false);
    // Two of them end: there is room for two again.
    server.peers[1]!.close();
    server.peers[2]!.close();
    for (const client of clients.slice(0, 3)) client.send(get('/hold'));
    await until(
      () => asked.length === 9,
      () => 'not all requests are at the server',
    );
    for (let i = 6; i < 9; i++) asked[i]!();
    for (const client of clients.slice(0, 3)) await client.readMessage('GET');
    clients[3]!.send(get('/next'));
    await clients[3]!.readMessage('GET');
    expect(server.peers.length).toBe(8);
    expect([0, 6, 7].some((i) => ended(server.peers[i]!))).toBe(false);
  },
  { skip: inner },
);

scenario(
  'private connections belong to their client and end with it (4.2 http-reuse never)',
  async (world) => {
    const servers = ['a', 'b', 'c'].map((name) => world.http(() => answer(name)));
    const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
  http-reuse never
frontend f
  bind fd@{{f}}
  use_backend b if { path /b }
  use_backend c if { path /c }
  default_backend a
${['a', 'b', 'c'].map((name, i) => `backend ${name}\n  server s 127.0.0.1:${servers[i]!.port}`).join('\n')}
`);
    const clients = [await world.connect(proxy.port('f')), await world.connect(proxy.port('f'))];
    const ask = async (client: Peer, name: string) => {
      client.send(get(`/${name}`));
      expect((await client.readMessage('GET')).body).toBe(name);
    };
    for (let round = 0; round < 2; round++) {
      for (const client of clients) for (const name of ['a', 'b', 'c']) await ask(client, name);
    }
    expect(servers.map((server) => server.peers.length)).toEqual([2, 2, 2]);
    // The server ends one in the middle of the list: the others stay, and it is replaced.
    servers[1]!.peers[0]!.close();
    for (const name of ['a', 'b', 'c', 'b']) await ask(clients[0]!, name);
    expect(servers.map((server) => server.peers.length)).toEqual([2, 3, 2]);
    clients[0]!.close();
    const first = [servers[0]!.peers[0]!, servers[1]!.peers[2]!, servers[2]!.peers[0]!];
    await until(
      () => first.every(ended),
      () => 'private connections outlive their client',
    );
    for (const name of ['c', 'b', 'a']) await ask(clients[1]!, name);
    expect(servers.map((server) => server.peers.length)).toEqual([2, 3, 2]);
  },
);

/** How many server connections two clients use, with two requests each in turn (4.2 http-reuse). */
async function connectionsUsed(world: World, lines: string, options = ''): Promise<number> {
  const server = world.http(() => answer('ok'));
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  ${lines}
  server s 127.0.0.1:${server.port} pool-purge-delay 60s ${options}
`);
  const ask = async (client: Peer) => {
    client.send(get('/'));
    expect((await client.readMessage('GET')).body).toBe('ok');
  };
  // The first one needs a connection; the second finds it idle, but not known to be reusable.
  const first = await world.connect(proxy.port('l'));
  await ask(first);
  const second = await world.connect(proxy.port('l'));
  await ask(second);
  await ask(first);
  await ask(second);
  return server.peers.length;
}

for (const [lines, options, count] of [
  ['http-reuse never', '', 2],
  ['http-reuse safe', '', 2],
  ['http-reuse aggressive', '', 2],
  ['http-reuse always', '', 1],
  ['http-reuse always', 'max-reuse 0', 4],
  ['http-reuse always', 'max-reuse 1', 2],
  ['http-reuse always', 'pool-max-conn 0', 4],
] as const) {
  scenario(
    `two clients use ${count} connections with ${lines} ${options} (4.2, 5.2)`,
    async (world) => {
      expect(await connectionsUsed(world, lines, options)).toBe(count);
    },
    // The manual says so (5.2); 3.2 looks at it with HTTP/2 alone.
    { skip: options.startsWith('max-reuse') ? inner : null },
  );
}

scenario(
  'http-reuse aggressive gives a new client a connection that was reused before, safe does not (4.2)',
  async (world) => {
    for (const [mode, count] of [
      ['aggressive', 1],
      ['safe', 3],
    ] as const) {
      const server = world.http(() => answer('ok'));
      const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
  http-reuse ${mode}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} pool-purge-delay 60s
`);
      const ask = async (client: Peer) => {
        client.send(get('/'));
        expect((await client.readMessage('GET')).body).toBe('ok');
      };
      const clients: Peer[] = [];
      for (let i = 0; i < 3; i++) {
        const client = await world.connect(proxy.port('l'));
        clients.push(client);
        await ask(client);
        // Its second request takes the connection that is idle, which has proved itself then.
        await ask(client);
      }
      expect([mode, server.peers.length]).toEqual([mode, count]);
    }
  },
);
