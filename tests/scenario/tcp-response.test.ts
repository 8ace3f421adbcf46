/**
 * `tcp-response content` and `tcp-response inspect-delay` (configuration.txt 4.2): rules that hold a
 * server's bytes back. SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
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

async function site(
  world: World,
  rules: string,
  serve: (peer: Peer) => unknown,
  defaults = '',
): Promise<Site> {
  const log = await world.syslog();
  const server = world.server(serve);
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
  stats socket {{dir}}/stats level admin
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  ${defaults}
frontend f
  bind fd@{{f}}
  default_backend b
backend b
  ${rules}
  server s 127.0.0.1:${server.port}
`);
  return { proxy, log, server };
}

const hello = (peer: Peer) => peer.send('hello');

scenario(
  'the bytes wait until a rule lets them pass; those of the client do not',
  async (world) => {
    const { proxy, log, server } = await site(
      world,
      `tcp-response inspect-delay 10s
  tcp-response content accept if { res.payload(0,5) -m str hello }
  tcp-response content reject`,
      (peer) => peer.send('hel'),
    );
    const client = await world.connect(proxy.port('f'));
    client.send('question');
    const peer = await server.peer(0);
    expect(await peer.read(8)).toBe('question');
    expect(client.count()).toBe(0);
    peer.send('lo, world');
    expect(await client.read(12)).toBe('hello, world');
    client.end();
    await peer.readToEnd();
    peer.end();
    await client.readToEnd();
    expect(await log.find(/ f b\/s /)).toMatch(/ f b\/s \d+\/\d+\/\d+ 12 -- /);
  },
);

scenario('reject: nothing of it reaches the client; PD and dresp', async (world) => {
  const { proxy, log } = await site(
    world,
    `tcp-response inspect-delay 10s
  tcp-response content reject if { res.payload(0,5) -m str hello }`,
    hello,
  );
  const client = await world.connect(proxy.port('f'));
  expect(await client.readToEnd()).toBe('');
  expect(await log.find(/ f b\/s /)).toMatch(/ f b\/s \d+\/\d+\/\d+ 5 PD /);
  const rows = await statRows(proxy);
  for (const name of ['f/FRONTEND', 'b/s', 'b/BACKEND']) {
    expect(pick(rows[name], 'dresp bout')).toEqual({ dresp: '1', bout: '5' });
  }
});

scenario('close: the stream ends without a cause', async (world) => {
  const { proxy, log } = await site(
    world,
    `tcp-response inspect-delay 10s
  tcp-response content close if { res.len gt 3 }`,
    hello,
  );
  const client = await world.connect(proxy.port('f'));
  expect(await client.readToEnd()).toBe('');
  expect(await log.find(/ f b\/s /)).toMatch(/ f b\/s \d+\/\d+\/\d+ 5 -- /);
});

scenario('silent-drop: the client gets no end in order', async (world) => {
  const { proxy, log } = await site(
    world,
    `tcp-response inspect-delay 10s
  tcp-response content silent-drop rst-ttl 64 if { res.len gt 3 }`,
    hello,
  );
  const client = await world.connect(proxy.port('f'));
  client.send('a question');
  await client.readToEnd();
  expect(client.ending).toBe('reset');
  expect(await log.find(/ f b\/s /)).toMatch(/ 5 PR /);
  const rows = await statRows(proxy);
  expect(pick(rows['f/FRONTEND'], 'dreq dresp')).toEqual({ dreq: '1', dresp: '0' });
});

const final = `tcp-response inspect-delay 1h
  tcp-response content accept if { res.len gt 30 }`;

scenario('the end of the server ends the waiting', async (world) => {
  const { proxy, log } = await site(world, final, async (peer) => {
    peer.send('hello');
    await peer.read(1);
    peer.end();
  });
  const client = await world.connect(proxy.port('f'));
  client.send('x');
  expect(await client.read(5)).toBe('hello');
  client.end();
  await client.readToEnd();
  expect(await log.find(/ f b\/s /)).toMatch(/ 5 -- /);
});

scenario('the delay ends the waiting', async (world) => {
  const { proxy } = await site(world, final.replace('1h', '100ms'), hello);
  const client = await world.connect(proxy.port('f'));
  expect(await client.read(5)).toBe('hello');
});

scenario('timeout server ends the waiting: then a rule that rejects counts', async (world) => {
  const rules = `${final}\n  tcp-response content reject if { res.len 0 }`;
  const { proxy, log } = await site(world, rules, () => {}, 'timeout server 200ms');
  const client = await world.connect(proxy.port('f'));
  expect(await client.readToEnd()).toBe('');
  expect(await log.find(/ f b\/s /)).toMatch(/ 0 PD /);
});

scenario('a full buffer ends the waiting', async (world) => {
  const { proxy } = await site(
    world,
    `tcp-response inspect-delay 1h
  tcp-response content accept if { res.len gt 100000 }`,
    (peer) => peer.send('x'.repeat(60_000)),
  );
  const client = await world.connect(proxy.port('f'));
  expect(await client.read(60_000)).toBe('x'.repeat(60_000));
});

scenario('the hello of a TLS server is seen (res.ssl_hello_type)', async (world) => {
  const serverHello = Buffer.from([22, 3, 3, 0, 8, 2, 0, 0, 4, 3, 3, 1, 2]);
  const { proxy, log } = await site(
    world,
    `tcp-response inspect-delay 1h
  tcp-response content set-log-level silent if { res.ssl_hello_type 1 }
  tcp-response content accept if { rep_ssl_hello_type 2 }
  tcp-response content reject`,
    (peer) => {
      peer.send(serverHello.subarray(0, 7));
      peer.send(serverHello.subarray(7));
      peer.end();
    },
  );
  const client = await world.connect(proxy.port('f'));
  expect(await client.read(13)).toBe(serverHello.toString('latin1'));
  client.end();
  await log.find(/ f b\/s /);
});
