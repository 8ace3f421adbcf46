/** `show env` (management.txt 9.3): the variables as the configuration left them. */
import { type Command, type CommandContext, Level } from './command.ts';

function showEnv({ source, args }: CommandContext): string {
  const name = args[0];
  if (name !== undefined) {
    const value = name.startsWith('.') ? null : source.env.get(name);
    return value === null ? 'Variable not found\n' : `${name}=${value}\n`;
  }
  return source.env
    .entries()
    .map(([variable, value]) => `${variable}=${value}\n`)
    .join('');
}

export const envCommands: readonly Command[] = [
  {
    name: 'show env',
    usage: 'show env [var]',
    help: 'dump environment variables known to the process',
    level: Level.Operator,
    run: showEnv,
  },
];
