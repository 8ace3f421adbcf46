/**
 * ACLs: `acl <name> <criterion> [flags] [operator] [<value>] ...` (configuration.txt 7.1), parsed
 * to plain data and compiled to `AclTest` in each worker.
 */
import { ConfigError } from '../base/config-error.ts';
import { isKnownFetch } from '../base/known-keywords.ts';
import type { AclTestConfig, ExprConfig } from '../model/config.ts';
import type { Columns, PatternData } from '../model/pattern.ts';
import { aclRow } from './acl-table.ts';
import { AclTest } from './acl-test.ts';
import { canCast } from './cast.ts';
import { compileExpression, parseRest } from './expression.ts';
import { fetchRow } from './fetch/registry.ts';
import { compiledList, listName } from './pattern/list-file.ts';
import { EitherPattern, GroupPattern, type Pattern } from './pattern/pattern.ts';
import { isOperator } from './pattern/range-text.ts';
import {
  checkPattern,
  compileFile,
  compilePatterns,
  createPattern,
  defaultMatch,
  matchRow,
  matchTarget,
} from './pattern/table.ts';
import type { TypeName } from './row.ts';
import type { RuleScope } from './scope.ts';
import { unknownCriterion } from './unknown-name.ts';
import { findUserlist } from './userlist.ts';

export { AclTest } from './acl-test.ts';

const NAME_CHARACTER = /[A-Za-z0-9_.:-]/;

/**
 * Parses the words after `acl`: name, criterion, flags and patterns.
 * @throws ConfigError with the whole text after the location, as HAProxy prints it.
 */
export function parseAcl(words: string[], scope: RuleScope): AclTestConfig {
  const name = words[0] ?? '';
  checkName(name);
  try {
    return parseTest(name, words.slice(1), scope);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const stop = /[.?]$/.test(error.message) ? '' : '.';
    throw new ConfigError(`error detected while parsing ACL '${name}' : ${error.message}${stop}`);
  }
}

/** Whether conditions can name an ACL so. */
export function isAclName(name: string): boolean {
  return name !== '' && name !== 'or' && [...name].every((char) => NAME_CHARACTER.test(char));
}

function checkName(name: string): void {
  if (name === '') throw new ConfigError("'acl' expects a name and a criterion");
  for (const char of name) {
    if (NAME_CHARACTER.test(char)) continue;
    throw new ConfigError(`character '${char}' is not permitted in acl name '${name}'.`);
  }
  if (name === 'or') {
    throw new ConfigError(
      "acl name 'or' will never match. 'or' is used to express a logical disjunction within a " +
        'condition.',
    );
  }
}

interface Criterion {
  /** The word before arguments and converters. */
  keyword: string;
  expr: ExprConfig;
  out: TypeName;
  /** What the keyword implies; null when it is a plain fetch or converters follow. */
  match: string | null;
  /** Numbers of its patterns are read as decimal ones (7.3.5 `req.ssl_ver`). */
  dotted: boolean;
}

function parseCriterion(text: string, scope: RuleScope): Criterion {
  const keyword = /^[^(),]*/.exec(text)![0];
  if (keyword === '') throw new ConfigError(`missing fetch method in ACL expression '${text}'`);
  const acl = aclRow(keyword);
  const row = fetchRow(acl ? acl.fetch : keyword);
  if (!row) {
    // An ACL keyword such as `ssl_fc_sni_end` is missing because its fetch is.
    throw unknownCriterion(acl && !isKnownFetch(keyword) ? acl.fetch : keyword, text);
  }
  try {
    const asked = { ...scope, isCriterion: true };
    const parsed = parseRest(text, 0, keyword, row, asked, acl ? '' : undefined);
    const { expr, out } = parsed;
    if (parsed.end < text.length) {
      throw new ConfigError(`missing comma after fetch keyword '${keyword}'`);
    }
    const own = acl !== undefined && expr.converters.length === 0 ? acl : null;
    return { keyword, expr, out, match: own?.match ?? null, dotted: own?.dotted === true };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = acl
      ? `ACL keyword '${keyword}' : ${error.message}`
      : `${error.message} in ACL expression '${text}'`;
    throw new ConfigError(message);
  }
}

/** Flags and patterns of one test as they are collected. */
interface TestText {
  match: string;
  patterns: string[];
  files: PatternData[];
  /** Index of the first pattern after `-i`, -1 before one was seen. */
  foldFrom: number;
  operator: boolean;
  /** Host names stand for addresses until `-n`. */
  resolves: boolean;
  /** With `-M` the files that follow are maps. */
  columns: Columns;
}

/** Parses criterion, flags and patterns. The name is empty for an anonymous ACL. */
export function parseTest(name: string, words: string[], scope: RuleScope): AclTestConfig {
  const criterion = parseCriterion(words[0] ?? '', scope);
  const test: TestText = {
    match: impliedMatch(criterion),
    patterns: [],
    files: [],
    foldFrom: -1,
    operator: false,
    resolves: true,
    columns: 'one',
  };
  const rest = words.slice(1);
  const used = parseFlags(test, criterion, rest, scope);
  if (test.match === '') {
    throw new ConfigError(
      "matching method must be specified first (using '-m') when using a sample fetch of this " +
        `type ('${criterion.keyword}')`,
    );
  }
  for (const word of rest.slice(used)) {
    addPattern(test, criterion.dotted && test.match === 'int' ? undotted(word) : word);
  }
  if (test.match === 'group') {
    scope.userGroups?.(String(criterion.expr.args[0]), test.patterns);
  }
  warnEmpty(test, criterion, rest, scope);
  return {
    ...scope.origin,
    name,
    expr: criterion.expr,
    match: test.match,
    ignoreCase: test.foldFrom >= 0,
    patterns: test.patterns,
    files: test.files,
    ...(test.foldFrom > 0 ? { ignoreCaseFrom: test.foldFrom } : {}),
  };
}

/** `3.1` as the integer that it stands for, and so on for each end of a range. */
function undotted(word: string): string {
  return word.replace(/(\d+)(?:\.(\d+))?/g, (_, major: string, minor = '0') =>
    String(Number(major) * 65536 + Number(minor)),
  );
}

function impliedMatch(criterion: Criterion): string {
  const { match, out } = criterion;
  // `method` matches numbers and texts of methods, whatever its row in the table says.
  if (match !== null && out === 'meth' && match === 'str') return 'meth';
  // So does `http_auth_group`, by the groups of users.
  if (match !== null && criterion.keyword === 'http_auth_group') return 'group';
  return match ?? defaultMatch(out) ?? '';
}

/** @returns how many words the flags take. */
function parseFlags(
  test: TestText,
  criterion: Criterion,
  words: string[],
  scope: RuleScope,
): number {
  let at = 0;
  while (at < words.length && words[at]!.startsWith('-')) {
    const flag = words[at]!;
    at++;
    if (flag === '--') return at;
    if (flag === '-i') {
      if (test.foldFrom < 0) test.foldFrom = test.patterns.length;
    } else if (flag === '-n') {
      test.resolves = false;
    } else if (flag === '-f') {
      if (criterion.dotted) {
        throw new ConfigError(`patterns of '${criterion.keyword}' cannot be read from a file`);
      }
      readPatterns(test, words[at++] ?? '', scope);
    } else if (flag === '-m') {
      setMatch(test, criterion, words[at++] ?? '');
    } else if (flag === '-u') {
      const id = words[at++] ?? '';
      if (!/^[0-9]+$/.test(id)) throw new ConfigError('the argument of -u must be an integer');
    } else if (flag === '-M') {
      test.columns = 'two';
    } else {
      throw new ConfigError(
        `'${flag}' is not a valid ACL option. Please use '--' before any pattern beginning with ` +
          "a '-'",
      );
    }
  }
  return at;
}

function setMatch(test: TestText, criterion: Criterion, name: string): void {
  const row = name === 'meth' || name === 'group' ? undefined : matchRow(name);
  if (!row) throw new ConfigError(`unknown matching method '${name}' when parsing ACL expression`);
  if (test.patterns.length + test.files.length > 0) {
    throw new ConfigError(
      "'-m' must only be specified before patterns and files in parsing ACL expression",
    );
  }
  if (!row.accepts.includes(criterion.out) || !canCast(criterion.out, row.wants)) {
    throw new ConfigError(
      `matching method '${name}' cannot be used with fetch keyword '${criterion.keyword}'`,
    );
  }
  test.match = name;
}

function addPattern(test: TestText, word: string): void {
  if (test.match === 'found' || test.match === 'bool') return;
  const integer = test.match === 'int' || test.match === 'len';
  if (integer && isOperator(word)) test.operator = true;
  test.patterns.push(checkPattern(test.match, word, test.operator, test.resolves));
}

/** Patterns of a file (2.7). It is compiled here, once for all tests and threads that use it. */
function readPatterns(test: TestText, name: string, scope: RuleScope): void {
  if (test.match === '') return;
  const { match, resolves, columns } = test;
  if (test.match === 'group') {
    throw new ConfigError("'-f' is not supported yet by sluice for groups of users");
  }
  const ignoreCase = test.foldFrom >= 0;
  const kind = `${match} ${ignoreCase} ${resolves}`;
  const compile = (bytes: Uint8Array) =>
    compileFile(match, bytes, listName(name), ignoreCase, resolves, columns);
  if (columns === 'two') scope.aclMaps.add(listName(name));
  test.files.push(compiledList(name, columns, kind, compile, scope));
}

function warnEmpty(test: TestText, criterion: Criterion, words: string[], scope: RuleScope): void {
  if (words.length > 0 || test.match === 'bool' || test.match === 'found') return;
  scope.warn(
    `parsing acl keyword '${criterion.keyword}' :\n` +
      '  no pattern to match against were provided, so this ACL will never match.\n' +
      "  If this is what you intended, please add '--' to get rid of this warning.\n" +
      "  If you intended to match only for existence, please use '-m found'.\n" +
      "  If you wanted to force an int to match as a bool, please use '-m bool'.\n",
  );
}

/** Compiles one test for a worker. */
export function compileAclTest(cfg: AclTestConfig): AclTest {
  const list =
    cfg.match === 'group'
      ? new GroupPattern(findUserlist(String(cfg.expr.args[0])).createMembers(cfg.patterns))
      : createList(cfg);
  return new AclTest(compileExpression(cfg.expr, true), matchTarget(cfg.match), list);
}

/** The patterns of the line, those before and those behind `-i`, and of its files. */
function createList(cfg: AclTestConfig): Pattern {
  const foldFrom = cfg.ignoreCase ? (cfg.ignoreCaseFrom ?? 0) : cfg.patterns.length;
  const exact = cfg.patterns.slice(0, foldFrom);
  const folded = cfg.patterns.slice(foldFrom);
  const lists = cfg.files.map(createPattern);
  if (exact.length > 0 || (folded.length === 0 && lists.length === 0)) {
    lists.push(createPattern(compilePatterns(cfg.match, exact, false)));
  }
  if (folded.length > 0) lists.push(createPattern(compilePatterns(cfg.match, folded, true)));
  return lists.reduce((first, second) => new EitherPattern(first, second));
}
