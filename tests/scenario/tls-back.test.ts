/** TLS to servers: `server ... ssl` (configuration.txt 5.2). */
import { describe, expect } from 'bun:test';
import { join } from 'node:path';
import { makeCertificate } from '../harness/certificate.ts';
import { defaultsHttp, needs, scenario, type World } from '../harness/scenario.ts';
import { type TlsServer, tlsServer } from '../harness/tls.ts';

const skip = needs('openssl');
const hello = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const get = (host = 'h', more = 'Connection: close\r\n') =>
  `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

type Options = Parameters<typeof tlsServer>[2];

async function serve(world: World, options: Options = {}, answer = hello): Promise<TlsServer> {
  makeCertificate(world.dir, 'ca', { subject: '/CN=authority' });
  const pem = makeCertificate(world.dir, 'site', { authority: 'ca', names: ['DNS:*.site.test'] });
  const server = await tlsServer(pem, () => answer, options);
  world.defer(() => server.stop());
  return server;
}

/** A proxy in front of a TLS server. */
function front(server: TlsServer, options: string, more = ''): string {
  return `global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  retries 0
  ${more}
  server s 127.0.0.1:${server.port} ${options}
`;
}

scenario(
  'a server with ssl is spoken to over TLS, and its connection is reused',
  async (world) => {
    const server = await serve(world);
    const more = 'http-reuse always\n  http-response set-header x "%[ssl_bc] %[ssl_bc_protocol]"';
    const proxy = await world.proxy(front(server, 'ssl verify none', more));
    for (let i = 0; i < 3; i++) {
      const reply = await world.exchange(proxy.port('l'), get());
      expect(reply).toContain('hello');
      expect(reply).toContain('x: 1 TLSv1.3');
    }
    expect(server.seen.length).toBe(3);
    expect(server.connections()).toBe(1);
    expect(server.seen[0]!.servername).toBe('');
  },
  { skip },
);

describe('the certificate of the server (5.2 verify)', () => {
  scenario(
    'must be signed by ca-file',
    async (world) => {
      const server = await serve(world);
      makeCertificate(world.dir, 'other', { subject: '/CN=other' });
      const good = await world.proxy(front(server, 'ssl ca-file {{dir}}/ca.crt'));
      expect(await world.exchange(good.port('l'), get())).toContain('hello');
      const bad = await world.proxy(front(server, 'ssl ca-file {{dir}}/other.crt'));
      expect(await world.exchange(bad.port('l'), get())).toStartWith('HTTP/1.1 503');
    },
    { skip },
  );

  scenario(
    'must have the name of sni, and of verifyhost when none is sent',
    async (world) => {
      const server = await serve(world);
      const status = async (options: string) => {
        const proxy = await world.proxy(front(server, `ssl ca-file {{dir}}/ca.crt ${options}`));
        return (await world.exchange(proxy.port('l'), get())).slice(9, 12);
      };
      expect(await status('verifyhost a.site.test')).toBe('200');
      expect(await status('verifyhost site.test')).toBe('503');
      expect(await status('sni str(b.site.test)')).toBe('200');
      expect(await status('sni str(b.other.test)')).toBe('503');
      expect(await status('sni str(b.site.test) verifyhost other.test')).toBe('200');
    },
    { skip },
  );
});

scenario(
  'a name of sni that depends on the request has connections of its own (5.2 sni)',
  async (world) => {
    const server = await serve(world);
    const more = 'http-reuse always';
    const proxy = await world.proxy(front(server, 'ssl verify none sni req.hdr(host)', more));
    for (const name of ['a.test', 'b.test', 'a.test', 'b.test', 'a.test']) {
      expect(await world.exchange(proxy.port('l'), get(name))).toContain('hello');
    }
    const names = server.seen.map(({ servername }) => servername);
    expect(names).toEqual(['a.test', 'b.test', 'a.test', 'b.test', 'a.test']);
    // Two were kept for as long as they were needed: fewer connections than requests.
    expect(server.connections()).toBeLessThan(names.length);
  },
  { skip },
);

scenario(
  'the name is that of the request although it waited in a queue (5.2 sni, maxconn)',
  async (world) => {
    const server = await serve(world);
    const options = 'ssl verify none sni req.hdr(host) maxconn 1';
    const proxy = await world.proxy(front(server, options, 'http-reuse never'));
    const names = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'];
    const replies = await Promise.all(
      names.map((name) => world.exchange(proxy.port('l'), get(name))),
    );
    for (const reply of replies) expect(reply).toContain('hello');
    expect(server.seen.map(({ servername }) => servername).sort()).toEqual(names);
  },
  { skip },
);

scenario(
  'sessions are resumed unless no-ssl-reuse forbids it (5.2)',
  async (world) => {
    const server = await serve(world);
    const close = 'option httpclose';
    for (const [options, expected] of [
      ['ssl verify none', [false, true, true]],
      ['ssl verify none ssl-max-ver TLSv1.2', [false, true, true]],
      ['ssl verify none no-ssl-reuse', [false, false, false]],
    ] as const) {
      server.seen.length = 0;
      const proxy = await world.proxy(front(server, options, close));
      for (let i = 0; i < 3; i++) await world.exchange(proxy.port('l'), get());
      expect([options, server.seen.map(({ resumed }) => resumed)]).toEqual([
        options,
        [...expected],
      ]);
    }
  },
  { skip },
);

scenario(
  'the server is shown a certificate, and offered protocols (5.2 crt, alpn)',
  async (world) => {
    makeCertificate(world.dir, 'me', { subject: '/CN=me' });
    const server = await serve(world, {
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['foo', 'http/1.1'],
    });
    const options = 'ssl verify none crt {{dir}}/me.pem alpn http/1.1';
    const more = 'http-response set-header x %[ssl_bc_alpn]';
    const proxy = await world.proxy(front(server, options, more));
    expect(await world.exchange(proxy.port('l'), get())).toContain('x: http/1.1');
    expect(server.seen[0]).toMatchObject({ subject: 'me', alpn: 'http/1.1' });
  },
  { skip },
);

scenario(
  'large bodies pass in both directions, and in mode tcp',
  async (world) => {
    const large = 'y'.repeat(2_000_000);
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n${large}`;
    const server = await serve(world, {}, answer);
    const http = await world.proxy(front(server, 'ssl verify none'));
    const reply = await world.exchange(http.port('l'), get());
    expect(reply.length).toBeGreaterThan(large.length);
    const tcp = await world.proxy(front(server, 'ssl verify none', 'mode tcp'));
    const peer = await world.connect(tcp.port('l'));
    peer.send(get());
    expect((await peer.read(answer.length)) === answer).toBe(true);
  },
  { skip },
);

scenario(
  'a handshake that fails is a failed connection, counted and logged (8.5 SC)',
  async (world) => {
    const plain = world.server((peer) => peer.send('no TLS here\r\n\r\n'));
    const log = await world.syslog();
    const proxy = await world.proxy(`global
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option httplog
listen l
  bind fd@{{l}}
  retries 0
  server s 127.0.0.1:${plain.port} ssl verify none
`);
    expect(await world.exchange(proxy.port('l'), get())).toStartWith('HTTP/1.1 503');
    expect(await log.find(/ l l\/s .* 503 .* SC-- /)).toBeString();
  },
  { skip },
);

scenario(
  'a server that says nothing is given up after timeout connect (4.2)',
  async (world) => {
    const silent = world.server(() => {});
    const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}}
  timeout connect 200ms
  retries 0
  server s 127.0.0.1:${silent.port} ssl verify none
`);
    expect(await world.exchange(proxy.port('l'), get())).toStartWith('HTTP/1.1 503');
  },
  { skip },
);

scenario(
  'default-server, the global section and no-ssl say it for many servers (5.2, 3.1)',
  async (world) => {
    const server = await serve(world);
    const plain = world.http(() => hello);
    const proxy = await world.proxy(`global
  ssl-server-verify none
  ssl-default-server-options ssl-max-ver TLSv1.2
${defaultsHttp}
frontend f
  bind fd@{{f}}
  use_backend plain if { path /plain }
  default_backend tls
  http-response set-header x "%[ssl_bc_protocol]"
backend tls
  default-server ssl
  server s 127.0.0.1:${server.port}
backend plain
  default-server ssl
  server s 127.0.0.1:${plain.port} no-ssl
`);
    expect(await world.exchange(proxy.port('f'), get())).toContain('x: TLSv1.2');
    const reply = await world.exchange(proxy.port('f'), get().replace('/', '/plain'));
    expect(reply).toMatch(/x: \r\n/);
  },
  { skip },
);

scenario(
  'TLS on both sides',
  async (world) => {
    const server = await serve(world);
    const { tlsExchange } = await import('../harness/tls.ts');
    const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}} ssl crt ${join(world.dir, 'site.pem')}
  server s 127.0.0.1:${server.port} ssl ca-file {{dir}}/ca.crt sni ssl_fc_sni
`);
    const { text } = await tlsExchange(proxy.port('l'), get(), { servername: 'x.site.test' });
    expect(text).toContain('hello');
    expect(server.seen[0]!.servername).toBe('x.site.test');
  },
  { skip },
);
