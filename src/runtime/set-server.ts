/**
 * Commands that change servers (management.txt 9.3): `set server`, `set weight`, `get weight`, `enable`
 * and `disable` of servers, health checks and agents, `set maxconn server`, `shutdown sessions server`.
 */

import { keepsWeights } from '../balance/registry.ts';
import type { Address } from '../base/value/address.ts';
import { formatIp, parseIpv4, parseIpv6 } from '../base/value/ip.ts';
import { readWeight } from '../checks/agent.ts';
import { fullHealth } from '../checks/health.ts';
import { setForcedAdmin } from '../checks/server-admin.ts';
import type { ServerEntry } from '../checks/server-states.ts';
import { AdminFlag, Health, State } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { type Command, type CommandContext, Level } from './command.ts';
import { CommandError, findServer, type NamedServer } from './server-name.ts';

interface Target extends NamedServer {
  entry: ServerEntry;
}

function target(context: CommandContext): Target {
  const named = findServer(context.source, context.args[0]);
  const entry = context.source.checks.states.entryOf(named.entity);
  // The servers of a section that is disabled are known, but have no state.
  if (entry === null) throw new CommandError('Proxy is disabled.');
  return { ...named, entry };
}

const fromCli = (): string => ', changed from CLI';

function portOf(word: string | undefined, what: string): number {
  if (word === undefined || word === '') throw new CommandError(what);
  if (!/^[0-9]+$/.test(word)) throw new CommandError('provided port is not an integer');
  const port = Number(word);
  if (port > 65535) throw new CommandError('provided port is invalid');
  return port;
}

function readIp(word: string): Address | null {
  const bytes = parseIpv4(word) ?? parseIpv6(word);
  if (bytes === null) return null;
  const family = bytes.length === 4 ? 'ipv4' : 'ipv6';
  return { family, datagram: false, bytes, port: 0, path: '', fd: -1, text: word };
}

function setWeight(context: CommandContext): string {
  const { entry, server, proxy } = target(context);
  const word = context.args[1];
  if (word === undefined || word === '') throw new CommandError('Require <weight> or <weight%>.');
  const weight = readWeight(word, server.weight, keepsWeights(proxy));
  if (typeof weight === 'string') throw new CommandError(weight);
  context.source.checks.states.setWeight(entry, weight);
  return '';
}

function getWeight(context: CommandContext): string {
  const { server, entity } = findServer(context.source, context.args[0]);
  const weight = context.source.stats.shared.get(entity, State.Weight);
  return `${weight} (initial ${server.weight})\n`;
}

function setState(context: CommandContext): string {
  const { entry } = target(context);
  const { states } = context.source.checks;
  const forced = { ready: 0, drain: AdminFlag.Drain, maint: AdminFlag.Maintenance };
  const word = context.args[2] ?? '';
  if (!Object.hasOwn(forced, word)) {
    throw new CommandError("'set server <srv> state' expects 'ready', 'drain' and 'maint'.");
  }
  setForcedAdmin(states, entry, forced[word as keyof typeof forced]);
  return '';
}

function setHealth(context: CommandContext): string {
  const { entry, server, entity } = target(context);
  const { checks, stats } = context.source;
  if (server.track !== null) {
    throw new CommandError('cannot change health on a tracking server.');
  }
  const { check } = server;
  const most = check === null ? 0 : fullHealth(check);
  const up = check === null ? Health.NoCheck : Health.Up;
  const health = { up, stopping: Health.Stopping, down: Health.Down };
  const word = context.args[2] ?? '';
  if (!Object.hasOwn(health, word)) {
    throw new CommandError("'set server <srv> health' expects 'up', 'stopping', or 'down'.");
  }
  stats.shared.set(entity, State.CheckCounter, word === 'down' ? 0 : most);
  checks.states.setChecked(entry, health[word as keyof typeof health], fromCli);
  return '';
}

function setAgent(context: CommandContext): string {
  const { entry, server, entity } = target(context);
  if (server.agent === null) {
    throw new CommandError('agent checks are not enabled on this server.');
  }
  const word = context.args[2];
  if (word !== 'up' && word !== 'down') {
    throw new CommandError("'set server <srv> agent' expects 'up' or 'down'.");
  }
  context.source.stats.shared.set(entity, State.AgentCounter, word === 'up' ? 1 : 0);
  context.source.checks.states.setAgent(entry, word === 'up', fromCli);
  return '';
}

/** What a check has of its own: its address and port. */
function setPlace(context: CommandContext, kind: 'check' | 'agent', what: 'addr' | 'port'): string {
  const { server, entity } = target(context);
  const checked = kind === 'check' ? server.check : server.agent;
  const isEnabled = context.source.checks.isEnabled(entity, kind === 'check' ? 'Health' : 'Agent');
  if (checked === null || !isEnabled) {
    const name = kind === 'check' ? 'health' : 'agent';
    throw new CommandError(`${name} checks are not enabled on this server`);
  }
  const [, , word, second, port] = context.args;
  const usage = `set server <b>/<s> ${kind}-${what} requires`;
  if (what === 'port') {
    checked.port = portOf(word, `${usage} a port.`);
    return '';
  }
  if (word === undefined || word === '') {
    throw new CommandError(`${usage} an address and optionally a port.`);
  }
  const address = readIp(word);
  if (address === null) throw new CommandError(`invalid addr '${word}'`);
  if (second === 'port') checked.port = portOf(port, `${usage} an address and optionally a port.`);
  checked.address = address;
  return '';
}

function setAgentSend(context: CommandContext): string {
  const { server } = target(context);
  if (server.agent === null) {
    throw new CommandError('agent checks are not enabled on this server.');
  }
  server.agent.send = context.args[2] || null;
  return '';
}

/** Replaces the address of a server, and its port when that is given. */
function setAddress(context: CommandContext): string {
  const { server, proxy, entry } = target(context);
  const [, , word = '', second, portWord = ''] = context.args;
  if (word === '') {
    throw new CommandError('set server <b>/<s> addr requires an address and optionally a port.');
  }
  const { family, port: oldPort, bytes } = server.address;
  const next = readIp(word);
  if (next === null) throw new CommandError(`Invalid addr '${word}'`);
  if (family !== 'ipv4' && family !== 'ipv6') {
    throw new CommandError(
      'Update for the current server address family is only supported through configuration file.',
    );
  }
  next.port = oldPort;
  if (second === 'port') {
    if (!/^[0-9]{1,5}$/.test(portWord) || Number(portWord) > 65535) {
      throw new CommandError(`problem converting port '${portWord}' to an int`);
    }
    next.port = Number(portWord);
  }
  const changes: string[] = [];
  const [from, to] = [formatIp(bytes), formatIp(next.bytes)];
  if (from !== to) changes.push(`IP changed from '${from}' to '${to}'`);
  if (next.port !== oldPort) changes.push(`port changed from '${oldPort}' to '${next.port}'`);
  if (changes.length === 0) return 'nothing changed\n';
  server.address = next;
  if (second === 'port') server.portOffset = false;
  context.source.workers.setAddress(proxy.index, server.index, next);
  const said = `${changes.join(', ')} by 'stats socket command'`;
  context.source.checks.states.announce(entry, `${proxy.name}/${server.name} changed its ${said}`);
  return `${said}\n`;
}

type Setter = (context: CommandContext) => string;

/** The second word of `set server <backend>/<server>`, in the order of its usage. */
const setters: Readonly<Record<string, Setter>> = {
  addr: setAddress,
  agent: setAgent,
  'agent-addr': (context) => setPlace(context, 'agent', 'addr'),
  'agent-port': (context) => setPlace(context, 'agent', 'port'),
  'agent-send': setAgentSend,
  'check-addr': (context) => setPlace(context, 'check', 'addr'),
  'check-port': (context) => setPlace(context, 'check', 'port'),
  fqdn: () => refuse('fqdn', 'resolvers'),
  health: setHealth,
  name: () => refuse('name', 'servers that change their names'),
  ssl: () => refuse('ssl', 'TLS to servers'),
  state: setState,
  weight: (context) =>
    setWeight({ ...context, args: [context.args[0]!, ...context.args.slice(2)] }),
};

function refuse(word: string, feature: string): string {
  throw new CommandError(`'set server ${word}' waits for ${feature} and is not supported yet.`);
}

function setServer(context: CommandContext): string {
  target(context);
  const setter = setters[context.args[1] ?? ''];
  if (setter !== undefined) return setter(context);
  const words = Object.keys(setters).join(' | ');
  throw new CommandError(`usage: set server <backend>/<server> ${words}`);
}

function setMaxconn(context: CommandContext): string {
  const { entry } = target(context);
  const [, word = ''] = context.args;
  if (word === '') throw new CommandError('Require <maxconn>.');
  if (!/^[0-9]{1,9}$/.test(word)) {
    throw new CommandError('maxconn string empty or preceded by garbage');
  }
  context.source.checks.states.setMaxconn(entry, Number(word));
  return '';
}

function setForced(forced: number): Setter {
  return (context) => {
    setForcedAdmin(context.source.checks.states, target(context).entry, forced);
    return '';
  };
}

function setEnabled(kind: 'Health' | 'Agent', isEnabled: boolean): Setter {
  return (context) => {
    const { entity } = findServer(context.source, context.args[0]);
    const has = context.source.checks.setEnabled(entity, kind, isEnabled);
    if (has || !isEnabled) return '';
    const what = kind === 'Health' ? 'Health check' : 'Agent';
    throw new CommandError(`${what} was not configured on this server, cannot enable.`);
  };
}

function shutdownSessions({ source, args }: CommandContext): string {
  const { proxy, server } = findServer(source, args[0]);
  source.workers.shutdown(proxy.index, server.index, Cause.Killed);
  return '';
}

export const changeCommands: readonly Command[] = [
  {
    name: 'disable agent',
    usage: 'disable agent <backend>/<server>',
    help: 'disable agent checks',
    level: Level.Admin,
    run: setEnabled('Agent', false),
  },
  {
    name: 'disable health',
    usage: 'disable health <backend>/<server>',
    help: 'disable health checks',
    level: Level.Admin,
    run: setEnabled('Health', false),
  },
  {
    name: 'disable server',
    usage: 'disable server <backend>/<server>',
    help: 'put a server into maintenance',
    level: Level.Admin,
    run: setForced(AdminFlag.Maintenance),
  },
  {
    name: 'enable agent',
    usage: 'enable agent <backend>/<server>',
    help: 'enable agent checks',
    level: Level.Admin,
    run: setEnabled('Agent', true),
  },
  {
    name: 'enable health',
    usage: 'enable health <backend>/<server>',
    help: 'enable health checks',
    level: Level.Admin,
    run: setEnabled('Health', true),
  },
  {
    name: 'enable server',
    usage: 'enable server <backend>/<server>',
    help: 'end the maintenance of a server',
    level: Level.Admin,
    run: setForced(0),
  },
  {
    name: 'get weight',
    usage: 'get weight <backend>/<server>',
    help: "report a server's current weight",
    level: Level.User,
    run: getWeight,
  },
  {
    name: 'set maxconn server',
    usage: 'set maxconn server <backend>/<server> <value>',
    help: "change a server's maxconn setting",
    level: Level.Admin,
    run: setMaxconn,
  },
  {
    name: 'set server',
    usage: 'set server <backend>/<server> [opts]',
    help: "change a server's state, weight, address or checks",
    level: Level.Admin,
    run: setServer,
  },
  {
    name: 'set weight',
    usage: 'set weight <backend>/<server> <weight>[%]',
    help: "change a server's weight",
    level: Level.Admin,
    run: setWeight,
  },
  {
    name: 'shutdown sessions server',
    usage: 'shutdown sessions server <backend>/<server>',
    help: 'kill sessions on a server',
    level: Level.Admin,
    run: shutdownSessions,
  },
];
