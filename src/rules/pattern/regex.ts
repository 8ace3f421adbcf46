/**
 * Regular expression match (`-m reg`; configuration.txt 7.1.4). The one match that needs a string:
 * it is made from the sample's bytes as Latin-1, so that a character is a byte, as in HAProxy.
 *
 * @dataplane
 */
import { text } from '../../sys/arena.ts';
import { createRegex } from '../regex.ts';
import type { Sample } from '../sample.ts';
import { EmptyPattern, type Pattern } from './pattern.ts';

class Regexes implements Pattern {
  private readonly list: readonly RegExp[];

  constructor(list: readonly RegExp[]) {
    this.list = list;
  }

  matches(sample: Sample): boolean {
    const subject = text(sample.off, sample.len);
    for (let i = 0; i < this.list.length; i++) if (this.list[i]!.test(subject)) return true;
    return false;
  }
}

/** `-m reg`. Throws ConfigError for an expression that is not valid. */
export function createRegexes(patterns: readonly string[], ignoreCase: boolean): Pattern {
  if (patterns.length === 0) return new EmptyPattern();
  return new Regexes(patterns.map((pattern) => createRegex(pattern, ignoreCase)));
}
