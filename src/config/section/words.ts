/**
 * Readers of single words, shared by all keyword rows. They throw ConfigError with the text that
 * HAProxy prints after the location, and they never guess: `10x` is not ten.
 */
import { ConfigError } from '../../base/config-error.ts';
import { DurationError, parseDuration } from '../../base/value/duration.ts';
import type { Origin } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import type { ParserState } from './state.ts';

/**
 * Refuses words after the last one that the keyword takes.
 * `count` is the number of arguments, `words[0]` and the words of the name excluded.
 */
export function refuseExtra(words: readonly string[], count: number, nameWords = 1): void {
  const extra = words[nameWords + count];
  if (extra === undefined) return;
  const name = words.slice(0, nameWords).join(' ');
  throw new ConfigError(`'${name}' cannot handle unexpected argument '${extra}'.`);
}

/** A decimal integer with an optional sign, or null when the word is something else. */
export function integer(word: string | undefined): number | null {
  if (word === undefined || !/^[+-]?[0-9]{1,15}$/.test(word)) return null;
  return Number(word);
}

/** The integer argument of a keyword; `text` is the message when it is not one. */
export function requireInteger(word: string | undefined, text: string): number {
  const value = integer(word);
  if (value === null) throw new ConfigError(text);
  return value;
}

/** An integer within limits; out of them the message says so. */
export function integerIn(
  name: string,
  word: string | undefined,
  least: number,
  most: number,
): number {
  const value = requireInteger(word, `'${name}' expects an integer argument.`);
  if (value < least || value > most) {
    throw new ConfigError(`'${name}' expects a numeric value between ${least} and ${most}`);
  }
  return value;
}

/** What messages call a proxy: a `listen` section is a "proxy". */
export function sectionName(draft: Pick<ProxyDraft, 'section'>): string {
  return draft.section === 'listen' ? 'proxy' : draft.section;
}

/** Where a word stands: warnings about it go there. */
export interface WordPlace {
  origin: Origin;
  state: ParserState;
}

/**
 * An integer as HAProxy reads most of them: what stands behind the digits does not count. A warning
 * names it; a word without a number is none.
 * @param name the keyword, for the warning
 */
export function leadingInteger(
  word: string | undefined,
  name: string,
  at: WordPlace,
): number | null {
  const digits = /^[+-]?[0-9]{1,15}(?![0-9])/.exec(word ?? '')?.[0];
  if (digits === undefined) return null;
  if (digits !== word) {
    const extra = word![digits.length]!;
    at.state.diagnostics.warning(
      at.origin,
      `'${name}' : unexpected character '${extra}' in '${word}', which is read as ${digits}.`,
    );
  }
  return Number(digits);
}

/**
 * A duration in milliseconds (2.5) of which HAProxy reads no more than the unit: `15min` is fifteen
 * minutes, with a warning.
 * @throws DurationError
 */
export function durationMs(word: string, unit: 'ms' | 's', at: WordPlace): number {
  return parseDuration(word, unit, '', (extra) =>
    at.state.diagnostics.warning(
      at.origin,
      `unexpected character '${extra}' after the timer value '${word}', only ` +
        '(us=microseconds,ms=milliseconds,s=seconds,m=minutes,h=hours,d=days) are supported. ' +
        'This will be reported as an error in next versions.',
    ),
  );
}

/** Below this many milliseconds a bare number was probably meant in another unit. */
const SMALL_DELAY_MS = 100;

/**
 * What HAProxy says about a small number without a unit, or null.
 * @param name the keyword
 * @param place where it stands, for example `proxy 'x'`
 */
export function smallDelay(
  name: string,
  word: string,
  delay: number,
  place: string,
): string | null {
  if (delay === 0 || delay >= SMALL_DELAY_MS || !/^[0-9]+$/.test(word)) return null;
  return (
    `'${name} ${delay}' in ${place} is suspiciously small for a value in milliseconds. ` +
    `Please use an explicit unit ('${delay}ms') if that was the intent.`
  );
}

/** A delay in milliseconds; `unit` is that of a bare number. */
export function delayMs(
  word: string,
  name: string,
  at: WordPlace,
  unit: 'ms' | 's' = 'ms',
): number {
  try {
    return durationMs(word, unit, at);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`${delayProblem(word, problem)} in argument to <${name}>.`);
  }
}

/** `tcp-ut` of bind and server lines (5.1, 5.2); 0 leaves the system's timeout. */
export function userTimeoutMs(word: string, at: WordPlace): number {
  if (word === '') throw new ConfigError("'tcp-ut' : missing TCP User Timeout value");
  try {
    return durationMs(word, 'ms', at);
  } catch (problem) {
    if (!(problem instanceof DurationError)) throw problem;
    throw new ConfigError(
      problem.fault === 'overflow'
        ? `timer overflow in argument '${word}' to 'tcp-ut' (maximum value is 2147483647 ms or ` +
            '~24.8 days)'
        : "'tcp-ut' : expects a positive delay in milliseconds",
    );
  }
}

/** What is wrong with a delay, in HAProxy's words. */
export function delayProblem(word: string, problem: ConfigError): string {
  if (!(problem instanceof DurationError)) return problem.message;
  switch (problem.fault) {
    case 'overflow':
      return `timer overflow '${word}'`;
    case 'empty':
    case 'character':
      return `unexpected character '${problem.character}'`;
  }
}

/** The first character that names of proxies, servers and ACLs may not have (4), or null. */
export function badNameCharacter(name: string): string | null {
  return /[^A-Za-z0-9_.:-]/u.exec(name)?.[0] ?? null;
}

/**
 * A message that follows the location without a blank, as HAProxy prints those of its older
 * keywords: `parsing [f:1]: 'option' expects an option name.` (see print.ts).
 */
export function tightError(message: string): ConfigError {
  return new ConfigError(`: ${message}`);
}

/** Runs a parser of words and puts `prefix` in front of the message that it throws. */
export function prefixed<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (problem) {
    if (problem instanceof ConfigError) throw new ConfigError(`${prefix}${problem.message}`);
    throw problem;
  }
}

/** As `prefixed`, and completes the sentence: parsers of the rules engine leave the stop out. */
export function explained<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    const stop = /[.?]$/.test(problem.message) ? '' : '.';
    throw new ConfigError(`${prefix}${problem.message}${stop}`);
  }
}
