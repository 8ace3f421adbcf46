/**
 * `-dK<class[,class]*>` (management.txt 3): what sluice supports, one keyword per line in the format
 * of HAProxy's dump, so that tools which compare such dumps can read it.
 *
 * The dump comes from the rows of the keyword tables. Rows of layers above this one, the commands
 * of the Runtime API, are handed in by the caller.
 */

import { aclRows } from '../rules/acl-table.ts';
import { actionRows } from '../rules/action/registry.ts';
import { converterRows } from '../rules/converter/registry.ts';
import { fetchRow, fetchRows } from '../rules/fetch/registry.ts';
import { placeNames } from '../rules/place.ts';
import { rulesetRows } from '../rules/ruleset-row.ts';
import { keywords } from './registry.ts';
import { Where } from './section/keyword.ts';
import { flagOptions } from './section/option.ts';

export interface CliKeyword {
  /** The command's words, e.g. `show stat`. */
  name: string;
}

interface DumpClass {
  name: string;
  doc: string;
  dump(cli: readonly CliKeyword[]): string[];
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function sortedNames(rows: readonly { name: string }[]): string[] {
  return rows.map((row) => row.name).sort(byName);
}

function dumpAcl(): string[] {
  const rows = aclRows
    .filter((row) => fetchRow(row.fetch) !== undefined)
    .map((row) => `${row.name} = ${row.fetch} -m ${row.match}`);
  return ['# List of registered ACL keywords:', ...rows.sort(byName)];
}

/** Options of `bind` and `server` lines say how many arguments follow. */
function dumpParameters(prefix: string, rows: readonly { name: string; args: string }[]): string[] {
  return [...rows]
    .sort((a, b) => byName(a.name, b.name))
    .map(({ name, args }) => `\t${prefix} ${name}${args === '' ? '' : ' +1'}`);
}

function dumpOption(name: string, where: number, http: boolean): string {
  const sides = [
    (where & Where.Frontend) === 0 ? '' : 'FE ',
    (where & Where.Backend) === 0 ? '' : 'BE ',
    http ? 'HTTP ' : '',
  ];
  return `\toption ${name} [ ${sides.join('')}]`;
}

interface Listed {
  name: string;
  waitsFor?: string;
}

/** The keywords whose feature does not exist yet, by feature, as they are written in a line. */
export function waitingKeywordNames(): Map<string, string[]> {
  const byFeature = new Map<string, string[]>();
  const add = (prefix: string, rows: readonly Listed[]) => {
    for (const { name, waitsFor } of rows) {
      if (waitsFor === undefined) continue;
      byFeature.set(waitsFor, [...(byFeature.get(waitsFor) ?? []), `${prefix}${name}`]);
    }
  };
  add('', keywords.global);
  add('', keywords.proxy);
  add('bind <addr> ', keywords.bind);
  add('server <name> <addr> ', keywords.server);
  add('option ', keywords.option);
  add('timeout ', keywords.timeout);
  add('ring ', keywords.ring);
  return byFeature;
}

/** Comments: programs that read the list see what HAProxy prints. */
function dumpWaiting(): string[] {
  const features = [...waitingKeywordNames()].sort(([a], [b]) => byName(a, b));
  return features.flatMap(([feature, names]) =>
    names.sort(byName).map((name) => `# no effect without ${feature}: ${name}`),
  );
}

function dumpConfiguration(): string[] {
  const options = flagOptions
    .filter((row) => row.modern === undefined)
    .map((row) => dumpOption(row.name, row.where, row.http));
  const others = keywords.option
    .filter((row) => !('flag' in row) && row.modern === undefined)
    .map((row) => dumpOption(row.name, row.where, false));
  const rules = rulesetRows.flatMap(({ name: ruleset }) =>
    actionRows
      .filter((row) => row.rulesets.includes(ruleset))
      .map((row) => (row.isOpen === true ? `${row.name}*` : row.name))
      .sort(byName)
      .map((name) => `\t${ruleset} ${name}`),
  );
  return [
    '# List of registered configuration keywords:',
    'global',
    ...sortedNames(keywords.global).map((name) => `\t${name}`),
    'listen',
    ...sortedNames(keywords.proxy).map((name) => `\t${name}`),
    ...dumpParameters('bind <addr>', keywords.bind),
    ...dumpParameters('server <name> <addr>', keywords.server),
    ...[...options, ...others].sort(byName),
    ...rules,
    'ring',
    ...sortedNames(keywords.ring).map((name) => `\t${name}`),
    'http-errors',
    ...sortedNames(keywords['http-errors']).map((name) => `\t${name}`),
    'mailers',
    ...sortedNames(keywords.mailers).map((name) => `\t${name}`),
    'userlist',
    ...sortedNames(keywords.userlist).map((name) => `\t${name}`),
    ...dumpWaiting(),
  ];
}

function dumpConverters(): string[] {
  const rows = converterRows.map(
    (row) => `${row.name}${parenthesised(row.args)}: ${row.out} => ${row.in}`,
  );
  return ['# List of registered sample converter functions:', ...rows.sort(byName)];
}

function parenthesised(args: string): string {
  return args === '' ? '' : `(${args})`;
}

/** The head of the matrix: one column per place where a fetch may be valid. */
function fetchHead(): string[] {
  const last = placeNames.length - 1;
  const lines = placeNames.map((place, at) => {
    const left = `#${' '.repeat(last - at + 2)}${'/ '.repeat(at)}`;
    const dashes = '-'.repeat(last - at + 1);
    return `${left}_.${dashes} ${place}`;
  });
  return [...lines, `# ${'/ '.repeat(placeNames.length)} `, `# ${'| '.repeat(placeNames.length)}`];
}

function dumpFetches(): string[] {
  const rows = [...fetchRows]
    .sort((a, b) => byName(a.name, b.name))
    .map((row) => {
      const columns = [...row.valid].map((flag) => (flag === 'Y' ? 'Y' : '.')).join(' ');
      return `[ ${columns} ] ${row.name}${parenthesised(row.args)}: ${row.out}`;
    });
  return ['# List of registered sample fetch functions:', ...fetchHead(), ...rows];
}

function dumpCli(cli: readonly CliKeyword[]): string[] {
  return [
    '# List of registered CLI keywords:',
    ...sortedNames(cli).map((name) => `${name} [WORKER] `),
  ];
}

/** In the order of `-dKall`. */
const classes = [
  { name: 'acl', doc: 'ACL keywords', dump: dumpAcl },
  { name: 'cfg', doc: 'configuration keywords', dump: dumpConfiguration },
  { name: 'cli', doc: 'CLI keywords', dump: dumpCli },
  { name: 'cnv', doc: 'sample converter keywords', dump: dumpConverters },
  { name: 'flt', doc: 'filter names', dump: () => ['# List of registered filter names:'] },
  { name: 'smp', doc: 'sample fetch functions', dump: dumpFetches },
  { name: 'svc', doc: 'service names', dump: () => ['# List of registered service names:'] },
] as const satisfies readonly DumpClass[] as readonly DumpClass[];

/**
 * The dump of some classes.
 *
 * @param names class names as after `-dK`; `all` is every class, `help` (or none) lists them
 * @param cli the commands of the Runtime API
 * @returns complete lines; unknown classes are left out, see `unknownClasses`
 */
export function dumpKeywords(names: readonly string[], cli: readonly CliKeyword[] = []): string {
  if (names.length === 0 || names.includes('help')) return dumpHelp();
  const wanted = classes.filter((row) => names.includes('all') || names.includes(row.name));
  return wanted
    .flatMap((row) => row.dump(cli))
    .map((line) => `${line}\n`)
    .join('');
}

/** Class names that do not exist. */
export function unknownClasses(names: readonly string[]): string[] {
  return names.filter(
    (name) => name !== 'all' && name !== 'help' && !classes.some((row) => row.name === name),
  );
}

function dumpHelp(): string {
  const rows = [{ name: 'all', doc: 'list all keywords' }, ...classes];
  const lines = ['# List of supported keyword classes:', ...rows.map((r) => `${r.name}: ${r.doc}`)];
  return lines.map((line) => `${line}\n`).join('');
}
