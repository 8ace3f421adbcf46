/**
 * What a regular expression is to the rules that use it, whichever engine runs it.
 *
 * @dataplane
 */

/** Groups that are reported: `\0` to `\9`. */
export const GROUPS = 10;

export interface RegexOptions {
  /** `-i`. */
  readonly ignoreCase: boolean;
  /** `( )` captures nothing, as in ACLs; a reference to it is an error. */
  readonly plainGroups: boolean;
}

export interface Regex {
  readonly ignoreCase: boolean;

  /** Whether it matches somewhere in `len` bytes of the arena. */
  test(off: number, len: number): boolean;

  /**
   * The same, and leaves the place of the match in `found`.
   * @param isRest the bytes are the rest of a text: `^` is not at their start.
   */
  find(off: number, len: number, isRest: boolean): boolean;
}

/** The place of the groups of the last match, from the start of the bytes; -1: took no part. */
export class Found {
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  constructor() {
    this.starts = new Int32Array(GROUPS);
    this.ends = new Int32Array(GROUPS);
  }
}

export const found = new Found();
