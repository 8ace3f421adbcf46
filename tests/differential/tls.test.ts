/**
 * TLS through the running programs, haproxy 3.2 and sluice: what rules know of a connection and its
 * certificates (configuration.txt 7.3.4), what is logged of it, and of a handshake that fails (8.2.5).
 */
import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeCertificate } from '../harness/certificate.ts';
import { type Program, programPath } from '../harness/proxy.ts';
import { needs, World } from '../harness/scenario.ts';
import { sClient, tlsServer } from '../harness/tls.ts';

const programs: readonly Program[] = ['haproxy', 'sluice'];
const missing = programPath('haproxy') === null ? 'haproxy is not installed' : needs('openssl');

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

/** What does not change from one connection to the next. */
const expressions = lines(`
ssl_fc
ssl_fc_sni
ssl_fc_has_sni
ssl_fc_protocol
ssl_fc_cipher
ssl_fc_alpn
ssl_fc_use_keysize
ssl_fc_alg_keysize
ssl_fc_is_resumed
ssl_fc_has_crt
ssl_fc_has_early
ssl_fc_early_rcvd
ssl_fc_curve
ssl_fc_err
ssl_fc_err_str
fc_err
fc_err_str
ssl_c_used
ssl_c_verify
ssl_c_err
ssl_c_ca_err
ssl_c_ca_err_depth
ssl_c_version
ssl_c_s_dn
ssl_c_i_dn
ssl_c_r_dn
ssl_c_s_dn(O)
ssl_c_s_dn(o,2)
ssl_c_s_dn(O,-1)
ssl_c_s_dn(O,-2)
ssl_c_s_dn(O,3)
ssl_c_s_dn(cn)
ssl_c_s_dn(,0,rfc2253)
ssl_c_s_dn(emailAddress)
ssl_c_s_dn(1.2.3.4.5)
ssl_c_i_dn(CN)
ssl_c_notbefore
ssl_c_notafter
ssl_c_serial,hex
ssl_c_sha1,hex
ssl_c_key_alg
ssl_c_sig_alg
ssl_c_der,hex
ssl_c_chain_der,hex
ssl_f_s_dn
ssl_f_i_dn
ssl_f_notafter
ssl_f_notbefore
ssl_f_serial,hex
ssl_f_sha1,hex
ssl_f_key_alg
ssl_f_sig_alg
ssl_f_version
ssl_f_der,hex
`);

/** Every program in a world with the same certificates. */
async function withWorlds(body: (worlds: Record<Program, World>) => Promise<void>): Promise<void> {
  const worlds = { haproxy: new World('haproxy'), sluice: new World('sluice') };
  try {
    const { dir } = worlds.haproxy;
    makeCertificate(dir, 'site', { names: ['DNS:a.test', 'DNS:*.a.test'] });
    makeCertificate(dir, 'rsa', { names: ['DNS:rsa.test'], key: 'rsa' });
    makeCertificate(dir, 'ca', { subject: '/C=DE/O=Authority/CN=Root' });
    makeCertificate(dir, 'client', {
      authority: 'ca',
      subject: '/C=DE/O=One/O=Two/OU=Unit/CN=client 1/emailAddress=a@b.c',
    });
    makeCertificate(dir, 'stranger', { subject: '/CN=strange\\/r, "x"+y=z' });
    makeCertificate(dir, 'old', { authority: 'ca', subject: '/CN=old', days: -1 });
    await body(worlds);
  } finally {
    await Promise.all(programs.map((program) => worlds[program].end()));
  }
}

const clients: readonly (readonly [string, string[], string?])[] = [
  ['nothing special', []],
  ['a name', ['-servername', 'www.a.test']],
  ['another certificate', ['-servername', 'rsa.test']],
  ['a name of nobody', ['-servername', 'x.example']],
  ['TLS 1.2', ['-tls1_2']],
  ['TLS 1.2 without ECDHE', ['-tls1_2', '-servername', 'rsa.test', '-cipher', 'AES128-SHA256']],
  ['a cipher', ['-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256']],
  ['a curve', ['-groups', 'P-384']],
  ['a certificate', [], 'client'],
  ['a certificate and TLS 1.2', ['-tls1_2'], 'client'],
  ['a certificate of a stranger', [], 'stranger'],
  ['an expired certificate', [], 'old'],
  ['protocols', ['-alpn', 'x,http/1.1']],
  ['protocols that nobody has', ['-alpn', 'x,y']],
];

describe('what is known of a connection (7.3.4)', () => {
  const title = missing ? `is the same (skipped: ${missing})` : 'is the same';
  test.skipIf(missing !== null)(
    title,
    () =>
      withWorlds(async (worlds) => {
        const { dir } = worlds.haproxy;
        const answers = {} as Record<Program, Record<string, string>>;
        for (const program of programs) {
          const values = expressions.map((text) => `[${text}]=%[${text}]`.replaceAll(' ', '\\ '));
          const proxy = await worlds[program].proxy(`global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend f
  bind fd@{{f}} ssl crt ${dir}/site.pem crt ${dir}/rsa.pem alpn http/1.1 verify optional ca-file ${dir}/ca.crt ca-ignore-err all crt-ignore-err all
  bind fd@{{plain}}
  log-format x
  http-request return status 200 content-type text/plain lf-string "${values.join('\\n')}\\n"
`);
          const answer: Record<string, string> = {};
          for (const [name, args, pem] of clients) {
            const own = pem === undefined ? [] : ['-cert', join(dir, `${pem}.pem`)];
            const text = await sClient(
              proxy.port('f'),
              ['-quiet', ...args, ...own],
              'GET / HTTP/1.0\r\n\r\n',
            );
            answer[name] = text.slice(text.indexOf('[ssl_fc]'), text.indexOf('\ndepth='));
          }
          const peer = await worlds[program].connect(proxy.port('plain'));
          peer.send('GET / HTTP/1.0\r\n\r\n');
          const plain = await peer.readToEnd();
          answer['no TLS'] = plain.slice(plain.indexOf('[ssl_fc]'));
          answers[program] = answer;
        }
        for (const name of [...clients.map(([client]) => client), 'no TLS']) {
          expect([name, answers.sluice[name]]).toEqual([name, answers.haproxy[name]]);
          expect(answers.sluice[name]).toContain(name === 'no TLS' ? '[ssl_fc]=0' : '[ssl_fc]=1');
        }
      }),
    120_000,
  );
});

/** Sends bytes, and ends after a while or waits for the end. */
function raw(port: number, bytes: string, ends: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => resolve());
    socket.on('connect', () => {
      socket.write(Buffer.from(bytes, 'latin1'), () => {
        if (ends) socket.end();
      });
      if (bytes === '' && ends) socket.end();
    });
  });
}

type Attempt = (port: number, dir: string) => Promise<unknown>;

const attempts: Record<string, Attempt> = {
  'a request': (port) => sClient(port, ['-quiet'], 'GET / HTTP/1.0\r\n\r\n'),
  garbage: (port) => raw(port, 'garbage garbage garbage\r\n', false),
  'plain HTTP': (port) => raw(port, 'GET / HTTP/1.0\r\n\r\n', false),
  'an end in the middle': (port) => raw(port, '\x16\x03\x01', true),
  'an end without a byte': (port) => raw(port, '', true),
  'silence in the middle': (port) => raw(port, '\x16\x03\x01', false),
  'an old version': (port) => sClient(port, ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']),
  'no common cipher': (port) => sClient(port, ['-tls1_2', '-cipher', 'AES128-SHA']),
  'nothing behind the handshake': (port) => sClient(port, []),
};

const lineFormats: Record<string, string> = {
  'the default format': '',
  'error-log-format':
    'error-log-format "E %ft %ts %[fc_err] %[fc_err_str] %[ssl_fc_err,hex] %[ssl_fc_err_str] %ST %B"',
  'option dontlognull': 'option dontlognull',
  'option log-separate-errors': 'option log-separate-errors',
  'option httpslog': 'option httpslog',
};

describe('the log line of a handshake (8.2.5)', () => {
  for (const [what, format] of Object.entries(lineFormats)) {
    const title = `is the same with ${what}${missing ? ` (skipped: ${missing})` : ''}`;
    test.skipIf(missing !== null)(
      title,
      () =>
        withWorlds(async (worlds) => {
          const { dir } = worlds.haproxy;
          const logs = {} as Record<Program, string[]>;
          for (const program of programs) {
            const log = await worlds[program].syslog();
            const proxy = await worlds[program].proxy(`global
  nbthread 1
  log 127.0.0.1:${log.port} format raw local0
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 500ms
  timeout server 5s
frontend f
  bind fd@{{f}} name front ssl crt ${dir}/site.pem
  bind fd@{{m}} ssl crt ${dir}/site.pem verify required ca-file ${dir}/ca.crt
  bind fd@{{plain}}
  log-format "%ft %sslv %ts %ST %{+Q}r"
  ${format}
  http-request return status 200
`);
            for (const attempt of Object.values(attempts)) await attempt(proxy.port('f'), dir);
            await sClient(proxy.port('m'), ['-quiet'], 'GET / HTTP/1.0\r\n\r\n');
            const cert = ['-quiet', '-cert', join(dir, 'stranger.pem')];
            await sClient(proxy.port('m'), cert, 'GET / HTTP/1.0\r\n\r\n');
            await raw(proxy.port('plain'), 'GET /last HTTP/1.0\r\n\r\n', false);
            await log.find(/last/);
            logs[program] = log.lines.map((line) =>
              line
                .replace(/127\.0\.0\.1:\d+/, 'CLIENT')
                // Times of a request: all of them, or none.
                .replace(/ (-?\d+\/){4}\d+ /g, ' TIMES ')
                .replace(/\[\d\d\/\w+\/\d{4}:[\d:.]+\]/, '[DATE]'),
            );
          }
          expect(logs.sluice).toEqual(logs.haproxy);
          expect(logs.sluice.length).toBeGreaterThan(3);
        }),
      60_000,
    );
  }
});

const serverExpressions = lines(`
ssl_bc
ssl_bc_protocol
ssl_bc_cipher
ssl_bc_alpn
ssl_bc_use_keysize
ssl_bc_alg_keysize
ssl_bc_is_resumed
ssl_bc_sni
ssl_bc_err
ssl_bc_err_str
ssl_bc_curve
ssl_s_s_dn
ssl_s_i_dn(CN)
ssl_s_serial,hex
ssl_s_sha1,hex
ssl_s_notafter
ssl_s_key_alg
ssl_s_version
`);

const serverOptions: Record<string, string> = {
  'nothing special': 'ssl verify none',
  'a name': 'ssl verify none sni str(a.test)',
  protocols: 'ssl verify none alpn x,http/1.1',
  'TLS 1.2': 'ssl verify none ssl-max-ver TLSv1.2',
  'a session that is not resumed': 'ssl verify none no-ssl-reuse',
  'no TLS': '',
};

describe('what is known of the connection to the server (7.3.4)', () => {
  const title = missing ? `is the same (skipped: ${missing})` : 'is the same';
  test.skipIf(missing !== null)(
    title,
    () =>
      withWorlds(async (worlds) => {
        const { dir } = worlds.haproxy;
        const hello = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
        const server = await tlsServer(join(dir, 'site.pem'), () => hello, {
          ALPNProtocols: ['http/1.1'],
        });
        worlds.haproxy.defer(() => server.stop());
        const plain = worlds.haproxy.http(() => hello);
        const answers = {} as Record<Program, Record<string, string[]>>;
        for (const program of programs) {
          const fields = serverExpressions.map(
            (text, i) => `  http-response set-header x-${i} "${text} %[${text}]"`,
          );
          const answer: Record<string, string[]> = {};
          for (const [name, options] of Object.entries(serverOptions)) {
            const proxy = await worlds[program].proxy(`global
  nbthread 1
defaults
  mode http
  option httpclose
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen l
  bind fd@{{l}}
${fields.join('\n')}
  server s 127.0.0.1:${options === '' ? plain.port : `${server.port} curves P-256`} ${options}
`);
            const replies: string[] = [];
            for (let i = 0; i < 2; i++) {
              replies.push(
                await worlds[program].exchange(proxy.port('l'), 'GET / HTTP/1.0\r\n\r\n'),
              );
            }
            answer[name] = replies.flatMap((reply) =>
              [...reply.matchAll(/^x-\d+: (.*?)\r$/gm)].map(([, value]) => value!),
            );
          }
          answers[program] = answer;
        }
        for (const name of Object.keys(serverOptions)) {
          expect([name, answers.sluice[name]]).toEqual([name, answers.haproxy[name]]);
          expect(answers.sluice[name]!.length).toBe(2 * serverExpressions.length);
        }
      }),
    120_000,
  );
});
