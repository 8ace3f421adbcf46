/**
 * Conditions of `.if`, `.elif` and `-cc` (configuration.txt 2.4).
 *
 *   or   = and [ '||' or ]
 *   and  = term [ '&&' and ]
 *   term = { '!' } ( '(' or ')' | integer | predicate [ '(' arguments ')' ] )
 *
 * The whole text is parsed before anything is evaluated, so a mistake behind `0 &&` is still found.
 * Error texts and positions are HAProxy's.
 */
import { ConfigError } from '../base/config-error.ts';
import { compareVersions } from './compare-version.ts';
import { readArguments } from './condition-argument.ts';
import type { Environment } from './environment.ts';
import { splitLine } from './lexer.ts';
import { features, haproxyCompatibleVersion, runtimeOptions, type SwitchedOff } from './version.ts';

/** What the predicates look at. */
export interface ConditionContext {
  env: Environment;
  /** The HAProxy version that sluice stands for. */
  version: string;
  /** Build features by HAProxy's names; true when present. */
  features: ReadonlyMap<string, boolean>;
  /** Run-time options that `enabled()` knows; true when in use. */
  options: ReadonlyMap<string, boolean>;
  /** Name and version of the TLS library, null while none is loaded. */
  sslLibrary: { name: string; version: string; fips: boolean; awslcApi: number } | null;
}

/** The context of this program without a TLS library. */
export function createConditionContext(env: Environment, off: SwitchedOff = {}): ConditionContext {
  return {
    env,
    version: haproxyCompatibleVersion,
    features,
    options: runtimeOptions(off),
    sslLibrary: null,
  };
}

/** A condition that does not parse. `position` counts from 1 in the text of the condition. */
export class ConditionError extends ConfigError {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

type Predicate = (args: readonly string[], context: ConditionContext) => boolean;

interface PredicateRow {
  name: string;
  /** Number of arguments; all are strings. */
  args: number;
  test: Predicate;
}

/** Predicates in the order of section 2.4. */
const predicates = [
  {
    name: 'awslc_api_atleast',
    args: 1,
    test: ([wanted], { sslLibrary }) =>
      sslLibrary !== null && sslLibrary.awslcApi > 0 && sslLibrary.awslcApi >= integer(wanted!),
  },
  {
    name: 'awslc_api_before',
    args: 1,
    test: ([wanted], { sslLibrary }) =>
      sslLibrary !== null && sslLibrary.awslcApi > 0 && sslLibrary.awslcApi < integer(wanted!),
  },
  { name: 'defined', args: 1, test: ([name], { env }) => env.get(name!) !== null },
  { name: 'feature', args: 1, test: ([name], context) => context.features.get(name!) === true },
  { name: 'fips_mode', args: 0, test: (_, { sslLibrary }) => sslLibrary?.fips === true },
  {
    name: 'openssl_version_atleast',
    args: 1,
    test: ([wanted], { sslLibrary }) =>
      sslLibrary !== null && compareVersions(sslLibrary.version, wanted!) >= 0,
  },
  {
    name: 'openssl_version_before',
    args: 1,
    test: ([wanted], { sslLibrary }) =>
      sslLibrary !== null && compareVersions(sslLibrary.version, wanted!) < 0,
  },
  {
    name: 'ssllib_name_startswith',
    args: 1,
    test: ([start], { sslLibrary }) => sslLibrary?.name.startsWith(start!) === true,
  },
  { name: 'streq', args: 2, test: ([a, b]) => a === b },
  { name: 'strneq', args: 2, test: ([a, b]) => a !== b },
  { name: 'strstr', args: 2, test: ([a, b]) => a!.includes(b!) },
  {
    name: 'version_atleast',
    args: 1,
    test: ([wanted], { version }) => compareVersions(version, wanted!) >= 0,
  },
  {
    name: 'version_before',
    args: 1,
    test: ([wanted], { version }) => compareVersions(version, wanted!) < 0,
  },
  {
    name: 'enabled',
    args: 1,
    test: ([option], context) => context.options.get(option!) === true,
  },
] as const satisfies readonly PredicateRow[];

function integer(text: string): number {
  return Number.parseInt(text, 10) || 0;
}

type Evaluate = () => boolean;

/**
 * Evaluates a condition as a line of text (`-cc`): quotes and variables first.
 * @throws LexerError, ConditionError
 */
export function evaluateConditionLine(line: string, context: ConditionContext): boolean {
  return evaluateCondition(splitLine(line, context.env, false).words.join(' '), context);
}

/**
 * Evaluates a condition.
 * @param text the words of the condition, joined by single blanks
 * @returns the result; an empty text is false
 * @throws ConditionError
 */
export function evaluateCondition(text: string, context: ConditionContext): boolean {
  if (text === '') return false;
  const parser = new ConditionParser(text, context);
  return parser.parse()();
}

/** Most groups and operators of one expression. */
const PARTS_MAX = 1024;

class ConditionParser {
  private readonly text: string;
  private readonly context: ConditionContext;
  private at = 0;
  private parts = 0;

  constructor(text: string, context: ConditionContext) {
    this.text = text;
    this.context = context;
  }

  parse(): Evaluate {
    this.skipBlanks();
    if (this.at === this.text.length) {
      throw new ConditionError(`unparsable conditional sub-expression '${this.text}'`, 1);
    }
    const evaluate = this.or();
    if (this.at < this.text.length) {
      throw new ConditionError(
        `unexpected character '${this.text[this.at]}' at the end of conditional expression ` +
          `'${this.text}'`,
        this.at + 1,
      );
    }
    return evaluate;
  }

  private or(): Evaluate {
    const from = this.at;
    this.deepen();
    const left = this.and();
    const operator = this.at;
    if (!this.accept('||')) return left;
    // HAProxy quotes the whole expression when nothing follows the operator.
    if (this.at === this.text.length) this.unparsable(from, operator);
    const right = this.or();
    return () => left() || right();
  }

  private and(): Evaluate {
    const left = this.term();
    const operator = this.at;
    if (!this.accept('&&')) return left;
    this.deepen();
    if (this.at === this.text.length) this.unparsable(operator, operator);
    const right = this.and();
    return () => left() && right();
  }

  private term(): Evaluate {
    const from = this.at;
    let negate = false;
    while (this.text[this.at] === '!') {
      negate = !negate;
      this.at++;
      this.skipBlanks();
    }
    const evaluate = this.operand(from);
    this.skipBlanks();
    return negate ? () => !evaluate() : evaluate;
  }

  /** `from` is where the term began, its `!` included: errors quote it from there. */
  private operand(from: number): Evaluate {
    if (this.text[this.at] === '(') return this.group();
    const rest = this.text.slice(this.at);
    const number = /^[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)/.exec(rest)?.[0];
    if (number !== undefined) {
      this.at += number.length;
      const value = /[1-9a-fA-F]/.test(number.replace(/^[+-]?0[xX]/, ''));
      return () => value;
    }
    const name = /^[a-z_0-9]+(?=\(|\s|$|&&|\|\||\))/.exec(rest)?.[0];
    const row = predicates.find((predicate) => predicate.name === name);
    if (row === undefined) this.unparsable(from, from);
    this.at += row.name.length;
    return this.predicate(row);
  }

  private group(): Evaluate {
    const open = this.at;
    this.at++;
    this.skipBlanks();
    const evaluate = this.or();
    if (this.text[this.at] !== ')') {
      throw new ConditionError(
        `expected ')' after conditional expression '${this.text.slice(open)}'`,
        open + 1,
      );
    }
    this.at++;
    return evaluate;
  }

  private predicate(row: PredicateRow): Evaluate {
    const list = readArguments(this.text, this.at, row.args);
    const where = `in argument 1 of predicate '${row.name}' used in conditional expression`;
    if (list.values.length < row.args) {
      throw new ConditionError(
        `missing arguments (got ${list.values.length}/${row.args}), type 'string' expected ${where}`,
        list.at + 1,
      );
    }
    const surplus = row.args === 0 && list.values[0] !== '';
    if (!list.closed || surplus) {
      const rest = this.text.slice(surplus ? this.at + 1 : list.at);
      const before = rest === '' ? '' : ` before '${rest}'`;
      throw new ConditionError(`expected ')'${before} ${where}`, list.at + 1);
    }
    this.at = this.text[this.at] === '(' ? list.at + 1 : list.at;
    return () => row.test(list.values, this.context);
  }

  /** Groups and operators recurse, here and when the result is asked for. */
  private deepen(): void {
    if (++this.parts > PARTS_MAX) {
      throw new ConditionError('conditional expression is too complex', this.at + 1);
    }
  }

  private accept(operator: string): boolean {
    if (!this.text.startsWith(operator, this.at)) return false;
    this.at += operator.length;
    this.skipBlanks();
    return true;
  }

  private skipBlanks(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  /** @throws ConditionError quoting the text from `from`, marked at `mark` */
  private unparsable(from: number, mark: number): never {
    throw new ConditionError(
      `unparsable conditional expression '${this.text.slice(from)}'`,
      mark + 1,
    );
  }
}
