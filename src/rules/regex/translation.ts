/**
 * Regular expressions in JavaScript's language: the tree of an expression is written again so that
 * it means the same. Where the engine could differ (see `refuse...` below) it is refused.
 *
 * JavaScript's flags are not used: case, `.` and line anchors are written out, and a byte is one
 * character. An atomic group becomes `(?=(...))\n`: a look-ahead is atomic, and the reference takes
 * what it found. `\K` becomes an empty group whose place is where the match begins.
 */
import { setText } from './byte-set.ts';
import {
  type Anchor,
  BeyondJavaScript,
  contains,
  hasOptionalCapture,
  isNullable,
  type Node,
  widthOf,
} from './syntax.ts';

class Writer {
  /** Of each of PCRE2's groups, the groups of JavaScript that stand for it. */
  readonly places: number[][] = [];
  readonly keeps: number[] = [];
  private groups = 0;
  private readonly isRest: boolean;

  /** @param isRest the subject is the rest of a text: `^` is not at its start. */
  constructor(isRest: boolean) {
    this.isRest = isRest;
  }

  /**
   * The node in JavaScript.
   * @param certain groups that have taken part when this node is reached; those of the node that
   *   must take part are added.
   */
  write(node: Node, certain: Set<number>): string {
    switch (node.kind) {
      case 'set':
        return setText(node.set);
      case 'sequence':
        return node.items.map((item) => this.write(item, certain)).join('');
      case 'either':
        return `(?:${node.branches.map((one) => this.write(one, new Set(certain))).join('|')})`;
      case 'capture':
        return this.writeCapture(node, certain);
      case 'atomic': {
        const place = ++this.groups;
        return `(?:(?=(${this.write(node.body, certain)}))\\${place})`;
      }
      case 'look':
        refuseLook(node);
        return this.writeLook(node, certain);
      case 'repeat':
        return this.writeRepeat(node, certain);
      case 'anchor':
        return anchorText(node.anchor, this.isRest);
      case 'reference':
        return this.writeReference(node.index, certain);
      case 'keep':
        this.keeps.push(++this.groups);
        return '()';
    }
  }

  private writeCapture(node: Node & { kind: 'capture' }, certain: Set<number>): string {
    const place = ++this.groups;
    const body = this.write(node.body, certain);
    this.places[node.index] ??= [];
    this.places[node.index]!.push(place);
    certain.add(node.index);
    return `(${body})`;
  }

  private writeLook(node: Node & { kind: 'look' }, certain: Set<number>): string {
    const opening = `(?${node.ahead ? '' : '<'}${node.negative ? '!' : '='}`;
    const body = this.write(node.body, node.negative ? new Set(certain) : certain);
    return `${opening}${body})`;
  }

  private writeRepeat(node: Node & { kind: 'repeat' }, certain: Set<number>): string {
    refuseRepeat(node);
    const { min, max } = node;
    const body = this.write(node.body, min > 0 ? certain : new Set(certain));
    const until = max === Number.POSITIVE_INFINITY ? '' : max;
    return `(?:${body}){${min},${until}}${node.lazy ? '?' : ''}`;
  }

  /** PCRE2 fails at a group that has not taken part, JavaScript goes on. */
  private writeReference(index: number, certain: Set<number>): string {
    const places = this.places[index];
    if (places?.length !== 1 || !certain.has(index)) {
      throw new BeyondJavaScript('a reference to a group that may not have taken part');
    }
    return `(?:\\${places[0]})`;
  }
}

/** JavaScript reads a lookbehind backwards: only what has no memory means the same. */
function refuseLook(look: Node & { kind: 'look' }): void {
  if (contains(look.body, (node) => node.kind === 'keep')) {
    throw new BeyondJavaScript('\\K in an assertion');
  }
  if (look.ahead) return;
  const branches = look.body.kind === 'either' ? look.body.branches : [look.body];
  const remembers = (node: Node) => ['capture', 'atomic', 'reference'].includes(node.kind);
  if (branches.some((branch) => widthOf(branch) < 0 || contains(branch, remembers))) {
    throw new BeyondJavaScript('a lookbehind with groups or of variable length');
  }
}

/**
 * JavaScript forgets the groups of the round before, and drops a round that matched nothing; PCRE2
 * does neither.
 */
function refuseRepeat(node: Node & { kind: 'repeat' }): void {
  const { body, min, max } = node;
  if (contains(body, (part) => part.kind === 'keep')) {
    throw new BeyondJavaScript('a quantifier around \\K');
  }
  if (max > 1 && hasOptionalCapture(body)) {
    throw new BeyondJavaScript('a repeated group around one that may not take part');
  }
  if (min !== max && isNullable(body)) {
    throw new BeyondJavaScript('a repeated group that can match nothing');
  }
}

function anchorText(anchor: Anchor, isRest: boolean): string {
  switch (anchor) {
    case 'begin':
      return isRest ? '(?!)' : '^';
    case 'line-begin':
      return isRest ? '(?:(?<=\\n)(?=[^]))' : '(?:^|(?<=\\n)(?=[^]))';
    case 'start':
      return '^';
    case 'end-or-final-newline':
      return '(?=\\n?$)';
    case 'line-end':
      return '(?=\\n|$)';
    case 'end':
      return '$';
    case 'word-boundary':
      return '\\b';
    case 'no-word-boundary':
      return '\\B';
  }
}

/** An expression for a whole subject, or for the rest of one. */
export class Translation {
  readonly tester: RegExp;
  readonly finder: RegExp;
  readonly places: readonly (readonly number[])[];
  readonly keeps: readonly number[];

  constructor(tree: Node, isRest: boolean) {
    const writer = new Writer(isRest);
    const source = writer.write(tree, new Set());
    this.tester = new RegExp(source);
    this.finder = new RegExp(source, 'd');
    this.places = Array.from(writer.places, (places) => places ?? []);
    this.keeps = writer.keeps;
  }
}
