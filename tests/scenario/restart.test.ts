/**
 * A back end that is stopped and started again (configuration.txt 4.2 retries, option redispatch,
 * 5.2 check), through the program under test and HAProxy 3.2 at the same time.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { RawServer, serveHttp } from '../harness/peer.ts';
import type { Program, Proxy } from '../harness/proxy.ts';
import {
  defaultsHttp,
  needs,
  programUnderTest,
  scenario,
  type World,
} from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

/** Clients of each proxy, each with one request at a time. */
const CLIENTS = 6;
const RESTARTS = 4;

/** Each client asks once. @returns their statuses. */
async function askAll(world: World, proxy: Proxy): Promise<number[]> {
  return await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const peer = await world.connect(proxy.port('l'));
      peer.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
      const { status } = await peer.readMessage('GET');
      peer.close();
      return status;
    }),
  );
}

/** Connections to servers that failed so far: retries, redispatches and errors of the backend. */
async function failures(proxy: Proxy): Promise<number> {
  const [head, ...rows] = (await proxy.command('show stat', `stats-${proxy.program}`))
    .trim()
    .split('\n');
  const names = head!.replace(/^# /, '').split(',');
  const cells = rows.map((row) => row.split(',')).find((row) => row[1] === 'BACKEND')!;
  const columns = ['wretr', 'wredis', 'econ'];
  return columns.reduce((sum, column) => sum + Number(cells[names.indexOf(column)]), 0);
}

for (const options of ['', 'option redispatch', 'option redispatch 1']) {
  scenario(
    `a server that is started again is waited for as HAProxy 3.2 waits: ${options || 'retries'}`,
    async (world) => {
      const serve = serveHttp(() => answer('ok'));
      let server = new RawServer(serve);
      world.defer(() => server.stop());
      const { port } = server;
      const programs = new Set<Program>([programUnderTest, 'haproxy']);
      const start = (program: Program) =>
        world.proxy(
          `
global
  nbthread 1
  stats socket {{dir}}/stats-${program}
${defaultsHttp}
  timeout connect 300ms
  retries 20
  ${options}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${port} check inter 60s
`,
          { program },
        );
      const proxies: Proxy[] = [];
      for (const program of programs) {
        proxies.push(await start(program));
      }
      const lost = proxies.map(() => 0);
      for (let n = 0; n < RESTARTS; n++) {
        for (const proxy of proxies) {
          expect(await askAll(world, proxy)).toEqual(Array(CLIENTS).fill(200));
        }
        server.stop();
        const before = await Promise.all(proxies.map(failures));
        const asked = proxies.map((proxy) => askAll(world, proxy));
        for (const [i, proxy] of proxies.entries()) {
          await until(
            async () => (await failures(proxy)) >= before[i]! + CLIENTS,
            () => 'the proxy does not miss the server',
          );
        }
        server = new RawServer(serve, { hostname: '127.0.0.1', port });
        for (const [i, statuses] of (await Promise.all(asked)).entries()) {
          lost[i]! += statuses.filter((status) => status !== 200).length;
        }
      }
      const [ours, theirs = 0] = lost;
      expect(ours).toBeLessThanOrEqual(theirs);
    },
    { skip: needs('haproxy') },
  );
}
