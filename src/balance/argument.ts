/** The arguments of the balancing algorithms (configuration.txt 4.2 balance). */
import { ConfigError } from '../base/config-error.ts';
import type { ArgConfig } from '../model/config.ts';

/** What follows `balance`. */
export interface BalanceWords {
  /** The algorithm with what stands in parentheses behind it. */
  word: string;
  rest: readonly string[];
}

/** As C reads a number: leading digits count, other text is 0. */
function leadingNumber(text: string): number {
  return Number(/^\s*([+-]?\d+)/.exec(text)?.[1] ?? 0);
}

/** What stands in parentheses; null when there are none, undefined when they do not close. */
function parenthesised(word: string): string | null | undefined {
  const open = word.indexOf('(');
  if (open < 0) return null;
  const close = word.indexOf(')', open);
  return close < 0 ? undefined : word.slice(open + 1, close);
}

/** @returns length, depth (0 = no limit), `whole` and `path-only` as 0 or 1. */
export function parseUri({ rest }: BalanceWords): ArgConfig[] {
  const found = { len: 0, depth: 0, whole: 0, 'path-only': 0 };
  let at = 0;
  while (at < rest.length && rest[at] !== '') {
    const word = rest[at++]!;
    if (word === 'len' || word === 'depth') {
      const value = rest[at++] ?? '';
      found[word] = leadingNumber(value);
      if (found[word] > 0) continue;
      throw new ConfigError(`balance uri : '${word}' expects a positive integer (got '${value}').`);
    }
    if (word !== 'whole' && word !== 'path-only') {
      throw new ConfigError(
        "balance uri only accepts parameters 'len', 'depth', 'path-only', and 'whole' " +
          `(got '${word}').`,
      );
    }
    found[word] = 1;
  }
  return Object.values(found);
}

/** @returns the name of the parameter, and whether the body of a POST request counts, 0 or 1. */
export function parseUrlParameter({ rest }: BalanceWords): ArgConfig[] {
  const [name = '', modifier = ''] = rest;
  if (name === '') throw new ConfigError('balance url_param requires an URL parameter name.');
  if (modifier !== '' && modifier !== 'check_post') {
    throw new ConfigError(
      `balance url_param only accepts 'check_post' modifier (got '${modifier}').`,
    );
  }
  return [name, modifier === '' ? 0 : 1];
}

/** @returns the name of the field, and whether only the domain of its value counts, 0 or 1. */
export function parseHeader({ word, rest }: BalanceWords): ArgConfig[] {
  const name = parenthesised(word);
  if (name === null) throw new ConfigError("balance hdr expects a name: 'hdr(<name>)'.");
  if (!name) throw new ConfigError('balance hdr requires an http header field name.');
  const [modifier = ''] = rest;
  if (modifier !== '' && modifier !== 'use_domain_only') {
    throw new ConfigError(
      `balance hdr(${name}) only accepts 'use_domain_only' modifier (got '${modifier}').`,
    );
  }
  return [name, modifier === '' ? 0 : 1];
}

/** @returns the number of draws. */
export function parseDraws({ word }: BalanceWords): ArgConfig[] {
  const text = parenthesised(word);
  if (text === undefined) throw new ConfigError('balance random : missing closing parenthesis.');
  if (text === null || text === '') return [2];
  const bad = text[/^[+-]?\d*/.exec(text)![0].length];
  if (bad !== undefined) {
    throw new ConfigError(`balance random : unexpected character '${bad}' after argument.`);
  }
  if (Number(text) < 1) {
    throw new ConfigError('balance random : number of draws must be at least 1.');
  }
  return [Number(text)];
}

/** @returns the text of the expression: it is parsed when the mode of the proxy is known. */
export function parseExpressionText({ rest }: BalanceWords): ArgConfig[] {
  const [text = '', extra = ''] = rest;
  if (text === '') throw new ConfigError('balance hash requires a sample expression.');
  if (extra !== '') {
    throw new ConfigError(`balance hash takes no other argument (got '${extra}').`);
  }
  return [text];
}
