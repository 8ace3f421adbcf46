/**
 * Options of connections, read from the proxy's own sockets: what a line of the configuration sets
 * on which side, and that it is the line that does it (configuration.txt 3.2 tune.rcvbuf.*,
 * tune.sndbuf.*, tune.notsent-lowat.*; 4.2 clitcpka*, srvtcpka*, tcpka, tcp-smart-*; 5.1 and 5.2
 * tcp-ut).
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import {
  needsForeignSockets,
  type SocketOption,
  segmentsSent,
  socketOption,
} from '../harness/socket-option.ts';
import { until } from '../harness/wait.ts';

const skip = needsForeignSockets();

type Side = 'client' | 'server';

interface Lines {
  global?: string;
  proxy?: string;
  bind?: string;
  server?: string;
}

interface Place {
  pid: number;
  client: Peer;
  server: Peer;
  /** The option of the proxy's socket on that side. */
  option: (side: Side, option: SocketOption) => number;
}

/** A request that has reached the server: both connections are there, neither has had an answer. */
async function site(world: World, lines: Lines, mode = 'http'): Promise<Place> {
  const server = world.server();
  const proxy = await world.proxy(`
global
  nbthread 1
  ${lines.global ?? ''}
${defaultsHttp}
  mode ${mode}
listen l
  bind fd@{{l}} ${lines.bind ?? ''}
  ${lines.proxy ?? ''}
  server s 127.0.0.1:${server.port} ${lines.server ?? ''}
`);
  const client = await world.connect(proxy.port('l'));
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const peer = await server.peer(0);
  await peer.readHead();
  const ports = { client: client.port, server: server.port };
  return {
    pid: proxy.pid,
    client,
    server: peer,
    option: (side, option) => socketOption(proxy.pid, ports[side], option),
  };
}

const other = { client: 'server', server: 'client' } as const;

/** What a line sets on the sockets of a side, which is not what they have without it. */
const rows: [Lines, Side, Partial<Record<SocketOption, number>>][] = [];
for (const side of ['client', 'server'] as const) {
  // The kernel doubles what is asked for (socket(7)).
  rows.push([{ global: `tune.rcvbuf.${side} 50000` }, side, { SO_RCVBUF: 100_000 }]);
  rows.push([{ global: `tune.sndbuf.${side} 60000` }, side, { SO_SNDBUF: 120_000 }]);
  rows.push([{ global: `tune.notsent-lowat.${side} 20000` }, side, { TCP_NOTSENT_LOWAT: 20_000 }]);
  const word = side === 'client' ? 'clitcpka' : 'srvtcpka';
  rows.push([{ proxy: `option ${word}` }, side, { SO_KEEPALIVE: 1 }]);
  rows.push([
    { proxy: `option ${word}\n  ${word}-cnt 5\n  ${word}-idle 33s\n  ${word}-intvl 7s` },
    side,
    { SO_KEEPALIVE: 1, TCP_KEEPCNT: 5, TCP_KEEPIDLE: 33, TCP_KEEPINTVL: 7 },
  ]);
}
for (const rule of [
  'tcp-request connection set-tos 0x20',
  'tcp-request session set-fc-tos int(32)',
  'tcp-request content set-fc-tos 32',
  'http-request set-fc-tos req.hdr(host),length,mul(32)',
]) {
  rows.push([{ proxy: rule }, 'client', { IP_TOS: 32 }]);
}
rows.push([{ bind: 'tcp-ut 7s' }, 'client', { TCP_USER_TIMEOUT: 7000 }]);
rows.push([{ server: 'tcp-ut 8s' }, 'server', { TCP_USER_TIMEOUT: 8000 }]);

for (const [lines, side, options] of rows) {
  const text = Object.entries(lines).map(([place, line]) => `${place} ${line}`);
  scenario(
    `${text.join().replaceAll(/\n */g, ', ')} sets the ${side} side only`,
    async (world) => {
      const tuned = await site(world, lines);
      const plain = await site(world, {});
      for (const [name, value] of Object.entries(options)) {
        const option = name as SocketOption;
        expect([option, tuned.option(side, option)]).toEqual([option, value]);
        expect(plain.option(side, option)).not.toBe(value);
        expect(tuned.option(other[side], option)).not.toBe(value);
      }
    },
    { skip },
  );
}

scenario(
  'the times of keep-alive alone do not turn it on (4.2 clitcpka-idle, srvtcpka-idle)',
  async (world) => {
    const { option } = await site(world, { proxy: 'clitcpka-idle 33s\n  srvtcpka-idle 33s' });
    expect(option('client', 'SO_KEEPALIVE')).toBe(0);
    expect(option('server', 'SO_KEEPALIVE')).toBe(0);
  },
  { skip },
);

scenario(
  'option tcpka sets both sides (4.2)',
  async (world) => {
    const { option } = await site(world, { proxy: 'option tcpka' });
    expect(option('client', 'SO_KEEPALIVE')).toBe(1);
    expect(option('server', 'SO_KEEPALIVE')).toBe(1);
  },
  { skip },
);

scenario(
  'option tcp-smart-connect lets the request carry the ACK of the handshake (4.2)',
  async (world) => {
    const sent = async (lines: Lines) => {
      const { pid, server } = await site(world, lines);
      return segmentsSent(pid, server.port);
    };
    // SYN, ACK and request, or SYN and request: the kernel waits with the ACK, but not for ever.
    const smart = [];
    for (let i = 0; i < 5; i++) smart.push(await sent({ proxy: 'option tcp-smart-connect' }));
    expect(smart).toContain(2);
    expect(await sent({})).toBeGreaterThan(2);
  },
  { skip },
);

scenario(
  'option tcp-smart-accept keeps the ACK of a request back for the answer (4.2)',
  async (world) => {
    const accepted = async (line: string) => {
      const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
${defaultsHttp}
listen l
  bind fd@{{l}}
  ${line}
`);
      // Nothing is sent: what comes and goes changes how the kernel acknowledges.
      const client = await world.connect(proxy.port('l'));
      await until(
        async () => /^l,FRONTEND,[^,]*,[^,]*,1,/m.test(await proxy.command('show stat')),
        () => 'the connection was not accepted',
      );
      return socketOption(proxy.pid, client.port, 'TCP_QUICKACK');
    };
    expect(await accepted('option tcp-smart-accept')).toBe(0);
    expect(await accepted('no option tcp-smart-accept')).toBe(1);
  },
  { skip },
);

for (const [mode, name] of [
  ['http', 'requests and answers'],
  ['tcp', 'bytes of a session'],
] as const) {
  scenario(
    `${name} after the first are not held back for what is on its way (mode ${mode}, TCP_NODELAY)`,
    async (world) => {
      const { client, server, option } = await site(world, {}, mode);
      server.send(answer('one'));
      await client.readMessage('GET');
      client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      await server.readHead();
      expect(option('server', 'TCP_NODELAY')).toBe(1);
      server.send(answer('two'));
      await client.readMessage('GET');
      expect(option('client', 'TCP_NODELAY')).toBe(1);
    },
    { skip },
  );
}

for (const [how, global] of [
  ['through a pipe', ''],
  ['through a buffer', 'nosplice'],
] as const) {
  scenario(
    `the end of a body ${how} is not held back (TCP_NODELAY)`,
    async (world) => {
      const { client, server, option } = await site(world, { global });
      server.send('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      await client.readHead();
      server.send('x'.repeat(100_000));
      await client.read(100_000);
      expect(option('client', 'TCP_NODELAY')).toBe(1);
    },
    { skip },
  );
}
