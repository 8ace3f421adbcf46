/**
 * Commands about the connection to the stats socket itself (management.txt 9.3): its level, mode,
 * timeout and end.
 */
import { DurationError, parseDuration } from '../base/value/duration.ts';
import { type Command, type CommandContext, Level, levelNames, Mode } from './command.ts';

function lower(to: Level): (context: CommandContext) => string {
  return ({ cli }) => {
    if (cli.level > to) cli.level = to;
    return '';
  };
}

const promptUsage =
  'Usage: prompt [help | n | i | p | timed]*\n' +
  'Changes the mode of this connection:\n' +
  '  n     : non-interactive, closed after the current line\n' +
  '  i     : interactive, without a prompt\n' +
  '  p     : interactive, with a prompt\n' +
  '  timed : shows the uptime in the prompt, or hides it\n' +
  'Without an argument it switches between prompt and non-interactive mode.\n';

function prompt({ cli, args }: CommandContext): string {
  if (args.length === 0) {
    cli.mode = cli.mode === Mode.Prompt ? Mode.NonInteractive : Mode.Prompt;
    return '';
  }
  for (const arg of args) {
    if (arg === 'n') cli.mode = Mode.NonInteractive;
    else if (arg === 'i') cli.mode = Mode.Interactive;
    else if (arg === 'p') cli.mode = Mode.Prompt;
    else if (arg === 'timed') {
      cli.timed = !cli.timed;
      cli.mode = Mode.Prompt;
    } else return promptUsage;
  }
  return '';
}

function setTimeoutCli({ cli, args }: CommandContext): string {
  const [delay] = args;
  if (delay === undefined || delay === '') {
    return "'set timeout cli' expects a delay.\n";
  }
  try {
    const milliseconds = parseDuration(delay, 's');
    if (milliseconds < 1) return 'Invalid timeout value.\n';
    cli.timeoutMs = milliseconds;
    return '';
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    return 'Invalid timeout value.\n';
  }
}

/** Other words than `on` and `off` change nothing. */
function experimentalMode({ cli, args }: CommandContext): string {
  const [word] = args;
  if (word === undefined) return `experimental-mode is ${cli.experimental ? 'ON' : 'OFF'}\n`;
  if (word === 'on' || word === 'off') cli.experimental = word === 'on';
  return '';
}

export const cliCommands: readonly Command[] = [
  {
    name: 'experimental-mode',
    usage: 'experimental-mode [on|off]',
    help: 'allow commands that are still in development',
    level: Level.Admin,
    run: experimentalMode,
  },
  {
    name: 'operator',
    usage: 'operator',
    help: 'lower the level of the current CLI session to operator',
    level: Level.Operator,
    run: lower(Level.Operator),
  },
  {
    name: 'set timeout cli',
    usage: 'set timeout cli <delay>',
    help: 'change the timeout of the current CLI session',
    level: Level.User,
    run: setTimeoutCli,
  },
  {
    name: 'show cli level',
    usage: 'show cli level',
    help: 'display the level of the current CLI session',
    level: Level.User,
    run: ({ cli }) => `${levelNames[cli.level]}\n`,
  },
  {
    name: 'user',
    usage: 'user',
    help: 'lower the level of the current CLI session to user',
    level: Level.User,
    run: lower(Level.User),
  },
];

/** They end every help screen. */
export const closingCommands: readonly Command[] = [
  {
    name: 'prompt',
    usage: 'prompt [help | n | i | p | timed]*',
    help: 'toggle interactive mode with prompt',
    level: Level.User,
    run: prompt,
  },
  {
    name: 'quit',
    usage: 'quit',
    help: 'disconnect',
    level: Level.User,
    run: ({ cli }) => {
      cli.closing = true;
      return '';
    },
  },
];
