/**
 * `tcp-request connection` and `tcp-request session` (configuration.txt 4.2): who is refused before
 * there is a stream, and what that leaves behind. SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Proxy } from '../harness/proxy.ts';
import { scenario, type World } from '../harness/scenario.ts';
import type { LogReceiver } from '../harness/socket.ts';
import { pick, statRows } from '../harness/statistics.ts';

interface Site {
  proxy: Proxy;
  log: LogReceiver;
}

async function site(world: World, mode: 'tcp' | 'http', rules: string): Promise<Site> {
  const log = await world.syslog();
  const server = world.http(() => answer('hello'));
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
  stats socket {{dir}}/stats level admin
defaults
  mode ${mode}
  log global
  option ${mode}log
  option socket-stats
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend f
  bind fd@{{f}} name line
  ${rules}
  default_backend b
frontend open
  bind fd@{{open}}
  default_backend b
backend b
  server s 127.0.0.1:${server.port}
`);
  return { proxy, log };
}

const get = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

/** How a connection ends: with a reset, which may come before the client knows that it is open. */
async function ending(world: World, port: number): Promise<string> {
  const client = await world.connect(port).catch(() => null);
  await client?.readToEnd();
  return client?.ending ?? 'reset';
}

const refusals: [rule: string, column: string, ending: string][] = [
  ['tcp-request connection reject', 'dcon', 'reset'],
  ['tcp-request session reject', 'dses', 'end'],
  ['tcp-request connection silent-drop rst-ttl 64', 'dreq', 'reset'],
  ['tcp-request session silent-drop rst-ttl 64', 'dreq', 'reset'],
];

for (const mode of ['tcp', 'http'] as const) {
  for (const [rule, column, end] of refusals) {
    scenario(`mode ${mode}: ${rule} counts ${column} and logs nothing`, async (world) => {
      const { proxy, log } = await site(world, mode, rule);
      expect(await ending(world, proxy.port('f'))).toBe(end);
      const columns = 'stot dcon dses dreq conn_tot scur';
      const expected = { stot: '0', dcon: '0', dses: '0', dreq: '0', conn_tot: '1', scur: '0' };
      const rows = await statRows(proxy);
      expect(pick(rows['f/FRONTEND'], columns)).toEqual({ ...expected, [column]: '1' });
      expect(pick(rows['f/line'], columns)).toEqual({ ...expected, [column]: '1' });
      const client = await world.connect(proxy.port('open'));
      client.send(get);
      client.end();
      await client.readToEnd();
      expect((await log.take(1))[0]).toContain(' open b/s ');
    });
  }
}

scenario(
  'the first rule that matches is final, and its conditions see the kernel',
  async (world) => {
    const { proxy } = await site(
      world,
      'http',
      `acl local src 127.0.0.0/8
  tcp-request connection reject if !local
  tcp-request connection reject if { dst_port 1 }
  tcp-request connection reject unless { dst 127.0.0.1 }
  tcp-request connection accept if local { src_port gt 0 }
  tcp-request connection reject
  tcp-request session accept if { so_id gt 0 }
  tcp-request session reject`,
    );
    expect(await world.exchange(proxy.port('f'), get)).toContain('hello');
  },
);

scenario('accept ends one ruleset; the next one is evaluated all the same', async (world) => {
  const { proxy } = await site(
    world,
    'tcp',
    'tcp-request connection accept\n  tcp-request session reject',
  );
  expect(await ending(world, proxy.port('f'))).toBe('end');
  expect(pick((await statRows(proxy))['f/FRONTEND'], 'dcon dses')).toEqual({
    dcon: '0',
    dses: '1',
  });
});
