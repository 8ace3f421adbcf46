/** The commands of maps (management.txt 9.3): reading, changing, and replacing them as a whole. */
import { ConfigError } from '../base/config-error.ts';
import { questionOf } from '../rules/map/question.ts';
import type { MapLine, MapList } from '../rules/map/store.ts';
import { type Command, type CommandContext, Level } from './command.ts';

const UNKNOWN = 'Unknown map identifier. Please use #<id> or <file>.\n';

interface Words {
  /** Of `@<ver>`; null without it. */
  version: number | null;
  words: readonly string[];
}

function splitVersion(args: readonly string[]): Words {
  const [first = ''] = args;
  if (!first.startsWith('@')) return { version: null, words: args };
  return { version: Number.parseInt(first.slice(1), 10) || 0, words: args.slice(1) };
}

/** Says why a map cannot be changed; null when it can. */
function refuse(list: MapList, command: string): string | null {
  if (!list.config.isAcl) return null;
  return `'${command}' of a map that ACLs use too is not supported yet by sluice.\n`;
}

/** Does what may be refused by the map. @returns the answer */
function attempt(work: () => void): string {
  try {
    work();
    return '';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `${error.message}.\n`;
  }
}

/** `0x...`, as the first column of `show map`. */
function refText(ref: number): string {
  return `0x${ref.toString(16).padStart(8, '0')}`;
}

/** The lines that are matched and have this key, or the one of `#<ref>`. */
function chosen(list: MapList, word: string): MapLine[] {
  if (!word.startsWith('#')) return list.linesOf(list.current).filter(({ key }) => key === word);
  const ref = Number(word.slice(1));
  return list.lines.filter((line) => line.ref === ref);
}

function describe({ id, config, current, next, count }: MapList): string {
  const uses = config.uses.map(({ file, line }) => `by map at file '${file}' line ${line}`);
  return (
    `${id} (${config.name}) pattern loaded from file '${config.label}' used ${uses.join(', ')}. ` +
    `curr_ver=${current} next_ver=${next} entry_cnt=${count}\n`
  );
}

function showMap({ source, args }: CommandContext): string {
  if (args.length === 0) {
    return `# id (file) description\n${source.maps.lists.map(describe).join('')}`;
  }
  const { version, words } = splitVersion(args);
  const list = source.maps.find(words[0] ?? '');
  if (list === null) return UNKNOWN;
  const lines = list.linesOf(version ?? list.current);
  return lines.map(({ ref, key, value }) => `${refText(ref)} ${key} ${value}\n`).join('');
}

function getMap({ source, args }: CommandContext): string {
  const [name, key] = args;
  if (name === undefined || key === undefined) return 'Missing map identifier and/or key.\n';
  const list = source.maps.find(name);
  return list === null ? UNKNOWN : questionOf(list, key);
}

function addMap({ source, args }: CommandContext): string {
  const { version, words } = splitVersion(args);
  const [name, key, value] = words;
  if (key === '<<') return "a payload of 'add map' is not supported yet by sluice.\n";
  if (name === undefined || key === undefined || value === undefined) {
    return (
      "'add map' expects three parameters (map identifier, key and value) or one parameter " +
      '(map identifier) and a payload\n'
    );
  }
  const list = source.maps.find(name);
  if (list === null) return UNKNOWN;
  const at = version ?? list.current;
  if (at > list.next) return "Version number in the future, please use 'prepare map' before.\n";
  return refuse(list, 'add map') ?? attempt(() => list.add(key, value, at));
}

function setMap({ source, args }: CommandContext): string {
  const [name, key, value] = args;
  if (name === undefined || key === undefined || value === undefined) {
    return "'set map' expects three parameters: map identifier, key and value.\n";
  }
  const list = source.maps.find(name);
  if (list === null) return UNKNOWN;
  const lines = chosen(list, key);
  if (lines.length === 0) {
    return key.startsWith('#') ? 'key or pattern not found.\n' : 'entry not found.\n';
  }
  return refuse(list, 'set map') ?? attempt(() => list.set(lines, value));
}

function delMap({ source, args }: CommandContext): string {
  const [name, key] = args;
  if (name === undefined || key === undefined) {
    return 'This command expects two parameters: map identifier and key.\n';
  }
  const list = source.maps.find(name);
  if (list === null) return UNKNOWN;
  const lines = chosen(list, key);
  if (lines.length === 0) return 'Key not found.\n';
  return refuse(list, 'del map') ?? attempt(() => list.delete(lines));
}

function clearMap({ source, args }: CommandContext): string {
  const { version, words } = splitVersion(args);
  const [name] = words;
  if (name === undefined) return 'Missing map identifier.\n';
  const list = source.maps.find(name);
  if (list === null) return UNKNOWN;
  const lines = list.linesOf(version ?? list.current);
  return refuse(list, 'clear map') ?? attempt(() => list.delete(lines));
}

function prepareMap({ source, args }: CommandContext): string {
  const list = source.maps.find(args[0] ?? '');
  if (list === null) return UNKNOWN;
  const refused = refuse(list, 'prepare map');
  if (refused !== null) return refused;
  list.next++;
  return `New version created: ${list.next}\n`;
}

function commitMap({ source, args }: CommandContext): string {
  const { version, words } = splitVersion(args);
  if (version === null) return 'Missing version number.\n';
  const [name] = words;
  if (name === undefined) return 'Missing map identifier.\n';
  const list = source.maps.find(name);
  if (list === null) return UNKNOWN;
  if (version <= list.current || version > list.next) return 'Version number out of range.\n';
  list.commit(version);
  return '';
}

const common = { level: Level.User } as const;

export const mapCommands: readonly Command[] = [
  {
    ...common,
    name: 'add map',
    usage: 'add map [@<ver>] <map> <key> <val>',
    help: 'add a map entry (payload supported instead of key/val)',
    run: addMap,
  },
  {
    ...common,
    name: 'clear map',
    usage: 'clear map [@<ver>] <map>',
    help: 'clear the contents of this map',
    run: clearMap,
  },
  {
    ...common,
    name: 'commit map',
    usage: 'commit map @<ver> <map>',
    help: 'commit the map at this version',
    run: commitMap,
  },
  {
    ...common,
    name: 'del map',
    usage: 'del map <map> [<key>|#<ref>]',
    help: 'delete map entries matching <key>',
    run: delMap,
  },
  {
    ...common,
    name: 'get map',
    usage: 'get map <map> <value>',
    help: 'report the keys and values matching a sample for a map',
    run: getMap,
  },
  {
    ...common,
    name: 'prepare map',
    usage: 'prepare map <map>',
    help: 'prepare a new version for atomic map replacement',
    run: prepareMap,
  },
  {
    ...common,
    name: 'set map',
    usage: 'set map <map> [<key>|#<ref>] <value>',
    help: 'modify a map entry',
    run: setMap,
  },
  {
    ...common,
    name: 'show map',
    usage: 'show map [@<ver>] [map]',
    help: "report available maps or dump a map's contents",
    run: showMap,
  },
];
