/**
 * The lines of a `crt-list` file (configuration.txt 5.1): a certificate, options in brackets that go
 * over those of the bind line, and the names that it is shown for. Messages are HAProxy's.
 */

import { readFileSync } from 'node:fs';
import { ConfigError } from '../../base/config-error.ts';
import type { CertificateUse, TlsSettings } from '../../model/config.ts';
import { fromByteString } from '../byte-string.ts';
import { setTlsOption, type TlsOptionPlace, tlsOptionsOf } from '../section/tls-option.ts';
import { whyNot } from './certificate.ts';
import { type TrustFiles, trustOptions } from './trust.ts';

interface ListLine {
  crt: string;
  /** Option words; null = no brackets. */
  options: string[] | null;
  filters: string[];
}

const options = tlsOptionsOf('crt-list');

/**
 * Reads a list.
 * @param inherited what the bind line says in front of `crt-list` and behind it
 * @throws ConfigError
 */
export function readCrtList(
  path: string,
  inherited: { settings: TlsSettings; trust: TrustFiles },
  at: TlsOptionPlace,
): CertificateUse[] {
  const { state, origin } = at;
  const file = state.resolvePath(path, origin);
  let text: string;
  try {
    text = readFileSync(fromByteString(file), 'latin1');
  } catch (error) {
    throw new ConfigError(`'crt-list' : cannot open file '${file}' : ${whyNot(error)}`);
  }
  const uses: CertificateUse[] = [];
  const rows = text.split('\n');
  const last = rows.pop()!;
  for (const [index, row] of [...rows, ...(last === '' ? [] : [last])].entries()) {
    const place = `parsing [${file}:${index + 1}]`;
    if (index === rows.length) {
      throw new ConfigError(
        `'crt-list' : ${place}: Missing LF on last line, file might have been truncated at ` +
          `position ${last.length + 1}.`,
      );
    }
    const line = parseLine(row, place);
    if (line !== null) uses.push(...usesOf(line, inherited, at, place));
  }
  return uses;
}

function parseLine(row: string, place: string): ListLine | null {
  const fail = (what: string) => new ConfigError(`'crt-list' : ${place}: ${what}`);
  const text = row.replace(/\r$/, '').trim();
  if (text === '' || text.startsWith('#')) return null;
  if (text.startsWith('[')) throw fail('file must start with a cert');
  const open = text.split('[').length - 1;
  const close = text.split(']').length - 1;
  if (open > 1) throw fail("too many '['");
  if (close > open) throw fail("too many ']'");
  const words = text
    .replace('[', ' [ ')
    .replace(']', ' ] ')
    .split(/[ \t]+/);
  const crt = words[0]!;
  const from = words.indexOf('[');
  if (from < 0) return { crt, options: null, filters: words.slice(1) };
  const until = words.indexOf(']');
  const inside = words.slice(from + 1, until < 0 ? words.length : until);
  const behind = until < 0 ? [] : words.slice(until + 1);
  return {
    crt,
    options: inside.filter((word) => word !== ''),
    filters: [...words.slice(1, from), ...behind].filter((word) => word !== ''),
  };
}

function usesOf(
  line: ListLine,
  inherited: { settings: TlsSettings; trust: TrustFiles },
  at: TlsOptionPlace,
  place: string,
): CertificateUse[] {
  const { state, origin } = at;
  const settings = line.options === null ? null : readOptions(line.options, inherited, at, place);
  const names = line.filters.map((name) => name.toLowerCase());
  let found: ReturnType<typeof state.certificates.load>;
  try {
    found = state.certificates.load(line.crt, 'crt-list');
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`'crt-list' : ${problem.message}`);
  }
  const isWildcard = (name: string) => name.startsWith('*');
  if (names.some((name) => name.startsWith('!')) && !names.some(isWildcard)) {
    const { file, line: number } = origin;
    state.diagnostics.warning(
      null,
      `parsing [${file}:${number}]: crt-list: negative filters on crt-list line "${found[0]?.config.name ?? line.crt}" ` +
        "without a positive wildcard filter won't do anything!",
    );
  }
  return found.map((certificate) => ({
    certificate: certificate.config,
    names: names.length > 0 ? names : certificate.names,
    settings,
  }));
}

function readOptions(
  words: readonly string[],
  inherited: { settings: TlsSettings; trust: TrustFiles },
  at: TlsOptionPlace,
  place: string,
): TlsSettings {
  const { state } = at;
  const settings = { ...inherited.settings };
  const trust = { ...inherited.trust };
  const where: TlsOptionPlace = { ...at, place: 'crt-list' };
  for (let i = 0; i < words.length; i++) {
    const name = words[i]!;
    const file = trustOptions[name];
    const option = options.find((row) => row.name === name);
    if (file === undefined && option === undefined) {
      throw new ConfigError(`'crt-list' : ${place}: unknown ssl keyword ${name}`);
    }
    const takes = file !== undefined || option!.args !== '';
    if (takes && words[i + 1] === undefined) {
      throw new ConfigError(`'crt-list' : ${place}: ssl args out of '[]' for ${name}`);
    }
    const value = takes ? words[++i]! : '';
    try {
      if (file !== undefined) {
        const { caBase } = state.global.tls;
        trust[file] = state.trust.check(name, value, caBase, (text) =>
          state.diagnostics.error(null, text),
        );
      } else {
        setTlsOption(option!, settings, value, where);
      }
    } catch (problem) {
      if (!(problem instanceof ConfigError)) throw problem;
      throw new ConfigError(`'crt-list' : ${problem.message}`);
    }
  }
  state.trust.finish(settings, trust);
  return settings;
}
