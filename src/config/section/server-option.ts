/** Options of `server` and `default-server` lines (5.2), in the manual's order. */
import { ConfigError } from '../../base/config-error.ts';
import { parseAddress } from '../../base/value/address.ts';
import type { Origin } from '../../model/config.ts';
import type { ServerSettings } from './draft.ts';
import type { Effect } from './keyword.ts';
import type { ParserState } from './state.ts';
import { delayProblem, durationMs, leadingInteger, smallDelay, userTimeoutMs } from './words.ts';

export interface ServerOptionLine {
  settings: ServerSettings;
  origin: Origin;
  state: ParserState;
  /** How messages begin: `'server app/s1'`. */
  subject: string;
  /** The server's name, or `default-server`. */
  name: string;
  isDefault: boolean;
  idGiven: boolean;
}

export interface ServerOptionRow extends Effect {
  name: string;
  /** '' for a word alone, otherwise the grammar of its one argument. */
  args: string;
  doc: string;
  /** Messages are put after the server's name and get a full stop. */
  parse(line: ServerOptionLine, value: string): void;
}

const LARGEST = 2147483647;

function number(
  line: ServerOptionLine,
  name: string,
  value: string,
  least: number,
  most = LARGEST,
): number {
  const found = leadingInteger(value, name, line);
  if (found === null) throw new ConfigError(`'${name}' expects an integer argument`);
  if (found < least) throw new ConfigError(`'${name}' must be >= ${least}`);
  if (found > most) throw new ConfigError(`'${name}' must be <= ${most}`);
  return found;
}

/** `rise` and `fall`. */
function checkCount(line: ServerOptionLine, name: string, value: string): number {
  if (value === '') throw new ConfigError(`'${name}' expects an integer argument`);
  const found = leadingInteger(value, name, line);
  if (found === null || found <= 0) throw new ConfigError(`'${name}' has to be > 0`);
  if (found > LARGEST) throw new ConfigError(`'${name}' must be <= ${LARGEST}`);
  return found;
}

/** 5.2 agent-addr: an address, or a name that has one, without a port. */
function parseAgentAddress(line: ServerOptionLine, value: string): void {
  if (value === '') throw new ConfigError("'agent-addr' expects an address as argument");
  const wrong = `parsing agent-addr failed. Check if '${value}' is correct address`;
  try {
    const [address] = parseAddress(value, { port: 'none', range: false }, line.state.env);
    if (address === undefined) throw new ConfigError(wrong);
    const { portOffset: _, ...plain } = address;
    line.settings.agentAddress = plain;
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(wrong);
  }
}

/** `inter` and its variants: at least one millisecond. */
function checkDelay(line: ServerOptionLine, name: string, value: string): number {
  if (value === '') throw new ConfigError(`'${name}' expects a delay as argument`);
  let delay: number;
  try {
    delay = durationMs(value, 'ms', line);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(
      `${delayProblem(value, problem)} in '${name}' argument of server ${line.name}`,
    );
  }
  if (delay <= 0) {
    throw new ConfigError(`invalid value ${delay} for argument '${name}' of server ${line.name}`);
  }
  const warning = smallDelay(name, value, delay, `server '${line.name}'`);
  if (warning !== null) {
    const { file, line: number } = line.origin;
    const subject = line.isDefault ? '' : `${line.subject} : `;
    line.state.diagnostics.warning(null, `[${file}:${number}] : ${subject}${warning}`);
  }
  return delay;
}

function parseCheckAddress(line: ServerOptionLine, value: string): void {
  if (value === '') throw new ConfigError("'addr' expects <ipv4|ipv6> as argument");
  let address: ReturnType<typeof parseAddress>[0];
  try {
    address = parseAddress(value, { port: 'optional', range: false }, line.state.env)[0];
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`'addr' : ${problem.message}`);
  }
  if (address === undefined || (address.family !== 'ipv4' && address.family !== 'ipv6')) {
    throw new ConfigError(`'addr' : '${value}' is not an IPv4 or IPv6 address`);
  }
  const { portOffset: _, ...plain } = address;
  line.settings.checkAddress = plain;
}

function parseSource(line: ServerOptionLine, value: string): void {
  if (value === '') {
    throw new ConfigError(
      "'source' expects <addr>[:<port>[-<port>]], and optionally 'usesrc' <addr>, " +
        "and 'interface' <name> as argument",
    );
  }
  let found: ReturnType<typeof parseAddress>;
  try {
    found = parseAddress(value, { port: 'optional', range: true }, line.state.env);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`'source ${value}' : ${problem.message}`);
  }
  const address = found[0];
  if (address === undefined || (address.family !== 'ipv4' && address.family !== 'ipv6')) {
    throw new ConfigError(`'source ${value}' : an IPv4 or IPv6 address is required`);
  }
  if (found.length > 1 || address.port !== 0) {
    throw new ConfigError(`'source' with a port or port range is not supported yet by sluice`);
  }
  const { portOffset: _, ...plain } = address;
  line.settings.server.sourceAddress = plain;
}

function parseUserTimeout(line: ServerOptionLine, value: string): void {
  line.settings.server.tcpUserTimeout = userTimeoutMs(value, line);
}

function parsePurgeDelay(line: ServerOptionLine, value: string): void {
  if (value === '') throw new ConfigError("'pool-purge-delay' expects <value> as argument");
  try {
    line.settings.server.poolPurgeDelayMs = durationMs(value, 'ms', line);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`${delayProblem(value, problem)} in argument to <pool-purge-delay>`);
  }
}

const hashKeys = ['id', 'addr', 'addr-port'] as const;

function parseHashKey(line: ServerOptionLine, value: string): void {
  if (value === 'id32' || value === 'guid') {
    throw new ConfigError(`'hash-key ${value}' is not supported yet by sluice`);
  }
  const found = hashKeys.find((key) => key === value);
  if (found === undefined) {
    throw new ConfigError("'hash-key' has to be 'id', 'addr', or 'addr-port'");
  }
  line.settings.server.hashKey = found;
}

function parseServerId(line: ServerOptionLine, value: string): void {
  if (line.isDefault) {
    throw new ConfigError("'id' option is not accepted in default-server sections");
  }
  if (value === '') throw new ConfigError("'id' : expects an integer argument");
  const id = leadingInteger(value, 'id', line);
  if (id === null || id <= 0) throw new ConfigError("'id' : custom id has to be > 0");
  line.settings.server.id = id;
  line.idGiven = true;
}

function parseWeight(line: ServerOptionLine, value: string): void {
  const weight = leadingInteger(value, 'weight', line);
  if (weight === null) throw new ConfigError("'weight' expects an integer argument");
  if (weight < 0 || weight > 256) {
    throw new ConfigError(`weight of server ${line.name} is not within 0 and 256 (${weight})`);
  }
  line.settings.server.weight = weight;
}

export const serverOptions = [
  {
    name: 'addr',
    args: '<ipv4|ipv6>',
    doc: 'Address that health checks connect to instead of the server.',
    parse: parseCheckAddress,
  },
  {
    name: 'agent-check',
    args: '',
    doc: "Ask an agent about the server's weight and state.",
    parse: (line) => {
      line.settings.agentEnabled = true;
    },
  },
  {
    name: 'agent-send',
    args: '<string>',
    doc: 'Text to send to the agent.',
    parse: (line, value) => {
      if (value === '') throw new ConfigError("'agent-send' expects a string as argument");
      line.settings.agentSend = value;
    },
  },
  {
    name: 'agent-inter',
    args: '<delay>',
    doc: 'Interval between questions to the agent.',
    parse: (line, value) => {
      line.settings.agentInterMs = checkDelay(line, 'agent-inter', value);
    },
  },
  {
    name: 'agent-addr',
    args: '<addr>',
    doc: 'Address of the agent instead of that of the server.',
    parse: parseAgentAddress,
  },
  {
    name: 'agent-port',
    args: '<port>',
    doc: 'Port of the agent.',
    parse: (line, value) => {
      if (value === '') throw new ConfigError("'agent-port' expects a port number as argument");
      line.settings.agentPort = number(line, 'agent-port', value, 0, 65535);
    },
  },
  {
    name: 'backup',
    args: '',
    doc: 'Use the server only when no other one is available.',
    parse: (line) => {
      line.settings.server.backup = true;
    },
  },
  {
    name: 'check',
    args: '',
    doc: 'Check the health of the server.',
    parse: (line) => {
      line.settings.checkEnabled = true;
    },
  },
  {
    name: 'check-send-proxy',
    args: '',
    doc: 'Checks begin with a PROXY header.',
    parse: (line) => {
      line.settings.checkSendsProxy = true;
    },
  },
  {
    name: 'cookie',
    args: '<value>',
    doc: "The server's value of the persistence cookie.",
    parse: (line, value) => {
      if (value === '') throw new ConfigError("'cookie' expects <value> as argument");
      line.settings.server.cookie = value;
    },
  },
  {
    name: 'disabled',
    args: '',
    doc: 'Start in maintenance.',
    parse: (line) => {
      line.settings.server.disabled = true;
    },
  },
  {
    name: 'enabled',
    args: '',
    doc: 'Start in service although default-server says disabled.',
    parse: (line) => {
      line.settings.server.disabled = false;
    },
  },
  {
    name: 'fall',
    args: '<count>',
    doc: 'Failed checks in a row that take the server down.',
    parse: (line, value) => {
      line.settings.fall = checkCount(line, 'fall', value);
    },
  },
  {
    name: 'hash-key',
    args: '<key>',
    doc: 'What the places of the server on a ring come from.',
    parse: parseHashKey,
  },
  {
    name: 'id',
    args: '<value>',
    doc: 'Number of the server in statistics.',
    parse: parseServerId,
  },
  {
    name: 'inter',
    args: '<delay>',
    doc: 'Interval between checks.',
    parse: (line, value) => {
      line.settings.interMs = checkDelay(line, 'inter', value);
    },
  },
  {
    name: 'fastinter',
    args: '<delay>',
    doc: 'Interval between checks while the state is changing.',
    parse: (line, value) => {
      line.settings.fastinterMs = checkDelay(line, 'fastinter', value);
    },
  },
  {
    name: 'downinter',
    args: '<delay>',
    doc: 'Interval between checks while the server is down.',
    parse: (line, value) => {
      line.settings.downinterMs = checkDelay(line, 'downinter', value);
    },
  },
  {
    name: 'max-reuse',
    args: '<count>',
    doc: 'Requests after the first one on a connection to the server; -1 is no limit.',
    parse: (line, value) => {
      line.settings.server.maxReuse = number(line, 'max-reuse', value, -1);
    },
  },
  {
    name: 'maxconn',
    args: '<maxconn>',
    doc: 'Most concurrent connections to the server; more wait in its queue.',
    parse: (line, value) => {
      line.settings.server.maxconn = number(line, 'maxconn', value, 0);
    },
  },
  {
    name: 'maxqueue',
    args: '<maxqueue>',
    doc: 'Most requests in the queue of the server.',
    parse: (line, value) => {
      line.settings.server.maxqueue = number(line, 'maxqueue', value, 0);
    },
  },
  {
    name: 'minconn',
    args: '<minconn>',
    doc: 'Connection limit at low load, below fullconn.',
    parse: (line, value) => {
      line.settings.server.minconn = number(line, 'minconn', value, 0);
    },
  },
  {
    name: 'no-agent-check',
    args: '',
    doc: 'Undo agent-check of default-server.',
    parse: (line) => {
      line.settings.agentEnabled = false;
    },
  },
  {
    name: 'no-backup',
    args: '',
    doc: 'Undo backup of default-server.',
    parse: (line) => {
      line.settings.server.backup = false;
    },
  },
  {
    name: 'no-check',
    args: '',
    doc: 'Undo check of default-server.',
    parse: (line) => {
      line.settings.checkEnabled = false;
    },
  },
  {
    name: 'no-check-send-proxy',
    args: '',
    doc: 'Takes check-send-proxy of default-server back.',
    parse: (line) => {
      line.settings.checkSendsProxy = false;
    },
  },
  {
    name: 'no-send-proxy',
    args: '',
    doc: 'Takes send-proxy of default-server back.',
    parse: (line) => {
      line.settings.server.sendProxy = 0;
    },
  },
  {
    name: 'no-send-proxy-v2',
    args: '',
    doc: 'Takes send-proxy-v2 of default-server back.',
    parse: (line) => {
      line.settings.server.sendProxy = 0;
    },
  },
  {
    name: 'non-stick',
    args: '',
    doc: 'What it serves is not remembered in stick tables.',
    parse: (line) => {
      line.settings.server.nonStick = true;
    },
  },
  {
    name: 'pool-max-conn',
    args: '<max>',
    doc: 'Most idle connections kept to the server; -1 is no limit.',
    parse: (line, value) => {
      line.settings.server.poolMaxConn = number(line, 'pool-max-conn', value, -1);
    },
  },
  {
    name: 'pool-purge-delay',
    args: '<delay>',
    doc: 'Every such delay, half of the idle connections are closed.',
    parse: parsePurgeDelay,
  },
  {
    name: 'port',
    args: '<port>',
    doc: 'Port that health checks connect to.',
    parse: (line, value) => {
      line.settings.checkPort = number(line, 'port', value, 0, 65535);
    },
  },
  {
    name: 'rise',
    args: '<count>',
    doc: 'Successful checks in a row that bring the server up.',
    parse: (line, value) => {
      line.settings.rise = checkCount(line, 'rise', value);
    },
  },
  {
    name: 'send-proxy',
    args: '',
    doc: 'Connections begin with a PROXY header of version 1.',
    parse: (line) => {
      line.settings.server.sendProxy = 1;
    },
  },
  {
    name: 'send-proxy-v2',
    args: '',
    doc: 'Connections begin with a PROXY header of version 2.',
    parse: (line) => {
      line.settings.server.sendProxy = 2;
    },
  },
  {
    name: 'source',
    args: '<addr>',
    doc: 'Address that connections to the server come from.',
    parse: parseSource,
  },
  {
    name: 'tcp-ut',
    args: '<delay>',
    doc: 'TCP user timeout of connections to the server.',
    parse: parseUserTimeout,
  },
  {
    name: 'track',
    args: '[<backend>/]<server>',
    doc: 'Have the state of another server.',
    parse: (line, value) => {
      if (value === '') throw new ConfigError("'track' expects [<proxy>/]<server> as argument");
      line.settings.track = value;
    },
  },
  {
    name: 'weight',
    args: '<weight>',
    doc: 'Share of the load, 0 to 256.',
    parse: parseWeight,
  },
  {
    name: 'ws',
    args: '{ auto | h1 }',
    doc: 'Protocol of websockets to the server.',
    asItIs: 'servers speak HTTP/1',
    parse: (_line, value) => {
      if (value === 'auto' || value === 'h1') return;
      if (value === 'h2') throw new ConfigError("'ws h2' is not supported yet by sluice");
      throw new ConfigError(`'ws' : expects 'auto', 'h1' or 'h2', found '${value}'`);
    },
  },
] as const satisfies readonly ServerOptionRow[] as readonly ServerOptionRow[];
