/**
 * Regular expressions on libpcre2-8: the bytes are matched where they lie in the arena.
 *
 * @dataplane
 */
import { Pcre2, type Pcre2Code, type Pcre2Library } from '../../sys/pcre2.ts';
import { found, GROUPS, type Regex, type RegexOptions } from './regex-type.ts';

class Pcre2Regex implements Regex {
  readonly ignoreCase: boolean;
  private readonly library: Pcre2Library;
  private readonly code: Pcre2Code;

  constructor(library: Pcre2Library, code: Pcre2Code, ignoreCase: boolean) {
    this.library = library;
    this.code = code;
    this.ignoreCase = ignoreCase;
  }

  test(off: number, len: number): boolean {
    return this.library.match(this.code, off, len, false) >= 0;
  }

  find(off: number, len: number, isRest: boolean): boolean {
    const groups = this.library.groups;
    const count = this.library.match(this.code, off, len, isRest);
    if (count < 0) return false;
    // 0: there are more groups than are reported.
    const reported = count === 0 ? GROUPS : count;
    for (let group = 0; group < GROUPS; group++) {
      found.starts[group] = group < reported ? groups[4 * group]! : -1;
      found.ends[group] = group < reported ? groups[4 * group + 2]! : -1;
    }
    // Before PCRE2 10.38 a `\K` in a look-ahead could put the begin behind the end.
    found.starts[0] = Math.min(found.starts[0]!, found.ends[0]!);
    return true;
  }
}

function createOptions(options: RegexOptions): number {
  const fold = options.ignoreCase ? Pcre2.Caseless : 0;
  return options.plainGroups ? fold | Pcre2.NoAutoCapture : fold;
}

/** Throws Pcre2Error when the expression is invalid. */
export function createPcre2Regex(
  library: Pcre2Library,
  source: string,
  options: RegexOptions,
): Regex {
  const code = library.compile(source, createOptions(options));
  return new Pcre2Regex(library, code, options.ignoreCase);
}

/** Throws Pcre2Error when the expression is invalid; keeps nothing. */
export function compileAndForget(
  library: Pcre2Library,
  source: string,
  options: RegexOptions,
): void {
  library.compileAndFree(source, createOptions(options));
}
