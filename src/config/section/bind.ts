/**
 * `bind` lines and the address words of old section lines (4.2 "bind", 5.1).
 *
 * One line may name several addresses and port ranges: each becomes a listener of its own with the
 * same options. `stats socket` lines go through the same table (3.1).
 */
import { ConfigError } from '../../base/config-error.ts';
import { isKnownBindOption, knownKeywords } from '../../base/known-keywords.ts';
import { nearest } from '../../base/nearest.ts';
import { parseAddress, splitAddressList, type Variables } from '../../base/value/address.ts';
import type { BindConfig, Origin } from '../../model/config.ts';
import { defaultBind, defaultTlsSettings } from '../../model/defaults.ts';
import { noTrust } from '../tls/trust.ts';
import {
  type BindLine,
  type BindOptionRow,
  bindOptions,
  obsoleteBindOptions,
} from './bind-option.ts';
import type { ParserState } from './state.ts';
import { finishTlsBind, tlsBindOptions } from './tls-bind.ts';

/**
 * Parses an address word and its options into listeners that are not yet part of a proxy.
 *
 * @param words the words after `bind`: addresses, then options
 * @param subject how messages call the line, e.g. `'bind :80' in section 'frontend'`
 * @throws ConfigError with the complete message
 */
export function parseBindWords(
  words: readonly string[],
  subject: { address: string; options: string },
  origin: Origin,
  state: ParserState,
): BindLine {
  const text = words[0] ?? '';
  const line: BindLine = {
    binds: [],
    level: null,
    idGiven: false,
    tls: defaultTlsSettings(),
    trust: noTrust(),
    sources: [],
    subject: subject.options,
  };
  for (const address of parseListenAddresses(text, subject.address, state.env)) {
    const { portOffset: _, ...plain } = address;
    if (plain.family === 'unix' && state.unixBind.prefix !== '') {
      plain.path = state.unixBind.prefix + plain.path;
    }
    line.binds.push(defaultBind(line.binds.length, plain, origin));
  }
  for (const bind of line.binds) {
    if (bind.address.family !== 'unix') continue;
    bind.mode = state.unixBind.mode;
    bind.uid = state.unixBind.uid;
    bind.gid = state.unixBind.gid;
  }
  parseBindOptions(words, line, origin, state);
  return line;
}

function parseListenAddresses(
  text: string,
  subject: string,
  variables: Variables,
): ReturnType<typeof parseAddress> {
  try {
    return splitAddressList(text).flatMap((address) =>
      parseAddress(address, { port: 'required', range: true }, variables),
    );
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`${subject} : ${problem.message}`);
  }
}

/** All options of `bind` lines. */
export const bindKeywords: readonly BindOptionRow[] = [...bindOptions, ...tlsBindOptions];

function parseBindOptions(
  words: readonly string[],
  line: BindLine,
  origin: Origin,
  state: ParserState,
): void {
  let at = 1;
  while (at < words.length) {
    const word = words[at]!;
    const row = bindKeywords.find((candidate) => candidate.name === word);
    const obsolete = obsoleteBindOptions[word];
    if (obsolete !== undefined) {
      state.diagnostics.warning(origin, `${line.subject} : ${obsolete}`);
      at += 2;
      continue;
    }
    if (row === undefined) throw unknownOption(word, line.subject);
    const takes = row.args === '' ? 0 : 1;
    const value = takes === 1 ? words[at + 1] : undefined;
    try {
      row.parse(line, value ?? '', { origin, state });
    } catch (problem) {
      if (!(problem instanceof ConfigError)) throw problem;
      throw new ConfigError(`${line.subject} : ${problem.message}`);
    }
    at += 1 + takes;
  }
  try {
    finishTlsBind(line, { origin, state });
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`${line.subject} : ${problem.message}`);
  }
}

function unknownOption(word: string, subject: string): ConfigError {
  if (isKnownBindOption(word)) {
    return new ConfigError(`${subject} : '${word}' is not supported yet by sluice`);
  }
  const near = nearest(word, knownKeywords('bind'));
  const hint = near === null ? '.' : `; did you mean '${near}' maybe ?`;
  return new ConfigError(`${subject}: unknown keyword '${word}'${hint}`);
}

/** Appends the listeners of a line to those that a proxy has already. */
export function appendBinds(into: BindConfig[], line: BindLine): void {
  for (const bind of line.binds) {
    bind.index = into.length;
    into.push(bind);
  }
}
