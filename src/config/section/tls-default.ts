/**
 * The TLS settings of the global section (configuration.txt 3.1 `ssl-*`, `ca-base`, `crt-base`; 3.2
 * `tune.ssl.*`, `maxsslconn`). They are what the `ssl` lines start from, and mean nothing without
 * one, so that a stock configuration starts; a `bind ... ssl` or `server ... ssl` is refused by name.
 * Lists of ciphers, curves and algorithms are checked for their characters only: which names exist
 * is known to the TLS library alone.
 */
import { statSync } from 'node:fs';
import { ConfigError } from '../../base/config-error.ts';
import type { GlobalConfig, TlsDefaults } from '../../model/config.ts';
import { openssl } from '../../sys/openssl.ts';
import { readParameters } from '../tls/pem.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import { setTlsOption, tlsOptionsOf } from './tls-option.ts';
import { count, delay, flag, list, oneOf, onOff, text, waiting } from './waiting.ts';
import { integer, refuseExtra } from './words.ts';

type Row = KeywordRow<GlobalConfig>;
type Field<Type> = {
  [Key in keyof TlsDefaults]: TlsDefaults[Key] extends Type ? Key : never;
}[keyof TlsDefaults];

/** One word; `what` is what the message says is missing. */
function argument(line: KeywordLine, what: string): string {
  const [name, word] = line.words;
  if (word === undefined || word === '') {
    throw new ConfigError(`global statement '${name}' expects ${what} as an argument.`);
  }
  refuseExtra(line.words, 1);
  return word;
}

function directory(name: string, field: Field<string | null>, doc: string): Row {
  return tls(name, '<dir>', doc, (defaults, line) => {
    Object.assign(defaults, { [field]: argument(line, 'a directory path') });
  });
}

function tls(
  name: string,
  args: string,
  doc: string,
  read: (defaults: TlsDefaults, line: KeywordLine) => void,
): Row {
  return { name, args, doc, parse: (global, line) => read(global.tls, line) };
}

/** Names of ciphers, groups and algorithms, the operators of openssl-ciphers(1), separators. */
const LIST = /^[A-Za-z0-9_.:,+!@=?*/ -]+$/;

type ListField = 'ciphers' | 'ciphersuites' | 'clientSigalgs' | 'curves' | 'sigalgs';

function names(side: 'bind' | 'server', suffix: string, field: ListField, what: string): Row {
  const name = `ssl-default-${side}-${suffix}`;
  return tls(name, `<${suffix}>`, `${what} of ${side} lines with ssl.`, (defaults, line) => {
    const word = argument(line, `a list of ${what.toLowerCase()}`);
    if (!LIST.test(word)) {
      throw new ConfigError(`'${name}' : '${word}' is not a list of ${what.toLowerCase()}.`);
    }
    defaults[side][field] = word;
  });
}

function options(side: 'bind' | 'server'): Row {
  const name = `ssl-default-${side}-options`;
  const onBindOnly = ['prefer-client-ciphers', 'strict-sni', 'no-strict-sni'];
  const known = tlsOptionsOf('default').filter(
    (option) => side === 'bind' || !onBindOnly.includes(option.name),
  );
  return tls(name, '[<option>]...', `Options of ${side} lines with ssl.`, (defaults, line) => {
    const on = `on global statement '${name}'`;
    const words = line.words.slice(1);
    if (words.length === 0) {
      throw new ConfigError(`global statement '${name}' expects an option as an argument.`);
    }
    for (let at = 0; at < words.length; at++) {
      const option = known.find((row) => row.name === words[at]);
      if (option === undefined) throw new ConfigError(`unknown option '${words[at]}' ${on}.`);
      const value = option.args === '' ? '' : (words[++at] ?? '');
      try {
        setTlsOption(option, defaults[side], value, { ...line, place: 'default' });
      } catch (problem) {
        if (!(problem instanceof ConfigError)) throw problem;
        throw new ConfigError(`${problem.message} ${on}.`);
      }
    }
  });
}

/** Without the TLS library the file is looked at from outside, because nothing will use it. */
function readDhParameters(defaults: TlsDefaults, line: KeywordLine): void {
  const file = line.words[1];
  if (file === undefined) {
    throw new ConfigError("'ssl-dh-param-file' expects a file path as an argument.");
  }
  refuseExtra(line.words, 1);
  const pem = line.state.readBytes(file, line.origin);
  const isPem = pem !== null && /^-----BEGIN (X9\.42 )?DH PARAMETERS-----$/m.test(pem);
  const lib = isPem ? openssl() : null;
  if (lib !== null) defaults.dhParameters = readParameters(lib, Buffer.from(pem!, 'latin1'));
  if (!isPem || (lib !== null && defaults.dhParameters === 0)) {
    throw new ConfigError(`'ssl-dh-param-file': unable to load DH parameters from file <${file}>.`);
  }
}

function readIssuersChain(defaults: TlsDefaults, line: KeywordLine): void {
  const path = line.words[1];
  const found =
    path !== undefined &&
    statSync(line.state.resolvePath(path, line.origin), { throwIfNoEntry: false });
  if (path === undefined || !found || !found.isDirectory()) {
    throw new ConfigError(
      "global statement 'issuers-chain-path' expects a directory path as an argument.",
    );
  }
  refuseExtra(line.words, 1);
  defaults.issuersChainPath = path;
}

const companions = ['bundle', 'sctl', 'ocsp', 'issuer', 'key'];

function readExtraFiles(defaults: TlsDefaults, line: KeywordLine): void {
  const words = line.words.slice(1);
  const known = words.every((word) => [...companions, 'none', 'all'].includes(word));
  if (words.length === 0 || !known) {
    throw new ConfigError(
      "'ssl-load-extra-files' expects one or multiple arguments " +
        `(none, all, ${companions.join(', ')}).`,
    );
  }
  if (words.length > 1 && (words.includes('none') || words.includes('all'))) {
    throw new ConfigError("'ssl-load-extra-files' 'none' and 'all' can be only used alone");
  }
  defaults.extraFiles = words;
}

function readServerVerify(defaults: TlsDefaults, line: KeywordLine): void {
  const word = oneOf('none', 'required')(line.words, line);
  defaults.serverVerify = word === 'none' ? 'none' : 'required';
}

function readSecurityLevel(defaults: TlsDefaults, line: KeywordLine): void {
  const word = line.words[1];
  const level = integer(word);
  if (word === undefined) throw new ConfigError("'ssl-security-level' : missing value");
  if (level === null) {
    throw new ConfigError(`'ssl-security-level' : expects an integer argument, found '${word}'`);
  }
  if (level < 0 || level > 5) {
    throw new ConfigError("'ssl-security-level' : expects a value between 0 and 5");
  }
  refuseExtra(line.words, 1);
  defaults.securityLevel = level;
}

function setTrue(field: Field<boolean>) {
  return (defaults: TlsDefaults, line: KeywordLine): void => {
    refuseExtra(line.words, 0);
    defaults[field] = true;
  };
}

function side(which: 'bind' | 'server'): Row[] {
  return [
    names(which, 'ciphers', 'ciphers', 'Ciphers up to TLS 1.2'),
    names(which, 'ciphersuites', 'ciphersuites', 'Cipher suites of TLS 1.3'),
    names(which, 'client-sigalgs', 'clientSigalgs', 'Signature algorithms of clients'),
    names(which, 'curves', 'curves', 'Curves'),
    options(which),
    names(which, 'sigalgs', 'sigalgs', 'Signature algorithms'),
  ];
}

const number = '<number>';

/** A setting that is a number; `waiting` reads the same values for what does not exist yet. */
function amount(
  name: string,
  field: Field<number>,
  read: ReturnType<typeof count>,
  doc: string,
): Row {
  return tls(name, number, doc, (defaults, line) => {
    defaults[field] = read(line.words, line) as number;
  });
}

export const tlsKeywords: readonly Row[] = [
  directory('ca-base', 'caBase', 'Folder of relative names of authorities.'),
  directory('crt-base', 'crtBase', 'Folder of relative names of certificates.'),
  tls('issuers-chain-path', '<dir>', 'Folder of intermediate certificates.', readIssuersChain),
  directory('key-base', 'keyBase', 'Folder of relative names of keys.'),
  ...side('bind'),
  ...side('server'),
  tls('ssl-dh-param-file', '<file>', 'Parameters of ephemeral Diffie-Hellman.', readDhParameters),
  tls(
    'ssl-load-extra-del-ext',
    '',
    'The extension of a certificate is replaced, not extended.',
    setTrue('extraDelExt'),
  ),
  tls(
    'ssl-load-extra-files',
    '<none|all|bundle|sctl|ocsp|issuer|key>*',
    'Companions of a certificate to look for.',
    readExtraFiles,
  ),
  tls('ssl-security-level', number, 'Security level of OpenSSL.', readSecurityLevel),
  tls(
    'ssl-server-verify',
    '{ none | required }',
    'Whether servers are verified.',
    readServerVerify,
  ),
  tls(
    'ssl-skip-self-issued-ca',
    '',
    'Roots in a certificate file are not sent.',
    setTrue('skipSelfIssuedCa'),
  ),
  amount('tune.ssl.cachesize', 'cacheSize', count(), 'Blocks of the session cache.'),
  tls(
    'tune.ssl.certificate-compression',
    '{ auto | off }',
    'Compressed certificates, where OpenSSL has them.',
    (defaults, line) => {
      defaults.compressesCertificates = oneOf('auto', 'off')(line.words, line) === 'auto';
    },
  ),
  amount('tune.ssl.default-dh-param', 'dhParamBits', count(1024), 'Most bits of ephemeral DH.'),
  amount('tune.ssl.hard-maxrecord', 'hardMaxRecord', count(), 'Largest record always.'),
  tls('tune.ssl.lifetime', '<timeout>', 'Lifetime of a session.', (defaults, line) => {
    defaults.lifetimeS = Math.floor((delay('s')(line.words, line) as number) / 1000);
  }),
  ...waiting('limits of TLS connections', [
    ['maxsslconn', number, count(), 'Most concurrent TLS connections.'],
    ['maxsslrate', number, count(), 'Most TLS sessions per second.'],
  ]),
  ...waiting('TLS in the kernel', [['noktls', '', flag, 'No TLS in the kernel.']]),
  ...waiting('OCSP updates', [
    ['ocsp-update.disable', '{ on | off }', onOff, 'No OCSP updates at all.'],
    ['ocsp-update.httpproxy', '<address>[:port]', text, 'Proxy of OCSP updates.'],
    ['ocsp-update.maxdelay', number, count(), 'Longest time between OCSP updates, s.'],
    ['ocsp-update.mindelay', number, count(), 'Shortest time between OCSP updates, s.'],
    ['ocsp-update.mode', '{ on | off }', onOff, 'OCSP updates unless a line says otherwise.'],
    ['tune.ssl.ocsp-update.maxdelay', number, count(), 'Older name of ocsp-update.maxdelay.'],
    ['tune.ssl.ocsp-update.mindelay', number, count(), 'Older name of ocsp-update.mindelay.'],
  ]),
  ...waiting('asynchronous engines', [['ssl-mode-async', '', flag, 'Asynchronous engines.']]),
  ...waiting('keys with a passphrase', [
    ['ssl-passphrase-cmd', '<cmd> <args> ...', list, 'Program that knows passphrases.'],
  ]),
  ...waiting('providers of OpenSSL', [
    ['ssl-propquery', '<query>', text, 'Property query of OpenSSL.'],
    ['ssl-provider', '<name>', text, 'Provider of OpenSSL to load.'],
    ['ssl-provider-path', '<path>', text, 'Where OpenSSL looks for providers.'],
  ]),
  ...waiting('small records at the beginning', [
    [
      'tune.idletimer',
      '<timeout>',
      delay('ms', 0, 65535),
      'Pause after which records start small.',
    ],
    ['tune.ssl.maxrecord', number, count(), 'Largest record at the beginning.'],
  ]),
  ...waiting('fetches of the ClientHello', [
    ['tune.ssl.capture-buffer-size', number, count(), 'Bytes of the ClientHello to keep.'],
    ['tune.ssl.capture-cipherlist-size', number, count(), 'Older name of capture-buffer-size.'],
  ]),
  ...waiting('session caches of one worker', [
    ['tune.ssl.force-private-cache', '', flag, 'Sessions are not shared.'],
  ]),
  ...waiting('the keylog fetches', [
    ['tune.ssl.keylog', '{ on | off }', onOff, 'Keep secrets for the keylog fetches.'],
  ]),
  ...waiting('limits of key updates', [
    ['tune.ssl.keyupdate-rate-limit', '<limit>', count(), 'Key updates per second.'],
  ]),
  ...waiting('generated certificates', [
    ['tune.ssl.ssl-ctx-cache-size', number, count(), 'Generated certificates to keep.'],
  ]),
];
