/**
 * Lines to a Configuration (configuration.txt 2.1, 3, 4 and 12.5).
 *
 * The parser reads lines one by one, because `setenv` of one line is seen by the next. It never
 * stops at an error: the error is recorded with the line's location and the next line is read, so
 * that one run shows everything that is wrong with a file.
 */
import { ConfigError } from '../base/config-error.ts';
import { isKnownKeyword, isKnownSection } from '../base/known-keywords.ts';
import { proxyWords, sectionWords } from '../base/known-words.ts';
import { nearest } from '../base/nearest.ts';
import type { HostResolver } from '../base/value/address.ts';
import type { Configuration, GlobalConfig, MailersConfig, Origin } from '../model/config.ts';
import { defaultGlobal } from '../model/defaults.ts';
import type { ConditionContext } from './conditions.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { Environment } from './environment.ts';
import { finishConfiguration } from './finish.ts';
import type { ConfigLine } from './line.ts';
import { ConfigReader, type ConfigSource } from './reader.ts';
import { keywords, obsolete } from './registry.ts';
import { type Accounts, systemAccounts } from './section/account.ts';
import type { HttpErrors, ProxyDraft, ProxySection, UserlistDraft } from './section/draft.ts';
import { openHttpErrors } from './section/error.ts';
import { openSection } from './section/inherit.ts';
import {
  type KeywordLine,
  type KeywordRow,
  type ProxyKeywordRow,
  Sign,
  Where,
} from './section/keyword.ts';
import { openMailers } from './section/mailers.ts';
import { newRing } from './section/ring.ts';
import { ParserState, type RingDraft } from './section/state.ts';
import { openUserlist } from './section/userlist.ts';
import { badNameCharacter, refuseExtra, tightError } from './section/words.ts';
import { shareEqualParts } from './share.ts';
import { validate } from './validate.ts';

export interface ParserInput {
  sources: ConfigSource[];
  env: Environment;
  diagnostics: Diagnostics;
  conditionContext: ConditionContext;
  /** Where user and group names are looked up; the system's files unless a test says otherwise. */
  accounts?: Accounts;
  /** How host names are looked up; by the system unless a test says otherwise. */
  resolveHost?: HostResolver;
  /** `-dr`: servers may have names that do not resolve. */
  allowsUnresolved?: boolean;
}

/** The section that lines go to. */
type Current =
  | { kind: 'none' }
  | { kind: 'global'; global: GlobalConfig }
  | { kind: 'proxy'; draft: ProxyDraft }
  | { kind: 'ring'; ring: RingDraft }
  | { kind: 'userlist'; userlist: UserlistDraft }
  | { kind: 'mailers'; mailers: MailersConfig }
  | { kind: 'http-errors'; section: HttpErrors }
  /** A section that is known but not supported: its lines are not looked at. */
  | { kind: 'skipped' };

/**
 * Parses and validates. The result is what could be understood; whether it may be used is said by
 * `diagnostics.errors`.
 */
export function parseConfiguration(input: ParserInput): Configuration {
  const state = new ParserState(
    defaultGlobal(),
    input.diagnostics,
    input.env,
    input.accounts ?? systemAccounts,
  );
  state.allowsUnresolved = input.allowsUnresolved ?? false;
  const reader = new ConfigReader(
    input.sources,
    input.env,
    input.diagnostics,
    input.conditionContext,
    input.resolveHost,
  );
  let current: Current = { kind: 'none' };
  let file = '';
  let last = 0;
  for (const line of reader.lines()) {
    if (line.file !== file || line.line <= last) {
      // 2.1: a file cannot continue a section of the one before it.
      current = { kind: 'none' };
      file = line.file;
    }
    last = line.line;
    current = parseLine(line, current, state);
  }
  const config = finishConfiguration(state);
  validate(config, state);
  shareEqualParts(config);
  return config;
}

function parseLine(line: ConfigLine, current: Current, state: ParserState): Current {
  const origin: Origin = { file: line.file, line: line.line };
  try {
    const opened = openAnySection(line.words, origin, state);
    if (opened !== null) return opened;
    parseKeyword(readSign(line.words, origin, state), current);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    state.diagnostics.error(origin, problem.message);
  }
  return current;
}

const proxySections: readonly string[] = ['defaults', 'frontend', 'backend', 'listen'];

/** The section that the line opens, or null when the line is a keyword of the current one. */
function openAnySection(words: string[], origin: Origin, state: ParserState): Current | null {
  const keyword = words[0]!;
  if (keyword === 'global') {
    try {
      refuseExtra(words, 0);
    } catch (problem) {
      if (!(problem instanceof ConfigError)) throw problem;
      state.diagnostics.error(origin, problem.message);
    }
    return { kind: 'global', global: state.global };
  }
  if (proxySections.includes(keyword)) {
    // `default`/`no` never precede a section, and no keyword of a section has these names.
    const draft = openSection(keyword as ProxySection, words, origin, state);
    return { kind: 'proxy', draft };
  }
  if (keyword === 'ring') return openRing(words, origin, state);
  if (keyword === 'http-errors') {
    return { kind: 'http-errors', section: openHttpErrors(words, origin, state) };
  }
  if (keyword === 'mailers') {
    return { kind: 'mailers', mailers: openMailers(words, origin, state) };
  }
  if (keyword === 'userlist') {
    return { kind: 'userlist', userlist: openUserlist(words, origin, state) };
  }
  if (isKnownSection(keyword)) {
    state.diagnostics.error(origin, `section '${keyword}' is not supported yet by sluice`);
    return { kind: 'skipped' };
  }
  return null;
}

function openRing(words: string[], origin: Origin, state: ParserState): Current {
  const name = words[1] ?? '';
  const ring = newRing(name, origin, state.global.tune.bufsize);
  const bad = badNameCharacter(name);
  const other = state.rings.find((candidate) => candidate.config.name === name);
  let problem: string | null = null;
  if (name === '') problem = 'missing ring name.';
  else if (bad !== null)
    problem = `invalid ring name '${name}' (character '${bad}' is not permitted).`;
  else if (other !== undefined) {
    problem =
      `sink named '${name}' already exists, declared at ` +
      `${other.config.file}:${other.config.line}.`;
  }
  if (problem === null) state.rings.push(ring);
  else {
    state.diagnostics.error(origin, problem);
    state.sectionLost = true;
  }
  return { kind: 'ring', ring };
}

/** Takes a leading `no` or `default` away (4.1). */
function readSign(words: string[], origin: Origin, state: ParserState): KeywordLine {
  const line: KeywordLine = { words, origin, sign: Sign.Set, state };
  if (words[0] !== 'no' && words[0] !== 'default') return line;
  if (words.length < 2) return line;
  return {
    ...line,
    words: words.slice(1),
    sign: words[0] === 'no' ? Sign.No : Sign.Default,
  };
}

function parseKeyword(line: KeywordLine, current: Current): void {
  switch (current.kind) {
    case 'none':
      throw tightError(`unknown keyword '${line.words[0]}' out of section.`);
    case 'skipped':
      return;
    case 'global':
      return parseGlobalKeyword(current.global, line);
    case 'ring':
      return dispatch(current.ring, line, 'ring', keywords.ring, []);
    case 'http-errors':
      return dispatch(current.section, line, 'http-errors', keywords['http-errors'], []);
    case 'mailers':
      return dispatch(current.mailers, line, 'mailers', keywords.mailers, []);
    case 'userlist':
      return dispatch(current.userlist, line, 'userlist', keywords.userlist, []);
    case 'proxy':
      return parseProxyKeyword(current.draft, line);
  }
}

/**
 * Settings of `global` of which the first line counts, as when several files have them (3.1), by
 * what is set.
 */
const firstCounts: ReadonlyMap<string, string> = new Map([
  ['chroot', 'chroot'],
  ['gid', 'group'],
  ['group', 'group'],
  ['log-send-hostname', 'log-send-hostname'],
  ['maxconn', 'maxconn'],
  ['pidfile', 'pidfile'],
  ['server-state-base', 'server-state-base'],
  ['spread-checks', 'spread-checks'],
  ['uid', 'user'],
  ['ulimit-n', 'ulimit-n'],
  ['user', 'user'],
]);

function parseGlobalKeyword(global: GlobalConfig, line: KeywordLine): void {
  const setting = firstCounts.get(line.words[0]!);
  const { seenGlobal, diagnostics } = line.state;
  if (setting !== undefined && seenGlobal.has(setting)) {
    diagnostics.warning(line.origin, `'${setting}' already specified. Continuing.`);
    return;
  }
  dispatch(global, line, 'global', keywords.global, obsolete.global);
  if (setting !== undefined) seenGlobal.add(setting);
}

function dispatch<Target>(
  target: Target,
  line: KeywordLine,
  section: string,
  rows: readonly KeywordRow<Target>[],
  older: readonly KeywordRow<Target>[],
): void {
  const row = findRow(line, rows) ?? findRow(line, older);
  if (row === undefined) throw unknownKeyword(line, section, rows);
  checkSign(line, row);
  row.parse(target, line);
}

function parseProxyKeyword(draft: ProxyDraft, line: KeywordLine): void {
  const row = findRow(line, keywords.proxy) ?? findRow(line, obsolete.proxy);
  if (row === undefined) throw unknownKeyword(line, draft.section, keywords.proxy);
  checkSign(line, row);
  if (isAllowedHere(draft, line, row)) row.parse(draft, line);
}

function findRow<Row extends { name: string }>(
  line: KeywordLine,
  rows: readonly Row[],
): Row | undefined {
  return rows.find((row) => row.name === line.words[0]);
}

function checkSign<Target>(line: KeywordLine, row: KeywordRow<Target>): void {
  if (line.sign === Sign.Set || row.negatable === true) return;
  throw tightError('negation/default currently supported only for options, log and strict-limits.');
}

/** The matrix of section 4.1: an error in `defaults`, a warning on the wrong side. */
function isAllowedHere(
  draft: ProxyDraft,
  line: KeywordLine,
  row: ProxyKeywordRow<ProxyDraft>,
): boolean {
  const { section, name } = draft;
  if (section === 'defaults') {
    if ((row.where & Where.Defaults) !== 0) return true;
    const isNamed = (row.where & Where.NamedDefaults) !== 0;
    if (isNamed && name !== '') return true;
    const what = isNamed ? "anonymous 'defaults'" : "'defaults'";
    const text = `'${row.name}' not allowed in ${what} section.`;
    throw row.tight === true ? tightError(text) : new ConfigError(text);
  }
  const both = Where.Frontend | Where.Backend;
  const lacks = missingSide(section, row.where & both);
  if (lacks === null) return true;
  if (row.strict === true) {
    throw new ConfigError(
      `'${row.name}' not allowed because ${section} '${name}' has no ${lacks} capability.`,
    );
  }
  line.state.diagnostics.warning(
    line.origin,
    `'${row.name}' ignored because ${section} '${name}' has no ${lacks} capability.` +
      (row.hint ?? ''),
  );
  return false;
}

function missingSide(section: ProxySection, sides: number): 'backend' | 'frontend' | null {
  if (section === 'frontend' && sides === Where.Backend) return 'backend';
  if (section === 'backend' && sides === Where.Frontend) return 'frontend';
  return null;
}

function unknownKeyword(
  line: KeywordLine,
  section: string,
  rows: readonly { name: string }[],
): ConfigError {
  const word = line.words[0]!;
  if (isKnownKeyword(section, line.words) || isKnownKeyword(section, [word])) {
    return new ConfigError(`'${word}' is not supported yet by sluice`);
  }
  const known = section in sectionWords ? sectionWords[section]! : proxyWords;
  const near = nearest(word, [...rows.map((row) => row.name), ...known.trim().split(/\s+/)]);
  const hint = near === null ? '' : `; did you mean '${near}' maybe ?`;
  return new ConfigError(`unknown keyword '${word}' in '${section}' section${hint}`);
}
