/**
 * Lines that decide about traffic: `acl`, `use_backend`, `default_backend`, the `http-*` rulesets
 * and `redirect` (4.2, 4.3, 7.1, 7.2). The rules engine parses the words; this file knows which
 * section they stand in.
 */
import { ConfigError } from '../../base/config-error.ts';
import {
  type RuleConfig,
  RuleStage,
  type RulesetName,
  type UseBackendConfig,
} from '../../model/config.ts';
import { isAclName, parseAcl } from '../../rules/acl.ts';
import type { LineRow } from '../../rules/action/line.ts';
import { parseLineRule, parseRedirectStatement, parseRule } from '../../rules/action/registry.ts';
import { parseCondition } from '../../rules/condition.ts';
import { parseLogFormat } from '../../rules/log-format.ts';
import { rulesetRow } from '../../rules/ruleset-row.ts';
import { Place, type RuleScope, type TableUse } from '../../rules/scope.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { lineHint } from './line-hint.ts';
import { explained, refuseExtra, sectionName, tightError } from './words.ts';

/** What messages call the expressions of a place. */
const expressionNames: Partial<Record<Place, string>> = {
  [Place.FrontendRequestHeader]: 'http-request expression',
  [Place.BackendRequestHeader]: 'http-request expression',
  [Place.FrontendResponseHeader]: 'http-response response',
  [Place.BackendResponseHeader]: 'http-response response',
  [Place.Log]: 'log-format string',
};

/** The scope of a rule on this line. */
export function scopeOf(
  draft: ProxyDraft,
  line: Pick<KeywordLine, 'origin' | 'state'>,
  place: Place,
): RuleScope {
  const hasFrontend = draft.section === 'frontend' || draft.section === 'listen';
  const use = { origin: line.origin, proxy: draft.name };
  return {
    ...(hasFrontend ? { captureSlot: (length: number) => addSlot(draft, length) } : {}),
    origin: line.origin,
    proxy: `${sectionName(draft)} '${draft.name}'`,
    mode: draft.config.mode,
    place,
    acls: draft.acls,
    variables: line.state.variables,
    self: draft.section === 'defaults' ? '' : draft.name,
    refer: ({ kind, name, isOwn, keyword, isCriterion }) => {
      const what = isCriterion ? 'ACL keyword' : 'sample fetch keyword';
      const inside = isCriterion ? '' : ` in ${expressionNames[place] ?? 'expression'}`;
      const where = `arg 1 of ${what} '${keyword}'${inside} in proxy '${draft.name}'`;
      line.state.references.push({ ...line.origin, kind, name, isOwn, proxy: draft.name, where });
    },
    warn: (message) => line.state.diagnostics.warning(line.origin, message),
    readFile: (path) => {
      const text = line.state.readBytes(path, line.origin);
      if (text === null) throw new ConfigError(`cannot read '${path}'`);
      return text;
    },
    patternFile: (path, kind, compile) => line.state.patternFile(path, kind, compile, line.origin),
    lists: line.state.lists,
    maps: line.state.maps,
    aclMaps: line.state.aclMaps,
    bufsize: line.state.global.tune.bufsize,
    stickCounters: line.state.global.tune.stickCounters,
    table: (name, use) => tableOf(draft, line, name, use),
    userlist: (name) => line.state.userlistUses.push({ ...use, name, groups: [] }),
    userGroups: (name, groups) => line.state.userlistUses.push({ ...use, name, groups }),
  };
}

/** See `RuleScope.table`. */
function tableOf(
  draft: ProxyDraft,
  line: Pick<KeywordLine, 'origin' | 'state'>,
  name: string,
  use: Omit<TableUse, 'origin' | 'table'>,
): string {
  // A `defaults` section has no table, and does not know who uses it.
  if (name === '' && draft.section === 'defaults') {
    throw new ConfigError('a table name must be set in a defaults section');
  }
  const table = name === '' ? draft.name : name;
  const { tableUses } = line.state;
  const words = { missing: use.missing.replaceAll('%', table) };
  const { mismatch } = use;
  tableUses.push({
    ...use,
    ...words,
    ...(mismatch === undefined ? {} : { mismatch: mismatch.replaceAll('%', table) }),
    origin: line.origin,
    table,
  });
  return table;
}

/** A request capture that a rule fills: it has no header field of its own. */
function addSlot(draft: ProxyDraft, length: number): number {
  return draft.config.captureRequest.push({ name: '', length }) - 1;
}

/** Where a ruleset is evaluated; `listen` and `defaults` count as the side that comes first. */
function placeOf(ruleset: RulesetName, draft: ProxyDraft): Place {
  const { frontend, backend, response } = rulesetRow(ruleset);
  const isFrontend = response ? draft.section === 'frontend' : draft.section !== 'backend';
  // A ruleset that one side is without is evaluated on the other one.
  return (isFrontend ? (frontend ?? backend) : (backend ?? frontend))!;
}

export function parseAclLine(draft: ProxyDraft, line: KeywordLine): void {
  const scope = scopeOf(draft, line, placeOf('http-request', draft));
  const name = line.words[1] ?? '';
  const tests = draft.acls.get(name) ?? [];
  // An ACL that cannot be parsed has a name all the same: its uses are no further errors.
  if (isAclName(name)) draft.acls.set(name, tests);
  tests.push(parseAcl(line.words.slice(1), scope));
}

export function parseUseBackend(draft: ProxyDraft, line: KeywordLine): void {
  const [, name, keyword] = line.words;
  if (name === undefined) throw new ConfigError("'use_backend' expects a backend name.");
  if (keyword !== undefined && keyword !== 'if' && keyword !== 'unless') {
    throw new ConfigError(
      `unexpected keyword '${keyword}' after switching rule, only 'if' and 'unless' are allowed.`,
    );
  }
  const scope = scopeOf(draft, line, Place.UseBackend);
  const condition =
    keyword === undefined
      ? null
      : explained('error detected while parsing switching rule : ', () =>
          parseCondition(line.words.slice(2), scope),
        );
  const backend: UseBackendConfig['backend'] = name.includes('%')
    ? explained(`failed to parse use_backend rule '${name}' : `, () => parseLogFormat(name, scope))
    : name;
  draft.config.useBackends.push({ ...line.origin, backend, condition });
}

export function parseDefaultBackend(draft: ProxyDraft, line: KeywordLine): void {
  const name = line.words[1];
  if (name === undefined) throw new ConfigError("'default_backend' expects a backend name.");
  refuseExtra(line.words, 1);
  draft.config.defaultBackend = name;
  draft.seen['default_backend'] = line.origin;
}

/** A line of one of the three rulesets; the words after the ruleset's name are the action's. */
export function parseRuleLine(draft: ProxyDraft, line: KeywordLine, ruleset: RulesetName): void {
  addRule(draft, line, makeRule(draft, line, ruleset, line.words.slice(1)));
}

/** What runs after the rules of bytes and connections, in this order. */
const afterTcpRules: readonly (RulesetName | 'redirect' | 'use_backend')[] = [
  'tcp-request session',
  'tcp-request content',
  'http-request',
  'redirect',
  'use_backend',
];

/** A line of a `tcp-*` ruleset, whose name is two words. */
export function parseTcpRuleLine(draft: ProxyDraft, line: KeywordLine, ruleset: RulesetName): void {
  const rule = makeRule(draft, line, ruleset, line.words.slice(2));
  draft.config.rules.push(rule);
  draft.seen[ruleset] ??= line.origin;
  if (rulesetRow(ruleset).response) return;
  const own = afterTcpRules.indexOf(ruleset);
  warnRuleOrder(draft, line, ruleset, afterTcpRules.slice(own + 1));
}

/** 4.2 "redirect": older form of the action, evaluated after all `http-request` rules. */
export function parseRedirect(draft: ProxyDraft, line: KeywordLine): void {
  const scope = scopeOf(draft, line, placeOf('http-request', draft));
  const parsed = parseRedirectStatement(line.words.slice(1), scope);
  const stage = RuleStage.Redirect;
  draft.redirects.push({ ...line.origin, ruleset: 'http-request', stage, ...parsed });
  draft.seen['redirect'] ??= line.origin;
  warnRuleOrder(draft, line, 'redirect', ['use_backend']);
}

/** Rules of different kinds run in a fixed order: say so when the lines suggest another one. */
export function warnRuleOrder(
  draft: ProxyDraft,
  line: KeywordLine,
  keyword: string,
  later: readonly (RulesetName | 'redirect' | 'use_backend')[],
): void {
  for (const other of later) {
    if (!isWritten(draft, other)) continue;
    const article = other === 'http-request' ? 'an' : 'a';
    line.state.diagnostics.warning(
      line.origin,
      `a '${keyword}' rule placed after ${article} '${other}' rule will still be processed before.`,
    );
    return;
  }
}

function isWritten(draft: ProxyDraft, kind: RulesetName | 'redirect' | 'use_backend'): boolean {
  switch (kind) {
    case 'redirect':
      return draft.redirects.length > 0;
    case 'use_backend':
      return draft.config.useBackends.length > 0;
    default:
      return draft.config.rules.some((rule) => rule.ruleset === kind);
  }
}

/** `block` of HAProxy 1.3 to 2.0: `http-request deny`, evaluated before every other rule. */
export function parseBlock(draft: ProxyDraft, line: KeywordLine): void {
  const [, keyword] = line.words;
  if (keyword !== 'if' && keyword !== 'unless') {
    throw new ConfigError("'block' expects either 'if' or 'unless' followed by a condition.");
  }
  const condition = line.words.slice(1).join(' ');
  line.state.diagnostics.warning(
    line.origin,
    `the 'block' directive is obsolete. Use 'http-request deny ${condition}'.`,
  );
  draft.blocks.push(makeRule(draft, line, 'http-request', ['deny', ...line.words.slice(1)]));
}

/**
 * `reqadd` and `rspadd` of HAProxy 1.3 to 2.0: `add-header` with a fixed value, after all other
 * rules on the message, so that `reqdel` of the same name removes what the client sent.
 */
export function parseAddLine(draft: ProxyDraft, line: KeywordLine, ruleset: RulesetName): void {
  const [keyword, text, ...rest] = line.words;
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/su.exec(text ?? '');
  if (match === null) {
    throw new ConfigError(`'${keyword}' expects <header>:<value> as an argument.`);
  }
  const name = match[1]!;
  // A log-format string follows: what was literal must stay literal.
  const value = match[2]!.replaceAll('%', '%%');
  line.state.diagnostics.warning(
    line.origin,
    `the '${keyword}' directive is obsolete. Use '${ruleset} add-header ${name} ` +
      `${JSON.stringify(value)}${rest.length > 0 ? ` ${rest.join(' ')}` : ''}'.`,
  );
  const rule = makeRule(draft, line, ruleset, ['add-header', name, value, ...rest]);
  addRule(draft, line, { ...rule, stage: RuleStage.Added });
}

/** `reqrep`, `rspdel` and the other rules on whole lines of HAProxy 1.3 to 2.0. */
export function parseLine(
  draft: ProxyDraft,
  line: KeywordLine,
  row: LineRow,
  ignoreCase: boolean,
): void {
  const { ruleset } = row;
  const scope = scopeOf(draft, line, placeOf(ruleset, draft));
  const backends = draft.config.lineBackends;
  const parsed = parseLineRule(row, ignoreCase, line.words, scope, (name) => {
    draft.seen[`reqsetbe ${name}`] ??= line.origin;
    return backends.push(name) - 1;
  });
  line.state.diagnostics.warning(
    line.origin,
    `the '${line.words[0]}' directive is obsolete. ` +
      lineHint(row.name, ignoreCase, line.words, row.second === '' ? 2 : 3),
  );
  addRule(draft, line, { ...line.origin, ruleset, stage: RuleStage.Lines, ...parsed });
}

function addRule(draft: ProxyDraft, line: KeywordLine, rule: RuleConfig): void {
  const { ruleset } = rule;
  draft.config.rules.push(rule);
  draft.seen[ruleset] ??= line.origin;
  const lines = rule.stage === RuleStage.Lines;
  if (rule.stage === undefined && warnAfterLine(draft, line, ruleset)) return;
  if (ruleset !== 'http-request') return;
  warnRuleOrder(draft, line, lines ? line.words[0]! : ruleset, ['redirect', 'use_backend']);
}

/** @returns whether there was something to say. */
function warnAfterLine(draft: ProxyDraft, line: KeywordLine, ruleset: RulesetName): boolean {
  const other = draft.config.rules.find(
    (rule) => rule.ruleset === ruleset && rule.stage === RuleStage.Lines,
  );
  if (other === undefined) return false;
  line.state.diagnostics.warning(
    line.origin,
    `a '${ruleset}' rule placed after a '${other.action}' rule will still be processed before.`,
  );
  return true;
}

/** A rule that is not added to the section. */
export function makeRule(
  draft: ProxyDraft,
  line: KeywordLine,
  ruleset: RulesetName,
  words: string[],
): RuleConfig {
  const scope = scopeOf(draft, line, placeOf(ruleset, draft));
  if (rulesetRow(ruleset).tcp) scope.ruleset = ruleset;
  try {
    return { ...line.origin, ruleset, ...parseRule(ruleset, words, scope) };
  } catch (problem) {
    if (rulesetRow(ruleset).tcp || !(problem instanceof ConfigError)) throw problem;
    if (problem.message.startsWith(`'${ruleset}`)) {
      throw tightError(problem.message);
    }
    throw problem;
  }
}
