/**
 * What a list of patterns is once compiled (configuration.txt 7.1): a question about one sample
 * that has already been cast to the type that the match method works on.
 *
 * @dataplane
 */
import type { Sample } from '../sample.ts';

export interface Pattern {
  /** Whether at least one pattern of the list matches. */
  matches(sample: Sample): boolean;
}

/** A list of texts, in which it counts which of them matches. */
export interface TextFinder {
  /**
   * @returns the text that counts: of prefixes the longest one, otherwise the first one that
   *   matches; -1 = none does
   */
  find(sample: Sample): number;
}

/** A list of texts of which any may match. */
export class AnyText implements Pattern {
  private readonly texts: TextFinder;

  constructor(texts: TextFinder) {
    this.texts = texts;
  }

  matches(sample: Sample): boolean {
    return this.texts.find(sample) >= 0;
  }
}

/** `-m found`: the sample exists. */
export class FoundPattern implements Pattern {
  matches(_sample: Sample): boolean {
    return true;
  }
}

/** `-m bool`: the sample is true. */
export class BoolPattern implements Pattern {
  matches(sample: Sample): boolean {
    return sample.num !== 0;
  }
}

/** A list without patterns: nothing matches. */
export class EmptyPattern implements Pattern {
  matches(_sample: Sample): boolean {
    return false;
  }
}

/** Groups of a userlist: the sample's number is that of a user. */
export class GroupPattern implements Pattern {
  private readonly members: Uint8Array;

  /** @param members by user: 1 for those of the groups */
  constructor(members: Uint8Array) {
    this.members = members;
  }

  matches(sample: Sample): boolean {
    return this.members[sample.num] === 1;
  }
}

/** Two lists of which either may match, e.g. patterns with and without `-i`. */
export class EitherPattern implements Pattern {
  private readonly first: Pattern;
  private readonly second: Pattern;

  constructor(first: Pattern, second: Pattern) {
    this.first = first;
    this.second = second;
  }

  matches(sample: Sample): boolean {
    return this.first.matches(sample) || this.second.matches(sample);
  }
}
