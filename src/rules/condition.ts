/**
 * Conditions of rules: `if` or `unless` and ACLs (configuration.txt 7.2), parsed to plain data and
 * compiled to a function in each worker.
 */
import { ConfigError } from '../base/config-error.ts';
import type { AclTestConfig, ConditionConfig, ConditionTerm } from '../model/config.ts';
import { compileAclTest, parseTest } from './acl.ts';
import {
  alwaysTrue,
  compileDisjunction,
  compileTerm,
  Disjunction,
  Term,
} from './condition-evaluation.ts';
import type { Condition } from './context.ts';
import { fetchRow } from './fetch/registry.ts';
import { placeName, placeNeed } from './place.ts';
import { predefinedAcls } from './predefined-acl.ts';
import type { RuleScope } from './scope.ts';

/**
 * Parses the words of a condition, the first of which is `if` or `unless`.
 * @throws ConfigError in HAProxy's words without where it was; the caller adds
 *   `error detected while parsing <what> : ` in front and a full stop.
 */
export function parseCondition(words: string[], scope: RuleScope): ConditionConfig {
  const [polarity] = words;
  if (polarity !== 'if' && polarity !== 'unless') {
    throw new ConfigError(
      `unexpected keyword '${polarity ?? ''}', only 'if' and 'unless' are allowed`,
    );
  }
  return { negate: polarity === 'unless', any: new ConditionReader(words, scope).read() };
}

class ConditionReader {
  private readonly words: string[];
  private readonly scope: RuleScope;
  private at = 1;

  constructor(words: string[], scope: RuleScope) {
    this.words = words;
    this.scope = scope;
  }

  read(): ConditionTerm[][] {
    const any: ConditionTerm[][] = [];
    let group: ConditionTerm[] = [];
    let negate = false;
    while (this.at < this.words.length) {
      let word = this.words[this.at++]!;
      if (word === 'or' || word === '||') {
        if (group.length > 0) any.push(group);
        group = [];
        negate = false;
        continue;
      }
      while (word.startsWith('!')) {
        negate = !negate;
        word = word.slice(1);
      }
      if (word === '') continue;
      group.push({ negate, tests: word === '{' ? [this.anonymous()] : this.named(word) });
      negate = false;
    }
    if (group.length > 0) any.push(group);
    return any;
  }

  private anonymous(): AclTestConfig {
    const end = this.words.indexOf('}', this.at);
    if (end < 0) throw new ConfigError("missing closing '}' in condition");
    const test = parseTest('', this.words.slice(this.at, end), this.scope);
    this.at = end + 1;
    this.warnPlace([test]);
    return test;
  }

  private named(name: string): AclTestConfig[] {
    const declared = this.scope.acls.get(name);
    const tests = declared ?? predefined(name, this.scope);
    if (!tests) throw new ConfigError(`no such ACL : '${name}'`);
    this.warnPlace(tests);
    return tests;
  }

  /** An ACL none of whose fetches has a value here can never match. */
  private warnPlace(tests: AclTestConfig[]): void {
    const { place, ruleset } = this.scope;
    const useless = (test: AclTestConfig) => {
      const row = fetchRow(test.expr.fetch);
      return row !== undefined && placeNeed(row.valid, place) !== null;
    };
    if (tests.length === 0 || !tests.every(useless)) return;
    const [first] = tests;
    const { name, expr } = first!;
    const keyword = /^[^(),]*/.exec(expr.text)![0];
    const where = ruleset === undefined ? '' : ` in '${ruleset}'`;
    const why =
      name === ''
        ? `anonymous acl will never match${where} because it uses keyword '${keyword}' which is`
        : `acl '${name}' will never match${where} because it only involves keywords that are`;
    this.scope.warn(`${why} incompatible with '${placeName(place)}'`);
  }
}

function predefined(name: string, scope: RuleScope): AclTestConfig[] | null {
  const words = Object.hasOwn(predefinedAcls, name) ? predefinedAcls[name]! : null;
  return words && [parseTest(name, [...words], scope)];
}

/** Compiles for a worker; null is the condition of a rule without one. */
export function compileCondition(cfg: ConditionConfig | null): Condition {
  if (cfg === null) return alwaysTrue;
  const groups = cfg.any.map((group) =>
    group.map((term) => new Term(term.tests.map(compileAclTest), term.negate)),
  );
  const [only] = groups;
  if (groups.length === 1 && only!.length === 1 && !cfg.negate) return compileTerm(only![0]!);
  return compileDisjunction(new Disjunction(groups, cfg.negate));
}
