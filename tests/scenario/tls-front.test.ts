/** TLS of clients: `bind ... ssl` (configuration.txt 5.1) and what rules and logs say of it. */
import { describe, expect } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '../harness/certificate.ts';
import {
  defaultsHttp,
  needs,
  programUnderTest,
  scenario,
  type World,
} from '../harness/scenario.ts';
import { readToEnd, sClient, tlsConnect, tlsExchange } from '../harness/tls.ts';

const skip = needs('openssl');
const get = 'GET / HTTP/1.0\r\n\r\n';

/** The body of a reply. */
function body(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

/** A frontend that answers with the values of expressions, joined by `|`. */
function answering(options: string, ...expressions: string[]): string {
  const values = expressions.map((expression) => `%[${expression}]`).join('|');
  return `${defaultsHttp}
frontend f
  bind fd@{{f}} ssl ${options}
  http-request return status 200 content-type text/plain lf-string "${values}"
`;
}

describe('a certificate is chosen by the name that the client sends (5.1 crt)', () => {
  async function subjects(world: World, options: string, names: (string | undefined)[]) {
    const proxy = await world.proxy(answering(options, 'ssl_fc_sni'));
    const found: string[] = [];
    for (const name of names) {
      const sni = name === undefined ? {} : { servername: name };
      found.push((await tlsExchange(proxy.port('f'), get, sni)).subject);
    }
    return found;
  }

  scenario(
    'by exact name, wildcard of one label, and the first one where none fits',
    async (world) => {
      makeCertificate(world.dir, 'first', { names: ['DNS:first.test'] });
      makeCertificate(world.dir, 'second', { names: ['DNS:second.test', 'DNS:*.wild.test'] });
      makeCertificate(world.dir, 'third', { names: ['DNS:exact.wild.test'] });
      const list = ['first', 'second', 'third'].map((name) => `crt {{dir}}/${name}.pem`).join(' ');
      const names = [
        'second.test',
        'SECOND.test',
        'a.wild.test',
        'exact.wild.test',
        'a.b.wild.test',
        'wild.test',
        'other.test',
        undefined,
      ];
      expect(await subjects(world, list, names)).toEqual([
        'second',
        'second',
        'second',
        'third',
        'first',
        'first',
        'first',
        'first',
      ]);
    },
    { skip },
  );

  scenario(
    'all files of a folder in their order, without keys and hidden files',
    async (world) => {
      const folder = join(world.dir, 'folder');
      mkdirSync(folder);
      makeCertificate(folder, 'b', { names: ['DNS:b.test'] });
      makeCertificate(folder, 'a', { names: ['DNS:a.test'] });
      for (const file of ['a.crt', 'b.crt', 'b.key']) rmSync(join(folder, file));
      writeFileSync(join(folder, '.hidden'), 'no certificate');
      expect(await subjects(world, 'crt {{dir}}/folder', ['b.test', 'x.test'])).toEqual(['b', 'a']);
    },
    { skip },
  );

  scenario(
    'a crt-list says for which names, with exceptions, and options of its own',
    async (world) => {
      for (const name of ['one', 'two', 'three']) makeCertificate(world.dir, name, {});
      writeFileSync(
        join(world.dir, 'list'),
        `# comment\n\n${world.dir}/one.pem\n${world.dir}/two.pem [ssl-min-ver TLSv1.3] *.two.test !not.two.test\n` +
          `${world.dir}/three.pem three.test\n`,
      );
      const options = 'crt-list {{dir}}/list';
      const names = ['a.two.test', 'not.two.test', 'three.test', 'two'];
      expect(await subjects(world, options, names)).toEqual(['two', 'one', 'three', 'one']);
    },
    { skip },
  );

  scenario(
    'strict-sni refuses a client whose name fits no certificate',
    async (world) => {
      makeCertificate(world.dir, 'a', { names: ['DNS:a.test'] });
      const proxy = await world.proxy(answering('crt {{dir}}/a.pem strict-sni', 'ssl_fc'));
      const port = proxy.port('f');
      expect((await tlsExchange(port, get, { servername: 'a.test' })).subject).toBe('a');
      expect(await sClient(port, ['-servername', 'b.test'])).toContain('alert number 112');
      expect(await sClient(port, ['-noservername'])).toContain('alert number 112');
    },
    { skip },
  );

  scenario(
    'rsa and ecdsa of one name stand beside each other',
    async (world) => {
      makeCertificate(world.dir, 'ec', { names: ['DNS:a.test'] });
      makeCertificate(world.dir, 'rsa', { names: ['DNS:a.test'], key: 'rsa' });
      const options = 'crt {{dir}}/rsa.pem crt {{dir}}/ec.pem';
      const proxy = await world.proxy(answering(options, 'ssl_f_key_alg'));
      const args = ['-servername', 'a.test', '-tls1_2', '-quiet'];
      const suites = (name: string) => ['-cipher', `ECDHE-${name}-AES128-GCM-SHA256`];
      const port = proxy.port('f');
      expect(await sClient(port, [...args, ...suites('ECDSA')], get)).toContain('id-ecPublicKey');
      expect(await sClient(port, [...args, ...suites('RSA')], get)).toContain('rsaEncryption');
    },
    { skip },
  );
});

scenario(
  'the key may lie beside the certificate (5.1 crt)',
  async (world) => {
    makeCertificate(world.dir, 'a', {});
    writeFileSync(join(world.dir, 'site.pem'), readFileSync(join(world.dir, 'a.crt')));
    writeFileSync(join(world.dir, 'site.pem.key'), readFileSync(join(world.dir, 'a.key')));
    const proxy = await world.proxy(answering('crt {{dir}}/site.pem', 'ssl_fc'));
    expect(body((await tlsExchange(proxy.port('f'), get)).text)).toBe('1');
  },
  { skip },
);

scenario(
  'ALPN offers what the line says, http/1.1 by itself, and goes on when nothing fits (5.1 alpn)',
  async (world) => {
    makeCertificate(world.dir, 'a', {});
    const proxy = await world.proxy(`${defaultsHttp}
frontend f
  bind fd@{{plain}} ssl crt {{dir}}/a.pem
  bind fd@{{listed}} ssl crt {{dir}}/a.pem alpn foo,http/1.1
  bind fd@{{none}} ssl crt {{dir}}/a.pem no-alpn
  http-request return status 200 content-type text/plain lf-string "%[ssl_fc_alpn]"
`);
    const chosen = async (name: string, alpn: string[]) =>
      body((await tlsExchange(proxy.port(name), get, { alpn })).text);
    expect(await chosen('plain', ['x', 'http/1.1'])).toBe('http/1.1');
    expect(await chosen('listed', ['http/1.1', 'foo'])).toBe('foo');
    expect(await chosen('listed', ['bar'])).toBe('');
    expect(await chosen('none', ['http/1.1'])).toBe('');
  },
  { skip },
);

scenario(
  'versions and ciphers are those of the line, then those of the global section (3.1, 5.1)',
  async (world) => {
    makeCertificate(world.dir, 'a', {});
    const proxy = await world.proxy(`
global
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites TLS_CHACHA20_POLY1305_SHA256
${defaultsHttp}
frontend f
  bind fd@{{global}} ssl crt {{dir}}/a.pem
  bind fd@{{own}} ssl crt {{dir}}/a.pem ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-GCM-SHA256
  http-request return status 200 content-type text/plain lf-string "%[ssl_fc_protocol] %[ssl_fc_cipher] %[ssl_fc_use_keysize]"
`);
    const asked = async (name: string) => body((await tlsExchange(proxy.port(name), get)).text);
    expect(await asked('global')).toBe('TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 256');
    expect(await asked('own')).toBe('TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 128');
    expect(await sClient(proxy.port('global'), ['-tls1_2'])).toContain('alert number 70');
  },
  { skip },
);

describe('the certificate of the client (5.1 verify)', () => {
  const facts = ['ssl_c_used', 'ssl_c_verify', 'ssl_c_err', 'ssl_c_s_dn(CN)', 'ssl_fc_has_crt'];

  function make(world: World): void {
    makeCertificate(world.dir, 'site', {});
    makeCertificate(world.dir, 'ca', { subject: '/O=Test/CN=authority' });
    makeCertificate(world.dir, 'known', { authority: 'ca', subject: '/O=Test/CN=known' });
    makeCertificate(world.dir, 'stranger', { subject: '/CN=stranger' });
  }

  scenario(
    'is demanded with verify required',
    async (world) => {
      make(world);
      const options = 'crt {{dir}}/site.pem verify required ca-file {{dir}}/ca.crt';
      const proxy = await world.proxy(answering(options, ...facts));
      const port = proxy.port('f');
      const known = await tlsExchange(port, get, { pem: join(world.dir, 'known.pem') });
      expect(body(known.text)).toBe('1|0|0|known|1');
      expect(await sClient(port, ['-quiet'], get)).toContain('alert number 116');
      const stranger = join(world.dir, 'stranger.pem');
      expect(await sClient(port, ['-quiet', '-cert', stranger], get)).toMatch(
        /alert number (48|42)/,
      );
    },
    { skip },
  );

  scenario(
    'may be missing with verify optional, and be wrong with crt-ignore-err',
    async (world) => {
      make(world);
      const options =
        'crt {{dir}}/site.pem verify optional ca-file {{dir}}/ca.crt ' +
        'crt-ignore-err X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT';
      const proxy = await world.proxy(answering(options, ...facts));
      const port = proxy.port('f');
      expect(body((await tlsExchange(port, get)).text)).toBe('0|0|0||0');
      const stranger = await tlsExchange(port, get, { pem: join(world.dir, 'stranger.pem') });
      expect(body(stranger.text)).toBe('1|18|18|stranger|1');
    },
    { skip },
  );

  scenario(
    'of a session that was resumed is used, but not shown again, under the same settings only',
    async (world) => {
      make(world);
      writeFileSync(
        join(world.dir, 'list'),
        `${world.dir}/site.pem\n` +
          `${world.dir}/site.pem [verify required ca-file ${world.dir}/ca.crt] closed.test\n`,
      );
      const proxy = await world.proxy(answering('crt-list {{dir}}/list', 'ssl_c_used'));
      const port = proxy.port('f');
      const session = join(world.dir, 'session');
      for (const version of ['-tls1_2', '-tls1_3']) {
        const base = ['-quiet', '-no_ign_eof', version];
        await sClient(port, ['-servername', 'open.test', '-sess_out', session, version], get);
        const again = ['-servername', 'closed.test', '-sess_in', session];
        const reply = await sClient(port, [...base, ...again], get);
        expect(reply).not.toContain('200 OK');
      }
    },
    { skip },
  );
});

describe('a session is resumed (5.1 no-tls-tickets, 3.2 tune.ssl.cachesize)', () => {
  /** How many of `count` further connections were resumed, over several workers. */
  async function resumed(world: World, options: string, version: string, global = '') {
    makeCertificate(world.dir, 'a', {});
    const proxy = await world.proxy(
      `global\n  nbthread 2\n${global}\n${answering(`crt {{dir}}/a.pem ${options}`, 'ssl_fc_is_resumed,regsub(^,resumed=)')}`,
    );
    const session = join(world.dir, 'session');
    const args = ['-quiet', version, '-servername', 'a'];
    await sClient(proxy.port('f'), [...args, '-sess_out', session], get);
    // Whoever keeps no sessions gives them no number either.
    if (!existsSync(session)) return 0;
    let count = 0;
    for (let i = 0; i < 6; i++) {
      const reply = await sClient(
        proxy.port('f'),
        // A ticket of TLS 1.3 is good for one use where sessions are kept by the server.
        [...args, '-sess_in', session, '-sess_out', session],
        get,
      );
      expect(reply).toContain('200 OK');
      if (reply.includes('resumed=1')) count++;
    }
    return count;
  }

  for (const version of ['-tls1_2', '-tls1_3']) {
    scenario(
      `by a ticket at any worker (${version})`,
      async (world) => expect(await resumed(world, '', version)).toBe(6),
      { skip },
    );
    scenario(
      `by its number at any worker (${version})`,
      async (world) => expect(await resumed(world, 'no-tls-tickets', version)).toBe(6),
      { skip },
    );
    scenario(
      `never without tickets and without a cache (${version})`,
      async (world) => {
        const global = '  tune.ssl.cachesize 0';
        expect(await resumed(world, 'no-tls-tickets', version, global)).toBe(0);
      },
      { skip },
    );
  }
});

describe('tickets under tls-ticket-keys (5.1)', () => {
  for (const bytes of [48, 80]) {
    for (const version of ['-tls1_2', '-tls1_3']) {
      scenario(
        `are taken by another process with the same file, not by one with another, ${bytes} bytes ${version}`,
        async (world) => {
          makeCertificate(world.dir, 'a', {});
          const write = (file: string, from: number) => {
            const keys = [0, 1, 2].map((n) => Buffer.alloc(bytes, from + n).toString('base64'));
            writeFileSync(join(world.dir, file), `${keys.join('\n')}\n`);
          };
          write('keys', 1);
          // One rotation later: the key to encrypt with is still one to decrypt with.
          write('later', 2);
          write('other', 50);
          const session = join(world.dir, 'session');
          const ports: Record<string, number> = {};
          for (const file of ['keys', 'later', 'other']) {
            const options = `crt {{dir}}/a.pem tls-ticket-keys {{dir}}/${file}`;
            const proxy = await world.proxy(
              answering(options, 'ssl_fc_is_resumed,regsub(^,resumed=)'),
            );
            ports[file] = proxy.port('f');
          }
          const reply = (file: string, args: string[]) =>
            sClient(ports[file]!, ['-quiet', version, ...args], get);
          await reply('keys', ['-sess_out', session]);
          expect(await reply('keys', ['-sess_in', session])).toContain('resumed=1');
          expect(await reply('later', ['-sess_in', session])).toContain('resumed=1');
          expect(await reply('other', ['-sess_in', session])).toContain('resumed=0');
        },
        { skip },
      );
    }
  }
});

scenario(
  'an OCSP response beside the certificate is stapled (5.1 crt)',
  async (world) => {
    const { dir } = world;
    makeCertificate(dir, 'ca', { subject: '/CN=authority' });
    makeCertificate(dir, 'site', { authority: 'ca' });
    const openssl = (...args: string[]) => {
      const { exitCode, stderr } = Bun.spawnSync(['openssl', ...args], { cwd: dir });
      if (exitCode !== 0) throw new Error(stderr.toString());
    };
    const serial = `${Bun.hash('site').toString(16).slice(0, 12).toUpperCase()}`;
    const until = '350101000000Z';
    writeFileSync(join(dir, 'index.txt'), `V\t${until}\t\t${serial}\tunknown\t/CN=site\n`);
    openssl('ocsp', '-issuer', 'ca.crt', '-cert', 'site.crt', '-reqout', 'request');
    openssl(
      ...['ocsp', '-index', 'index.txt', '-rsigner', 'ca.crt', '-rkey', 'ca.key', '-CA', 'ca.crt'],
      ...['-reqin', 'request', '-respout', 'site.pem.ocsp', '-ndays', '7'],
    );
    writeFileSync(join(dir, 'site.pem.issuer'), readFileSync(join(dir, 'ca.crt')));
    makeCertificate(dir, 'bare', {});
    const proxy = await world.proxy(`${defaultsHttp}
frontend f
  bind fd@{{with}} ssl crt {{dir}}/site.pem
  bind fd@{{without}} ssl crt {{dir}}/bare.pem
`);
    expect(await sClient(proxy.port('with'), ['-status'])).toContain('Cert Status: good');
    expect(await sClient(proxy.port('without'), ['-status'])).toContain('no response sent');
  },
  { skip },
);

describe('bodies', () => {
  const large = 'x'.repeat(3_000_000);

  scenario(
    'of any size pass both ways',
    async (world) => {
      makeCertificate(world.dir, 'a', {});
      let received = 0;
      const server = world.http((request) => {
        received = request.body.length;
        return `HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n${large}`;
      });
      const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}} ssl crt {{dir}}/a.pem
  server s 127.0.0.1:${server.port}
`);
      const post = `POST / HTTP/1.0\r\nContent-Length: ${large.length}\r\n\r\n${large}`;
      const { text } = await tlsExchange(proxy.port('l'), post);
      expect(received).toBe(large.length);
      expect(body(text) === large).toBe(true);
    },
    { skip },
  );

  scenario(
    'pass both ways in mode tcp, where each side ends by itself',
    async (world) => {
      makeCertificate(world.dir, 'a', {});
      const server = world.server(async (peer) => {
        peer.send('hello');
        const text = await peer.readToEnd();
        peer.send(`${text.length}`);
        peer.end();
      });
      const proxy = await world.proxy(`
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen l
  bind fd@{{l}} ssl crt {{dir}}/a.pem
  server s 127.0.0.1:${server.port}
`);
      const socket = await tlsConnect(proxy.port('l'));
      const reply = readToEnd(socket);
      socket.end(large);
      expect(await reply).toBe(`hello${large.length}`);
    },
    { skip },
  );

  scenario(
    'a connection carries many requests, and pipelined ones in one record',
    async (world) => {
      makeCertificate(world.dir, 'a', {});
      const proxy = await world.proxy(answering('crt {{dir}}/a.pem', 'path'));
      const one = (n: number, more = '') => `GET /${n} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
      const socket = await tlsConnect(proxy.port('f'));
      const reply = readToEnd(socket);
      for (let i = 0; i < 20; i++) socket.write(one(3 * i) + one(3 * i + 1) + one(3 * i + 2));
      socket.write(one(60, 'Connection: close\r\n'));
      const paths = [...(await reply).matchAll(/\r\n\r\n\/(\d+)/g)].map(([, n]) => Number(n));
      expect(paths).toEqual([...Array(61).keys()]);
    },
    { skip },
  );
});

scenario(
  'redirect scheme https sends plain clients only to TLS (7.3.4 ssl_fc)',
  async (world) => {
    makeCertificate(world.dir, 'a', {});
    const proxy = await world.proxy(`${defaultsHttp}
frontend f
  bind fd@{{plain}}
  bind fd@{{tls}} ssl crt {{dir}}/a.pem
  http-request redirect scheme https if !{ ssl_fc }
  http-request return status 200 content-type text/plain string ok
`);
    const request = 'GET /p HTTP/1.1\r\nHost: h.test\r\nConnection: close\r\n\r\n';
    const plain = await world.exchange(proxy.port('plain'), request);
    expect(plain).toMatch(/^HTTP\/1.1 302 .*location: https:\/\/h.test\/p/is);
    const { text } = await tlsExchange(proxy.port('tls'), request);
    expect(body(text)).toBe('ok');
  },
  { skip },
);

const ours = programUnderTest === 'haproxy' ? 'HAProxy is linked with the library' : null;

scenario(
  'without the library the line is refused with the name of the package',
  async (world) => {
    const { status, stderr } = await world.run(answering('crt {{dir}}/a.pem', 'ssl_fc'), {
      args: ['-c'],
      env: { SLUICE_LIBSSL: '/nonexistent' },
    });
    expect(status).toBe(1);
    expect(stderr).toContain('libssl3');
  },
  { skip: ours },
);
