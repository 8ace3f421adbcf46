/**
 * Numbers that all workers add to (management.txt 9.1, 9.3), with traffic that reaches each of them:
 * every answer says which thread gave it. Own sockets per worker, and one that worker 1 shares out.
 */
import { expect } from 'bun:test';
import type { Peer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const WORKERS = 3;
/** Connections to open at most until every worker has one: the kernel spreads them by a hash. */
const TRIES = 200;

const skip = programUnderTest === 'sluice' ? null : 'haproxy spreads otherwise';

async function info(proxy: Proxy): Promise<Record<string, string>> {
  const lines = (await proxy.command('show info')).trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)));
}

async function stat(proxy: Proxy, name: string): Promise<Record<string, number>> {
  const [head = '', ...lines] = (await proxy.command('show stat')).trim().split('\n');
  const row = lines.find((line) => line.startsWith(`${name},`))!.split(',');
  const names = head.slice(2).split(',');
  return Object.fromEntries(names.map((column, i) => [column, Number(row[i])]));
}

/** The columns of `row` that `expected` names. */
function same(row: Record<string, number>, expected: Record<string, number>): void {
  const found = Object.keys(expected).map((column) => [column, row[column]!]);
  expect(Object.fromEntries(found)).toEqual(expected);
}

/** One request; gives the number of the thread that answered. */
async function ask(peer: Peer, path = '/'): Promise<string> {
  peer.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  return (await peer.readMessage('GET')).body;
}

/** Kept connections with one request each, until every worker has at least `each` of them. */
async function spread(world: World, port: number, each: number): Promise<Map<string, Peer[]>> {
  const peers = new Map<string, Peer[]>();
  const isDone = () => peers.size === WORKERS && [...peers.values()].every((p) => p.length >= each);
  for (let i = 0; i < TRIES && !isDone(); i++) {
    const peer = await world.connect(port);
    const thread = await ask(peer);
    peers.set(thread, [...(peers.get(thread) ?? []), peer]);
  }
  if (!isDone()) throw new Error(`only the threads ${[...peers.keys()]} have answered`);
  return peers;
}

for (const [what, shares] of [
  ['its own sockets', ''],
  ['one socket for all', 'tune.listener.default-shards by-process'],
] as const) {
  scenario(
    `requests and connections of all workers are summed: ${what}`,
    async (world) => {
      const port = world.refusedPort();
      const server = world.http(() => 'HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\n-');
      const proxy = await world.proxy(`
global
  nbthread ${WORKERS}
  ${shares}
  stats socket {{dir}}/stats
${defaultsHttp}
  option socket-stats
  http-reuse always
frontend f
  bind 127.0.0.1:${port} name line
  http-request return status 200 content-type text/plain lf-string %[thread] if { path / }
  http-request deny if { path /deny }
  default_backend b
backend b
  server s 127.0.0.1:${server.port}
`);
      const peers = await spread(world, port, 2);
      const all = [...peers.values()].flat();
      expect(peers.size).toBe(WORKERS);
      // One request to the server and one that is denied, from every connection of every worker.
      let one = 0;
      for (const peer of all) {
        await ask(peer, '/server');
        one ||= (await stat(proxy, 'b,BACKEND'))['bin']!;
        await ask(peer, '/deny');
      }
      const n = all.length;
      // The end of a stream is counted after its answer has left.
      await until(
        async () => (await stat(proxy, 'f,FRONTEND'))['hrsp_4xx'] === 2 * n,
        () => 'the last answer is not counted',
      );
      const front = await stat(proxy, 'f,FRONTEND');
      same(front, {
        scur: n,
        stot: n,
        conn_tot: n,
        req_tot: 3 * n,
        h1req: 3 * n,
        intercepted: n,
        dreq: n,
        hrsp_2xx: n,
        hrsp_4xx: 2 * n,
      });
      same(await stat(proxy, 'f,line'), { scur: n, stot: n, conn_tot: n, dreq: n });
      for (const row of ['b,s', 'b,BACKEND']) {
        const back = await stat(proxy, row);
        same(back, { stot: n, hrsp_4xx: n, lbtot: n, req_tot: n });
        expect(back['connect']! + back['reuse']!).toBe(n);
      }
      const bytes = await stat(proxy, 'b,BACKEND');
      expect(one).toBeGreaterThan(0);
      expect(bytes['bin']).toBe(n * one);
      const shown = await info(proxy);
      expect(shown).toMatchObject({ Nbthread: `${WORKERS}`, CurrConns: `${n}` });
      // Those of the stats socket and of the harness's probe count too.
      expect(Number(shown['CumConns'])).toBeGreaterThanOrEqual(n + 4);
      expect(Number(shown['CumReq'])).toBeGreaterThanOrEqual(3 * n + 4);
      expect(front['req_rate_max']!).toBeGreaterThanOrEqual(front['req_rate']!);
      for (const peer of all) peer.close();
    },
    { skip },
  );
}

for (const [name, frontend, bind, global] of [
  ['frontend', 'maxconn 5', '', ''],
  ['bind line', '', 'maxconn 5', ''],
  ['process', '', '', 'maxconn 5'],
] as const) {
  scenario(
    `maxconn of the ${name} holds for all workers together, and for no other line (3.2, 4.2, 5.1)`,
    async (world) => {
      const [first, second] = [world.refusedPort(), world.refusedPort()];
      const proxy = await world.proxy(`
global
  nbthread ${WORKERS}
  ${global}
  stats socket {{dir}}/stats
${defaultsHttp}
  option socket-stats
frontend f
  # All that wait may come to one worker's socket, whose queue is as long as maxconn otherwise.
  backlog 100
  ${frontend}
  bind 127.0.0.1:${first} name one ${bind}
  bind 127.0.0.1:${second} name two
  http-request return status 200 content-type text/plain lf-string %[thread]
`);
      const answered: Peer[] = [];
      for (let i = 0; i < 12; i++) {
        const peer = await world.connect(first);
        void ask(peer).then(
          () => answered.push(peer),
          () => {},
        );
      }
      const served = (count: number) =>
        until(
          () => answered.length >= count,
          () => `only ${answered.length} of ${count} are served`,
        );
      await served(5);
      same(await stat(proxy, 'f,one'), { scur: 5, smax: 5 });
      const other = await world.connect(second);
      const reply = ask(other).catch(() => 'closed');
      // Another line shares the limits of its frontend and of the process, not that of a line.
      if (name === 'bind line') expect(await reply).toMatch(/^\d+$/);
      else same(await stat(proxy, 'f,two'), { scur: 0, stot: 0 });
      expect(answered).toHaveLength(5);
      other.close();
      // Each that leaves lets one in, on whichever worker it waits.
      for (let left = 0; left < 7; left++) {
        answered[left]!.close();
        await served(6 + left);
      }
      same(await stat(proxy, 'f,one'), { smax: 5, stot: 12 });
      await reply;
    },
    { skip },
  );
}
