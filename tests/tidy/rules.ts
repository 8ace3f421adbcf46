/** The rules of the house, each a function from a source file to what is wrong with it. */
import { posix } from 'node:path';
import { headComment, isNode, lineOf, type Node, type Source, walk } from './source.ts';

/** Folders of src in order: a file imports, types too, from its own folder or an earlier one. */
export const layers = [
  'base',
  'sys',
  'loop',
  'model',
  'stick-table',
  'transport',
  'http',
  'log',
  'rules',
  'balance',
  'persistence',
  'checks',
  'stream',
  'stats',
  'config',
  'runtime',
  'process',
  'main.ts',
];

const linesMax = 800;
const functionLinesMax = 70;

function layerOf(path: string): number {
  return layers.indexOf(path.split('/')[1] ?? '');
}

export function layerFaults(source: Source): string[] {
  if (!source.path.startsWith('src/') || source.path.endsWith('.test.ts')) return [];
  const own = layerOf(source.path);
  if (own < 0) return [`${source.path}: its folder is not in the list of layers`];
  const faults: string[] = [];
  for (const { from, line } of source.imports) {
    if (!from.startsWith('.')) continue;
    const target = posix.join(posix.dirname(source.path), from);
    const theirs = layerOf(target);
    if (!target.startsWith('src/') || theirs < 0 || theirs > own)
      faults.push(`${source.path}:${line}: imports from a later layer: ${target}`);
  }
  return faults;
}

/**
 * Circles of imports, types counted: each as the files that reach one another.
 * @param sources those of the program; imports of other files do not count
 */
export function circleFaults(sources: readonly Source[]): string[] {
  const targets = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.map(({ from }) => posix.join(posix.dirname(path), from)),
    ]),
  );
  const reached = (start: string): Set<string> => {
    const seen = new Set<string>();
    const left = [start];
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      for (const target of targets.get(path) ?? []) {
        if (seen.has(target)) continue;
        seen.add(target);
        left.push(target);
      }
    }
    return seen;
  };
  const reach = new Map([...targets.keys()].map((path) => [path, reached(path)]));
  const faults = new Set<string>();
  for (const [path, seen] of reach) {
    if (!seen.has(path)) continue;
    const members = [...seen].filter((other) => reach.get(other)?.has(path));
    faults.add(`a circle of imports: ${members.sort().join(', ')}`);
  }
  return [...faults];
}

export function importFaults(source: Source): string[] {
  const faults: string[] = [];
  // What only the harness calls does not belong into the program's table of functions.
  const mayCall = /^(src\/sys|tests\/harness)\//.test(source.path);
  for (const { from, line } of source.imports) {
    if (from === 'bun:ffi' && !mayCall)
      faults.push(`${source.path}:${line}: only src/sys and tests/harness import bun:ffi`);
    if (from.startsWith('.') && !/\.(ts|json|txt|md|cfg)$/.test(from))
      faults.push(`${source.path}:${line}: a relative import without its extension: ${from}`);
  }
  return faults;
}

/** A simulation can replace the kernel only for files that do not reach around it. */
export function kernelFaults(source: Source): string[] {
  if (!source.path.startsWith('src/') || !headComment(source).includes('@dataplane')) return [];
  return source.imports
    .filter(({ from, value }) => value && from.endsWith('/libc.ts'))
    .map(({ line }) => `${source.path}:${line}: the data plane calls kernel.ts, not libc.ts`);
}

export function sizeFaults(source: Source): string[] {
  const lines = source.text.split('\n').length - 1;
  return lines > linesMax ? [`${source.path}: ${lines} lines, at most ${linesMax}`] : [];
}

const functionTypes = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];

/** The name of a function by its declaration, method, property or variable. */
function functionName(node: Node, parents: Node[]): string {
  const named = (value: unknown) => (isNode(value) ? String(value.name ?? value.value ?? '') : '');
  const parent = parents.at(-1);
  if (isNode(node.id)) return named(node.id);
  if (parent?.type === 'MethodDefinition') {
    return parent.kind === 'constructor' ? 'constructor' : named(parent.key);
  }
  if (parent?.type === 'VariableDeclarator') return named(parent.id);
  if (parent?.type === 'Property' || parent?.type === 'PropertyDefinition')
    return named(parent.key);
  return '';
}

function hasSwitch(node: Node): boolean {
  let found = false;
  walk(node, (child) => {
    if (child.type === 'SwitchStatement') found = true;
    return !found;
  });
  return found;
}

/**
 * Functions over 70 lines. A switch over many cases may be longer, when a comment in it or right
 * before it says so and why ("Longer than 70 lines: ...").
 */
export function functionFaults(source: Source): string[] {
  if (source.path.endsWith('.test.ts')) return [];
  const faults: string[] = [];
  walk(source.program, (node, parents) => {
    if (!functionTypes.includes(node.type)) return true;
    const first = lineOf(source.text, node.start);
    const count = lineOf(source.text, node.end) - first + 1;
    if (count <= functionLinesMax) return true;
    const excused = source.comments.some(
      (comment) =>
        comment.end > node.start - 600 &&
        comment.start < node.end &&
        /longer than 70 lines/i.test(comment.value),
    );
    if (!(excused && hasSwitch(node))) {
      const name = functionName(node, parents) || 'a function';
      faults.push(`${source.path}:${first}: ${name} has ${count} lines, at most 70`);
    }
    return true;
  });
  return faults;
}

export function typeFaults(source: Source): string[] {
  const faults: string[] = [];
  walk(source.program, (node) => {
    const at = () => `${source.path}:${lineOf(source.text, node.start)}`;
    if (node.type === 'TSAnyKeyword') faults.push(`${at()}: any`);
    if (node.type === 'ExportDefaultDeclaration') faults.push(`${at()}: a default export`);
    return true;
  });
  return faults;
}

export function headFaults(source: Source): string[] {
  if (!source.path.startsWith('src/') || source.path.endsWith('.test.ts')) return [];
  return headComment(source) === '' ? [`${source.path}: no comment at its head`] : [];
}

export function nameFaults(path: string): string[] {
  const base = posix.basename(path);
  const faults: string[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(base)) faults.push(`${path}: not kebab-case`);
  if (/^(utils?|helpers?|manager|common|misc)\.ts$/.test(base))
    faults.push(`${path}: says nothing`);
  return faults;
}

/** Functions of a data-plane file that run at start-up. */
const startUp = /^(constructor$|create|init|compile)/;

const allocating: Record<string, string> = {
  ObjectExpression: 'an object literal',
  ArrayExpression: 'an array literal',
  NewExpression: 'new',
  FunctionExpression: 'a closure',
  ArrowFunctionExpression: 'a closure',
  FunctionDeclaration: 'a closure',
  ClassDeclaration: 'a class',
  ClassExpression: 'a class',
  SpreadElement: 'a spread',
  RestElement: 'a rest element',
  ArrayPattern: 'array destructuring',
  AwaitExpression: 'await',
  YieldExpression: 'yield',
  ForOfStatement: 'for-of',
  ForInStatement: 'for-in',
  TaggedTemplateExpression: 'a tagged template',
};

const copyingMethods = ['subarray', 'slice', 'concat', 'map', 'filter', 'forEach', 'split', 'join'];

function isText(value: unknown): boolean {
  if (!isNode(value)) return false;
  return (
    value.type === 'TemplateLiteral' ||
    (value.type === 'Literal' && typeof value.value === 'string')
  );
}

function textFault(node: Node): string | null {
  if (node.type === 'TemplateLiteral' && (node.expressions as unknown[]).length > 0)
    return 'a template string';
  const adds = node.type === 'BinaryExpression' && node.operator === '+';
  const appends = node.type === 'AssignmentExpression' && node.operator === '+=';
  if ((adds || appends) && (isText(node.left) || isText(node.right))) return 'a concatenation';
  return null;
}

function callFault(node: Node): string | null {
  if (node.type !== 'CallExpression' || !isNode(node.callee)) return null;
  const callee = node.callee;
  if (callee.type === 'Identifier') return callee.name === 'BigInt' ? 'BigInt' : null;
  if (callee.type !== 'MemberExpression' || !isNode(callee.property)) return null;
  const name = String(callee.property.name ?? '');
  return copyingMethods.includes(name) ? `.${name}()` : null;
}

function dataplaneFault(node: Node): string | null {
  if (node.type === 'Literal' && 'bigint' in node) return 'a bigint';
  return allocating[node.type] ?? textFault(node) ?? callFault(node);
}

function bodyFaults(source: Source, fn: Node, name: string): string[] {
  const faults: string[] = [];
  if (fn.async) faults.push(`${source.path}:${lineOf(source.text, fn.start)}: ${name}: async`);
  walk(fn, (node) => {
    if (node === fn) return true;
    // Types cost nothing, and a throw is no steady state.
    if (node.type.startsWith('TS') && !/^TS(As|NonNull|Satisfies|TypeAssertion)/.test(node.type))
      return false;
    if (node.type === 'ThrowStatement') return false;
    const fault = dataplaneFault(node);
    if (fault === null) return true;
    faults.push(
      `${source.path}:${lineOf(source.text, node.start)}: ${name || 'closure'}: ${fault}`,
    );
    return false;
  });
  return faults;
}

/** What STYLE forbids in functions that run per event, for files marked `@dataplane`. */
export function dataplaneFaults(source: Source): string[] {
  if (!headComment(source).includes('@dataplane')) return [];
  const faults: string[] = [];
  walk(source.program, (node, parents) => {
    if (!functionTypes.includes(node.type)) return true;
    const name = functionName(node, parents);
    if (!startUp.test(name)) faults.push(...bodyFaults(source, node, name));
    return false;
  });
  return faults;
}
