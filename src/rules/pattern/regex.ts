/**
 * Regular expression match (`-m reg`; configuration.txt 7.1.4). The groups of an expression are not
 * read, so that `( )` captures nothing, and a reference to it is an error.
 *
 * @dataplane
 */
import { createRegex, type Regex } from '../regex.ts';
import type { Sample } from '../sample.ts';
import { EmptyPattern, type Pattern } from './pattern.ts';

class Regexes implements Pattern {
  private readonly list: readonly Regex[];

  constructor(list: readonly Regex[]) {
    this.list = list;
  }

  matches(sample: Sample): boolean {
    const { off, len } = sample;
    for (let i = 0; i < this.list.length; i++) if (this.list[i]!.test(off, len)) return true;
    return false;
  }
}

/** `-m reg`. Throws ConfigError for an expression that is not valid. */
export function createRegexes(patterns: readonly string[], ignoreCase: boolean): Pattern {
  if (patterns.length === 0) return new EmptyPattern();
  const options = { ignoreCase, plainGroups: true };
  return new Regexes(patterns.map((pattern) => createRegex(pattern, options)));
}
