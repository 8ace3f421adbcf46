/**
 * Answers that come before the whole request has: of a server, and of the proxy itself. The client's
 * connection goes on behind the rest of the request (RFC 9112 9.3), which is never read as another
 * request; a server that answered early gets the rest of it.
 */
import { expect } from 'bun:test';
import { head, okay } from '../differential/case.ts';
import { answer } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const rules = `
  http-request deny if { path_beg /deny }
  http-request redirect location /there if { path_beg /redirect }
  http-request return status 200 content-type text/plain string hello if { path_beg /return }
  use_backend nobody if { path_beg /nobody }`;

async function front(world: World, port: number, timeouts = ''): Promise<number> {
  const proxy = await world.proxy(`${defaultsHttp}${timeouts}
frontend f
  bind fd@{{f}}
${rules}
  default_backend b
backend nobody
backend b
  server s 127.0.0.1:${port}
`);
  return proxy.port('f');
}

const post = (path: string, ...fields: string[]) =>
  head(`POST ${path} HTTP/1.1`, 'Host: h', ...fields);
const next = head('GET /return HTTP/1.1', 'Host: h');

/** Rest of a request body that looks like requests; whoever reads it as such shows. */
const disguised = next.repeat(3);

const locals: [string, number][] = [
  ['/deny', 403],
  ['/redirect', 302],
  ['/return', 200],
  ['/nobody', 503],
];

for (const [path, status] of locals) {
  scenario(`the connection goes on behind the rest of a request for ${path}`, async (world) => {
    const port = await front(world, world.refusedPort());
    const client = await world.connect(port);
    client.send(post(path, `Content-Length: ${disguised.length}`));
    const first = await client.readMessage('POST');
    expect(first.status).toBe(status);
    expect(first.raw).not.toContain('connection: close');
    client.send(disguised + next);
    expect((await client.readMessage('GET')).body).toBe('hello');
    client.send(next);
    expect((await client.readMessage('GET')).body).toBe('hello');
  });
}

scenario(
  'the rest of a chunked request is drained too, in whatever pieces it comes',
  async (world) => {
    const port = await front(world, world.refusedPort());
    const client = await world.connect(port);
    client.send(`${post('/deny', 'Transfer-Encoding: chunked')}5\r\nhel`);
    expect((await client.readMessage('POST')).status).toBe(403);
    client.send(`lo\r\n${disguised.length.toString(16)};x=y\r`);
    client.send(`\n${disguised}\r\n0\r\nx-t: 1\r\n\r\n${next}`);
    expect((await client.readMessage('GET')).body).toBe('hello');
  },
);

scenario('the rest of a large request is drained', async (world) => {
  const port = await front(world, world.refusedPort());
  const client = await world.connect(port);
  const size = 5_000_000;
  client.send(post('/deny', `Content-Length: ${size}`));
  expect((await client.readMessage('POST')).status).toBe(403);
  client.send(`${'z'.repeat(size)}${next}`);
  expect((await client.readMessage('GET')).body).toBe('hello');
});

scenario(
  'an Expect that is refused by the proxy: what follows is still the body',
  async (world) => {
    const port = await front(world, world.refusedPort());
    const client = await world.connect(port);
    const fields = ['Expect: 100-continue', `Content-Length: ${disguised.length}`];
    client.send(post('/deny', ...fields));
    expect((await client.readMessage('POST')).status).toBe(403);
    client.send(disguised + next);
    expect((await client.readMessage('GET')).body).toBe('hello');
  },
);

scenario('a drained request with broken chunks ends the connection in silence', async (world) => {
  const port = await front(world, world.refusedPort());
  const client = await world.connect(port);
  client.send(post('/deny', 'Transfer-Encoding: chunked'));
  expect((await client.readMessage('POST')).status).toBe(403);
  client.send(`zz\r\n${next}`);
  expect(await client.readToEnd()).toBe('');
});

scenario('timeout client bounds the silence of a drained request', async (world) => {
  const log = await world.syslog();
  const timeouts = `  log 127.0.0.1:${log.port} local0\n  option httplog\n  timeout client 300ms\n`;
  const port = await front(world, world.refusedPort(), timeouts);
  const client = await world.connect(port);
  client.send(post('/deny', 'Content-Length: 10'));
  expect((await client.readMessage('POST')).status).toBe(403);
  expect(await client.readToEnd()).toBe('');
  expect(client.ending).toBe('end');
  await log.find(/PR-- .*POST \/deny/);
  const again = await world.connect(port);
  again.send(head('GET /return HTTP/1.1', 'Host: h', 'Connection: close'));
  await again.readToEnd();
  await log.find(/LR-- .*GET \/return/);
  expect(log.lines.filter((line) => line.includes('BADREQ'))).toEqual([]);
});

scenario('drained bytes belong to no request of the log (8.2.6 %U)', async (world) => {
  const log = await world.syslog();
  const settings = `  log 127.0.0.1:${log.port} local0\n  log-format "%HU takes %U"\n`;
  const port = await front(world, world.refusedPort(), settings);
  const client = await world.connect(port);
  client.send(next);
  await client.readMessage('GET');
  const alone = /takes (\d+)/.exec(await log.find(/\/return takes/))![1]!;
  client.send(post('/deny', `Content-Length: ${disguised.length}`));
  await client.readMessage('POST');
  client.send(disguised + next);
  expect((await client.readMessage('GET')).body).toBe('hello');
  client.send(head('GET /redirect HTTP/1.1', 'Host: h'));
  await client.readMessage('GET');
  await log.find(/\/redirect takes/);
  const takes = log.lines.flatMap((line) => /\/return takes (\d+)/.exec(line)?.[1] ?? []);
  expect(takes).toEqual([alone, alone]);
});

scenario('a client that asked to close is not kept for the rest of its request', async (world) => {
  const port = await front(world, world.refusedPort());
  const client = await world.connect(port);
  client.send(post('/return', 'Content-Length: 10', 'Connection: close'));
  const text = await client.readToEnd();
  expect(text).toContain('connection: close\r\n');
  expect(text).toEndWith('hello');
});

/** A server that answers each head before it has seen the body, and reads on. */
async function eager(peer: Peer): Promise<void> {
  await peer.readUntil('\r\n\r\n');
  peer.send(okay);
}

scenario('a server that answers early gets the rest, and both connections go on', async (world) => {
  const body = 'x'.repeat(100_000);
  const server = world.server(async (peer) => {
    await eager(peer);
    await peer.read(body.length);
    await peer.readUntil('\r\n\r\n');
    peer.send(answer('second'));
  });
  const port = await front(world, server.port);
  const client = await world.connect(port);
  client.send(post('/', `Content-Length: ${body.length}`) + body.slice(0, 30_000));
  expect((await client.readMessage('POST')).body).toBe('ok');
  client.send(body.slice(30_000) + head('GET /again HTTP/1.1', 'Host: h'));
  expect((await client.readMessage('GET')).body).toBe('second');
  expect(server.peers.length).toBe(1);
  expect(server.received()[0]).toContain(`\r\n\r\n${body}GET /again`);
});

scenario('a refused Expect of a server: the rest is the body and goes to it', async (world) => {
  const server = world.server(async (peer) => {
    await peer.readUntil('\r\n\r\n');
    peer.send(answer('', '417 No'));
    await peer.read(disguised.length);
    await peer.readUntil('\r\n\r\n');
    peer.send(answer('second'));
  });
  const port = await front(world, server.port);
  const client = await world.connect(port);
  client.send(post('/', 'Expect: 100-continue', `Content-Length: ${disguised.length}`));
  expect((await client.readMessage('POST')).status).toBe(417);
  client.send(disguised + head('GET /again HTTP/1.1', 'Host: h'));
  expect((await client.readMessage('GET')).body).toBe('second');
});

scenario('a server that answers early and closes: the client goes on', async (world) => {
  const server = world.server(async (peer) => {
    await eager(peer);
    peer.close();
  });
  const port = await front(world, server.port);
  const client = await world.connect(port);
  client.send(post('/', `Content-Length: ${disguised.length}`));
  expect((await client.readMessage('POST')).body).toBe('ok');
  const peer = await server.peer(0);
  await peer.changes.until(
    () => peer.closed,
    () => 'the server closed',
  );
  client.send(disguised.slice(0, 10));
  client.send(disguised.slice(10) + next);
  expect((await client.readMessage('GET')).body).toBe('hello');
});

scenario(
  'an early answer is logged when the request ends: CL when the client leaves',
  async (world) => {
    const log = await world.syslog();
    const server = world.server(eager);
    const timeouts = `  log 127.0.0.1:${log.port} local0\n  option httplog\n  http-reuse never\n`;
    const port = await front(world, server.port, timeouts);
    const client = await world.connect(port);
    client.send(post('/left', 'Content-Length: 10'));
    await client.readMessage('POST');
    client.send('123');
    await (await server.peer(0)).readUntil('123');
    client.end();
    await log.find(/ 200 \d+ - - CL-- .*POST \/left/);
    const whole = await world.connect(port);
    whole.send(post('/whole', 'Content-Length: 10'));
    await whole.readMessage('POST');
    whole.send('1234567890');
    await log.find(/ 200 \d+ - - ---- .*POST \/whole/);
  },
);

scenario('an early answer: timeout client bounds the silence, cL', async (world) => {
  const log = await world.syslog();
  const server = world.server(eager);
  const timeouts = `  log 127.0.0.1:${log.port} local0
  option httplog
  http-reuse never
  timeout client 300ms
`;
  const port = await front(world, server.port, timeouts);
  const client = await world.connect(port);
  client.send(post('/stalls', 'Content-Length: 10'));
  await client.readMessage('POST');
  expect(await client.readToEnd()).toBe('');
  await log.find(/ 200 \d+ - - cL-- .*POST \/stalls/);
});

scenario('an early answer until the end: the client sees its end at once', async (world) => {
  const server = world.server(async (peer) => {
    await peer.readUntil('\r\n\r\n');
    peer.send(`${head('HTTP/1.1 200 OK')}until the end`);
    peer.end();
    await peer.readUntil('the rest');
  });
  const port = await front(world, server.port);
  const client = await world.connect(port);
  client.send(post('/', 'Content-Length: 8'));
  expect(await client.readToEnd()).toEndWith('until the end');
  client.send('the rest');
  await (await server.peer(0)).changes.until(
    () => server.received()[0]!.endsWith('the rest'),
    () => 'the rest of the request',
  );
});
