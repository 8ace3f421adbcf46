/** `balance` and what belongs to it: `hash-type`, `hash-balance-factor`, `hash-preserve-affinity` (4.2). */
import { needsHttp, parseBalance } from '../../balance/registry.ts';
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig, HashAffinity, HashTypeConfig } from '../../model/config.ts';
import { parseExpression } from '../../rules/expression.ts';
import { fetchRow } from '../../rules/fetch/registry.ts';
import { placeNeed } from '../../rules/place.ts';
import { Place } from '../../rules/scope.ts';
import type { ProxyDraft } from './draft.ts';
import { type KeywordLine, Sign } from './keyword.ts';
import { scopeOf } from './rule.ts';
import type { ParserState } from './state.ts';
import { leadingInteger, sectionName } from './words.ts';

const PLACE = Place.Server;

export function parseBalanceLine(draft: ProxyDraft, line: KeywordLine): void {
  draft.config.balance = parseBalance(line.words.slice(1));
}

const methods: readonly HashTypeConfig['method'][] = ['map-based', 'consistent'];
const functions: readonly HashTypeConfig['function'][] = ['sdbm', 'djb2', 'wt6', 'crc32', 'none'];

export function parseHashType(draft: ProxyDraft, line: KeywordLine): void {
  const [, methodWord = '', functionWord = '', modifier = ''] = line.words;
  if (methodWord === 'avalanche') {
    throw new ConfigError(
      "experimental feature 'hash-type avalanche' is not supported anymore, please use " +
        "'hash-type map-based sdbm avalanche' instead.",
    );
  }
  const method = methods.find((name) => name === methodWord);
  if (method === undefined) {
    throw new ConfigError("'hash-type' only supports 'consistent' and 'map-based'.");
  }
  if (functionWord === '') {
    // Without a function, sdbm; a ring needs its bits mixed.
    draft.config.hashType = { method, function: 'sdbm', avalanche: method === 'consistent' };
    return;
  }
  const hash = functions.find((name) => name === functionWord);
  if (hash === undefined) {
    throw new ConfigError(
      "'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions.",
    );
  }
  if (modifier !== '' && modifier !== 'avalanche') {
    throw new ConfigError(
      "'hash-type' only supports 'avalanche' as a modifier for hash functions.",
    );
  }
  draft.config.hashType = { method, function: hash, avalanche: modifier !== '' };
}

export function parseBalanceFactor(draft: ProxyDraft, line: KeywordLine): void {
  const value = leadingInteger(line.words[1], 'hash-balance-factor', line);
  if (value === null) throw new ConfigError("'hash-balance-factor' expects an integer argument.");
  if (value !== 0 && value <= 100) {
    throw new ConfigError("'hash-balance-factor' must be 0 or greater than 100.");
  }
  draft.config.hashBalanceFactor = value;
}

const affinities: readonly HashAffinity[] = ['always', 'maxconn', 'maxqueue'];

export function parsePreserveAffinity(draft: ProxyDraft, line: KeywordLine): void {
  const [name, word = ''] = line.words;
  if (word === '') {
    throw new ConfigError(`'${name}' needs a keyword to specify when to preserve hash affinity`);
  }
  const found = affinities.find((affinity) => affinity === word);
  if (found === undefined) throw new ConfigError(`'${name}': unknown keyword '${word}'`);
  draft.config.hashPreserveAffinity = found;
}

/** What depends on the mode, which may come behind `balance`: once the section is complete. */
export function resolveBalance(draft: ProxyDraft, state: ParserState): void {
  const { config } = draft;
  const name = `${sectionName(draft)} '${draft.name}'`;
  if (config.mode !== 'http' && needsHttp(config.balance.algorithm)) {
    state.diagnostics.warning(
      null,
      `Layer 7 hash not possible for ${name} (needs 'mode http'). Falling back to round robin.`,
    );
    config.balance = parseBalance([]);
  }
  if (config.balance.algorithm !== 'hash') return;
  const text = String(config.balance.args[0]);
  try {
    config.balance.expr = parseKey(draft, text, state);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    const { file, line } = draft.origin;
    state.diagnostics.error(null, `${name} [${file}:${line}]: ${problem.message}.`);
  }
}

function parseKey(draft: ProxyDraft, text: string, state: ParserState): ExprConfig {
  const line: KeywordLine = { words: ['balance'], origin: draft.origin, sign: Sign.Set, state };
  const row = fetchRow(/^[^(,\s]*/.exec(text)![0]);
  const need = row ? placeNeed(row.valid, PLACE) : null;
  if (need !== null) {
    throw new ConfigError(
      `error detected while parsing 'balance hash' expression '${text}' which requires ` +
        `information from ${need}, which is not available here`,
    );
  }
  try {
    return parseExpression(text, scopeOf(draft, line, PLACE));
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(
      `failed to parse 'balance hash' expression '${text}' in : ${problem.message}`,
    );
  }
}
