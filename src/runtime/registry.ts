/**
 * The one manifest of the Runtime API: the rows of all families, in the order of the help, and how
 * a line of words finds its row.
 */
import { knownCommands } from '../base/known-keywords.ts';
import { nearest } from '../base/nearest.ts';
import { cliCommands, closingCommands } from './cli.ts';
import { type CliState, type Command, Level } from './command.ts';
import { mapCommands } from './map.ts';
import { maxconnCommands } from './set-maxconn.ts';
import { changeCommands } from './set-server.ts';
import { envCommands } from './show-env.ts';
import { infoCommands } from './show-info.ts';
import { serverCommands } from './show-servers.ts';
import { statCommands } from './show-stat.ts';
import { tableCommands } from './table.ts';
import { variableCommands } from './variable.ts';

const helpCommand: Command = {
  name: 'help',
  usage: 'help [<command>]',
  help: 'list matching or all commands',
  level: Level.User,
  run: ({ args, cli }) => helpText(args, cli),
};

const listed: readonly Command[] = [
  ...cliCommands,
  ...infoCommands,
  ...statCommands,
  ...serverCommands,
  ...changeCommands,
  ...maxconnCommands,
  ...envCommands,
  ...mapCommands,
  ...variableCommands,
  ...tableCommands,
].sort((a, b) => (a.name < b.name ? -1 : 1));

/** All commands; the last three are those that HAProxy puts at the end of every help. */
export const commands: readonly Command[] = [...listed, helpCommand, ...closingCommands];

export interface FoundCommand {
  command: Command;
  args: string[];
}

function startsWith(words: readonly string[], name: string): boolean {
  return name.split(' ').every((word, i) => words[i] === word);
}

/** The command that a line starts with, or null. */
export function findCommand(words: readonly string[]): FoundCommand | null {
  const command = commands.find((candidate) => startsWith(words, candidate.name));
  if (command === undefined) return null;
  return { command, args: words.slice(command.name.split(' ').length) };
}

/** Whether HAProxy has the command although sluice has not. */
export function isKnownCommand(words: readonly string[]): string | null {
  return knownCommands.find((name) => startsWith(words, name)) ?? null;
}

/** What a connection may do. */
type Reach = Pick<CliState, 'level' | 'experimental'>;

const USAGE_WIDTH = 40;

function helpLine(command: Command): string {
  return `  ${command.usage.padEnd(USAGE_WIDTH)}: ${command.help}\n`;
}

function helpScreen(title: string, rows: readonly Command[]): string {
  const closing = [helpCommand, ...closingCommands];
  const shown = rows.filter((row) => !closing.includes(row));
  return `${title}\n${[...shown, ...closing].map(helpLine).join('')}`;
}

/** Whether a connection may use it. */
function isAllowed(row: Command, cli: Reach): boolean {
  return row.level <= cli.level && (row.isExperimental !== true || cli.experimental);
}

/** Commands whose name the words begin, the last word possibly unfinished. */
function matching(words: readonly string[], cli: Reach): Command[] {
  const text = words.join(' ');
  return commands.filter((row) => isAllowed(row, cli) && row.name.startsWith(text));
}

/** `help`, alone or about a command. */
export function helpText(words: readonly string[], cli: Reach): string {
  return helpScreen('The following commands are valid at this level:', matching(words, cli));
}

/** The answer to words that are no command: what they may have meant, or everything. */
export function unknownText(words: readonly string[], cli: Reach): string {
  let rows = matching(words, cli);
  const asked = words.slice(0, 2).join(' ');
  if (rows.length === 0) {
    const names = listed.filter((row) => isAllowed(row, cli)).map((row) => row.name);
    const near = nearest(asked, names);
    rows = listed.filter((row) => row.name === near);
  }
  if (rows.length > 0) {
    const title = 'but maybe one of the following ones is a better match:';
    return helpScreen(`Unknown command: '${asked}', ${title}`, rows);
  }
  const all = commands.filter((row) => isAllowed(row, cli));
  const title = 'Please enter one of the following commands only:';
  return helpScreen(`Unknown command: '${asked}'. ${title}`, all);
}
