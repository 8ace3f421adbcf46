/** The project's files and their syntax trees, read once for all rules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Comment, parseSync } from 'oxc-parser';

export const root = join(import.meta.dir, '..', '..');

/** Any node of the tree: `type`, `start`, `end` and children under any name. */
export interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

export interface Import {
  from: string;
  line: number;
  /** False for `import type` and `export type`: they vanish before the program runs. */
  value: boolean;
}

export interface Source {
  path: string;
  text: string;
  program: Node;
  comments: Comment[];
  imports: Import[];
}

export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

/** Calls `visit` for a node and, unless it returns false, for all nodes below it. */
export function walk(
  node: Node,
  visit: (node: Node, parents: Node[]) => boolean,
  parents: Node[] = [],
): void {
  if (!visit(node, parents)) return;
  parents.push(node);
  for (const value of Object.values(node)) {
    const children = Array.isArray(value) ? value : [value];
    for (const child of children) if (isNode(child)) walk(child, visit, parents);
  }
  parents.pop();
}

function importsOf(program: Node, text: string): Import[] {
  const found: Import[] = [];
  walk(program, (node) => {
    const from = node.source as Node | null | undefined;
    const kinds = [
      'ImportDeclaration',
      'ExportNamedDeclaration',
      'ExportAllDeclaration',
      'ImportExpression',
    ];
    if (from && kinds.includes(node.type) && typeof from.value === 'string') {
      const kind = node.importKind ?? node.exportKind;
      found.push({ from: from.value, line: lineOf(text, node.start), value: kind !== 'type' });
    }
    return true;
  });
  return found;
}

export function parseSource(path: string, text: string): Source {
  const result = parseSync(path, text);
  if (result.errors.length > 0) throw new Error(`${path}: ${result.errors[0]!.message}`);
  const program = result.program as unknown as Node;
  return { path, text, program, comments: result.comments, imports: importsOf(program, text) };
}

/** All TypeScript files of the project, as paths from its root. */
export function typeScriptFiles(): string[] {
  const glob = new Bun.Glob('{src,tests,bench,examples}/**/*.ts');
  return [...glob.scanSync({ cwd: root })].sort();
}

/** All files that are or would be under version control. */
export function projectFiles(): string[] {
  const command = ['git', '-C', root, 'ls-files', '-co', '--exclude-standard'];
  const result = Bun.which('git') ? Bun.spawnSync(command, { stderr: 'ignore' }) : null;
  if (result?.exitCode === 0) return result.stdout.toString().split('\n').filter(Boolean);
  const glob = new Bun.Glob('{*,.*,{src,tests,bench,examples,docs,bin,.ci}/**/*}');
  return [...glob.scanSync({ cwd: root, dot: true })].filter(
    (path) => !path.includes('/node_modules/'),
  );
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The comment that heads a file, or ''. */
export function headComment(source: Source): string {
  const first = source.comments[0];
  if (first === undefined) return '';
  const before = source.text.slice(0, first.start).replace(/^#!.*\n/, '');
  return before.trim() === '' ? first.value : '';
}
