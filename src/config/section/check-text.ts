/** Words of check rules that are more than a word: log formats, expressions, hexadecimal digits. */
import { ConfigError } from '../../base/config-error.ts';
import type { CheckText, ExprConfig } from '../../model/config.ts';
import { parseExpression } from '../../rules/expression.ts';
import { parseLogFormat } from '../../rules/log-format.ts';
import { Place, type RuleScope } from '../../rules/scope.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { scopeOf } from './rule.ts';

/** A line of a check that is being read. */
export interface CheckLine {
  words: readonly string[];
  scope: RuleScope;
  /** Who says what is wrong: `http-check expect`. */
  name: string;
}

export function checkLine(draft: ProxyDraft, line: KeywordLine): CheckLine {
  const name = line.words.slice(0, 2).join(' ');
  return { words: line.words, scope: scopeOf(draft, line, Place.TcpCheck), name };
}

export function fault(line: Pick<CheckLine, 'name'>, text: string): ConfigError {
  return new ConfigError(`'${line.name}' : ${text}`);
}

/** Runs a parser of the rules engine; what it says is put behind `prefix`. */
function explain<T>(line: CheckLine, prefix: string, suffix: string, parse: () => T): T {
  try {
    return parse();
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw fault(line, `${prefix}${problem.message}${suffix}`);
  }
}

/** A log format; one that is the same every time becomes that text. */
export function formatText(line: CheckLine, word: string): CheckText {
  const prefix = `'${word}' invalid log-format string (`;
  const format = explain(line, prefix, ').', () => parseLogFormat(word, line.scope));
  const isFixed = format.items.every(({ kind }) => kind === 'text' || kind === 'space');
  return isFixed ? format.items.map((item) => item.text).join('') : format;
}

/** @param what the expression is for: `port` */
export function expression(line: CheckLine, word: string, what: string): ExprConfig {
  const prefix = `error detected while parsing ${what} expression : `;
  return explain(line, prefix, '.', () => parseExpression(word, line.scope));
}

/** What is wrong with hexadecimal digits; null = nothing. */
export function hexFault(word: string): string | null {
  if (word.length % 2 !== 0) return 'an even number of hex digit is expected';
  const bad = /[^0-9a-fA-F]/.exec(word)?.[0];
  return bad === undefined ? null : `an hex digit is expected (found '${bad}')`;
}
