/** `silent-drop` (configuration.txt 4.4): the client does not see an end in order, whatever it sends. */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { defaultsHttp, scenario } from '../harness/scenario.ts';

for (const body of ['', 'part of a body']) {
  const what = body === '' ? 'nothing is left to be read' : 'a body is still under way';
  scenario(`http-request silent-drop resets with its rst-ttl, when ${what}`, async (world) => {
    const server = world.http(() => answer('hello'));
    const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}}
  http-request silent-drop rst-ttl 64
  server s 127.0.0.1:${server.port}
`);
    const client = await world.connect(proxy.port('l'));
    const length = body === '' ? 0 : 100;
    client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n${body}`);
    await client.readToEnd();
    expect(client.ending).toBe('reset');
  });
}
