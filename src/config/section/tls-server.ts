/** Options of `server` and `default-server` lines about TLS (configuration.txt 5.2). */
import { ConfigError } from '../../base/config-error.ts';
import type { CertificateConfig } from '../../model/config.ts';
import { opensslFor } from '../tls/certificate.ts';
import { trustOptions } from '../tls/trust.ts';
import type { ServerOptionLine, ServerOptionRow } from './server-option.ts';
import type { ParserState } from './state.ts';
import { setTlsOption, tlsOptionsOf } from './tls-option.ts';

function trust(name: keyof typeof trustOptions, what: string, doc: string): ServerOptionRow {
  return {
    name,
    args: what === 'CRLfile' ? '<crlfile>' : '<cafile>',
    doc,
    parse: (line, value) => {
      if (value === '') throw new ConfigError(`'${name}' : missing ${what} path`);
      const { state, settings } = line;
      const { file, line: number } = line.origin;
      const alert = (text: string) =>
        state.diagnostics.error(null, `[${file}:${number}] : ${line.subject} : ${text}`);
      const found = state.trust.check(name, value, state.global.tls.caBase, alert);
      settings.trust[trustOptions[name]!] = found;
    },
  };
}

function waiting(name: string, args: string, missing: string, doc: string): ServerOptionRow {
  return {
    name,
    args,
    doc,
    waitsFor: 'checks over TLS',
    parse: ({ settings: { server } }, value) => {
      if (args !== '' && value === '') throw new ConfigError(`'${name}' : missing ${missing}`);
      server.waiting[name] = args === '' ? true : value;
    },
  };
}

/** Messages about servers get their full stop later. */
function loadCertificate(state: ParserState, path: string): CertificateConfig | null {
  try {
    return state.certificates.load(path, 'crt')[0]?.config ?? null;
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(problem.message.replace(/\.$/, ''));
  }
}

export const tlsServerOptions: readonly ServerOptionRow[] = [
  trust('ca-file', 'CAfile', 'Authorities that sign certificates of servers; @system-ca.'),
  waiting(
    'check-alpn',
    '<protocols>',
    'the comma-delimited ALPN protocol suite',
    'As alpn, for checks.',
  ),
  waiting('check-sni', '<sni>', 'SNI', 'Name to send in checks.'),
  trust('crl-file', 'CRLfile', 'Certificates of servers that are revoked.'),
  {
    name: 'crt',
    args: '<cert>',
    doc: 'Certificate with its key that the server is shown.',
    parse: ({ settings: { server }, state }, value) => {
      if (value === '') throw new ConfigError("'crt' : missing certificate file path");
      server.certificate = loadCertificate(state, value);
    },
  },
  waiting('no-check-ssl', '', '', 'Checks without TLS.'),
  {
    name: 'no-ssl',
    args: '',
    doc: 'Takes ssl of default-server back.',
    parse: ({ settings: { server } }) => {
      server.ssl = false;
    },
  },
  {
    name: 'sni',
    args: '<expression>',
    doc: 'Name that the server is told, and that its certificate must have.',
    parse: ({ settings }, value) => {
      if (value === '') throw new ConfigError("'sni' : missing sni expression");
      settings.sni = value;
    },
  },
  {
    name: 'ssl',
    args: '',
    doc: 'Connections to the server are encrypted (TLS).',
    parse: ({ settings: { server } }) => {
      opensslFor('ssl');
      server.ssl = true;
    },
  },
  ...tlsOptionsOf('server').map(
    (option): ServerOptionRow => ({
      name: option.name,
      args: option.name === 'verify' ? '{ none | required }' : option.args,
      doc: option.doc,
      parse: (line, value) => {
        setTlsOption(option, line.settings.server.tls, value, { ...line, place: 'server' });
      },
    }),
  ),
];

/** What can be settled when all options of a line are known. */
export function finishTlsServer(line: ServerOptionLine): void {
  const { settings, state } = line;
  state.trust.finish(settings.server.tls, settings.trust);
}
