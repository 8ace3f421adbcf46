/**
 * Options of `bind` and `server` lines that only mean something together with `ssl` (configuration.txt
 * 5.1, 5.2). A line without it is plain whatever they say, so they are checked and kept; `ssl` itself,
 * and what reads a certificate, is refused by name.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { BindOptionRow } from './bind-option.ts';
import type { ServerOptionRow } from './server-option.ts';

interface TlsOption {
  name: string;
  /** '' for a word alone, otherwise the grammar of its one argument. */
  args: string;
  doc: string;
  /** Only one kind of line has it. */
  only?: 'bind' | 'server';
  /** The words that the argument may be; absent = any that is not empty. */
  values?: readonly string[];
}

export const tlsVersions: readonly string[] = ['SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const shortVersions = ['sslv3', 'tlsv10', 'tlsv11', 'tlsv12', 'tlsv13'];

function word(name: string, doc: string, only?: 'bind' | 'server'): TlsOption {
  return { name, args: '', doc, ...(only === undefined ? {} : { only }) };
}

const rows: readonly TlsOption[] = [
  { name: 'alpn', args: '<protocols>', doc: 'Protocols to offer in the handshake.' },
  { name: 'check-alpn', args: '<protocols>', doc: 'As alpn, for checks.', only: 'server' },
  { name: 'check-sni', args: '<sni>', doc: 'Name to send in checks.', only: 'server' },
  { name: 'ciphers', args: '<ciphers>', doc: 'Ciphers up to TLS 1.2.' },
  { name: 'ciphersuites', args: '<ciphersuites>', doc: 'Cipher suites of TLS 1.3.' },
  { name: 'client-sigalgs', args: '<sigalgs>', doc: 'Signature algorithms of clients.' },
  { name: 'curves', args: '<curves>', doc: 'Curves.' },
  { name: 'ecdhe', args: '<named curve>', doc: 'Curve of ECDHE.', only: 'bind' },
  ...shortVersions.flatMap((version) => [
    word(`force-${version}`, `This version only: ${version}.`),
    word(`no-${version}`, `Not this version: ${version}.`),
  ]),
  word('no-check-ssl', 'Checks without TLS.', 'server'),
  word('no-ssl', 'Takes ssl of default-server back.', 'server'),
  word('no-ssl-reuse', 'Every session is a new one.', 'server'),
  word('no-strict-sni', 'Takes strict-sni back.', 'bind'),
  word('no-tls-tickets', 'No session tickets.'),
  word('no-verifyhost', 'Takes verifyhost back.', 'server'),
  word('prefer-client-ciphers', 'The order of the client counts.', 'bind'),
  { name: 'sigalgs', args: '<sigalgs>', doc: 'Signature algorithms.' },
  { name: 'ssl-max-ver', args: '<version>', doc: 'Newest version.', values: tlsVersions },
  { name: 'ssl-min-ver', args: '<version>', doc: 'Oldest version.', values: tlsVersions },
  word('ssl-reuse', 'Takes no-ssl-reuse back.', 'server'),
  word('strict-sni', 'No handshake without a matching certificate.', 'bind'),
  word('tls-tickets', 'Session tickets.'),
  {
    name: 'verify',
    args: '{ none | required }',
    doc: 'Whether the certificate of the server is verified.',
    only: 'server',
    values: ['none', 'required'],
  },
  { name: 'verifyhost', args: '<hostname>', doc: 'Name to verify.', only: 'server' },
];

/** What is kept: true for a word alone. */
function valueOf(row: TlsOption, value: string): string | true {
  if (row.args === '') return true;
  if (value === '') throw new ConfigError(`'${row.name}' : missing value`);
  if (row.values !== undefined && !row.values.includes(value)) {
    const known = row.values.map((choice) => `'${choice}'`).join(', ');
    throw new ConfigError(`'${row.name}' : expects one of ${known}, found '${value}'`);
  }
  return value;
}

export const tlsBindOptions: readonly BindOptionRow[] = rows
  .filter((row) => row.only !== 'server')
  .map((row) => ({
    name: row.name,
    args: row.args,
    doc: row.doc,
    waitsFor: 'TLS',
    parse: (line, value) => {
      for (const bind of line.binds) bind.tls = { ...bind.tls, [row.name]: valueOf(row, value) };
    },
  }));

export const tlsServerOptions: readonly ServerOptionRow[] = rows
  .filter((row) => row.only !== 'bind')
  .map((row) => ({
    name: row.name,
    args: row.args,
    doc: row.doc,
    waitsFor: 'TLS',
    parse: ({ settings: { server } }, value) => {
      server.tls = { ...server.tls, [row.name]: valueOf(row, value) };
    },
  }));
