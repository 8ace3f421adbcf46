/**
 * A sample: the value that fetches produce and converters transform (configuration.txt 7.3).
 *
 * One instance is reused for every evaluation: a sample is registers, not an object per value.
 * Strings and binaries are slices of the worker's arena (`off`, `len`); they are valid until the
 * next evaluation or until the buffer that they point into moves, whichever comes first.
 *
 * @dataplane
 */
export const enum SampleType {
  None = 0,
  Bool = 1,
  Sint = 2,
  Ipv4 = 3,
  Ipv6 = 4,
  Str = 5,
  Bin = 6,
  /** `num` is a `Method`; for `Method.Other` the text is the slice. */
  Method = 7,
}

export class Sample {
  type: SampleType = SampleType.None;
  /** Bool (0/1), Sint (a double holding an integer; exact up to 2^53), Ipv4 (unsigned), Method. */
  num: number = 0;
  /** Arena offset of Str, Bin, Ipv6 (16 bytes) and of Method.Other's text. */
  off: number = 0;
  len: number = 0;
  /**
   * Iteration over several occurrences: a fetch called with `iter` 0 yields the first and leaves
   * its own cursor here; `more` says that calling again may yield another.
   */
  iter: number = 0;
  more: boolean = false;
  /** The value may still change when more data arrives; a negative answer is not final. */
  mayChange: boolean = false;

  reset(): void {
    this.type = SampleType.None;
    this.num = 0;
    this.off = 0;
    this.len = 0;
    this.iter = 0;
    this.more = false;
    this.mayChange = false;
  }

  setBool(value: boolean): void {
    this.type = SampleType.Bool;
    this.num = value ? 1 : 0;
  }

  setInt(value: number): void {
    this.type = SampleType.Sint;
    this.num = value;
  }

  setStr(off: number, len: number): void {
    this.type = SampleType.Str;
    this.off = off;
    this.len = len;
  }
}
