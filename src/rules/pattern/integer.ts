/**
 * Integer match (`-m int`, `-m len`; configuration.txt 7.1.2): values, ranges and operators are a
 * sorted list of closed ranges that do not touch (see `range-text.ts`), searched by halves.
 *
 * @dataplane
 */
import type { Sample } from '../sample.ts';
import type { Pattern } from './pattern.ts';

class Ranges implements Pattern {
  private readonly low: Float64Array;
  private readonly high: Float64Array;
  private readonly ofLength: boolean;

  constructor(low: Float64Array, high: Float64Array, ofLength: boolean) {
    this.low = low;
    this.high = high;
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

/** `-m int` and, with `ofLength`, `-m len`. */
export function createIntegers(low: Float64Array, high: Float64Array, ofLength: boolean): Pattern {
  return new Ranges(low, high, ofLength);
}
