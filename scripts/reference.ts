/**
 * Writes docs/reference.md from the keyword tables: every keyword that the program has, with its
 * grammar and one line, and how much of HAProxy's language that is. `bin/bun scripts/reference.ts`
 * writes the file; tests/reference.test.ts compares it with the tables, so it cannot rot.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckResultRow, checkResults } from '../src/checks/result.ts';
import { keywords, obsolete } from '../src/config/registry.ts';
import { type Effect, Where } from '../src/config/section/keyword.ts';
import { logFacilities, logLevels } from '../src/log/level.ts';
import { usageText } from '../src/process/usage.ts';
import { aclRows } from '../src/rules/acl-table.ts';
import { actionRows } from '../src/rules/action/registry.ts';
import { converterRows } from '../src/rules/converter/registry.ts';
import { fetchRow, fetchRows } from '../src/rules/fetch/registry.ts';
import { aliasRows } from '../src/rules/log-format/alias.ts';
import { matchRows } from '../src/rules/pattern/table.ts';
import { predefinedAcls } from '../src/rules/predefined-acl.ts';
import { rulesetRows } from '../src/rules/ruleset-row.ts';
import { Place } from '../src/rules/scope.ts';
import { levelNames } from '../src/runtime/command.ts';
import { commands } from '../src/runtime/registry.ts';
import { coverageRows, isWordOfM, refusedFlags } from './coverage.ts';

export const referencePath = join(import.meta.dir, '..', 'docs', 'reference.md');

/** Text inside a cell: a bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function code(text: string): string {
  return text === '' ? '' : `\`${cell(text)}\``;
}

const verdictTexts: Record<CheckResultRow['verdict'], string> = {
  passed: 'success',
  conditional: 'success; no new clients',
  failed: 'failure',
  none: 'nothing yet',
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`.replace(/ {2}(?=\|)/g, ' ');
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

interface Documented extends Effect {
  name: string;
  args: string;
  doc: string;
}

/** The line of documentation, and why the keyword changes nothing yet. */
function what(row: Effect & { doc: string }): string {
  return row.waitsFor === undefined
    ? cell(row.doc)
    : cell(`${row.doc} No effect without ${row.waitsFor}.`);
}

function sorted<Row extends { name: string }>(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function described(rows: readonly Documented[]): string {
  return table(
    ['Keyword', 'Arguments', 'What it does'],
    sorted(rows).map((row) => [code(row.name), code(row.args), what(row)]),
  );
}

const mark = (where: number, bit: number): string => ((where & bit) === 0 ? '' : '✓');

function proxyTable(): string {
  const rows = sorted(keywords.proxy).map((row) => [
    code(row.name),
    code(row.args),
    (row.where & Where.NamedDefaults) !== 0 ? 'named' : mark(row.where, Where.Defaults),
    mark(row.where, Where.Frontend),
    mark(row.where, Where.Backend),
    what(row),
  ]);
  return table(['Keyword', 'Arguments', 'defaults', 'frontend', 'backend', 'What it does'], rows);
}

function optionTable(): string {
  const rows = sorted(keywords.option)
    .filter((row) => row.modern === undefined)
    .map((row) => [
      code(row.name),
      code('args' in row ? row.args : ''),
      mark(row.where, Where.Frontend),
      mark(row.where, Where.Backend),
      what(row),
    ]);
  return table(['Option', 'Arguments', 'frontend', 'backend', 'What it does'], rows);
}

function timeoutTable(): string {
  const rows = sorted(keywords.timeout).map((row) => [
    code(row.name),
    mark(row.where, Where.Frontend),
    mark(row.where, Where.Backend),
    what(row),
  ]);
  return table(['Timeout', 'frontend', 'backend', 'What it limits'], rows);
}

function actionTable(): string {
  const rows = sorted(actionRows).map((row) => [
    code(row.name),
    code(row.args),
    ...rulesetRows.map(({ name }) => (row.rulesets.includes(name) ? '✓' : '')),
    cell(row.doc),
  ]);
  const columns = rulesetRows.map(({ name }) => name.replace(' ', '<br>').replaceAll('-', '‑'));
  return table(['Action', 'Arguments', ...columns, 'What it does'], rows);
}

/** Where a fetch may be used, of the places that exist. */
function placesOf(valid: string): string[] {
  const anyOf = (...places: Place[]) => (places.some((at) => valid[at] === 'Y') ? '✓' : '');
  return [
    anyOf(Place.FrontendRequestHeader, Place.BackendRequestHeader),
    anyOf(Place.FrontendResponseHeader, Place.BackendResponseHeader),
    anyOf(Place.Log),
  ];
}

function fetchTable(): string {
  const rows = sorted(fetchRows).map((row) => [
    code(row.args === '' ? row.name : `${row.name}(${row.args})`),
    row.out,
    ...placesOf(row.valid),
    cell(row.doc),
  ]);
  return table(['Fetch', 'Type', 'request', 'response', 'log', 'What it gives'], rows);
}

function converterTable(): string {
  const rows = sorted(converterRows).map((row) => [
    code(row.args === '' ? row.name : `${row.name}(${row.args})`),
    row.in,
    row.out,
    cell(row.doc),
  ]);
  return table(['Converter', 'From', 'To', 'What it does'], rows);
}

function aclTable(): string {
  const rows = sorted(aclRows.filter((row) => fetchRow(row.fetch) !== undefined));
  return table(
    ['Criterion', 'is short for'],
    rows.map((row) => [code(row.name), code(`${row.fetch} -m ${row.match}`)]),
  );
}

function predefinedTable(): string {
  const rows = Object.entries(predefinedAcls)
    .filter(([, words]) => isFetch(words[0] ?? ''))
    .map(([name, words]) => [code(name), code(words.join(' '))]);
  return table(['Name', 'is short for'], rows);
}

function isFetch(word: string): boolean {
  const name = word.replace(/\(.*$/, '');
  return fetchRow(name) !== undefined || aclRows.some((row) => row.name === name);
}

function aliasTable(): string {
  const rows = aliasRows.map((row) => [code(`%${row.name}`), row.http ? 'http' : '', row.doc]);
  return table(['Alias', 'Only in mode', 'What it writes'], rows);
}

function commandTable(): string {
  const rows = sorted(commands).map((row) => [
    code(row.usage),
    levelNames[row.level] ?? '',
    cell(row.help),
  ]);
  return table(['Command', 'Level', 'What it does'], rows);
}

function coverageTable(): string {
  const rows = coverageRows().map(({ title, known, supported, waiting }) => [
    title,
    `${supported.length - waiting.length}`,
    waiting.length === 0 ? '' : `${waiting.length}`,
    `${known.length}`,
    `${Math.floor((100 * (supported.length - waiting.length)) / known.length)} %`,
  ]);
  return table(['Class', 'Supported', 'Accepted, no effect yet', 'HAProxy has', ''], rows);
}

function obsoleteTable(): string {
  const options = keywords.option.filter((row) => row.modern !== undefined);
  const rows = [
    ...[...obsolete.global, ...obsolete.proxy].map((row) => [code(row.name), row.doc]),
    ...options.map((row) => [code(`option ${row.name}`), row.doc]),
  ];
  return table(
    ['Spelling', 'What it was'],
    rows.sort((a, b) => (a[0]! < b[0]! ? -1 : 1)),
  );
}

function words(list: readonly string[]): string {
  return list.map(code).join(' ');
}

/** The whole document. */
export function renderReference(): string {
  const lines = [
    '# Reference',
    'Everything that this version of sluice understands. The file is made from the keyword tables of the program by `bin/bun scripts/reference.ts`; a test compares both. The [manual](manual.md) explains by task; `bin/sluice -dKall -c -f FILE` prints the names in the format of HAProxy.',
    '## How much of HAProxy is there',
    'Keywords by class, against the list of names that sluice knows of HAProxy\'s language (current manual). A keyword that is known and not supported is refused with "not supported yet"; it is never ignored. "No effect without" marks what is accepted because it means nothing until its feature exists.',
    coverageTable(),
    '## Command line',
    `\`\`\`text\n${usageText().trimEnd()}\n\`\`\``,
    `Known and refused with a reason: ${words(refusedFlags())}.`,
    '## Section global',
    described(keywords.global),
    '## Sections defaults, frontend, backend, listen',
    'A `listen` section takes what a frontend or a backend takes. "named" means: in a `defaults` section that has a name.',
    proxyTable(),
    '### Options',
    'The words after `option`; `no option` takes one back.',
    optionTable(),
    '### Timeouts',
    'The words after `timeout`.',
    timeoutTable(),
    '### Balancing algorithms',
    described(keywords.balance),
    '### Health checks',
    table(
      ['Result', 'In log lines', 'Counts as'],
      checkResults.map((row) => [code(row.name), cell(row.description), verdictTexts[row.verdict]]),
    ),
    '### Options of bind lines',
    described(keywords.bind),
    '### Options of server and default-server lines',
    described(keywords.server),
    '## Section ring',
    described(keywords.ring),
    '## Section http-errors',
    described(keywords['http-errors']),
    '## Section mailers',
    described(keywords.mailers),
    '## Section userlist',
    described(keywords.userlist),
    '## Rules',
    '### Actions',
    'By ruleset, in the order in which a connection meets them.',
    actionTable(),
    '### Sample fetches',
    'Type `addr` is IPv4 or IPv6. The columns say whether a fetch has a value in rules on requests, in rules on responses, and in log formats.',
    fetchTable(),
    '### Converters',
    converterTable(),
    '### ACL criteria with a match method',
    'Every fetch is a criterion too, with `-m` where its type has no method of its own.',
    aclTable(),
    '### Match methods',
    `After \`-m\`: ${words(matchRows.map((row) => row.name).filter(isWordOfM))}.`,
    '### Predefined ACLs',
    predefinedTable(),
    '## Logs',
    '### Aliases of log-format',
    aliasTable(),
    '### Facilities and levels',
    `Facilities: ${words(logFacilities)}.`,
    `Levels: ${words(logLevels)}.`,
    '## Commands of the stats socket',
    commandTable(),
    '## Older spellings',
    'Understood with a warning that shows what to write today, or refused with a message that names it.',
    obsoleteTable(),
  ];
  return `${lines.join('\n\n')}\n`;
}

if (import.meta.main) writeFileSync(referencePath, renderReference());
