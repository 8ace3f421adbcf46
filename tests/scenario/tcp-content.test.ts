/**
 * `tcp-request content` and `tcp-request inspect-delay` (configuration.txt 4.2, 7.3.5): rules that wait
 * for bytes. SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer, RawServer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { scenario, type World } from '../harness/scenario.ts';
import type { LogReceiver } from '../harness/socket.ts';
import { pick, statRows } from '../harness/statistics.ts';

interface Site {
  proxy: Proxy;
  log: LogReceiver;
  main: RawServer;
  other: RawServer;
}

interface Lines {
  mode?: 'tcp' | 'http';
  defaults?: string;
  frontend?: string;
  backend?: string;
}

/** Each server says its name in front of what it has got. */
function named(name: string) {
  return async (peer: Peer): Promise<void> => {
    await peer.readToEnd();
    peer.send(`${name}:${peer.all().toString('latin1')}`);
    peer.end();
  };
}

async function site(world: World, lines: Lines): Promise<Site> {
  const mode = lines.mode ?? 'tcp';
  const log = await world.syslog();
  const main = mode === 'http' ? world.http(() => answer('main')) : world.server(named('main'));
  const other = mode === 'http' ? world.http(() => answer('other')) : world.server(named('other'));
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
  stats socket {{dir}}/stats level admin
defaults
  mode ${mode}
  log global
  option ${mode}log
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  ${lines.defaults ?? ''}
frontend f
  bind fd@{{f}}
  ${lines.frontend ?? ''}
  default_backend b
backend b
  ${lines.backend ?? ''}
  server s 127.0.0.1:${main.port}
backend o
  server s 127.0.0.1:${other.port}
`);
  return { proxy, log, main, other };
}

/** What a client gets that sends these pieces and ends. */
async function send(world: World, port: number, ...pieces: string[]): Promise<string> {
  const client = await world.connect(port);
  for (const piece of pieces) {
    client.send(piece);
    await client.sent();
  }
  client.end();
  return client.readToEnd();
}

scenario('bytes that come in pieces are waited for, and all go to the server', async (world) => {
  const { proxy, log } = await site(world, {
    frontend: `tcp-request inspect-delay 10s
  tcp-request content accept if { req.payload(0,4) -m str SSH- }
  tcp-request content accept if { req.len ge 8 }
  use_backend o if { req.payload(0,4) -m str SSH- }`,
  });
  const port = proxy.port('f');
  expect(await send(world, port, 'S', 'S', 'H-', '2.0')).toBe('other:SSH-2.0');
  expect(await send(world, port, 'GET', ' / HTTP/1.0')).toBe('main:GET / HTTP/1.0');
  expect(await log.find(/ f b\/s /)).toMatch(/ f b\/s \d+\/\d+\/\d+ 19 -- /);
});

scenario('the delay ends the waiting: what is unknown then is false', async (world) => {
  const { proxy, log, other } = await site(world, {
    frontend: `tcp-request inspect-delay 200ms
  tcp-request content reject if { req.len gt 100 }
  use_backend o if { req.payload(0,4) -m str SSH- }`,
  });
  const client = await world.connect(proxy.port('f'));
  client.send('SSH-');
  expect(await (await other.peer(0)).read(4)).toBe('SSH-');
  client.end();
  expect(await client.readToEnd()).toBe('other:SSH-');
  // 8.4: the time of the inspection is in Tw.
  const line = await log.find(/ f o\/s /);
  expect(Number(/ f o\/s (\d+)\//.exec(line)![1])).toBeGreaterThanOrEqual(199);
});

scenario('the end of the client ends the waiting, with and without a byte', async (world) => {
  const { proxy } = await site(world, {
    frontend: `tcp-request inspect-delay 1h
  tcp-request content accept if { req.len gt 5 }
  use_backend o if { req.len 0 }`,
  });
  expect(await send(world, proxy.port('f'), 'abc')).toBe('main:abc');
  expect(await send(world, proxy.port('f'))).toBe('other:');
});

scenario('a full buffer ends the waiting: tune.bufsize less tune.maxrewrite', async (world) => {
  const { proxy, log } = await site(world, {
    frontend: `tcp-request inspect-delay 1h
  tcp-request content capture req.len len 8 if { req.len gt 100000 }
  tcp-request content capture req.len len 8
  log-format "%[capture.req.hdr(0)] %[capture.req.hdr(1)] %ts"`,
  });
  const text = 'x'.repeat(50_000);
  expect(await send(world, proxy.port('f'), text)).toBe(`main:${text}`);
  expect(await log.find(/15360/)).toEndWith(': - 15360 --\n');
});

scenario('reject closes without an answer: PR, dreq of the frontend', async (world) => {
  const { proxy, log, main } = await site(world, {
    frontend: `tcp-request inspect-delay 1h
  tcp-request content accept if { req.payload(0,1) -m str a }
  tcp-request content reject`,
    backend: 'tcp-request content reject if { req.payload(0,2) -m str ab }',
  });
  const port = proxy.port('f');
  expect(await send(world, port, 'xyz')).toBe('');
  expect(await log.find(/ f f\/<NOSRV> /)).toMatch(/ f f\/<NOSRV> -1\/-1\/\d+ 0 PR /);
  expect(await send(world, port, 'abc')).toBe('');
  expect(await log.find(/ f b\/<NOSRV> /)).toMatch(/ f b\/<NOSRV> -1\/-1\/\d+ 0 PR /);
  expect(main.peers.length).toBe(0);
  const rows = await statRows(proxy);
  const columns = 'stot dreq ereq bin';
  expect(pick(rows['f/FRONTEND'], columns)).toEqual({ stot: '2', dreq: '2', ereq: '0', bin: '6' });
  expect(pick(rows['b/BACKEND'], columns)).toEqual({ stot: '1', dreq: '0', ereq: '', bin: '3' });
});

scenario('a silent client: cR and ereq, of the backend it would have had', async (world) => {
  const { proxy, log } = await site(world, {
    defaults: 'timeout client 200ms',
    frontend: `tcp-request inspect-delay 1h
  tcp-request content accept if { req.len gt 5 }`,
  });
  const client = await world.connect(proxy.port('f'));
  client.send('abc');
  expect(await client.readToEnd()).toBe('');
  expect(await log.find(/ f b\//)).toMatch(/ f b\/<NOSRV> -1\/-1\/\d+ 0 cR /);
  const rows = await statRows(proxy);
  const columns = 'stot dreq ereq bin cli_abrt';
  const front = { stot: '1', dreq: '0', ereq: '1', bin: '3', cli_abrt: '' };
  expect(pick(rows['f/FRONTEND'], columns)).toEqual(front);
  const back = { stot: '1', dreq: '0', ereq: '', bin: '3', cli_abrt: '1' };
  expect(pick(rows['b/BACKEND'], columns)).toEqual(back);
});

scenario('a client that resets: CR, and rules that reject come first: PR', async (world) => {
  const { proxy, log } = await site(world, {
    frontend: `tcp-request inspect-delay 1h
  tcp-request content reject if { req.len 2 } { wait_end }
  tcp-request content accept if { req.len gt 5 }`,
  });
  for (const bytes of ['abc', 'ab']) {
    const client = await world.connect(proxy.port('f'));
    client.send(bytes);
    await client.sent();
    // The proxy has read them when a later connection has been served.
    await send(world, proxy.port('f'), 'abcdef');
    client.reset();
    await log.find(bytes === 'abc' ? / 0 CR / : / 0 PR /);
  }
  expect(log.lines.filter((line) => / f b\/<NOSRV> -1\/-1\/\d+ 0 CR /.test(line)).length).toBe(1);
  expect(log.lines.filter((line) => / f f\/<NOSRV> -1\/-1\/\d+ 0 PR /.test(line)).length).toBe(1);
});

scenario('each proxy has a delay of its own', async (world) => {
  const { proxy, log, main } = await site(world, {
    frontend: 'tcp-request inspect-delay 150ms\n  tcp-request content accept if WAIT_END',
    backend: 'tcp-request inspect-delay 250ms\n  tcp-request content accept if WAIT_END',
  });
  const client = await world.connect(proxy.port('f'));
  client.send('abc');
  expect(await (await main.peer(0)).read(3)).toBe('abc');
  client.end();
  expect(await client.readToEnd()).toBe('main:abc');
  const line = await log.find(/ f b\/s /);
  expect(Number(/ f b\/s (\d+)\//.exec(line)![1])).toBeGreaterThanOrEqual(398);
});

scenario('dontlognull keeps out who has sent nothing, however it ended', async (world) => {
  const { proxy, log } = await site(world, {
    defaults: 'option dontlognull\n  timeout client 200ms',
    frontend: `tcp-request inspect-delay 100ms
  tcp-request content accept if { req.len gt 0 }
  tcp-request content reject if { wait_end }`,
  });
  const silent = await world.connect(proxy.port('f'));
  expect(await silent.readToEnd()).toBe('');
  expect(await send(world, proxy.port('f'), 'abc')).toBe('main:abc');
  await log.find(/ f b\/s /);
  expect(log.lines.length).toBe(1);
});

scenario('set-log-level silent keeps the stream out of the log', async (world) => {
  const { proxy, log } = await site(world, {
    frontend:
      'tcp-request inspect-delay 1h\n' +
      '  tcp-request content set-log-level silent if { req.payload(0,1) -m str q }',
  });
  await send(world, proxy.port('f'), 'quiet');
  await send(world, proxy.port('f'), 'loud');
  await log.find(/ f b\/s /);
  expect(log.lines.length).toBe(1);
});

scenario(
  'TCP rules read a request when the bytes are one, and leave it as it is',
  async (world) => {
    const { proxy, log } = await site(world, {
      frontend: `tcp-request inspect-delay 1h
  tcp-request content capture path len 20 if HTTP
  tcp-request content reject if { hdr(x-bad) -m found }
  use_backend o if { hdr(host) -i Other.Example }
  log-format "%[capture.req.hdr(0)] %b %ts"`,
    });
    const port = proxy.port('f');
    const request = 'GET /path HTTP/1.1\r\nHOST: oTHER.example\r\n\r\n';
    expect(await send(world, port, request.slice(0, 30), request.slice(30))).toBe(
      `other:${request}`,
    );
    expect(await log.find(/ o /)).toEndWith(': /path o --\n');
    expect(await send(world, port, 'SSH-2.0-x\r\n')).toBe('main:SSH-2.0-x\r\n');
    expect(await log.find(/ b /)).toEndWith(': - b --\n');
    expect(await send(world, port, 'GET / HTTP/1.1\r\nX-Bad: 1\r\n\r\n')).toBe('');
    expect(await log.find(/ f PR/)).toEndWith(': / f PR\n');
  },
);

const get = 'GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

scenario('mode http: reject is no request yet: PR--, no req_tot', async (world) => {
  const { proxy, log } = await site(world, {
    mode: 'http',
    frontend: 'tcp-request content reject if { path /x }\n  tcp-request content accept',
  });
  expect(await world.exchange(proxy.port('f'), get)).toBe('');
  expect(await log.find(/ f f\//)).toMatch(
    / f f\/<NOSRV> -1\/-1\/-1\/-1\/\d+ -1 0 - - PR-- .* "<BADREQ>"\n$/,
  );
  const columns = 'stot dreq ereq req_tot bin';
  expect(pick((await statRows(proxy))['f/FRONTEND'], columns)).toEqual({
    stot: '1',
    dreq: '1',
    ereq: '0',
    req_tot: '0',
    bin: '39',
  });
  expect(await world.exchange(proxy.port('f'), get.replace('/x', '/y'))).toContain('main');
});

scenario('mode http: the head waits, for each request of a connection', async (world) => {
  const { proxy, log } = await site(world, {
    mode: 'http',
    frontend: `tcp-request inspect-delay 100ms
  tcp-request content capture req.hdr(x-a) len 10
  tcp-request content capture req.len len 10
  tcp-request content accept if WAIT_END
  http-request set-header X-B %[capture.req.hdr(0)]`,
    backend: `tcp-request inspect-delay 100ms
  tcp-request content accept if { req.hdr(x-b) -m found } WAIT_END`,
  });
  const client = await world.connect(proxy.port('f'));
  for (let i = 0; i < 2; i++) {
    client.send(`POST /${i} HTTP/1.1\r\nHost: h\r\nX-A: v${i}\r\nContent-Length: 4\r\n\r\nbody`);
    expect((await client.readMessage('POST')).body.toString()).toBe('main');
    const line = await log.find(new RegExp(`"POST /${i} `));
    expect(line).toMatch(new RegExp(` \\{v${i}\\|6\\d\\} `));
    expect(Number(/ f b\/s (\d+)\//.exec(line)![1])).toBeGreaterThanOrEqual(198);
  }
});

scenario('mode http: a client that resets while its request waits: CR--', async (world) => {
  const { proxy, log, main } = await site(world, {
    mode: 'http',
    frontend: 'tcp-request inspect-delay 1h\n  tcp-request content accept if { path /x } WAIT_END',
  });
  const client = await world.connect(proxy.port('f'));
  client.send('GET /x HTTP/1.1\r\nHost: h\r\n\r\n');
  await client.sent();
  await world.exchange(proxy.port('f'), get.replace('/x', '/y'));
  client.reset();
  expect(await log.find(/NOSRV/)).toMatch(/ f b\/<NOSRV> \d+\/-1\/-1\/-1\/\d+ -1 0 - - CR-- /);
  expect(main.peers.length).toBe(1);
  const columns = 'stot ereq req_tot';
  const front = { stot: '2', ereq: '1', req_tot: '2' };
  expect(pick((await statRows(proxy))['f/FRONTEND'], columns)).toEqual(front);
});

scenario(
  'variables live from the connection to the log line; a rule does not wait',
  async (world) => {
    const { proxy, log } = await site(world, {
      frontend: `tcp-request connection set-var(sess.from) src
  tcp-request session set-var-fmt(sess.text) %[src]/x
  tcp-request inspect-delay 1h
  tcp-request content set-var(txn.none) req.payload(0,6)
  tcp-request content accept if { req.len ge 6 }
  tcp-request content set-var(txn.late) req.payload(0,6)
  log-format "%[var(sess.from)] %[var(sess.text)] %[var(txn.none)] %[var(txn.late)] %[var(txn.res)]"`,
      backend: `tcp-request content set-var(txn.late) req.payload(0,6)
  tcp-response inspect-delay 10s
  tcp-response content accept if { res.len 0 } or !{ res.payload(0,5) -m found }
  tcp-response content set-var(txn.res) res.payload(0,4)`,
    });
    expect(await send(world, proxy.port('f'), 'abc', 'def')).toBe('main:abcdef');
    expect(await log.find(/127/)).toMatch(/: 127.0.0.1 127.0.0.1\/x (abcdef|-) abcdef (main|-)\n$/);
  },
);
