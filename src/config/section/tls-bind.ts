/** Options of `bind` lines about TLS (configuration.txt 5.1), and what follows from all of a line. */
import { ConfigError } from '../../base/config-error.ts';
import type { CertificateUse } from '../../model/config.ts';
import { opensslFor } from '../tls/certificate.ts';
import { readCrtList } from '../tls/crt-list.ts';
import { readTicketKeys } from '../tls/ticket-keys.ts';
import { trustOptions } from '../tls/trust.ts';
import type { BindLine, BindOptionRow, CertificateSource } from './bind-option.ts';
import { setTlsOption, tlsOptionsOf } from './tls-option.ts';
import type { WordPlace } from './words.ts';

function source(kind: CertificateSource['kind'], args: string, doc: string): BindOptionRow {
  return {
    name: kind,
    args,
    doc,
    parse: (line, value, at) => {
      if (value === '') throw new ConfigError(`'${kind}' : missing certificate location`);
      line.sources.push({ kind, path: value });
      // What is wrong with a file is said at its place in the line.
      if (kind !== 'crt-list') at.state.certificates.load(value, kind);
    },
  };
}

function trust(name: keyof typeof trustOptions, what: string, doc: string): BindOptionRow {
  return {
    name,
    args: what === 'CRLfile' ? '<crlfile>' : '<cafile>',
    doc,
    parse: (line, value, { state }) => {
      if (value === '') throw new ConfigError(`'${name}' : missing ${what} path`);
      const alert = (text: string) => state.diagnostics.error(null, text);
      line.trust[trustOptions[name]!] = state.trust.check(
        name,
        value,
        state.global.tls.caBase,
        alert,
      );
    },
  };
}

export const tlsBindOptions: readonly BindOptionRow[] = [
  trust('ca-file', 'CAfile', 'Authorities that sign client certificates.'),
  trust('ca-verify-file', 'CAfile', 'Authorities that clients are not told of.'),
  trust('crl-file', 'CRLfile', 'Client certificates that are revoked.'),
  source('crt', '<cert>', 'Certificate with its key: a file, or a folder of them.'),
  source('crt-list', '<file>', 'List of certificates with options and names.'),
  source('default-crt', '<cert>', 'As crt, also shown when no name fits.'),
  {
    name: 'ssl',
    args: '',
    doc: 'Connections are encrypted (TLS) and decrypted here.',
    parse: (line) => {
      opensslFor('ssl');
      for (const bind of line.binds) bind.ssl = true;
    },
  },
  {
    name: 'tls-ticket-keys',
    args: '<keyfile>',
    doc: 'Keys of session tickets, shared with other programs.',
    parse: (line, value, { state, origin }) => {
      if (value === '')
        throw new ConfigError("'tls-ticket-keys' : missing TLS ticket keys file path");
      const keys = readTicketKeys(value, state.readBytes(value, origin));
      for (const bind of line.binds) bind.ticketKeys = keys;
    },
  },
  ...tlsOptionsOf('bind').map(
    (option): BindOptionRow => ({
      name: option.name,
      args: option.args,
      doc: option.doc,
      parse: (line, value, at) => setTlsOption(option, line.tls, value, { ...at, place: 'bind' }),
    }),
  ),
];

/** What can be settled when all options of a line are known. */
export function finishTlsBind(line: BindLine, at: WordPlace): void {
  const { state, origin } = at;
  state.trust.finish(line.tls, line.trust);
  const inherited = { settings: line.tls, trust: line.trust };
  const where = { state, origin, place: 'bind' } as const;
  const uses = line.sources.flatMap(({ kind, path }): CertificateUse[] => {
    if (kind === 'crt-list') return readCrtList(path, inherited, where);
    return state.certificates.load(path, kind).map(({ config, names }) => ({
      certificate: config,
      names: kind === 'default-crt' ? [...names, '*'] : names,
      settings: null,
    }));
  });
  // The first certificate of a line stands in where no name fits.
  const first = uses[0];
  if (first !== undefined && !first.names.includes('*')) {
    uses[0] = { ...first, names: [...first.names, '*'] };
  }
  for (const bind of line.binds) {
    bind.tls = line.tls;
    bind.certificates = uses;
  }
}
