/**
 * `stats` lines of proxies (4.2): the statistics page. The lines become rules that run behind those of
 * `http-request` and in front of `redirect`; accounts of `stats auth` become a userlist.
 */
import { ConfigError } from '../../base/config-error.ts';
import { DurationError, parseDuration } from '../../base/value/duration.ts';
import {
  type ConditionConfig,
  type ProxyConfig,
  type RuleConfig,
  RuleStage,
  type StatsConfig,
  type UserConfig,
  type UserlistConfig,
} from '../../model/config.ts';
import { parseCondition } from '../../rules/condition.ts';
import { Place } from '../../rules/scope.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { makeRule, scopeOf } from './rule.ts';
import { explained, tightError } from './words.ts';

const DEFAULT_REALM = 'HAProxy Statistics';

/** 4.2 "stats enable". */
function defaultStats(): StatsConfig {
  return {
    uri: '/haproxy?stats',
    realm: null,
    users: [],
    refreshSeconds: 0,
    scope: [],
    showsVersion: false,
    showsNode: false,
    node: null,
    description: null,
    showsDescription: false,
    showsLegends: false,
    showsModules: false,
    rules: [],
    admins: [],
  };
}

type Parse = (stats: StatsConfig, line: KeywordLine, draft: ProxyDraft) => void;

/** The argument of a line. HAProxy does not look at what follows it, so that is a warning. */
function argument(line: KeywordLine, missing: string): string {
  const word = line.words[2] ?? '';
  if (word === '') throw new ConfigError(missing);
  warnExtra(line, 3);
  return word;
}

function warnExtra(line: KeywordLine, from: number): void {
  const { words } = line;
  if (words.length <= from) return;
  line.state.diagnostics.warning(
    line.origin,
    `'stats ${words[1]}' does not look at '${words.slice(from).join(' ')}'.`,
  );
}

function parseAuth(stats: StatsConfig, line: KeywordLine): void {
  const word = argument(line, "'auth' needs a user:password account.");
  const colon = word.indexOf(':');
  const name = colon < 0 ? word : word.slice(0, colon);
  if (stats.users.some((user) => user.name === name)) {
    const text = `uri auth: ignoring duplicated user '${name}'.`;
    return line.state.diagnostics.warning(null, text);
  }
  stats.users.push({ name, password: colon < 0 ? '' : word.slice(colon + 1) });
}

function parseRefresh(stats: StatsConfig, line: KeywordLine): void {
  const word = argument(line, "'refresh' needs a delay, in seconds.");
  try {
    stats.refreshSeconds = Math.floor(parseDuration(word, 's', '', () => {}) / 1000);
  } catch (problem) {
    if (!(problem instanceof DurationError)) throw problem;
    if (problem.fault === 'overflow') {
      throw tightError(`timer overflow in argument '${word}' to stats refresh interval.`);
    }
    throw tightError(
      `unexpected character '${problem.character}' in argument to stats refresh interval.`,
    );
  }
}

function parseShowNode(stats: StatsConfig, line: KeywordLine): void {
  const name = line.words[2] ?? '';
  if (!/^[A-Za-z0-9_-]*$/.test(name)) {
    throw tightError(
      "'stats show-node' invalid node name - should be a string with digits(0-9), " +
        'letters(A-Z, a-z), hyphen(-) or underscode(_).',
    );
  }
  warnExtra(line, 3);
  stats.showsNode = true;
  stats.node = name === '' ? null : name;
}

function parseShowDescription(stats: StatsConfig, line: KeywordLine): void {
  const text = line.words.slice(2).join(' ');
  if (text === '' && line.state.global.description === null) {
    return line.state.diagnostics.warning(
      line.origin,
      ": 'show-desc' requires a parameter or 'desc' to be set in the global section.",
    );
  }
  stats.showsDescription = true;
  stats.description = text === '' ? null : text;
}

function parseAdmin(stats: StatsConfig, line: KeywordLine, draft: ProxyDraft): void {
  const condition = line.words.slice(2);
  if (condition[0] !== 'if' && condition[0] !== 'unless') {
    throw new ConfigError(
      "'stats admin' requires either 'if' or 'unless' followed by a condition.",
    );
  }
  const scope = scopeOf(draft, line, placeOf(draft));
  stats.admins.push(
    explained("error detected while parsing a 'stats admin' rule : ", () =>
      parseCondition(condition, scope),
    ),
  );
}

function placeOf(draft: ProxyDraft): Place {
  return draft.section === 'backend' ? Place.BackendRequestHeader : Place.FrontendRequestHeader;
}

function flag(set: (stats: StatsConfig) => void): Parse {
  return (stats, line) => {
    warnExtra(line, 2);
    set(stats);
  };
}

/** By the second word. */
const parsers: Readonly<Record<string, Parse>> = {
  admin: parseAdmin,
  auth: parseAuth,
  enable: flag(() => {}),
  'hide-version': flag((stats) => {
    stats.showsVersion = false;
  }),
  'http-request': (stats, line, draft) => {
    stats.rules.push(makeRule(draft, line, 'http-request', line.words.slice(2)));
  },
  realm: (stats, line) => {
    stats.realm = argument(line, "'realm' needs an realm name.");
  },
  refresh: parseRefresh,
  scope: (stats, line) => {
    stats.scope.push(argument(line, "'scope' needs a proxy name."));
  },
  'show-desc': parseShowDescription,
  'show-legends': flag((stats) => {
    stats.showsLegends = true;
  }),
  'show-modules': flag((stats) => {
    stats.showsModules = true;
  }),
  'show-node': parseShowNode,
  'show-version': flag((stats) => {
    stats.showsVersion = true;
  }),
  uri: (stats, line) => {
    stats.uri = argument(line, "'uri' needs an URI prefix.");
  },
};

export const statsWords = Object.keys(parsers);

export function parseProxyStats(draft: ProxyDraft, line: KeywordLine): void {
  const word = line.words[1] ?? '';
  const parse = Object.hasOwn(parsers, word) ? parsers[word] : undefined;
  if (parse === undefined) {
    const names = statsWords.map((name) => `'${name}'`);
    const list = `expects ${names.slice(0, -1).join(', ')} or ${names.at(-1)}.`;
    throw tightError(
      word === ''
        ? `missing keyword in 'stats', ${list}`
        : `unknown stats parameter '${word}', ${list}`,
    );
  }
  if (draft.section === 'defaults' && (word === 'admin' || word === 'http-request')) {
    const name = word === 'admin' ? 'stats admin' : 'stats';
    throw tightError(`'${name}' not allowed in 'defaults' section.`);
  }
  draft.seen['stats'] ??= line.origin;
  // The first line of a section leaves the page of its `defaults` behind, as a whole.
  if (!draft.ownStats) draft.config.stats = null;
  draft.ownStats = true;
  const stats = draft.config.stats ?? defaultStats();
  draft.config.stats = stats;
  parse(stats, line, draft);
}

/**
 * Adds the rules of the page to those of the proxy.
 * @param userlists where the accounts of `stats auth` go
 */
export function addStatsRules(proxy: ProxyConfig, userlists: UserlistConfig[]): void {
  const { stats } = proxy;
  if (stats === null || proxy.mode !== 'http') return;
  const rules = [...stats.rules];
  if (stats.users.length > 0) {
    // No section can have a name with a slash.
    const name = `stats/${proxy.index}`;
    const { file, line } = proxy;
    const users: UserConfig[] = stats.users.map((user) => {
      return { ...user, insecure: true, groups: [] };
    });
    userlists.push({ name, users, file, line });
    rules.push(authRule(proxy, name, stats.realm ?? DEFAULT_REALM));
  }
  const { uri, admins } = stats;
  const { file, line } = proxy;
  const rule = { ruleset: 'http-request', condition: null, file, line } as const;
  const place = proxy.rules.findIndex(({ stage }) => stage === RuleStage.Redirect);
  proxy.rules.splice(
    place < 0 ? proxy.rules.length : place,
    0,
    { ...rule, stage: RuleStage.Statistics, action: 'stats-uri', args: { uri } },
    ...rules.map((one) => ({ ...one, stage: RuleStage.Statistics })),
    { ...rule, stage: RuleStage.Page, action: 'stats-page', args: { admins } },
  );
}

/** `http-request auth realm <realm> unless { http_auth(<list>) }` */
function authRule(proxy: ProxyConfig, list: string, realm: string): RuleConfig {
  const { file, line } = proxy;
  const text = `http_auth(${list})`;
  const test: ConditionConfig['any'][0][0]['tests'][0] = {
    name: '',
    expr: { fetch: 'http_auth', args: [list], converters: [], text },
    match: 'bool',
    ignoreCase: false,
    patterns: [],
    files: [],
    file,
    line,
  };
  const condition = { negate: true, any: [[{ negate: false, tests: [test] }]] };
  return { ruleset: 'http-request', action: 'auth', args: { realm }, condition, file, line };
}
