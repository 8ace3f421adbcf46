/**
 * How much of HAProxy's language is supported, by class of keyword: the names that sluice knows
 * (src/base/known-words.ts) against the keyword tables. Used by the reference and by its test.
 */
import { knownCommands } from '../src/base/known-keywords.ts';
import {
  aclWords,
  actionWords,
  bindWords,
  converterWords,
  fetchWords,
  filterWords,
  proxySecondWords,
  proxyWords,
  sectionWords,
  serverWords,
} from '../src/base/known-words.ts';
import { keywords, obsolete } from '../src/config/registry.ts';
import { type CommandLine, parseCommandLine } from '../src/process/command-line.ts';
import { aclRows } from '../src/rules/acl-table.ts';
import { actionRows } from '../src/rules/action/registry.ts';
import { converterRows } from '../src/rules/converter/registry.ts';
import { fetchRow, fetchRows } from '../src/rules/fetch/registry.ts';
import { matchRows } from '../src/rules/pattern/table.ts';
import { commands } from '../src/runtime/registry.ts';

export interface CoverageRow {
  title: string;
  /** Names that HAProxy has. */
  known: readonly string[];
  /** Those of `known` that sluice has too. */
  supported: readonly string[];
  /** Those of `supported` that have no effect until their feature exists. */
  waiting: readonly string[];
  /** Names that sluice has and that are not in `known`: the list of names is incomplete. */
  unlisted: readonly string[];
}

/** Sections with their own keyword table, and the four kinds of proxies. */
const sections = [
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'ring',
  'userlist',
  'http-errors',
];

/** Arguments of `balance` (configuration.txt 4.2), without those of `mode log`. */
const balanceWords =
  'roundrobin static-rr leastconn first source uri url_param hdr random rdp-cookie hash sticky';

/** Options of the command line (management.txt 3). */
const flags =
  '-f -- -C -D -L -N -V -W -Ws -4 -c -cc -d -dA -dC -dD -dF -dG -dI -dK -dL -dM -dR -dS -dT -dV ' +
  '-dW -dZ -db -dc -de -dk -dp -dr -dt -dv -m -n -p -q -S -sf -st -v -vv -x';

/** Words after `-m` (configuration.txt 7.1). */
const matchWords = 'found bool int ip bin len str sub reg beg end dir dom';

/** Two methods belong to a criterion and cannot be asked for. */
export function isWordOfM(name: string): boolean {
  return name !== 'meth' && name !== 'group';
}

function split(text: string): string[] {
  return text.trim().split(/\s+/);
}

function covers(known: string, name: string): boolean {
  return known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : known === name;
}

interface Named {
  name: string;
  waitsFor?: string;
}

function rowOf(title: string, known: readonly string[], rows: readonly Named[]): CoverageRow {
  return {
    ...row(title, known, namesOf(rows)),
    waiting: namesOf(rows.filter((one) => one.waitsFor !== undefined)),
  };
}

function row(title: string, known: readonly string[], names: readonly string[]): CoverageRow {
  return {
    waiting: [],
    title,
    known,
    supported: known.filter((word) => names.some((name) => covers(word, name))),
    unlisted: names.filter((name) => !known.some((word) => covers(word, name))),
  };
}

const namesOf = (rows: readonly { name: string }[]): string[] => rows.map(({ name }) => name);

/** What the parser says about an option of the command line, or '' when it takes it. */
function refusal(flag: string): string {
  const result: CommandLine | { message: string } = parseCommandLine([flag, '1', '-f', 'x']);
  return 'message' in result ? result.message : '';
}

/** Options of HAProxy's command line that are refused. */
export function refusedFlags(): string[] {
  return split(flags).filter((flag) => refusal(flag) !== '');
}

function sectionRow(): CoverageRow {
  const known = ['defaults', 'frontend', 'backend', 'listen', ...Object.keys(sectionWords)];
  return row('Sections', known, sections);
}

function actionCoverage(): CoverageRow[] {
  return Object.entries(actionWords).map(([ruleset, text]) => {
    const names = namesOf(actionRows.filter((one) => one.rulesets.some((at) => at === ruleset)));
    return row(`Actions of ${ruleset}`, split(text), names);
  });
}

function commandCoverage(): CoverageRow {
  const known = knownCommands;
  const names = namesOf(commands);
  const has = (command: string) =>
    names.some((name) => name === command || name.startsWith(`${command} `));
  return {
    title: 'Commands of the stats socket',
    known,
    supported: known.filter(has),
    waiting: [],
    unlisted: [],
  };
}

function flagCoverage(): CoverageRow {
  const refused = refusedFlags();
  const known = split(flags);
  const supported = known.filter((flag) => !refused.includes(flag));
  return { title: 'Options of the command line', known, supported, waiting: [], unlisted: [] };
}

/** All classes, in the order of the reference. */
export function coverageRows(): CoverageRow[] {
  const criteria = aclRows.filter((one) => fetchRow(one.fetch) !== undefined);
  const options = keywords.option.filter((one) => one.modern === undefined);
  return [
    flagCoverage(),
    sectionRow(),
    rowOf('Keywords of global', split(sectionWords['global']!), [
      ...keywords.global,
      ...obsolete.global.filter(({ name }) => name === 'nbproc'),
    ]),
    rowOf('Keywords of proxy sections', split(proxyWords), keywords.proxy),
    rowOf('Options (`option …`)', split(proxySecondWords['option']!), options),
    rowOf('Timeouts', split(proxySecondWords['timeout']!), keywords.timeout),
    row('Balancing algorithms', split(balanceWords), namesOf(keywords.balance)),
    rowOf('Options of bind lines', split(bindWords), keywords.bind),
    rowOf('Options of server lines', split(serverWords), keywords.server),
    rowOf('Keywords of ring', split(sectionWords['ring']!), keywords.ring),
    ...actionCoverage(),
    row('Sample fetches', split(fetchWords), namesOf(fetchRows)),
    row('Converters', split(converterWords), namesOf(converterRows)),
    row('ACL criteria with a match method', split(aclWords), namesOf(criteria)),
    row(
      'Match methods',
      split(matchWords),
      namesOf(matchRows).filter((name) => isWordOfM(name)),
    ),
    row('Filters', split(filterWords), []),
    commandCoverage(),
  ];
}
