/** `show info` and `show version` (management.txt 9.3). */
import { infoJson, infoText, infoTyped } from '../stats/info.ts';
import { type Command, type CommandContext, Level } from './command.ts';

function showInfo({ source, args }: CommandContext): string {
  const moment = {
    source: source.info,
    nowMs: source.nowMs(),
    float: args.includes('float'),
  };
  const describe = args.includes('desc');
  if (args.includes('json')) return infoJson(moment);
  return args.includes('typed') ? infoTyped(moment, describe) : infoText(moment, describe);
}

export const infoCommands: readonly Command[] = [
  {
    name: 'show info',
    usage: 'show info [desc|json|typed|float]*',
    help: 'report information about the running process',
    level: Level.User,
    run: showInfo,
  },
  {
    name: 'show version',
    usage: 'show version',
    help: 'show version of the current process',
    level: Level.User,
    run: ({ source }) => `${source.info.version}\n`,
  },
];
