/** Tunnels: TCP mode, CONNECT, Upgrade and WebSocket (configuration.txt 4.2 mode, RFC 9110 7.8). */
import { expect } from 'bun:test';
import { fieldOf } from '../harness/http.ts';
import { defaultsHttp, needs, programUnderTest, scenario } from '../harness/scenario.ts';
import { until, within } from '../harness/wait.ts';

const tcp = (port: number, logPort: number, lines = '') => `
global
  nbthread 1
  log 127.0.0.1:${logPort} local0
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  ${lines}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${port}
`;

scenario('tcp mode passes bytes both ways and each end on its own', async (world) => {
  const log = await world.syslog();
  const server = world.server(async (peer) => {
    peer.send('220 hello\r\n');
    expect(await peer.readToEnd()).toBe('question\x00\xff');
    peer.send('answer after your end');
    peer.end();
  });
  const proxy = await world.proxy(tcp(server.port, log.port));
  const client = await world.connect(proxy.port('l'));
  expect(await client.readUntil('\n')).toBe('220 hello\r\n');
  client.send('question\x00\xff');
  client.end();
  expect(await client.readToEnd()).toBe('answer after your end');
  expect(await log.find(/ l l\/s /)).toMatch(
    / l l\/s \d+\/\d+\/\d+ 32 -- \d+\/\d+\/\d+\/\d+\/0 0\/0/,
  );
});

scenario(
  'tcp mode carries megabytes in both directions at once',
  async (world) => {
    const size = 8 << 20;
    const log = await world.syslog();
    const server = world.server(async (peer) => {
      peer.send('s'.repeat(size));
      await peer.read(size, 20_000);
      peer.end();
    });
    const proxy = await world.proxy(tcp(server.port, log.port));
    const client = await world.connect(proxy.port('l'));
    client.send('c'.repeat(size));
    expect((await client.read(size, 20_000)).length).toBe(size);
    await client.readToEnd();
    expect(server.peers[0]!.count()).toBe(size);
  },
  { timeoutMs: 60_000 },
);

scenario('tcp mode: a server that stays silent ends the session with sD', async (world) => {
  const log = await world.syslog();
  const server = world.server(() => {});
  const proxy = await world.proxy(tcp(server.port, log.port, 'timeout server 300ms'));
  const client = await world.connect(proxy.port('l'));
  client.send('x');
  await client.readToEnd();
  expect(await log.find(/ l l\/s /)).toMatch(/ sD /);
});

scenario(
  'tcp mode: a client that stays silent ends the session with cD',
  async (world) => {
    const log = await world.syslog();
    const server = world.server(() => {});
    const proxy = await world.proxy(tcp(server.port, log.port, 'timeout client 300ms'));
    const client = await world.connect(proxy.port('l'));
    client.send('x');
    await client.readToEnd();
    expect(await log.find(/ l l\/s /)).toMatch(/ cD /);
  },
  { skip: programUnderTest === 'haproxy' ? 'it looks when the server timer fires' : null },
);

scenario('tcp mode: a refused server closes the client and is logged SC', async (world) => {
  const log = await world.syslog();
  const proxy = await world.proxy(tcp(world.refusedPort(), log.port, 'retries 0'));
  const client = await world.connect(proxy.port('l'));
  await client.readToEnd();
  expect(await log.find(/ l l\/s /)).toMatch(/ SC /);
});

/** A back end that echoes WebSocket messages. */
function echoServer() {
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request, server) {
      if (server.upgrade(request)) return undefined;
      return new Response('<title>page</title>', { headers: { 'Content-Type': 'text/html' } });
    },
    websocket: { message: (socket, message) => void socket.send(message) },
  });
}

scenario('WebSocket messages of all sizes pass (RFC 6455)', async (world) => {
  const server = echoServer();
  world.defer(() => server.stop(true));
  const proxy = await world.proxy(`${defaultsHttp}
  timeout tunnel 10s
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
`);
  const socket = new WebSocket(proxy.url('l', '/ws').replace('http', 'ws'));
  const got: string[] = [];
  const done = new Promise<void>((resolve, reject) => {
    socket.onerror = () => reject(new Error('the websocket failed'));
    socket.onmessage = (event) => {
      got.push(String(event.data));
      if (got.length === 4) resolve();
    };
  });
  const messages = ['a', 'b'.repeat(200), 'c'.repeat(70_000), 'd'.repeat(1_000_000)];
  socket.onopen = () => messages.forEach((message) => void socket.send(message));
  await within(done, () => `${got.length} messages`);
  expect(got.every((text, i) => text === messages[i])).toBe(true);
  const closed = new Promise<void>((resolve) => {
    socket.onclose = () => resolve();
  });
  socket.close();
  await within(closed, () => 'no close');
});

scenario('a refused upgrade is an ordinary answer and the connection goes on', async (world) => {
  const server = world.http(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno');
  const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
`);
  const client = await world.connect(proxy.port('l'));
  for (let i = 0; i < 2; i++) {
    client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: frob\r\n\r\n');
    const reply = await client.readMessage('GET');
    expect(reply.body).toBe('no');
    expect(fieldOf(reply, 'connection')).toBeNull();
  }
});

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => Bun.which(name));

/** The page says over HTTP what the WebSocket said, so that the test need not watch the browser. */
const page = (url: string) => `<!doctype html><title>page</title><script>
  const report = (text) => fetch('/result/' + encodeURIComponent(text));
  const ws = new WebSocket(${JSON.stringify(url)});
  ws.onopen = () => ws.send('from the browser');
  ws.onmessage = (event) => report(event.data);
  ws.onerror = () => report('failed');
</script>`;

scenario(
  'a browser opens a page and a WebSocket',
  async (world) => {
    const server = echoServer();
    world.defer(() => server.stop(true));
    let url = '';
    const results: string[] = [];
    const pages = world.http((request) => {
      if (request.target.startsWith('/result/')) results.push(decodeURIComponent(request.target));
      const body = page(url);
      return `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    });
    const proxy = await world.proxy(`${defaultsHttp}
  timeout tunnel 20s
frontend l
  bind fd@{{l}}
  use_backend sockets if { path_beg /ws }
  default_backend pages
backend sockets
  server s 127.0.0.1:${server.port}
backend pages
  server s 127.0.0.1:${pages.port}
`);
    url = proxy.url('l', '/ws').replace('http', 'ws');
    const command = [
      browser!,
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-proxy-server',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      `--user-data-dir=${world.dir}/profile`,
      '--remote-debugging-port=0',
      proxy.url('l', '/page'),
    ];
    const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'ignore'] });
    const ended = () => `no result; the browser's status is ${child.exitCode}`;
    try {
      await until(() => results.length > 0, ended, 60_000);
    } finally {
      child.kill('SIGTERM');
      await within(child.exited, () => 'the browser still runs').catch(() => child.kill('SIGKILL'));
    }
    expect(results[0]).toBe('/result/from the browser');
  },
  { skip: browser ? null : needs('chromium'), timeoutMs: 90_000 },
);

scenario(
  'a tunnel that both sides left silent ends with cD, and the server sees an end (timeout tunnel)',
  async (world) => {
    const log = await world.syslog();
    const server = world.server(async (peer) => {
      peer.send(await peer.read(4));
      await peer.readToEnd();
    });
    const proxy = await world.proxy(tcp(server.port, log.port, 'timeout tunnel 300ms'));
    for (let i = 0; i < 4; i++) {
      const client = await world.connect(proxy.port('l'));
      client.send('ping');
      expect(await client.readToEnd()).toBe('ping');
      expect(client.ending).toBe('end');
      await server.peers[i]!.readToEnd();
      expect(server.peers[i]!.ending).toBe('end');
      await until(
        () => log.lines.filter((line) => line.includes(' l l/s ')).length > i,
        () => `line ${i} of the log`,
      );
    }
    const lines = log.lines.filter((line) => line.includes(' l l/s '));
    expect(lines.map((line) => / (\wD) /.exec(line)?.[1])).toEqual(['cD', 'cD', 'cD', 'cD']);
  },
);
