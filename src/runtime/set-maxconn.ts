/** `set maxconn frontend`, `set maxconn global` (management.txt 9.3): limits of connections. */
import { PROCESS_ENTITY, State } from '../model/shared.ts';
import { type Command, type CommandContext, Level } from './command.ts';
import { CommandError, findFrontend } from './server-name.ts';

/** A number of connections as the command takes it. */
function limitOf(word: string | undefined, missing: string): number {
  if (word === undefined || word === '') throw new CommandError(missing);
  if (!/^-?[0-9]{1,9}$/.test(word)) throw new CommandError('Integer value expected.');
  const limit = Number(word);
  if (limit < 0) throw new CommandError('Value out of range.');
  return limit;
}

function setFrontend({ source, args }: CommandContext): string {
  const [name, word] = args;
  if (name === undefined) throw new CommandError('A frontend name is expected.');
  const proxy = findFrontend(source, name);
  if (proxy === undefined) throw new CommandError('No such frontend.');
  const limit = limitOf(word, 'Integer value expected.');
  const entity = source.stats.entities.frontend[proxy.index]!;
  // 0 is no limit of its own, as in the configuration: that of the process counts.
  source.stats.shared.set(entity, State.Maxconn, limit || source.info.maxconn);
  source.workers.refresh();
  return '';
}

function setGlobal({ source, args }: CommandContext): string {
  const limit = limitOf(args[0], 'Expects an integer value.');
  // What follows from the limit, buffers and descriptors, was reserved at start.
  if (limit > source.info.maxconn) throw new CommandError('Value out of range.');
  source.stats.shared.set(PROCESS_ENTITY, State.Maxconn, limit || source.info.maxconn);
  source.workers.refresh();
  return '';
}

export const maxconnCommands: readonly Command[] = [
  {
    name: 'set maxconn frontend',
    usage: 'set maxconn frontend <frontend> <value>',
    help: "change a frontend's maxconn setting",
    level: Level.Admin,
    run: setFrontend,
  },
  {
    name: 'set maxconn global',
    usage: 'set maxconn global <value>',
    help: 'change the per-process maxconn setting',
    level: Level.Admin,
    run: setGlobal,
  },
];
