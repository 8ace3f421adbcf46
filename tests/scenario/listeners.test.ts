/** Listening sockets are no connections: their number has nothing to do with `maxconn`. */
import { expect } from 'bun:test';
import { defaultsHttp, scenario } from '../harness/scenario.ts';

const BINDS = 150;

scenario('more bind lines than connections are served (3.2 maxconn, 5.1)', async (world) => {
  const names = Array.from({ length: BINDS }, (_, i) => `bind${i}`);
  const proxy = await world.proxy(`
global
  nbthread 1
  maxconn 10
${defaultsHttp}
frontend web
${names.map((name) => `  bind fd@{{${name}}}`).join('\n')}
  http-request return status 200
`);
  for (const name of [names[0]!, names[75]!, names.at(-1)!]) {
    const answer = await world.exchange(
      proxy.port(name),
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toStartWith('HTTP/1.1 200');
  }
});
