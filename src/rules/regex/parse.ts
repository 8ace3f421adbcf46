/**
 * Reads a regular expression as PCRE2 does (pcre2pattern(3)) into the tree of syntax.ts. Every
 * construct is either understood exactly, or refused as beyond JavaScript, or invalid.
 *
 * Groups: `( )`, names, `(?: )`, `(?| )`, `(?> )`, look-around, comments, flags `imnsx` alone and
 * with a group. Beyond JavaScript: recursion and calls, conditionals, verbs, `\G`, `\X`, `\C`,
 * `\p{..}`, and `\R`, before which PCRE2 makes `.+` possessive although it takes a CR.
 */
import {
  addRange,
  anyByte,
  type ByteSet,
  createByteSet,
  escapedSets,
  notLineFeed,
} from './byte-set.ts';
import { readClass } from './class.ts';
import { readCharacter } from './escape.ts';
import { type Anchor, BeyondJavaScript, type Node, partsOf, SyntaxFault } from './syntax.ts';
import { TextReader } from './text-reader.ts';

const REPEAT_MAX = 65535;

export interface ParseOptions {
  /** `-i`. */
  ignoreCase: boolean;
  /** `( )` captures nothing, as in ACLs. */
  plainGroups: boolean;
}

interface Flags {
  fold: boolean;
  multiline: boolean;
  plainGroups: boolean;
  dotAll: boolean;
  extended: boolean;
  /** `(?xx)`: blanks do not count in classes either. */
  extendedMore: boolean;
}

const noFlags: Flags = {
  fold: false,
  multiline: false,
  plainGroups: false,
  dotAll: false,
  extended: false,
  extendedMore: false,
};

/** The tree of an expression. Throws SyntaxFault or BeyondJavaScript. */
export function parseSyntax(text: string, options: ParseOptions): Node {
  return new Parser(text, options).run();
}

const escapedAnchors: Readonly<Record<string, Anchor>> = {
  A: 'start',
  Z: 'end-or-final-newline',
  z: 'end',
  b: 'word-boundary',
  B: 'no-word-boundary',
};

class Parser {
  private readonly reader: TextReader;
  private flags: Flags;
  private groups = 0;
  private readonly names = new Map<string, number>();
  private depth = 0;

  constructor(text: string, options: ParseOptions) {
    this.reader = new TextReader(text);
    this.flags = { ...noFlags, fold: options.ignoreCase, plainGroups: options.plainGroups };
  }

  run(): Node {
    const node = this.readBranches(false);
    const { reader } = this;
    if (!reader.atEnd) throw new SyntaxFault('unmatched closing parenthesis', reader.at + 1);
    this.checkReferences(node);
    return node;
  }

  /** A reference may stand before its group, so it is checked at the end. */
  private checkReferences(node: Node): void {
    if (node.kind === 'reference' && node.index > this.groups) {
      const end = this.reader.text.length;
      throw new SyntaxFault('reference to non-existent subpattern', end);
    }
    for (const part of partsOf(node)) this.checkReferences(part);
  }

  /** Alternatives up to `)` or the end. Flags set in one hold for those behind it. */
  private readBranches(resetsGroups: boolean): Node {
    const { reader } = this;
    const first = this.groups;
    let most = first;
    const branches: Node[] = [];
    do {
      if (resetsGroups) this.groups = first;
      branches.push(this.readSequence());
      most = Math.max(most, this.groups);
    } while (reader.take('|'));
    this.groups = most;
    return branches.length === 1 ? branches[0]! : { kind: 'either', branches };
  }

  private readSequence(): Node {
    const { reader } = this;
    const items: Node[] = [];
    for (;;) {
      this.skipIgnored();
      if (reader.atEnd) break;
      if (!reader.quoted && (reader.peek === '|' || reader.peek === ')')) break;
      const atom = this.readAtom();
      if (atom === null) continue;
      this.skipIgnored();
      items.push(this.readRepeat(atom));
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items };
  }

  /** Comments, `\E` without `\Q`, and with (?x) blanks and comments up to the end of the line. */
  private skipIgnored(): void {
    const { reader } = this;
    for (;;) {
      if (reader.quoted) return;
      if (reader.take('\\E')) continue;
      if (reader.startsWith('(?#')) {
        const end = reader.text.indexOf(')', reader.at);
        if (end < 0) throw new SyntaxFault('missing ) after (?# comment', reader.text.length);
        reader.at = end + 1;
      } else if (this.flags.extended && /[\t-\r ]/.test(reader.peek)) {
        reader.at++;
      } else if (this.flags.extended && reader.peek === '#') {
        const end = reader.text.indexOf('\n', reader.at);
        reader.at = end < 0 ? reader.text.length : end + 1;
      } else if (!reader.takeQuote()) {
        return;
      }
    }
  }

  private setOf(byte: number): Node {
    const set = createByteSet(() => false);
    addRange(set, byte, byte, this.flags.fold);
    return { kind: 'set', set };
  }

  /** One item without its quantifier; null when it was flags. */
  private readAtom(): Node | null {
    const { reader, flags } = this;
    if (reader.quoted) return this.setOf(reader.takeByte());
    const start = reader.at;
    switch (reader.peek) {
      case '\\':
        return this.readEscape();
      case '[':
        return { kind: 'set', set: readClass(reader, flags.fold, flags.extendedMore) };
      case '(':
        return this.readGroup();
      case '.':
        reader.at++;
        return { kind: 'set', set: flags.dotAll ? anyByte : notLineFeed };
      case '^':
        reader.at++;
        return { kind: 'anchor', anchor: flags.multiline ? 'line-begin' : 'begin' };
      case '$':
        reader.at++;
        return { kind: 'anchor', anchor: flags.multiline ? 'line-end' : 'end-or-final-newline' };
      case '*':
      case '+':
      case '?':
        throw new SyntaxFault('quantifier does not follow a repeatable item', start + 1);
      case '{':
        if (this.readBounds() !== null) {
          throw new SyntaxFault('quantifier does not follow a repeatable item', reader.at);
        }
        return this.setOf(reader.takeByte());
      default:
        return this.setOf(reader.takeByte());
    }
  }

  private readRepeat(body: Node): Node {
    const { reader } = this;
    if (reader.quoted) return body;
    const bounds = this.readBounds();
    if (bounds === null) return body;
    if (body.kind === 'anchor' || body.kind === 'look' || body.kind === 'keep') {
      throw new BeyondJavaScript('a quantifier after an assertion');
    }
    const [min, max] = bounds;
    const possessive = reader.take('+');
    const lazy = !possessive && reader.take('?');
    const repeat: Node = { kind: 'repeat', body, min, max, lazy };
    const before = reader.at;
    this.skipIgnored();
    const at = reader.at;
    if (!reader.quoted && this.readBounds() !== null) {
      if (at > before) throw new BeyondJavaScript('a quantifier after a comment');
      throw new SyntaxFault('quantifier does not follow a repeatable item', reader.at);
    }
    return possessive ? { kind: 'atomic', body: repeat } : repeat;
  }

  /** A quantifier at the place; null, and nothing is taken, when there is none. */
  private readBounds(): [number, number] | null {
    const { reader } = this;
    if (reader.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (reader.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (reader.take('?')) return [0, 1];
    const found = reader.matchHere(/\{(\d+)(?:(,)(\d*))?\}/y);
    if (found === null) {
      if (reader.matchHere(/\{[ \t]*(?:\d+[ \t]*(?:,[ \t]*\d*)?|,[ \t]*\d+)[ \t]*\}/y) !== null) {
        throw new BeyondJavaScript('a quantifier that depends on the release of PCRE2');
      }
      return null;
    }
    reader.at += found[0].length;
    const min = Number(found[1]);
    let max = min;
    if (found[2] !== undefined) max = found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY;
    if (min > REPEAT_MAX || (max > REPEAT_MAX && max !== Number.POSITIVE_INFINITY)) {
      throw new SyntaxFault('number too big in {} quantifier', reader.at - 1);
    }
    if (max < min) throw new SyntaxFault('numbers out of order in {} quantifier', reader.at - 1);
    return [min, max];
  }

  private readGroup(): Node | null {
    const { reader } = this;
    const { flags } = this;
    if (reader.startsWith('(*')) throw new BeyondJavaScript('a verb (*...)');
    if (!reader.startsWith('(?')) {
      reader.at++;
      if (flags.plainGroups) return this.readBody(false);
      return this.readCapture();
    }
    const named = reader.matchHere(/\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/y);
    if (named !== null) {
      reader.at += named[0].length;
      return this.readNamed(named[1] ?? named[2]!);
    }
    const back = reader.matchHere(/\(\?P=([A-Za-z_]\w*)\)/y);
    if (back !== null) {
      reader.at += back[0].length;
      return this.reference(this.indexOf(back[1]!));
    }
    for (const [opening, negative, ahead] of looks) {
      if (!reader.take(opening)) continue;
      return { kind: 'look', ahead, negative, body: this.readBody(false) };
    }
    if (reader.take('(?|')) return this.readBody(true);
    if (reader.take('(?>')) return { kind: 'atomic', body: this.readBody(false) };
    return this.readFlags();
  }

  private readNamed(name: string): Node {
    if (this.names.has(name)) throw new BeyondJavaScript('a name that stands twice');
    this.names.set(name, this.groups + 1);
    return this.readCapture();
  }

  private readCapture(): Node {
    const index = ++this.groups;
    return { kind: 'capture', index, body: this.readBody(false) };
  }

  /** What is in a group, and its `)`. The flags from before hold again behind it. */
  private readBody(resetsGroups: boolean): Node {
    const { reader, flags } = this;
    if (++this.depth > 250) throw new SyntaxFault('parentheses are too deeply nested', reader.at);
    this.flags = { ...flags };
    const body = this.readBranches(resetsGroups);
    if (!reader.take(')')) {
      throw new SyntaxFault('missing closing parenthesis', reader.text.length);
    }
    this.depth--;
    this.flags = flags;
    return body;
  }

  /** `(?i)`, `(?i-s)`, `(?^x)` and the same before a colon; with none, `(?:`. */
  private readFlags(): Node | null {
    const { reader } = this;
    const found = reader.matchHere(/\(\?(\^?)([imnsx]*)(?:-([imnsx]*))?([:)])/y);
    if (found === null || (found[1] === '^' && found[3] !== undefined)) {
      throw new BeyondJavaScript(`the group '${reader.text.slice(reader.at, reader.at + 4)}'`);
    }
    const before = this.flags;
    const changed = found[1] === '^' ? { ...noFlags } : { ...before };
    applyFlags(changed, found[2]!, true);
    applyFlags(changed, found[3] ?? '', false);
    reader.at += found[0].length;
    this.flags = changed;
    if (found[4] === ')') return null;
    const body = this.readBody(false);
    this.flags = before;
    return body;
  }

  private readEscape(): Node {
    const { reader } = this;
    const letter = reader.text[reader.at + 1];
    if (letter === undefined) {
      throw new SyntaxFault('\\ at end of pattern', reader.text.length);
    }
    const anchor = escapedAnchors[letter];
    if (anchor !== undefined) {
      reader.at += 2;
      return { kind: 'anchor', anchor };
    }
    const set: ByteSet | undefined = escapedSets.get(letter);
    if (set !== undefined || letter === 'N') {
      reader.at += 2;
      if (letter === 'N' && reader.peek === '{') throw new BeyondJavaScript('\\N{');
      return { kind: 'set', set: set ?? notLineFeed };
    }
    if (letter === 'K') {
      reader.at += 2;
      return { kind: 'keep' };
    }
    return this.readReference() ?? this.setOf(readCharacter(reader));
  }

  private readReference(): Node | null {
    const { reader } = this;
    const numbered = reader.matchHere(/\\(?:([1-9]\d*)|g([-+]?)(\d+)|g\{([-+]?)(\d+)\})/y);
    if (numbered !== null) {
      reader.at += numbered[0].length;
      const number = Number(numbered[1] ?? numbered[3] ?? numbered[5]);
      const sign = numbered[2] || numbered[4];
      if (numbered[1] !== undefined && number > 9 && number > this.groups) {
        throw new BeyondJavaScript(`'${numbered[0]}', which may be octal`);
      }
      if (number === 0) throw new BeyondJavaScript(`'${numbered[0]}'`);
      if (sign === '-') return this.reference(this.groups + 1 - number);
      return this.reference(sign === '+' ? this.groups + number : number);
    }
    const name = /\\(?:[gk]\{([A-Za-z_]\w*)\}|k<([A-Za-z_]\w*)>|k'([A-Za-z_]\w*)')/y;
    const named = reader.matchHere(name);
    if (named === null) return null;
    reader.at += named[0].length;
    return this.reference(this.indexOf((named[1] ?? named[2] ?? named[3])!));
  }

  private indexOf(name: string): number {
    const index = this.names.get(name);
    if (index === undefined) throw new BeyondJavaScript(`a reference to '${name}' before it`);
    return index;
  }

  private reference(index: number): Node {
    if (index < 1) {
      throw new SyntaxFault('reference to non-existent subpattern', this.reader.at);
    }
    if (this.flags.fold) throw new BeyondJavaScript('a back reference that ignores case');
    return { kind: 'reference', index };
  }
}

const looks: readonly (readonly [opening: string, negative: boolean, ahead: boolean])[] = [
  ['(?=', false, true],
  ['(?!', true, true],
  ['(?<=', false, false],
  ['(?<!', true, false],
];

function applyFlags(flags: Flags, letters: string, on: boolean): void {
  if (letters.includes('i')) flags.fold = on;
  if (letters.includes('m')) flags.multiline = on;
  if (letters.includes('n')) flags.plainGroups = on;
  if (letters.includes('s')) flags.dotAll = on;
  if (!letters.includes('x')) return;
  flags.extended = on;
  flags.extendedMore = on && letters.includes('xx');
}
