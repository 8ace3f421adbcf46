/**
 * All actions of the HTTP rulesets in one table, and the parser of a rule (configuration.txt 4.3).
 */
import { ConfigError } from '../../base/config-error.ts';
import { isKnownAction } from '../../base/known-keywords.ts';
import { nearest } from '../../base/nearest.ts';
import type { RulesetName } from '../../model/config.ts';
import { parseCondition } from '../condition.ts';
import { rulesetRow } from '../ruleset-row.ts';
import type { RuleScope } from '../scope.ts';
import { answerActions } from './answer.ts';
import { authActions } from './auth.ts';
import { captureActions } from './capture.ts';
import { flowActions } from './flow.ts';
import { headerActions } from './header.ts';
import { type LineRow, lineRows, parseLineArgs } from './line.ts';
import { monitorRows } from './monitor.ts';
import { parseRedirect, redirectActions } from './redirect.ts';
import type { ActionRow, ParsedAction, ParsedRule } from './row.ts';
import { statsRows } from './serve.ts';
import { socketMarkActions } from './socket-mark.ts';
import { stickActions } from './stick.ts';
import { targetActions } from './target.ts';
import { serviceActions } from './use-service.ts';
import { variableActions } from './variable.ts';
import { waitActions } from './wait.ts';
import { startsCondition } from './words.ts';

/** Sorted by name, as the manual lists them. */
export const actionRows: readonly ActionRow[] = [
  ...answerActions,
  ...authActions,
  ...captureActions,
  ...flowActions,
  ...headerActions,
  ...redirectActions,
  ...serviceActions,
  ...stickActions,
  ...socketMarkActions,
  ...targetActions,
  ...variableActions,
  ...waitActions,
].sort((a, b) => (a.name < b.name ? -1 : 1));

const rowsByName = new Map(actionRows.map((row) => [row.name, row]));

// `set-var-fmt` comes before `set-var`, which it begins with.
const openRows = actionRows.filter((row) => row.isOpen === true).toReversed();

const lineRowsByName = new Map(lineRows.map((row) => [row.name, row]));

const hiddenRows: readonly Pick<ActionRow, 'name' | 'compile' | 'answer'>[] = [
  ...monitorRows,
  ...statsRows,
];

/** How the action of a parsed rule is compiled. */
export function actionRow(name: string): Pick<ActionRow, 'compile' | 'answer'> {
  const row =
    rowsByName.get(name) ??
    lineRowsByName.get(name) ??
    hiddenRows.find((hidden) => hidden.name === name);
  if (row === undefined) throw new ConfigError(`unknown action '${name}'`);
  return row;
}

/** The action whose name a word begins with, for those with arguments in parentheses. */
function openRow(word: string): ActionRow | undefined {
  return openRows.find((row) => word.startsWith(row.name));
}

/** The actions valid in a ruleset, in the table's order. */
export function actionNames(ruleset: RulesetName): string[] {
  return actionRows.filter((row) => row.rulesets.includes(ruleset)).map((row) => row.name);
}

/**
 * Parses a rule.
 * @param words what follows the ruleset's keyword: action, arguments, condition.
 * @throws ConfigError with the whole text that follows the location.
 */
export function parseRule(
  ruleset: RulesetName,
  words: readonly string[],
  scope: RuleScope,
): ParsedRule {
  const name = words[0] ?? '';
  const row = rowsByName.get(name) ?? openRow(name);
  if (row === undefined || !row.rulesets.includes(ruleset)) {
    throw unknownAction(ruleset, name, scope);
  }
  if (rulesetRow(ruleset).tcp) return parseTcpRule(ruleset, row, words, scope);
  const rule = `'${ruleset} ${name}'`;
  const parsed = explained(`error detected in ${scope.proxy} while parsing ${rule} rule : `, () =>
    row.parse(row.isOpen === true ? words : words.slice(1), scope, ruleset),
  );
  return { action: row.name, args: parsed.args, condition: conditionOf(rule, parsed, scope) };
}

/** The messages of rules on connections and bytes have a form of their own. */
function parseTcpRule(
  ruleset: RulesetName,
  row: ActionRow,
  words: readonly string[],
  scope: RuleScope,
): ParsedRule {
  const rule = `'${ruleset} ${words[0]}'`;
  const taken = row.isOpen === true ? words : words.slice(1);
  const { args, rest } = within(`${rule} : `, () => row.parse(taken, scope, ruleset));
  const [word] = rest;
  if (word === undefined) return { action: row.name, args, condition: null };
  if (!startsCondition(word)) {
    throw new ConfigError(
      `${rule} only accepts 'if' or 'unless', in ${scope.proxy} (got '${word}')`,
    );
  }
  const what = `${rule} : error detected in ${scope.proxy} while parsing '${word}' condition : `;
  return { action: row.name, args, condition: within(what, () => parseCondition(rest, scope)) };
}

/**
 * Parses the `redirect` statement (4.2). It is the `redirect` action of `http-request` with texts
 * that are not log-formats; it runs after all `http-request` rules of its section.
 * @param words what follows `redirect`.
 */
export function parseRedirectStatement(words: readonly string[], scope: RuleScope): ParsedRule {
  const parsed = explained(`error detected in ${scope.proxy} while parsing redirect rule : `, () =>
    parseRedirect(words, scope, 'http-request', true),
  );
  return {
    action: 'redirect',
    args: parsed.args,
    condition: conditionOf("'redirect'", parsed, scope),
  };
}

/**
 * Parses a line rule of HAProxy 1.3 to 2.0 (`reqrep`, `rspidel`).
 * @param words the whole line.
 * @param addBackend remembers the backend of `reqsetbe` and returns its index.
 */
export function parseLineRule(
  row: LineRow,
  ignoreCase: boolean,
  words: readonly string[],
  scope: RuleScope,
  addBackend: (name: string) => number,
): ParsedRule {
  const parsed = parseLineArgs(row, ignoreCase, words, scope, addBackend);
  return {
    action: row.name,
    args: parsed.args,
    condition: conditionOf(`'${words[0]}'`, parsed, scope),
  };
}

function conditionOf(rule: string, parsed: ParsedAction, scope: RuleScope) {
  const { rest } = parsed;
  if (rest.length === 0) return null;
  if (!startsCondition(rest[0])) {
    throw new ConfigError(
      `${rule} expects either 'if' or 'unless' followed by a condition but found '${rest[0]}'.`,
    );
  }
  return explained(`error detected while parsing an ${rule} condition : `, () =>
    parseCondition(rest, scope),
  );
}

/** Runs a parser and completes the message that it throws. */
function explained<T>(prefix: string, parse: () => T): T {
  return within(prefix, parse, '.');
}

/** Runs a parser and puts the message that it throws between two texts. */
function within<T>(prefix: string, parse: () => T, end = ''): T {
  try {
    return parse();
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`${prefix}${problem.message}${end}`);
  }
}

function unknownAction(ruleset: RulesetName, name: string, scope: RuleScope): ConfigError {
  if (isKnownAction(ruleset, name)) {
    return new ConfigError(`'${ruleset} ${name}' is not supported yet by sluice.`);
  }
  const names = actionNames(ruleset);
  const list = names.map((known) => `'${known}'`).join(', ');
  if (rulesetRow(ruleset).tcp) {
    return new ConfigError(`'${ruleset}' expects ${list} in ${scope.proxy} (got '${name}').`);
  }
  const missing = name === '' ? ' (missing argument)' : '';
  const near = name === '' ? null : nearest(name, names);
  const hint = near === null ? '' : ` Did you mean '${near}' maybe ?`;
  return new ConfigError(`'${ruleset}' expects ${list}, but got '${name}'${missing}.${hint}`);
}
