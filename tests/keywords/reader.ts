/**
 * Which fields of the configuration model the program reads, found by the type checker itself: in a
 * copy of the sources every field of src/model/config.ts gets another name, and whatever does not
 * compile any more is a use of it. So a field `maxconn` of a bind line is not taken for one of a
 * server, which a search for names would do.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Node, parseSource, root, walk } from '../tidy/source.ts';

const modelPath = 'src/model/config.ts';
/** What fills the model in; a use there is no reader. */
const writers = ['src/config/', modelPath, 'src/model/defaults.ts'];

/** A field by interface: the interfaces of the model that its type names; none for a plain value. */
export type Shape = Map<string, Map<string, string[]>>;

interface Field {
  owner: string;
  name: string;
  /** Where its name ends. */
  end: number;
  types: string[];
}

function modelText(): string {
  return readFileSync(join(root, modelPath), 'utf8');
}

function fieldsOf(text: string): Field[] {
  const fields: Field[] = [];
  const interfaces = new Set<string>();
  const { program } = parseSource(modelPath, text);
  walk(program, (node) => {
    if (node.type === 'TSInterfaceDeclaration') interfaces.add((node.id as Node).name as string);
    return true;
  });
  walk(program, (node, parents) => {
    const isField = node.type === 'TSPropertySignature';
    if (!isField && node.type !== 'TSEnumMember') return true;
    const owner = parents.find((parent) =>
      ['TSInterfaceDeclaration', 'TSEnumDeclaration'].includes(parent.type),
    );
    // Fields of a nested literal type belong to the field that holds it.
    const nested = parents.some((parent) => parent.type === 'TSPropertySignature');
    if (owner === undefined || nested) return true;
    const key = (isField ? node.key : node.id) as Node;
    const types = isField ? typesIn(node, interfaces) : [];
    const ownerName = (owner.id as Node).name as string;
    fields.push({
      owner: ownerName,
      name: String(key.name),
      end: key.end,
      types,
    });
    return true;
  });
  return fields;
}

function typesIn(node: Node, interfaces: ReadonlySet<string>): string[] {
  const found: string[] = [];
  walk(node, (child) => {
    const name = child.type === 'TSTypeReference' && (child.typeName as Node).name;
    if (typeof name === 'string' && interfaces.has(name)) found.push(name);
    return true;
  });
  return found;
}

/** The interfaces and enumerations of the model. */
export function modelShape(): Shape {
  const shape: Shape = new Map();
  for (const { owner, name, types } of fieldsOf(modelText())) {
    const fields = shape.get(owner) ?? new Map<string, string[]>();
    shape.set(owner, fields.set(name, types));
  }
  return shape;
}

/** The options of a proxy and their bits; the enumeration itself is gone at run time. */
export function optionBits(): Map<string, number> {
  const body = /const enum Option \{(.*?)\n\}/s.exec(modelText())![1]!;
  return new Map(
    [...body.matchAll(/(\w+) = 1 << (\d+)/g)].map(([, name, bit]) => [name!, 1 << Number(bit)]),
  );
}

/** The model with every field that holds a plain value under another name. */
function renamed(text: string): string {
  let result = text;
  for (const { end, types } of fieldsOf(text).reverse()) {
    if (types.length === 0) result = `${result.slice(0, end)}__${result.slice(end)}`;
  }
  return result;
}

/** A part of an interface is read as if it were the whole: then its fields have a home. */
function withoutPick(text: string): string {
  return text.replaceAll(/\bPick<\s*(\w+),[^>]+>/g, '$1');
}

/** An assignment, but not a comparison or an arrow. */
const assignment = /^\w+\s*(=(?![=>])|[-+*/|&]=)/;

/**
 * The fields that are read outside of src/config, as `Interface.field`.
 * @param edit changes the text of a file first: a test takes readers away
 */
export function readFields(
  edit: (path: string, text: string) => string = (_, text) => text,
): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-readers-'));
  try {
    cpSync(join(root, 'src'), join(folder, 'src'), {
      recursive: true,
      filter: (path) => !path.endsWith('.test.ts'),
    });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const config = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    config.include = ['src'];
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const files = new Map<string, string>();
    for (const path of new Bun.Glob('src/**/*.ts').scanSync(folder)) {
      const before = readFileSync(join(folder, path), 'utf8');
      const text = path === modelPath ? renamed(before) : edit(path, withoutPick(before));
      if (text !== before) writeFileSync(join(folder, path), text);
      files.set(path, text);
    }
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    const { stdout } = Bun.spawnSync([tsc, '-p', folder, '--pretty', 'false'], { cwd: folder });
    return usesIn(stdout.toString(), files);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const diagnostic =
  /^(src\/[^(]+)\((\d+),(\d+)\): error TS(?:2339|2551): Property '(\w+)' does not exist on type '([^']+)'/;

function usesIn(output: string, files: ReadonlyMap<string, string>): Set<string> {
  const fields = new Set<string>();
  for (const line of output.split('\n')) {
    const found = diagnostic.exec(line);
    if (found === null) continue;
    const [, path = '', row, column, name, type = ''] = found;
    if (writers.some((writer) => path.startsWith(writer))) continue;
    const source = files.get(path)!.split('\n')[Number(row) - 1]!;
    if (assignment.test(source.slice(Number(column) - 1))) continue;
    for (const [word] of type.matchAll(/\w+/g)) fields.add(`${word}.${name}`);
  }
  return fields;
}
