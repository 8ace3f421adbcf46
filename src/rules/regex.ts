/**
 * Regular expressions of the configuration. They are PCRE2's, as HAProxy is built with it on all
 * distributions, without UTF mode: about bytes, with letters only in ASCII.
 *
 * libpcre2-8 runs them where it is installed. It takes the bytes in the arena as they are, which is
 * faster than making a string for JavaScript's engine, and bounds backtracking (docs/decisions/0008).
 * Where it is not, JavaScript's engine runs those that can be said in its language; the others are
 * refused with the name of the package.
 */
import { ConfigError } from '../base/config-error.ts';
import { Pcre2Error, pcre2 } from '../sys/pcre2.ts';
import { createJavaScriptRegex } from './regex/javascript.ts';
import { compileAndForget, createPcre2Regex } from './regex/pcre2.ts';
import type { Regex, RegexOptions } from './regex/regex-type.ts';
import { BeyondJavaScript, SyntaxFault } from './regex/syntax.ts';

export { found, type Regex, type RegexOptions } from './regex/regex-type.ts';

/** An expression whose groups are read. */
export const withGroups: RegexOptions = { ignoreCase: false, plainGroups: false };

/**
 * Compiles an expression, a byte string.
 * @throws ConfigError when it is invalid, or needs the library and that is not installed.
 */
export function createRegex(source: string, options = withGroups): Regex {
  return named(source, () => {
    const library = pcre2();
    if (library !== null) return createPcre2Regex(library, source, options);
    return createJavaScriptRegex(source, options);
  });
}

/** The same for an expression that another thread will run: nothing is kept. */
export function checkRegex(source: string, options = withGroups): void {
  named(source, () => {
    const library = pcre2();
    if (library !== null) compileAndForget(library, source, options);
    else createJavaScriptRegex(source, options);
  });
}

/** Does `work` on an expression; what goes wrong becomes a ConfigError with its text. */
function named<Result>(source: string, work: () => Result): Result {
  try {
    return work();
  } catch (problem) {
    if (problem instanceof BeyondJavaScript) {
      throw new ConfigError(
        `regex '${source}' has ${problem.message}, for which sluice needs the library ` +
          'libpcre2-8.so.0 (Debian: libpcre2-8-0)',
      );
    }
    if (!(problem instanceof SyntaxFault || problem instanceof Pcre2Error)) throw problem;
    const { message, offset } = problem;
    throw new ConfigError(`regex '${source}' is invalid (error=${message}, erroffset=${offset})`);
  }
}
