/**
 * Regular expressions on JavaScript's engine: what runs where libpcre2-8 is not installed.
 *
 * Cost: a string is made for each subject, a result object for each match, and backtracking has no
 * bound but the engine's own.
 *
 * @dataplane
 */
import { text } from '../../sys/arena.ts';
import { parseSyntax } from './parse.ts';
import { found, GROUPS, type Regex, type RegexOptions } from './regex-type.ts';
import { contains, type Node } from './syntax.ts';
import { Translation } from './translation.ts';

class JavaScriptRegex implements Regex {
  readonly ignoreCase: boolean;
  private readonly whole: Translation;
  private readonly rest: Translation;

  constructor(source: string, options: RegexOptions) {
    const tree = parseSyntax(source, options);
    this.ignoreCase = options.ignoreCase;
    this.whole = new Translation(tree, false);
    this.rest = contains(tree, isBegin) ? new Translation(tree, true) : this.whole;
  }

  test(off: number, len: number): boolean {
    return this.whole.tester.test(text(off, len));
  }

  find(off: number, len: number, isRest: boolean): boolean {
    const translation = isRest ? this.rest : this.whole;
    const match = translation.finder.exec(text(off, len));
    if (match === null) return false;
    const indices = match.indices!;
    found.starts.fill(-1);
    found.ends.fill(-1);
    found.starts[0] = match.index;
    found.ends[0] = match.index + match[0].length;
    // The last `\K` that took part counts.
    for (let i = 0; i < translation.keeps.length; i++) {
      const span = indices[translation.keeps[i]!];
      if (span !== undefined) found.starts[0] = span[0];
    }
    for (let group = 1; group < translation.places.length && group < GROUPS; group++) {
      const places = translation.places[group]!;
      for (let i = 0; i < places.length; i++) {
        const span = indices[places[i]!];
        if (span === undefined) continue;
        found.starts[group] = span[0];
        found.ends[group] = span[1];
      }
    }
    return true;
  }
}

function isBegin(node: Node): boolean {
  return node.kind === 'anchor' && (node.anchor === 'begin' || node.anchor === 'line-begin');
}

/**
 * @throws SyntaxFault when the expression is invalid.
 * @throws BeyondJavaScript
 */
export function createJavaScriptRegex(source: string, options: RegexOptions): Regex {
  return new JavaScriptRegex(source, options);
}
