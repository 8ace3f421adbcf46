/**
 * Integer match (`-m int`, `-m len`; configuration.txt 7.1.2): values, ranges and operators are a
 * sorted list of closed ranges that do not touch (see `range-text.ts`), searched by halves.
 *
 * @dataplane
 */
import type { Sample } from '../sample.ts';
import { EmptyPattern, type Pattern } from './pattern.ts';
import { mergeRanges, type Range } from './range-text.ts';

class Ranges implements Pattern {
  private readonly low: Float64Array;
  private readonly high: Float64Array;
  private readonly ofLength: boolean;

  constructor(ranges: readonly Range[], ofLength: boolean) {
    this.low = Float64Array.from(ranges, (range) => range[0]);
    this.high = Float64Array.from(ranges, (range) => range[1]);
    this.ofLength = ofLength;
  }

  matches(sample: Sample): boolean {
    const value = this.ofLength ? sample.len : sample.num;
    let from = 0;
    let until = this.low.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if (value < this.low[middle]!) until = middle;
      else if (value > this.high[middle]!) from = middle + 1;
      else return true;
    }
    return false;
  }
}

/** `-m int` and, with `ofLength`, `-m len`. Operators stand among the patterns. */
export function createIntegers(
  patterns: readonly string[],
  ofLength: boolean,
  dotted: boolean,
): Pattern {
  const ranges = mergeRanges(patterns, dotted);
  return ranges.length === 0 ? new EmptyPattern() : new Ranges(ranges, ofLength);
}
