/**
 * Readers of single words, shared by all keyword rows. They throw ConfigError with the text that
 * HAProxy prints after the location, and they never guess: `10x` is not ten.
 */
import { ConfigError } from '../../base/config-error.ts';
import { DurationError, parseDuration } from '../../base/value/duration.ts';
import { parseSize } from '../../base/value/size.ts';

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

/** A delay in milliseconds (2.5); `unit` is that of a bare number. */
export function delayMs(word: string, name: string, unit: 'ms' | 's' = 'ms'): number {
  try {
    return parseDuration(word, unit);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`${delayProblem(word, problem)} in argument to <${name}>.`);
  }
}

const SMALL_DELAY_MS = 100;

/**
 * What HAProxy warns of when a bare number was probably meant in another unit, or null.
 * @param setting the keyword and the word, `place` where it stands: `timeout client 30`, `proxy 'x'`
 */
export function smallDelay(setting: string, delay: number, place: string): string | null {
  const [bare] = /[0-9]+$/.exec(setting) ?? [];
  if (bare === undefined || delay === 0 || delay >= SMALL_DELAY_MS) return null;
  return (
    `'${setting}' in ${place} is suspiciously small for a value in milliseconds. ` +
    `Please use an explicit unit ('${bare}ms') if that was the intent.`
  );
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

/** A size in bytes with the optional suffix k, m or g (2.6). */
export function sizeBytes(word: string | undefined, text: string): number {
  if (word === undefined || word === '') throw new ConfigError(text);
  try {
    return parseSize(word);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(text);
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
    const stop = problem.message.endsWith('.') ? '' : '.';
    throw new ConfigError(`${prefix}${problem.message}${stop}`);
  }
}
