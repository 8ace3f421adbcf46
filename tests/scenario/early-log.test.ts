/** Log lines written before the end, and what they count (configuration.txt 4.2 option logasap, 8.2.6). */
import { expect } from 'bun:test';
import { get, head, okay } from '../differential/case.ts';
import { defaultsHttp, scenario } from '../harness/scenario.ts';

scenario('option logasap: %U is still 0, %B is what has come', async (world) => {
  const log = await world.syslog();
  const server = world.http(() => okay);
  const proxy = await world.proxy(`${defaultsHttp}
  log 127.0.0.1:${log.port} local0
listen early
  bind fd@{{early}}
  option logasap
  log-format "early U=%U B=%B in=%[bytes_in]."
  server s 127.0.0.1:${server.port}
listen late
  bind fd@{{late}}
  log-format "late U=%U B=%B."
  server s 127.0.0.1:${server.port}
`);
  for (const name of ['early', 'late']) {
    const client = await world.connect(proxy.port(name));
    client.send(`${head('POST / HTTP/1.1', 'Host: h', 'Content-Length: 5')}hello`);
    await client.readMessage('POST');
  }
  await log.find(/early U=0 B=\+51 in=0\./);
  await log.find(/late U=59 B=51\./);
});

scenario('%sc does not count the slot that goes to the next in the queue', async (world) => {
  const log = await world.syslog();
  const server = world.server(async (peer) => {
    await peer.readUntil('\r\n\r\n');
    await both.promise;
    peer.send(okay);
    peer.end();
  });
  const both = Promise.withResolvers<void>();
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
  log 127.0.0.1:${log.port} local0
listen l
  bind fd@{{l}}
  http-request return status 204 if { path /now }
  log-format "%[capture.req.uri] sc=%sc bc=%bc."
  server s 127.0.0.1:${server.port} maxconn 1
`);
  const clients = [];
  for (let i = 0; i < 2; i++) {
    const client = await world.connect(proxy.port('l'));
    client.send(head(`GET /${i} HTTP/1.1`, 'Host: h'));
    clients.push(client);
    // One worker: an answer to a later request tells that this one has its place.
    await world.exchange(proxy.port('l'), head('GET /now HTTP/1.0'));
  }
  both.resolve();
  for (const client of clients) await client.readMessage('GET');
  await log.find(/\/0 sc=0 bc=1\./);
  await log.find(/\/1 sc=0 bc=0\./);
});

scenario('a text that is made for an answer and does not fit becomes 500', async (world) => {
  await Bun.write(`${world.dir}/whole`, 'x'.repeat(16384));
  const proxy = await world.proxy(`${defaultsHttp}
frontend f
  bind fd@{{f}}
  http-request return status 200 content-type text/plain lf-file {{dir}}/whole
`);
  const client = await world.connect(proxy.port('f'));
  client.send(get());
  expect((await client.readMessage('GET')).status).toBe(500);
});

const refused: [string, RegExp][] = [
  [
    'http-request deny deny_status 400 content-type text/plain lf-file {{dir}}/large',
    /:7\] : .*'http-request deny' rule : file '.*large' exceeds the buffer size \(20000 > 16384\)/,
  ],
];

for (const [line, message] of refused) {
  scenario(`a file that no buffer holds is refused: ${line}`, async (world) => {
    await Bun.write(`${world.dir}/large`, 'x'.repeat(20000));
    const text = `defaults
  mode http
  timeout client 1s
  timeout connect 1s
  timeout server 1s
frontend f
  ${line}
  bind fd@{{f}}
`;
    const result = await world.run(text, { args: ['-c'] });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(message);
  });
}
