/** `show stat` (management.txt 9.3). */
import { csvHeader, csvLine, statJson, typedLines } from '../stats/stat-format.ts';
import { listSubjects, type SubjectFilter } from '../stats/subject.ts';
import { type Command, type CommandContext, Level } from './command.ts';

/** Everything but listeners is a sum of 1, 2 and 4; -1 has all bits. */
const ALL = -1;

function integer(text: string): number {
  return Number.parseInt(text, 10) || 0;
}

/** Reads `[{<iid>|<proxy>} <type> <sid>]`. @returns null when the proxy does not exist. */
function readFilter(context: CommandContext): SubjectFilter | null {
  const { args, source } = context;
  const filter: SubjectFilter = {
    proxyId: ALL,
    types: ALL,
    objectId: ALL,
    up: args.includes('up'),
    noMaintenance: args.includes('no-maint'),
  };
  const [proxy, types, id] = args;
  if (proxy === undefined || types === undefined || id === undefined) return filter;
  if (!/^-?[0-9]+$/.test(types) || !/^-?[0-9]+$/.test(id)) return filter;
  if (/^-?[0-9]+$/.test(proxy)) filter.proxyId = integer(proxy);
  else {
    const named = source.config.proxies.find((candidate) => candidate.name === proxy);
    if (named === undefined) return null;
    filter.proxyId = named.id;
  }
  filter.types = integer(types);
  filter.objectId = integer(id);
  return filter;
}

function showStat(context: CommandContext): string {
  let { args } = context;
  if (args[0] === 'domain') {
    if (args[1] === 'resolvers')
      return "'show stat domain resolvers' is not supported yet by sluice.\n";
    if (args[1] !== 'proxy') return 'Invalid statistics domain.\n';
    args = args.slice(2);
  }
  const filter = readFilter({ ...context, args });
  if (filter === null) return 'No such proxy.\n';
  const { stats } = context.source;
  const showsDetails = context.cli.level >= Level.Operator;
  const subjects = listSubjects(stats, filter, context.source.nowMs(), showsDetails);
  if (args.includes('json')) return statJson(subjects);
  if (args.includes('typed')) {
    const describe = args.includes('desc');
    return subjects.map((subject) => typedLines(subject, describe)).join('');
  }
  return csvHeader() + subjects.map(csvLine).join('');
}

export const statCommands: readonly Command[] = [
  {
    name: 'show stat',
    usage: 'show stat [desc|json|no-maint|typed|up]*',
    help: 'report counters for each proxy and server',
    level: Level.User,
    run: showStat,
  },
];
