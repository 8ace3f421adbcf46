/** Options of `bind` and `stats socket` lines (5.1), in the manual's order. */
import { ConfigError } from '../../base/config-error.ts';
import type { BindConfig, TlsSettings } from '../../model/config.ts';
import type { TrustFiles } from '../tls/trust.ts';
import type { Effect } from './keyword.ts';
import type { ParserState } from './state.ts';
import { integer, leadingInteger, userTimeoutMs, type WordPlace } from './words.ts';

/** What a line names certificates by. */
export interface CertificateSource {
  kind: 'crt' | 'default-crt' | 'crt-list';
  path: string;
}

/** The listeners of one line, and what a stats socket takes from it. */
export interface BindLine {
  binds: BindConfig[];
  level: 'user' | 'operator' | 'admin' | null;
  idGiven: boolean;
  /** What the line says about TLS; finishTlsBind gives it to the listeners. */
  tls: TlsSettings;
  trust: TrustFiles;
  sources: CertificateSource[];
  /** How messages call the line. */
  subject: string;
}

export interface BindOptionRow extends Effect {
  name: string;
  /** '' for a word alone, otherwise the grammar of its one argument. */
  args: string;
  doc: string;
  /** `value` is '' when the argument is missing. Messages are put after the line's subject. */
  parse(line: BindLine, value: string, at: WordPlace): void;
}

/** The largest time that fits HAProxy's timers: 2^31 - 1 ms. */
const LARGEST = 2147483647;

function setAll(line: BindLine, fields: Partial<BindConfig>): void {
  for (const bind of line.binds) Object.assign(bind, fields);
}

function count(name: string, value: string, least: number, most: number, at: WordPlace): number {
  if (value === '') throw new ConfigError(`'${name}' : missing value`);
  const found = leadingInteger(value, name, at);
  if (found === null) {
    throw new ConfigError(`'${name}' : expects an integer argument, found '${value}'`);
  }
  if (found < least || found > most) {
    throw new ConfigError(`'${name}' : invalid value ${found}, allowed range is ${least}..${most}`);
  }
  return found;
}

function parseId(line: BindLine, value: string): void {
  if (line.binds.length > 1) {
    throw new ConfigError("'id' can only be used with a single socket");
  }
  if (value === '') throw new ConfigError("'id' : expects an integer argument");
  const id = integer(value);
  if (id === null) throw new ConfigError(`'id' : expects an integer argument, found '${value}'`);
  if (id <= 0 || id > LARGEST) throw new ConfigError("'id' : custom id has to be > 0");
  line.idGiven = true;
  setAll(line, { id });
}

function parseMode(line: BindLine, value: string): void {
  if (!/^[0-7]{1,5}$/.test(value)) {
    throw new ConfigError(`'mode' : missing or invalid mode '${value}' (octal integer expected)`);
  }
  setAll(line, { mode: Number.parseInt(value, 8) });
}

function parseMss(line: BindLine, value: string, at: WordPlace): void {
  const mss = leadingInteger(value, 'mss', at);
  if (mss === null || mss === 0 || Math.abs(mss) > 65535) {
    throw new ConfigError("'mss' : expects an MSS with and absolute value between 1 and 65535");
  }
  setAll(line, { mss });
}

function parseUserTimeout(line: BindLine, value: string, at: WordPlace): void {
  setAll(line, { tcpUserTimeout: userTimeoutMs(value, at) });
}

function parseLevel(line: BindLine, value: string): void {
  if (value !== 'user' && value !== 'operator' && value !== 'admin') {
    throw new ConfigError(`'level' only supports 'user', 'operator', and 'admin' (got '${value}')`);
  }
  line.level = value;
}

function ownerId(name: string, value: string): number {
  const id = integer(value);
  if (id === null || id < 0) throw new ConfigError(`'${name}' : missing value`);
  return id;
}

function named(kind: 'user' | 'group', value: string, state: ParserState): number {
  const id = kind === 'user' ? state.accounts.user(value) : state.accounts.group(value);
  if (id === null) throw new ConfigError(`'${kind}' : unknown ${kind} name '${value}'`);
  return id;
}

export const bindOptions = [
  {
    name: 'accept-proxy',
    args: '',
    doc: 'Every connection begins with a PROXY header, which says whose it is.',
    parse: (line) => setAll(line, { acceptProxy: true }),
  },
  {
    name: 'backlog',
    args: '<backlog>',
    doc: 'Length of the queue of connections that the system holds for the socket.',
    parse: (line, value, at) => setAll(line, { backlog: count('backlog', value, 0, LARGEST, at) }),
  },
  {
    name: 'defer-accept',
    args: '',
    doc: 'Accept a connection only once data arrive on it (TCP_DEFER_ACCEPT).',
    parse: (line) => setAll(line, { deferAccept: -1 }),
  },
  {
    name: 'expose-fd',
    args: 'listeners',
    doc: 'Gives the listening sockets to a process that asks for them.',
    waitsFor: 'handing over listening sockets (-x)',
    parse: (line, value) => {
      if (value !== 'listeners') {
        throw new ConfigError("'expose-fd' only supports 'listeners'");
      }
      setAll(line, { exposesListeners: true });
    },
  },
  {
    name: 'gid',
    args: '<gid>',
    doc: 'Group id that owns the unix socket.',
    parse: (line, value) => setAll(line, { gid: ownerId('gid', value) }),
  },
  {
    name: 'group',
    args: '<group>',
    doc: 'Name of the group that owns the unix socket.',
    parse: (line, value, at) => setAll(line, { gid: named('group', value, at.state) }),
  },
  { name: 'id', args: '<id>', doc: 'Number of the socket in statistics.', parse: parseId },
  {
    name: 'interface',
    args: '<interface>',
    doc: 'Receive only on this network interface.',
    parse: (line, value) => {
      if (value === '') throw new ConfigError("'interface' : missing interface name");
      setAll(line, { interface: value });
    },
  },
  {
    name: 'level',
    args: '<level>',
    doc: 'What the commands of a stats socket may do: user, operator or admin.',
    parse: parseLevel,
  },
  {
    name: 'maxconn',
    args: '<maxconn>',
    doc: 'Most concurrent connections of each socket of the line.',
    parse: (line, value, at) => setAll(line, { maxconn: count('maxconn', value, 0, LARGEST, at) }),
  },
  {
    name: 'mode',
    args: '<mode>',
    doc: 'Octal access permissions of the unix socket.',
    parse: parseMode,
  },
  {
    name: 'mss',
    args: '<maxseg>',
    doc: 'TCP maximum segment size to advertise.',
    parse: parseMss,
  },
  {
    name: 'name',
    args: '<name>',
    doc: 'Name of the socket in statistics.',
    parse: (line, value) => {
      if (value === '') throw new ConfigError("'name' : missing name");
      setAll(line, { name: value });
    },
  },
  {
    name: 'nice',
    args: '<nice>',
    doc: 'Priority of the connections of the socket, -1024 to 1024.',
    parse: (line, value, at) => setAll(line, { nice: count('nice', value, -1024, 1024, at) }),
  },
  {
    name: 'tcp-ut',
    args: '<delay>',
    doc: 'TCP user timeout of accepted connections.',
    parse: parseUserTimeout,
  },
  {
    name: 'tfo',
    args: '',
    doc: 'TCP fast open on the listening socket.',
    parse: (line) => setAll(line, { tfo: true }),
  },
  {
    name: 'uid',
    args: '<uid>',
    doc: 'User id that owns the unix socket.',
    parse: (line, value) => setAll(line, { uid: ownerId('uid', value) }),
  },
  {
    name: 'user',
    args: '<user>',
    doc: 'Name of the user that owns the unix socket.',
    parse: (line, value, at) => setAll(line, { uid: named('user', value, at.state) }),
  },
  {
    name: 'v4v6',
    args: '',
    doc: 'Accept both IPv4 and IPv6 on the IPv6 default address.',
    parse: (line) => setAll(line, { v4v6: true }),
  },
  {
    name: 'v6only',
    args: '',
    doc: 'Accept only IPv6 on the IPv6 default address.',
    parse: (line) => setAll(line, { v6only: true }),
  },
] as const satisfies readonly BindOptionRow[] as readonly BindOptionRow[];

/** Options that old configurations have and that mean nothing any more, by what to write today. */
export const obsoleteBindOptions: Record<string, string> = {
  process: "'process' on 'bind' lines has no effect any more: every thread accepts connections",
};
