/**
 * Options of `bind` and `server` lines about TLS (configuration.txt 5.1, 5.2), and of the places that
 * take some of them: lines of a crt-list, `ssl-default-*-options`. What belongs to every place is a
 * field of `TlsSettings` and stands in one table; a line without `ssl` is plain whatever it says.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { Origin, TlsSettings } from '../../model/config.ts';
import { verifyErrors } from '../tls/verify-error.ts';
import type { ParserState } from './state.ts';

export type TlsPlace = 'bind' | 'server' | 'crt-list' | 'default';

export interface TlsOption {
  name: string;
  /** '' for a word alone, otherwise the grammar of its one argument. */
  args: string;
  doc: string;
  places: readonly TlsPlace[];
  /** What the message says is missing. */
  missing?: string;
  set(settings: TlsSettings, value: string, at: TlsOptionPlace): void;
}

export interface TlsOptionPlace {
  origin: Origin;
  state: ParserState;
  place: TlsPlace;
}

const VERSION_BASE = 0x300;
/** As the configuration writes them, from 0x300 on. */
export const tlsVersions: readonly string[] = ['SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const shortVersions = ['sslv3', 'tlsv10', 'tlsv11', 'tlsv12', 'tlsv13'];

const lines: readonly TlsPlace[] = ['bind', 'server', 'crt-list'];
const everywhere: readonly TlsPlace[] = ['bind', 'server', 'default'];

type TextField = 'ciphers' | 'ciphersuites' | 'curves' | 'ecdhe' | 'sigalgs' | 'clientSigalgs';

function text(
  name: string,
  args: string,
  field: TextField,
  missing: string,
  doc: string,
  places = lines,
): TlsOption {
  return {
    name,
    args,
    doc,
    places,
    missing,
    set: (settings, value) => {
      settings[field] = value;
    },
  };
}

function word(
  name: string,
  doc: string,
  places: readonly TlsPlace[],
  set: (settings: TlsSettings) => void,
): TlsOption {
  return { name, args: '', doc, places, set };
}

function setVersions(settings: TlsSettings, version: number): void {
  settings.minVersion = version;
  settings.maxVersion = version;
}

function versionOf(value: string): number {
  const index = tlsVersions.indexOf(value);
  if (index < 0) throw new ConfigError(`'${value}' : unknown ssl/tls version`);
  return VERSION_BASE + index;
}

function setVerify(settings: TlsSettings, value: string, { place }: TlsOptionPlace): void {
  const known = place === 'server' ? ['none', 'required'] : ['none', 'optional', 'required'];
  if (!known.includes(value)) {
    const list =
      place === 'server' ? "'none' and 'required'" : "'none', 'optional', and 'required'";
    throw new ConfigError(
      `'verify' : unknown verify method '${value}', only ${list} are supported`,
    );
  }
  settings.verify = value as 'none' | 'optional' | 'required';
}

/** Names that HAProxy would offer as they stand: empty ones are dropped. */
export function protocolNames(value: string, { origin, state }: TlsOptionPlace): string[] {
  const names = value.split(',').filter((name) => name !== '');
  const long = names.find((name) => name.length > 255);
  if (long !== undefined) throw new ConfigError("'alpn' : a protocol name is too long");
  if (!names.includes('h2')) return names;
  state.diagnostics.warning(
    origin,
    "'alpn' : 'h2' is left out: HTTP/2 is not supported yet by sluice.",
  );
  return names.filter((name) => name !== 'h2');
}

function errorIds(name: string, value: string): number[] {
  if (value === 'all') return [-1];
  return value.split(',').map((id) => {
    const number = /^\d+$/.test(id) ? Number(id) : verifyErrors[id];
    if (number !== undefined) return number;
    throw new ConfigError(
      `'${name}' : error constant '${id}' unknown in error IDs list '${value}'`,
    );
  });
}

const suite = 'cipher suite';
const algorithms = 'signature algorithm list';

/** In the manual's order. */
export const tlsOptions: readonly TlsOption[] = [
  {
    name: 'alpn',
    args: '<protocols>',
    doc: 'Protocols to offer in the handshake.',
    places: lines,
    missing: 'the comma-delimited ALPN protocol suite',
    set: (settings, value, at) => {
      settings.alpn = protocolNames(value, at);
    },
  },
  {
    name: 'ca-ignore-err',
    args: '<errors>',
    doc: 'Errors of authorities that do not end the handshake.',
    places: ['bind'],
    missing: 'error IDs list',
    set: (settings, value) => {
      settings.ignoredCaErrors = errorIds('ca-ignore-err', value);
    },
  },
  text('ciphers', '<ciphers>', 'ciphers', suite, 'Ciphers up to TLS 1.2.'),
  text('ciphersuites', '<ciphersuites>', 'ciphersuites', suite, 'Cipher suites of TLS 1.3.'),
  text(
    'client-sigalgs',
    '<sigalgs>',
    'clientSigalgs',
    algorithms,
    'Signature algorithms of clients.',
  ),
  {
    name: 'crt-ignore-err',
    args: '<errors>',
    doc: 'Errors of client certificates that do not end the handshake.',
    places: ['bind'],
    missing: 'error IDs list',
    set: (settings, value) => {
      settings.ignoredErrors = errorIds('crt-ignore-err', value);
    },
  },
  text('curves', '<curves>', 'curves', 'curve suite', 'Curves of the key exchange.'),
  text('ecdhe', '<named curve>', 'ecdhe', 'named curve', 'Curve of ECDHE.', ['bind', 'crt-list']),
  ...shortVersions.map((version, index) =>
    word(`force-${version}`, `This version only: ${version}.`, everywhere, (settings) =>
      setVersions(settings, VERSION_BASE + index),
    ),
  ),
  word('no-alpn', 'No protocol is offered.', ['bind', 'crt-list'], (settings) => {
    settings.alpn = [];
  }),
  word(
    'no-ca-names',
    'Clients are not told which authorities are known.',
    ['bind', 'crt-list'],
    (settings) => {
      settings.trustNames = -1;
    },
  ),
  ...shortVersions.map((version, index) =>
    word(`no-${version}`, `Not this version: ${version}.`, everywhere, (settings) => {
      settings.refusedVersions |= 1 << index;
    }),
  ),
  word('no-ssl-reuse', 'Every session with the server is a new one.', ['server'], (settings) => {
    settings.sessionReuse = false;
  }),
  word('no-strict-sni', 'Takes strict-sni back.', ['bind', 'default'], (settings) => {
    settings.strictSni = false;
  }),
  word('no-tls-tickets', 'No session tickets.', everywhere, (settings) => {
    settings.tickets = false;
  }),
  word('no-verifyhost', 'Takes verifyhost back.', ['server'], (settings) => {
    settings.verifyHost = null;
  }),
  word(
    'prefer-client-ciphers',
    'The order of the client counts.',
    ['bind', 'default'],
    (settings) => {
      settings.preferClientCiphers = true;
    },
  ),
  text('sigalgs', '<sigalgs>', 'sigalgs', algorithms, 'Signature algorithms.'),
  {
    name: 'ssl-max-ver',
    args: '<version>',
    doc: 'Newest version.',
    places: [...lines, 'default'],
    missing: 'the ssl/tls version',
    set: (settings, value) => {
      settings.maxVersion = versionOf(value);
    },
  },
  {
    name: 'ssl-min-ver',
    args: '<version>',
    doc: 'Oldest version.',
    places: [...lines, 'default'],
    missing: 'the ssl/tls version',
    set: (settings, value) => {
      settings.minVersion = versionOf(value);
    },
  },
  word('ssl-reuse', 'Takes no-ssl-reuse back.', ['server'], (settings) => {
    settings.sessionReuse = true;
  }),
  word(
    'strict-sni',
    'No handshake without a matching certificate.',
    ['bind', 'default'],
    (settings) => {
      settings.strictSni = true;
    },
  ),
  word('tls-tickets', 'Session tickets.', everywhere, (settings) => {
    settings.tickets = true;
  }),
  {
    name: 'verify',
    args: '{ none | optional | required }',
    doc: 'Whether the certificate of the peer is verified; servers know no optional.',
    places: lines,
    missing: 'verify method',
    set: setVerify,
  },
  {
    name: 'verifyhost',
    args: '<hostname>',
    doc: 'Name that the certificate of the server must have.',
    places: ['server'],
    missing: 'hostname to verify against',
    set: (settings, value) => {
      settings.verifyHost = value;
    },
  },
];

/** Options of a place by name. */
export function tlsOptionsOf(place: TlsPlace): TlsOption[] {
  return tlsOptions.filter((option) => option.places.includes(place));
}

/** Applies an option. `value` is '' when the argument is missing. */
export function setTlsOption(
  option: TlsOption,
  settings: TlsSettings,
  value: string,
  at: TlsOptionPlace,
): void {
  if (option.args !== '' && value === '') {
    // 3.2 calls it by another name on servers.
    const isList = option.name === 'curves' && at.place === 'server';
    const missing = isList ? 'curves list' : option.missing;
    throw new ConfigError(`'${option.name}' : missing ${missing}`);
  }
  option.set(settings, value, at);
}
