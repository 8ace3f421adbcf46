/**
 * The changes that `npm run mutate` makes to a file, one at a time: a condition that always or never
 * holds, a comparison whose border moves, a return that comes back otherwise, a statement that is
 * left out. A comment `mutate: reason` on the line, or alone on the line above it, says why no test
 * can tell the difference there, and takes the line out.
 */
import { isNode, lineOf, type Node, type Source, walk } from '../tests/tidy/source.ts';

/** One change: `text` in the place of `[start, end)`. */
export interface Mutation {
  line: number;
  start: number;
  end: number;
  text: string;
}

/** Comparisons and what they become; the border is where mistakes are made. */
const borders: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
};

/** Nodes whose `test` decides what runs. */
const deciders = ['IfStatement', 'ConditionalExpression', 'WhileStatement', 'DoWhileStatement'];

/** Calls that only check, and code that only runs when a defect has been found. */
const unseen = /^(?:assert|showRequest|showResponse|showAccept|note\w+)\b/;

/** All changes of a file, in the order of its lines. */
export function mutationsOf(source: Source): Mutation[] {
  const found: Mutation[] = [];
  const excused = excusedLines(source);
  const add = (node: Node, text: string): void => {
    const line = lineOf(source.text, node.start);
    if (excused.has(line) || source.text.slice(node.start, node.end) === text) return;
    found.push({ line, start: node.start, end: node.end, text });
  };
  walk(source.program, (node, parents) => {
    if (node.type.startsWith('TS')) return node.type === 'TSNonNullExpression';
    mutateTest(node, add);
    mutateOperator(node, source.text, add);
    mutateReturn(node, source.text, add);
    mutateCall(node, parents, source.text, add);
    return true;
  });
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}

type Add = (node: Node, text: string) => void;

function mutateTest(node: Node, add: Add): void {
  if (!deciders.includes(node.type) || !isNode(node.test)) return;
  if (node.test.type === 'Literal') return;
  add(node.test, 'false');
  // A loop that never ends shows nothing that a condition that never holds does not.
  if (!node.type.includes('While')) add(node.test, 'true');
}

function mutateOperator(node: Node, text: string, add: Add): void {
  const left = node.left;
  const right = node.right;
  if (!isNode(left) || !isNode(right)) return;
  const border = borders[node.operator as string];
  if (node.type === 'BinaryExpression' && border !== undefined) {
    add(
      node,
      `${text.slice(left.start, left.end)} ${border} ${text.slice(right.start, right.end)}`,
    );
  }
  if (node.type !== 'LogicalExpression' || node.operator === '??') return;
  add(node, text.slice(left.start, left.end));
  add(node, text.slice(right.start, right.end));
}

function mutateReturn(node: Node, text: string, add: Add): void {
  if (node.type !== 'ReturnStatement' || !isNode(node.argument)) return;
  const value = text.slice(node.argument.start, node.argument.end);
  if (value === 'true') add(node.argument, 'false');
  else if (value === 'false') add(node.argument, 'true');
  else if (/^-?\d+$/.test(value)) add(node.argument, String(Number(value) + 1));
}

/** A call or an assignment that stands for itself is left out. */
function mutateCall(node: Node, parents: Node[], text: string, add: Add): void {
  if (node.type !== 'ExpressionStatement' || !isNode(node.expression)) return;
  const { type, left } = node.expression;
  if (type !== 'CallExpression' && type !== 'AssignmentExpression') return;
  if (unseen.test(text.slice(node.start, node.end))) return;
  // First values of fields, which constructors state for the shape of the object alone.
  const inConstructor = parents.some((one) => one.kind === 'constructor');
  if (inConstructor && isNode(left) && isNode(left.object)) return;
  add(node, ';');
}

function excusedLines(source: Source): Set<number> {
  const lines = new Set<number>();
  for (const comment of source.comments) {
    if (!/\bmutate: \S/.test(comment.value)) continue;
    const line = lineOf(source.text, comment.end);
    lines.add(line);
    const start = source.text.lastIndexOf('\n', comment.start) + 1;
    if (source.text.slice(start, comment.start).trim() === '') lines.add(line + 1);
  }
  return lines;
}

/** The file with one change made. */
export function applyMutation(text: string, mutation: Mutation): string {
  return text.slice(0, mutation.start) + mutation.text + text.slice(mutation.end);
}
