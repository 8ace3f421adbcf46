/**
 * The edges of buffers, met on purpose: what random traffic reaches only now and then. Each of
 * these has been wrong once or is one sign away from it.
 */
import { expect } from 'bun:test';
import { answer, fieldOf } from '../harness/http.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;
const fill = (count: number, text: string) =>
  text.repeat(Math.ceil(count / text.length)).slice(0, count);

async function oneProxy(world: World, port: number, global = '', proxy = ''): Promise<number> {
  const started = await world.proxy(`
global
  nbthread 1
  ${global}
${defaultsHttp}
  timeout http-request 3s
listen l
  bind fd@{{l}}
  ${proxy}
  server s 127.0.0.1:${port}
`);
  return started.port('l');
}

scenario(
  'joined chunks whose size has more digits leave the head whole (RFC 9112 7.1)',
  async (world) => {
    const body = fill(5000, 'abcdefghij');
    const chunks = `1\r\n${body[0]}\r\n${(body.length - 1).toString(16)}\r\n${body.slice(1)}\r\n0\r\n\r\n`;
    const server = world.http((request) => {
      const seen = `${fieldOf(request, 'x-last')} ${request.body.length} ${request.body === body}`;
      return `HTTP/1.1 200 OK\r\nX-Seen: ${seen}\r\nTransfer-Encoding: chunked\r\nX-Last: z\r\n\r\n${chunks}`;
    });
    const port = await oneProxy(world, server.port);
    const client = await world.connect(port);
    client.send(
      `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX-Last: last\r\n\r\n${chunks}`,
    );
    const response = await client.readMessage('POST');
    expect(fieldOf(response, 'x-seen')).toBe('last 5000 true');
    expect(fieldOf(response, 'x-last')).toBe('z');
    expect(response.body).toBe(body);
  },
);

scenario(
  'many requests right behind a large body stay within their buffer (RFC 9112 9.3.2)',
  async (world) => {
    const server = world.http((request) => answer(request.target));
    const port = await oneProxy(world, server.port);
    for (const size of [40_000, 15_400, 15_800, 16_300, 32_700, 20_000]) {
      const client = await world.connect(port);
      const other = await world.connect(port);
      const pipeline = Array.from({ length: 600 }, (_, i) => get(`/${size}/${i}`)).join('');
      other.send(`POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1`);
      client.send(
        `POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n${fill(size, 'b')}${pipeline}`,
      );
      expect((await client.readMessage('POST')).body).toBe('/first');
      for (let i = 0; i < 600; i++) {
        expect((await client.readMessage('GET')).body).toBe(`/${size}/${i}`);
      }
      other.send('23456789');
      expect((await other.readMessage('POST')).body).toBe('/slow');
    }
  },
);

for (const kind of ['a length', 'chunks']) {
  scenario(
    `requests read with the end of a body with ${kind} stay in their buffer (RFC 9112 9.3.2)`,
    async (world) => {
      const server = world.http((request) => answer(request.target));
      const port = await oneProxy(
        world,
        server.port,
        'tune.bufsize 4096\n  tune.maxrewrite 2048',
        `http-request set-header X-Long ${fill(1500, 'y')}`,
      );
      const chunked = kind === 'chunks';
      const framing = chunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 4';
      const [half, rest] = chunked ? ['2\r\nab\r\n', '2\r\ncd\r\n0\r\n\r\n'] : ['ab', 'cd'];
      const count = 200;
      const pipeline = Array.from({ length: count }, (_, i) => get(`/${i}`)).join('');
      const client = await world.connect(port);
      client.send(`POST /first HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n${half}`);
      const peer = await server.peer(0);
      await peer.changes.until(
        () => peer.all().includes('ab'),
        () => 'no body',
        5000,
      );
      // The end of the body and what follows it are one read now, which fills an empty buffer.
      client.send(`${rest}${pipeline}`);
      expect((await client.readMessage('POST')).body).toBe('/first');
      for (let i = 0; i < count; i++) {
        expect((await client.readMessage('GET')).body).toBe(`/${i}`);
      }
    },
  );
}

for (const size of [15_272, 100_000]) {
  scenario(
    `bytes behind a complete response of ${size} never answer another request (RFC 9112 9.2)`,
    async (world) => {
      const server = world.server(async (peer) => {
        for (;;) {
          const request = await peer.readMessage().catch(() => null);
          if (request === null) return;
          const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
          const junk = answer('stolen').repeat(3);
          peer.send(
            request.target === '/poison'
              ? `${head}${fill(size, 'p')}${junk}`
              : answer(request.target),
          );
        }
      });
      const port = await oneProxy(world, server.port, '', 'http-reuse always');
      for (let i = 0; i < 8; i++) {
        const first = await world.connect(port);
        first.send(get('/poison'));
        expect((await first.readMessage('GET')).body.length).toBe(size);
        const second = await world.connect(port);
        second.send(get(`/${i}`));
        expect((await second.readMessage('GET')).body).toBe(`/${i}`);
      }
    },
  );
}

scenario(
  'a request whose kept-alive server connection dies is sent again in full (4.2 http-reuse)',
  async (world) => {
    const server = world.server(async (peer) => {
      const first = await peer.readMessage();
      peer.send(answer(first.target));
      const second = await peer.readMessage().catch(() => null);
      if (second !== null) peer.close();
    });
    const port = await oneProxy(world, server.port, '', 'http-reuse safe');
    const client = await world.connect(port);
    for (let i = 0; i < 6; i++) {
      client.send(get(`/${i}`, 'X-Field: value\r\n'));
      const response = await client.readMessage('GET');
      expect([response.status, response.body]).toEqual([200, `/${i}`]);
    }
  },
);

scenario(
  'interim responses without end do not use up the buffer (RFC 9110 15.2)',
  async (world) => {
    const hint = `HTTP/1.1 103 Early Hints\r\nLink: ${fill(900, '<x>')}\r\n\r\n`;
    const server = world.server(async (peer) => {
      const request = await peer.readMessage();
      for (let i = 0; i < 40; i++) peer.send(hint);
      peer.send(answer(request.target));
    });
    const port = await oneProxy(world, server.port);
    const client = await world.connect(port);
    client.send(get('/end'));
    for (let i = 0; i < 40; i++) expect((await client.readMessage('GET')).status).toBe(103);
    expect((await client.readMessage('GET')).body).toBe('/end');
  },
);

scenario(
  'a buffered request whose client ends early is given up at once (4.2 http-buffer-request)',
  async (world) => {
    const server = world.http((request) => answer(request.target));
    const port = await oneProxy(world, server.port, '', 'option http-buffer-request');
    const client = await world.connect(port);
    client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n123');
    // When this is answered, the head above has been read.
    const other = await world.connect(port);
    other.send(get('/other'));
    await other.readMessage('GET');
    // The last bytes and the end arrive together: no event tells of the end alone.
    client.send('45');
    client.end();
    await client.readToEnd(2000);
    expect(server.received().join('')).not.toContain('POST');
  },
);

scenario(
  'requests right behind a body never write into the buffers of others (RFC 9112 9.3.2)',
  async (world) => {
    const download = fill(3_000_000, 'download of somebody else; ');
    const chunks = download
      .match(/.{1,60000}/gs)!
      .map((data) => `${data.length.toString(16)}\r\n${data}\r\n`);
    const server = world.http((request) => {
      if (request.target !== '/download') return answer(request.target);
      return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`;
    });
    const port = await oneProxy(world, server.port, 'tune.sndbuf.client 16384');
    const readers = [];
    for (let i = 0; i < 8; i++) {
      const attacker = await world.connect(port);
      const reader = await world.connect(port);
      readers.push(reader);
      reader.send(get('/download'));
      await reader.readHead();
      reader.pause();
      const size = 15_400 + 60 * i;
      const pipeline = Array.from({ length: 700 }, (_, k) => get(`/${i}/${k}`)).join('');
      attacker.send(
        `POST /${i} HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n${fill(size, 'b')}${pipeline}`,
      );
      expect((await attacker.readMessage('POST')).body).toBe(`/${i}`);
      for (let k = 0; k < 700; k++)
        expect((await attacker.readMessage('GET')).body).toBe(`/${i}/${k}`);
    }
    for (const reader of readers) {
      reader.taken = 0;
      reader.resume();
      expect((await reader.readMessage('GET')).body === download).toBe(true);
    }
  },
);
