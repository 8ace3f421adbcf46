/** What the parsers of actions share: counting words, reading names and formats. */
import { ConfigError } from '../../base/config-error.ts';
import type { LogFormatConfig, RulesetName } from '../../model/config.ts';
import { parseLogFormat } from '../log-format.ts';
import { rulesetRow } from '../ruleset-row.ts';
import type { RuleScope } from '../scope.ts';

/** A condition begins here. */
export function startsCondition(word: string | undefined): boolean {
  return word === 'if' || word === 'unless';
}

/** The first `count` words; fewer, or an empty one, are refused with `text`. */
export function requireWords(words: readonly string[], count: number, text: string): string[] {
  const taken = words.slice(0, count);
  if (taken.length < count || taken.includes('')) throw new ConfigError(text);
  return taken;
}

/** As `requireWords`, and nothing but a condition may follow. */
export function requireExactly(words: readonly string[], count: number, text: string): string[] {
  const taken = requireWords(words, count, text);
  const next = words[count];
  if (next !== undefined && !startsCondition(next)) throw new ConfigError(text);
  return taken;
}

/**
 * A field name that a rule puts into a message, in lower case. One that is no token (RFC 9110 5.1)
 * is warned of and sent as written, as by HAProxy; one that would end the line is refused.
 */
export function fieldNameWord(word: string, scope: RuleScope): string {
  const bad = /[^!#$%&'*+.^_`|~0-9A-Za-z-]/.exec(word)?.[0];
  if (bad !== undefined && /[\r\n\0]/.test(word)) {
    throw new ConfigError(`'${word}' is not a valid header field name`);
  }
  if (bad !== undefined) {
    scope.warn(`header name '${word}' contains forbidden character '${bad}'.`);
  }
  return word.toLowerCase();
}

export function formatWord(word: string, scope: RuleScope): LogFormatConfig {
  return parseLogFormat(word, scope);
}

/** A format that is the text itself, for keywords that do not evaluate `%`. */
export function literalFormat(text: string, scope: RuleScope): LogFormatConfig {
  const item = { kind: 'text', text, expr: null, flags: 0, name: '', type: '' } as const;
  return { ...scope.origin, text, items: text === '' ? [] : [item] };
}

/** Rules of responses and of answers work on the response, the others on the request. */
export function onResponse(ruleset: RulesetName): boolean {
  return rulesetRow(ruleset).response;
}
