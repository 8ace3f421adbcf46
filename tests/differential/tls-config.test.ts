/**
 * What is said of wrong `ssl` lines at the check of a configuration (configuration.txt 5.1, 5.2), by
 * haproxy 3.2 and by sluice: the same first alert, or the same warning.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../harness/certificate.ts';
import { programPath } from '../harness/proxy.ts';
import { needs } from '../harness/scenario.ts';

const missing = programPath('haproxy') === null ? 'haproxy is not installed' : needs('openssl');
const dir = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function fill(): void {
  for (const name of ['a', 'b', 'ca']) makeCertificate(dir, name, {});
  const put = (name: string, text: string) => writeFileSync(join(dir, name), text);
  const file = (name: string) => readFileSync(join(dir, name), 'utf8');
  put('nokey.pem', file('a.crt'));
  put('mismatch.pem', file('a.crt') + file('b.key'));
  put('garbage.pem', 'garbage\n');
  put('empty.pem', '');
  put('cut.pem', file('a.crt').slice(0, 300));
  put('keyonly.pem', file('a.key'));
  mkdirSync(join(dir, 'folder'));
  const line = (bytes: number) => `${Buffer.alloc(bytes, 1).toString('base64')}\n`;
  put('keys', line(80).repeat(3));
  put('keys-few', line(80));
  put('keys-mixed', line(48) + line(80) + line(80));
  put('keys-short', line(20).repeat(3));
  put('list', 'a.pem [alpn http/1.1] a.test\nb.pem *.b.test !x.b.test\n');
  put('list-unknown', 'a.pem [foo] x\n');
  put('list-argument', 'a.pem [alpn] x\n');
  put('list-order', '[alpn x] a.pem\n');
  put('list-twice', 'a.pem [verify none][alpn x]\n');
  put('list-missing', 'nope.pem x\n');
  put('list-cut', 'a.pem');
  put('list-empty', '# nothing\n');
  put('list-negative', 'a.pem !x.test\n');
}

if (missing === null) fill();

function config(bind: string, server: string): string {
  return `global
  crt-base ${dir}
  ca-base ${dir}
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend f
  bind :45443 ${bind}
backend b
  server s 127.0.0.1:1 ${server}
`;
}

/** The first alert, or all warnings, without what is different in every run. */
function said(program: 'haproxy' | 'sluice', text: string): string[] {
  writeFileSync(join(dir, 'site.cfg'), text);
  const { stderr, stdout } = Bun.spawnSync([programPath(program)!, '-c', '-f', 'site.cfg'], {
    cwd: dir,
    stdin: null,
  });
  const rows = (stderr.toString() + stdout.toString())
    .split('\n')
    .map((row) => /^\[(ALERT|WARNING)\] +\(\d+\) : (?:config : )?(.*)$/.exec(row))
    // HAProxy reads servers twice, and says `parsing` of bind lines only.
    .flatMap((found) => (found === null ? [] : [`${found[1]}: ${found[2]}`]))
    .map((row) => row.replace(/parsing (?=\[.*'server )/, ''));
  const alert = rows.find((row) => row.startsWith('ALERT'));
  return alert === undefined ? rows : [alert];
}

const binds = [
  'ssl',
  'ssl strict-sni',
  'ssl crt missing.pem',
  'ssl crt nokey.pem',
  'ssl crt mismatch.pem',
  'ssl crt garbage.pem',
  'ssl crt empty.pem',
  'ssl crt cut.pem',
  'ssl crt keyonly.pem',
  'ssl crt folder',
  'ssl crt folder strict-sni',
  'crt a.pem',
  'ssl crt',
  'ssl crt a.pem ca-file nope',
  'ssl crt a.pem ca-file garbage.pem',
  'ssl crt a.pem ca-verify-file nope',
  'ssl crt a.pem verify required',
  'ssl crt a.pem verify required crl-file ca.crt',
  'ssl crt a.pem verify required ca-file ca.crt crl-file nope',
  'ssl crt a.pem verify foo',
  'ssl crt a.pem ciphers NOPE',
  'ssl crt a.pem ciphersuites NOPE',
  'ssl crt a.pem curves NOPE',
  'ssl crt a.pem ecdhe NOPE',
  'ssl crt a.pem sigalgs foo',
  'ssl crt a.pem client-sigalgs foo',
  'ssl crt a.pem ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.2',
  'ssl crt a.pem no-tlsv12 no-tlsv13',
  'ssl crt a.pem force-sslv3',
  'ssl crt a.pem no-tlsv13 ssl-min-ver TLSv1.2',
  'ssl crt a.pem ssl-max-ver TLSv1.1',
  'ssl crt a.pem ssl-min-ver foo',
  'ssl crt a.pem ssl-min-ver',
  'ssl crt a.pem alpn',
  'ssl crt a.pem ciphers',
  'ssl crt a.pem curves',
  'ssl crt a.pem ca-file',
  'ssl crt a.pem crl-file',
  'ssl crt a.pem verify',
  'ssl crt a.pem crt-ignore-err',
  'ssl crt a.pem crt-ignore-err foo',
  'ssl crt a.pem ca-ignore-err 18,X509_V_ERR_CERT_HAS_EXPIRED',
  'ssl crt a.pem tls-ticket-keys',
  'ssl crt a.pem tls-ticket-keys nope',
  `ssl crt a.pem tls-ticket-keys ${dir}/keys`,
  `ssl crt a.pem tls-ticket-keys ${dir}/keys-few`,
  `ssl crt a.pem tls-ticket-keys ${dir}/keys-mixed`,
  `ssl crt a.pem tls-ticket-keys ${dir}/keys-short`,
  `ssl crt a.pem tls-ticket-keys ${dir}/garbage.pem`,
  'ssl crt-list nope',
  `ssl crt-list ${dir}/list`,
  `ssl crt-list ${dir}/list-unknown`,
  `ssl crt-list ${dir}/list-argument`,
  `ssl crt-list ${dir}/list-order`,
  `ssl crt-list ${dir}/list-twice`,
  `ssl crt-list ${dir}/list-missing`,
  `ssl crt-list ${dir}/list-cut`,
  `ssl crt-list ${dir}/list-empty`,
  `ssl crt-list ${dir}/list-negative`,
];

const servers = [
  'ssl',
  'ssl verify required',
  'ssl verify none',
  'ssl verify foo',
  'ssl verify',
  'ssl ca-file nope',
  'ssl ca-file garbage.pem',
  'ssl ca-file',
  'ssl ca-file @system-ca',
  'ssl verify none crt nope',
  'ssl verify none crt mismatch.pem',
  'ssl verify none crt',
  'ssl verify none ciphers NOPE',
  'ssl verify none sni',
  'ssl verify none sni nope',
  'ssl verify none sni req.hdr(host)',
  'sni nope',
  'ssl verify none verifyhost',
  'ssl verify none crl-file nope',
  'ssl verify none alpn',
  'ssl verify none curves',
  'ssl verify none ssl-min-ver foo',
];

describe.skipIf(missing !== null)('of a wrong line is said what HAProxy says', () => {
  test.each(binds)('bind :45443 %s', (line) => {
    const text = config(line, '');
    expect(said('sluice', text)).toEqual(said('haproxy', text));
  });

  test.each(servers)('server s 127.0.0.1:1 %s', (line) => {
    const text = config('', line);
    expect(said('sluice', text)).toEqual(said('haproxy', text));
  });
});

test.skipIf(missing !== null)(
  'a key with a passphrase is refused by name, without a question',
  () => {
    const out = join(dir, 'locked.key');
    const args = ['pkcs8', '-topk8', '-in', join(dir, 'a.key'), '-passout', 'pass:x', '-out', out];
    expect(Bun.spawnSync(['openssl', ...args]).exitCode).toBe(0);
    const certificate = readFileSync(join(dir, 'a.crt'), 'utf8');
    writeFileSync(join(dir, 'locked.pem'), certificate + readFileSync(out, 'utf8'));
    const [alert] = said('sluice', config('ssl crt locked.pem', ''));
    expect(alert).toContain('has a passphrase');
    expect(alert).toContain('ssl-passphrase-cmd');
  },
);

test.skipIf(missing !== null)('h2 is left out of alpn with a warning', () => {
  const [warning] = said('sluice', config('ssl crt a.pem alpn h2,http/1.1', ''));
  expect(warning).toContain("'alpn' : 'h2' is left out");
});

test.skipIf(missing !== null)('checks over TLS are not silently plain ones (5.2 check-ssl)', () => {
  const text = (more: string, option = '') =>
    config('', `ssl verify none check ${more}`).replace('backend b', `backend b\n  ${option}`);
  expect(said('sluice', text(''))[0]).toContain("'check' only connects");
  expect(said('sluice', text('no-check-ssl'))).toEqual([]);
  expect(said('sluice', text('port 80', 'option httpchk'))).toEqual([]);
  expect(said('sluice', text('', 'option httpchk'))[0]).toContain(
    'checks over TLS are not supported',
  );
});

test.skipIf(missing !== null)('what is not there yet is refused by name', () => {
  for (const word of ['generate-certificates', 'allow-0rtt', 'npn x', 'ca-sign-file x']) {
    const [alert] = said('sluice', config(`ssl crt a.pem ${word}`, ''));
    expect(alert).toContain(`'${word.split(' ')[0]}' is not supported yet by sluice`);
  }
});
