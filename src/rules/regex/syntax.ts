/** The tree of a regular expression, as far as JavaScript's engine can do its work. */
import type { ByteSet } from './byte-set.ts';

/** Places without a width. */
export type Anchor =
  /** `^` */
  | 'begin'
  /** `^` with (?m) */
  | 'line-begin'
  /** `\A` */
  | 'start'
  /** `$` and `\Z` */
  | 'end-or-final-newline'
  /** `$` with (?m) */
  | 'line-end'
  /** `\z` */
  | 'end'
  | 'word-boundary'
  | 'no-word-boundary';

export type Node =
  | { kind: 'set'; set: ByteSet }
  | { kind: 'sequence'; items: Node[] }
  | { kind: 'either'; branches: Node[] }
  /** `index` counts as PCRE2 does: after `(?|` several groups may have one index. */
  | { kind: 'capture'; index: number; body: Node }
  | { kind: 'atomic'; body: Node }
  | { kind: 'look'; ahead: boolean; negative: boolean; body: Node }
  | { kind: 'repeat'; body: Node; min: number; max: number; lazy: boolean }
  | { kind: 'anchor'; anchor: Anchor }
  | { kind: 'reference'; index: number }
  /** `\K` */
  | { kind: 'keep' };

/** The expression is invalid. */
export class SyntaxFault extends Error {
  /** Where, in bytes. */
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(reason);
    this.offset = offset;
  }
}

/** The expression has something that only PCRE2 can do. */
export class BeyondJavaScript extends Error {}

/** The parts of a node, in order. */
export function partsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'sequence':
      return node.items;
    case 'either':
      return node.branches;
    case 'capture':
    case 'atomic':
    case 'look':
    case 'repeat':
      return [node.body];
    default:
      return [];
  }
}

export function contains(node: Node, wanted: (node: Node) => boolean): boolean {
  return wanted(node) || partsOf(node).some((part) => contains(part, wanted));
}

/** Whether it can match nothing. */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false;
    case 'sequence':
      return node.items.every(isNullable);
    case 'either':
      return node.branches.some(isNullable);
    case 'capture':
    case 'atomic':
      return isNullable(node.body);
    case 'repeat':
      return node.min === 0 || isNullable(node.body);
    default:
      return true;
  }
}

/** The number of bytes it matches, or -1 when that varies. */
export function widthOf(node: Node): number {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'sequence': {
      const widths = node.items.map(widthOf);
      return widths.includes(-1) ? -1 : widths.reduce((sum, width) => sum + width, 0);
    }
    case 'either': {
      const widths = new Set(node.branches.map(widthOf));
      return widths.size === 1 ? [...widths][0]! : -1;
    }
    case 'capture':
    case 'atomic':
      return widthOf(node.body);
    case 'repeat': {
      const width = widthOf(node.body);
      return node.min === node.max && width >= 0 ? width * node.min : -1;
    }
    case 'reference':
      return -1;
    default:
      return 0;
  }
}

/** Whether it has a group that may not take part when it matches. */
export function hasOptionalCapture(node: Node): boolean {
  const isCapture = (part: Node) => part.kind === 'capture';
  switch (node.kind) {
    case 'either':
      return node.branches.some((branch) => contains(branch, isCapture));
    case 'repeat':
      return node.min === 0 ? contains(node.body, isCapture) : hasOptionalCapture(node.body);
    case 'look':
      return contains(node.body, isCapture);
    default:
      return partsOf(node).some(hasOptionalCapture);
  }
}
