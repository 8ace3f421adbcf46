/** Persistent connections, pipelining and bodies of any size, seen from both sides (RFC 9112 9). */
import { expect } from 'bun:test';
import { answer, fieldOf } from '../harness/http.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const request = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;

function simple(serverPort: number, lines = ''): string {
  return `
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  ${lines}
  server s 127.0.0.1:${serverPort}
`;
}

async function twoRequests(world: World, lines: string) {
  const server = world.http((r) => answer(r.target));
  const proxy = await world.proxy(simple(server.port, lines));
  const client = await world.connect(proxy.port('l'));
  for (const path of ['/1', '/2']) {
    client.send(request(path));
    const reply = await client.readMessage('GET');
    expect(reply.body).toBe(path);
    if (fieldOf(reply, 'connection') === 'close') break;
  }
  return { server, client };
}

scenario('keep-alive is the default on both sides (4.2 option http-keep-alive)', async (world) => {
  const { server, client } = await twoRequests(world, '');
  expect(server.peers.length).toBe(1);
  expect(client.ending).toBe('open');
});

scenario('http-server-close closes the server side only', async (world) => {
  const { server, client } = await twoRequests(world, 'option http-server-close');
  expect(server.peers.length).toBe(2);
  expect(client.ending).toBe('open');
});

scenario('httpclose closes both sides', async (world) => {
  const { server, client } = await twoRequests(world, 'option httpclose');
  expect(server.peers.length).toBe(1);
  await client.readToEnd();
  expect(client.ending).toBe('end');
});

scenario('http-reuse always shares idle server connections between clients', async (world) => {
  const server = world.http((r) => answer(r.target));
  const proxy = await world.proxy(simple(server.port, 'http-reuse always'));
  for (let i = 0; i < 5; i++) {
    const client = await world.connect(proxy.port('l'));
    client.send(request(`/${i}`));
    expect((await client.readMessage('GET')).body).toBe(`/${i}`);
  }
  expect(server.peers.length).toBe(1);
});

scenario('http-reuse never gives each client its own server connection', async (world) => {
  const server = world.http((r) => answer(r.target));
  const proxy = await world.proxy(simple(server.port, 'http-reuse never'));
  for (let i = 0; i < 3; i++) {
    const client = await world.connect(proxy.port('l'));
    client.send(request(`/${i}`));
    expect((await client.readMessage('GET')).body).toBe(`/${i}`);
  }
  expect(server.peers.length).toBe(3);
});

scenario(
  'an idle server connection that was closed is replaced, and no request is lost',
  async (world) => {
    const server = world.http((r) => answer(r.target));
    const proxy = await world.proxy(simple(server.port, 'http-reuse always'));
    const client = await world.connect(proxy.port('l'));
    for (let i = 0; i < 10; i++) {
      client.send(request(`/${i}`));
      expect((await client.readMessage('GET')).body).toBe(`/${i}`);
      server.peers.at(-1)!.close();
    }
    expect(server.peers.length).toBeGreaterThanOrEqual(10);
  },
);

scenario('pipelined requests are answered in order (RFC 9112 9.3.2)', async (world) => {
  const server = world.http((r) => answer(r.target));
  const proxy = await world.proxy(simple(server.port));
  const client = await world.connect(proxy.port('l'));
  const paths = Array.from({ length: 100 }, (_, i) => `/${i}`);
  client.send(paths.map((path) => request(path)).join(''));
  for (const path of paths) expect((await client.readMessage('GET')).body).toBe(path);
});

const mebibyte = 1 << 20;
const sizes = [1, 16383, 16384, 16385, 65536, 3 * mebibyte + 7];

/** Bytes that show a shift or a gap. */
function pattern(size: number): string {
  let text = '';
  for (let i = 0; text.length < size; i++) text += `${i},`;
  return text.slice(0, size);
}

for (const chunked of [false, true]) {
  const kind = chunked ? 'chunked' : 'with a length';
  scenario(
    `bodies of all sizes, ${kind}, pass both ways unchanged`,
    async (world) => {
      const send = (body: string, size: number) => {
        if (!chunked) return `Content-Length: ${body.length}\r\n\r\n${body}`;
        let text = 'Transfer-Encoding: chunked\r\n\r\n';
        for (let at = 0; at < body.length; at += size) {
          const part = body.slice(at, at + size);
          text += `${part.length.toString(16)}\r\n${part}\r\n`;
        }
        return `${text}0\r\n\r\n`;
      };
      const server = world.http((r) => `HTTP/1.1 200 OK\r\n${send(r.body, 10_000)}`);
      const proxy = await world.proxy(simple(server.port));
      const client = await world.connect(proxy.port('l'));
      for (const size of sizes) {
        const body = pattern(size);
        client.send(`POST /${size} HTTP/1.1\r\nHost: h\r\n${send(body, 7000)}`);
        const reply = await client.readMessage('POST', 20_000);
        expect(reply.body.length).toBe(size);
        expect(reply.body === body).toBe(true);
      }
    },
    { timeoutMs: 60_000 },
  );
}

scenario(
  'a slow reader gets all of a large body, and the server is held back',
  async (world) => {
    const body = pattern(64 * mebibyte);
    const server = world.http(() => answer(body));
    const proxy = await world.proxy(simple(server.port));
    const client = await world.connect(proxy.port('l'));
    client.send(request('/'));
    await client.readUntil('\r\n\r\n');
    client.pause();
    // The proxy and the sockets hold a part; the rest must wait at the server.
    const held = server.peers[0]!;
    await expect(held.sent(300)).rejects.toThrow('still to be sent');
    client.resume();
    const rest = await client.read(body.length, 20_000);
    expect(rest === body).toBe(true);
  },
  { timeoutMs: 60_000 },
);

scenario('many clients at once never see the answer of another', async (world) => {
  const server = world.http((r) => answer(`${r.target}:${r.body}`));
  const proxy = await world.proxy(simple(server.port, 'http-reuse always'));
  const visit = async (n: number) => {
    const client = await world.connect(proxy.port('l'));
    for (let i = 0; i < 20; i++) {
      const body = `${n}-${i}-`.repeat(1 + ((n * 7 + i * 13) % 500));
      client.send(
        `POST /${n}/${i} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect((await client.readMessage('POST')).body === `/${n}/${i}:${body}`).toBe(true);
    }
  };
  await Promise.all(Array.from({ length: 40 }, (_, n) => visit(n)));
});

scenario('forwardfor adds the address, except for the networks named (4.2)', async (world) => {
  const server = world.http((r) => answer(fieldOf(r, 'x-forwarded-for') ?? 'none'));
  const proxy = await world.proxy(`
${defaultsHttp}
frontend a
  bind fd@{{a}}
  option forwardfor
  default_backend b
frontend except
  bind fd@{{except}}
  option forwardfor except 127.0.0.0/8
  default_backend b
frontend missing
  bind fd@{{missing}}
  option forwardfor header X-Client if-none
  default_backend b
backend b
  server s 127.0.0.1:${server.port}
`);
  const ask = async (name: string, fields = '') => {
    const client = await world.connect(proxy.port(name));
    client.send(request('/', fields));
    return (await client.readMessage('GET')).body;
  };
  expect(await ask('a')).toBe('127.0.0.1');
  expect(await ask('a', 'X-Forwarded-For: 10.0.0.1\r\n')).toBe('10.0.0.1, 127.0.0.1');
  expect(await ask('except')).toBe('none');
  await ask('missing');
  await ask('missing', 'X-Client: me\r\n');
  const seen = server.received().join('');
  expect(seen).toContain('x-client: 127.0.0.1\r\n');
  expect(seen).toContain('x-client: me\r\n\r\n');
});

scenario(
  'http-use-proxy-header obeys and sends Proxy-Connection for proxied requests',
  async (world) => {
    const server = world.http((r) => answer(r.target));
    const lines = 'option http-use-proxy-header\n  option http-server-close';
    const proxy = await world.proxy(simple(server.port, lines));
    const client = await world.connect(proxy.port('l'));
    client.send(
      'GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: x\r\nProxy-Connection: close\r\n\r\n',
    );
    const reply = await client.readMessage('GET');
    expect(fieldOf(reply, 'proxy-connection')).toBe('close');
    expect(fieldOf(reply, 'connection')).toBeNull();
    const seen = server.peers[0]!.received.toString('latin1');
    expect(seen).toContain('proxy-connection: close\r\n');
    expect(seen).toContain('connection: x\r\n');
    await client.readToEnd();
  },
);

scenario(
  'a response is framed by the method that the server got (4.4 set-method)',
  async (world) => {
    const server = world.server(async (peer) => {
      const request = await peer.readMessage('');
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
      peer.send(request.method === 'HEAD' ? head : `${head}hello`);
    });
    const lines = `http-request set-method HEAD if { path /head }
  http-request set-method GET if { path /get }`;
    const proxy = await world.proxy(simple(server.port, lines));
    // The body that the length announces will never come, which only the end can say.
    const asked = await world.exchange(proxy.port('l'), request('/head'));
    expect(asked).toContain('connection: close\r\n\r\n');
    expect(asked).not.toContain('hello');
    const head = await world.exchange(
      proxy.port('l'),
      'HEAD /get HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    );
    expect(head).toContain('content-length: 5\r\n');
    expect(head).not.toContain('hello');
  },
);

/** The client sends half a body, another request passes, the rest follows. */
async function interrupted(world: World, frontend: string, backend: string) {
  const server = world.http((r) => answer(`${fieldOf(r, 'x-fe')} ${fieldOf(r, 'x-be')} ${r.body}`));
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
frontend f
  bind fd@{{f}}
  http-request set-header X-Fe %[path]
  ${frontend}
  default_backend b
backend b
  http-request set-header X-Be %[path],%[hdr(x-fe)]
  ${backend}
  server s 127.0.0.1:${server.port}
`);
  const client = await world.connect(proxy.port('f'));
  client.send(
    'POST /first HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\nabc',
  );
  const other = await world.exchange(proxy.port('f'), request('/other', 'Connection: close\r\n'));
  expect(other).toEndWith('/other /other,/other ');
  client.send(`def${request('/second')}`);
  expect((await client.readMessage('POST')).status).toBe(100);
  const first = await client.readMessage('POST');
  const second = await client.readMessage('GET');
  return { first, second, server };
}

for (const side of ['frontend', 'backend']) {
  scenario(
    `http-buffer-request in a ${side} waits before its rules and keeps earlier edits (4.2)`,
    async (world) => {
      const option = 'option http-buffer-request';
      const lines = side === 'frontend' ? [option, ''] : ['', option];
      const { first, second, server } = await interrupted(world, lines[0]!, lines[1]!);
      expect(first.body).toBe('/first /first,/first abcdef');
      expect(second.body).toBe('/second /second,/second ');
      expect(server.received().join('')).not.toContain('expect:');
    },
  );

  scenario(`a ${side} with http-buffer-request denies after the body (4.2)`, async (world) => {
    const lines = 'option http-buffer-request\n  http-request deny if { path /first }';
    const [frontend, backend] = side === 'frontend' ? [lines, ''] : ['', lines];
    const { first, second } = await interrupted(world, frontend!, backend!);
    expect(first.status).toBe(403);
    expect(fieldOf(first, 'connection')).not.toBe('close');
    expect(second.body).toBe('/second /second,/second ');
  });
}

scenario(
  'http-buffer-request sends nothing before a chunked body is complete (4.2)',
  async (world) => {
    const server = world.http((r) => answer(r.body));
    const proxy = await world.proxy(simple(server.port, 'option http-buffer-request'));
    const client = await world.connect(proxy.port('l'));
    client.send(
      'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n8\r\ndef',
    );
    // Another request in between shows that the first one has not left.
    expect(await world.exchange(proxy.port('l'), request('/x', 'Connection: close\r\n'))).toContain(
      '200 OK',
    );
    expect(server.peers.length).toBe(1);
    client.send('ghijk\r\n0\r\nX-T: 1\r\n\r\n');
    expect((await client.readMessage('POST')).body).toBe('abcdefghijk');
    expect(server.peers.length).toBe(2);
  },
);

/** Two requests on one connection: the second answer shows where the first one ended. */
async function twoAnswers(world: World, raw: string, rule: string): Promise<string> {
  const server = world.http((r) => (r.target === '/1' ? raw : answer('next')));
  const proxy = await world.proxy(simple(server.port, rule));
  const client = await world.connect(proxy.port('l'));
  client.send(request('/1') + request('/2', 'Connection: close\r\n'));
  return await client.readToEnd();
}

const onlyFirst = 'if { status 204 304 503 }';

for (const [status, head] of [
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
]) {
  scenario(`a rule that makes 200 of ${status} promises no body (RFC 9112 6.3)`, async (world) => {
    const bytes = await twoAnswers(world, head!, `http-response set-status 200 ${onlyFirst}`);
    expect(bytes).toStartWith('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n');
    expect(bytes).toEndWith('next');
  });
}

scenario('a rule that makes 204 of an error page sends no body (RFC 9112 6.3)', async (world) => {
  const rules =
    `http-request deny deny_status 503 if { path /1 }\n` +
    `  http-after-response set-status 204 ${onlyFirst}`;
  const bytes = await twoAnswers(world, '', rules);
  expect(bytes).toMatch(/^HTTP\/1\.1 204 No Content\r\n(?!content-length)[^<]*HTTP\/1\.1 200 OK/);
  expect(bytes).toEndWith('next');
});
