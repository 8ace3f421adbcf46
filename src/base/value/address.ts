/**
 * Addresses as the configuration writes them (configuration.txt 2.9):
 * `[<type>+]<family>@<address>[:<port>[-<port>]]`, or a path.
 *
 * The caller says which ports its keyword takes; the messages are HAProxy's and get the keyword's
 * name from the caller. Variables are expanded outside of double quotes too: words have theirs
 * already (2.3), and what is left of the form `$NAME` or `${NAME}` is looked up here.
 */
import { ConfigError } from '../config-error.ts';
import { type Cidr, readCidr } from './cidr.ts';
import { formatIp, parseIpv4, parseIpv6 } from './ip.ts';

export interface Address {
  family: 'ipv4' | 'ipv6' | 'unix' | 'abns' | 'fd';
  /** Stream unless the prefix says datagram (`udp@`, `dgram+`). */
  datagram: boolean;
  /** Network order: 4 bytes for ipv4, 16 for ipv6, empty otherwise. All zero = any address. */
  bytes: number[];
  /** 0 when the text names none. For `fd` the descriptor number stands in `fd`. */
  port: number;
  /** unix and abns: path or name. */
  path: string;
  fd: number;
  /** As written, for messages. */
  text: string;
}

/** `port` is signed when `portOffset`: it is added to the port the client connected to. */
export type ParsedAddress = Address & { portOffset: boolean };

export interface AddressSyntax {
  /**
   * `required`: a port from 1 to 65535 (bind). `optional`: 0 when absent. `none`: refused.
   * `offset`: optional, and `+N` or `-N` is an offset (server); descriptors are refused then.
   */
  port: 'required' | 'optional' | 'none' | 'offset';
  /** `80-89` is allowed and yields ten addresses. */
  range: boolean;
  /** Datagram by default, both kinds allowed (log, nameserver). Otherwise stream only. */
  datagram?: boolean;
}

export type AddressFamily = 'any' | 'ipv4' | 'ipv6';

/** Looks a host name up; null when there is no address of that family. */
export type HostResolver = (host: string, family: AddressFamily) => number[] | null;

/** Longest path of a unix socket: room is kept in sun_path for a temporary suffix. */
const unixPathMax = 97;
const abnsNameMax = 107;

/** The value of an environment variable, null when there is none. */
export interface Variables {
  get(name: string): string | null;
}

type SocketType = 'default' | 'stream' | 'datagram';

interface Prefix {
  name: string;
  family: AddressFamily | 'unix' | 'abns' | 'fd';
  type: SocketType;
}

/** 2.9.1 families and 2.9.3 protocols, each with the socket type that it forces. */
const prefixes: readonly Prefix[] = [
  { name: 'abns@', family: 'abns', type: 'default' },
  { name: 'fd@', family: 'fd', type: 'default' },
  { name: 'ip@', family: 'any', type: 'default' },
  { name: 'ipv4@', family: 'ipv4', type: 'default' },
  { name: 'ipv6@', family: 'ipv6', type: 'default' },
  { name: 'unix@', family: 'unix', type: 'default' },
  { name: 'tcp@', family: 'any', type: 'stream' },
  { name: 'tcp4@', family: 'ipv4', type: 'stream' },
  { name: 'tcp6@', family: 'ipv6', type: 'stream' },
  { name: 'udp@', family: 'any', type: 'datagram' },
  { name: 'udp4@', family: 'ipv4', type: 'datagram' },
  { name: 'udp6@', family: 'ipv6', type: 'datagram' },
  { name: 'uxst@', family: 'unix', type: 'stream' },
  { name: 'uxdg@', family: 'unix', type: 'datagram' },
];

/** Prefixes that HAProxy has and sluice does not. */
const refused =
  /^(abnsz@|sockpair@|mptcp[46]?@|quic[46]@|rhttp@|rev@|(?:stream\+|dgram\+|quic\+|mptcp\+)(?:abnsz|sockpair)@|quic\+|mptcp\+)/;

let resolver: HostResolver | null = null;

/** Installs the look-up of host names, which needs libc and so lives in a later layer. */
export function setHostResolver(resolve: HostResolver | null): void {
  resolver = resolve;
}

/** The IPv4 address of a host name, 4 bytes; null when it has none. */
export function resolveIpv4(host: string): number[] | null {
  return resolver?.(host, 'ipv4') ?? null;
}

/**
 * Cuts the addresses of a `bind` line at its commas. One comma may end the list.
 * @throws ConfigError for an empty address in the middle
 */
export function splitAddressList(text: string): string[] {
  const list = text.split(',');
  if (list.length > 1 && list[list.length - 1] === '') list.pop();
  if (list.includes('')) {
    throw new ConfigError(`'' resolves to an empty address (environment variable missing?)`);
  }
  return list;
}

/**
 * Replaces `$NAME` and `${NAME}` by their values, once: a value is not looked at again. As HAProxy
 * does it in addresses, a missing variable is empty, the closing brace may be left out, and there
 * are neither defaults nor lists.
 */
export function expandVariables(text: string, variables: Variables): string {
  return text.replace(/\$(?:\{([A-Za-z0-9_]*)\}?|([A-Za-z0-9_]*))/g, (_, braced, plain) => {
    const name: string = braced ?? plain;
    return name === '' ? '' : (variables.get(name) ?? '');
  });
}

/**
 * Reads one address.
 * @param text as written; messages and the result name it in this form
 * @param what which ports and socket types the keyword takes
 * @param variables what `$NAME` stands for
 * @returns one address per port of the range, in order; never empty
 * @throws ConfigError with HAProxy's wording, without the keyword in front
 */
export function parseAddress(
  text: string,
  what: AddressSyntax,
  variables: Variables,
): ParsedAddress[] {
  const expanded = expandVariables(text, variables);
  if (expanded === '') {
    throw new ConfigError(`'${text}' resolves to an empty address (environment variable missing?)`);
  }
  const unsupported = refused.exec(expanded);
  if (unsupported !== null) {
    throw new ConfigError(`'${unsupported[1]}' addresses are not supported yet in '${text}'`);
  }
  const prefix = readPrefix(expanded, text);
  const datagram = prefix.type === 'default' ? what.datagram === true : prefix.type === 'datagram';
  if (datagram && what.datagram !== true) {
    throw new ConfigError(`dgram-type address not acceptable in '${text}'`);
  }
  const rest = expanded.slice(prefix.name.length);
  const address: ParsedAddress = {
    family: 'unix',
    datagram,
    bytes: [],
    port: 0,
    path: '',
    fd: -1,
    text,
    portOffset: false,
  };
  if (prefix.family === 'unix' || prefix.family === 'abns') {
    return [readPath(address, prefix.family, rest)];
  }
  if (prefix.family === 'fd') return [readDescriptor(address, rest, what)];
  return readInet(address, prefix.family, rest, what);
}

/** The prefix of an address; `name` is all that stands in front of the address itself. */
function readPrefix(expanded: string, text: string): Prefix {
  if (expanded.startsWith('/')) return { name: '', family: 'unix', type: 'default' };
  const type = expanded.startsWith('stream+')
    ? 'stream'
    : expanded.startsWith('dgram+')
      ? 'datagram'
      : 'default';
  const forced = type === 'default' ? '' : expanded.slice(0, expanded.indexOf('+') + 1);
  const family = expanded.slice(forced.length);
  const known = prefixes.find((prefix) => family.startsWith(prefix.name));
  if (type !== 'default') {
    if (known !== undefined && known.type === 'default') {
      return { name: forced + known.name, family: known.family, type };
    }
    throw new ConfigError(
      `'${forced}' must be followed by an address family such as 'ipv4@' in '${text}'`,
    );
  }
  return known ?? { name: '', family: 'any', type: 'default' };
}

function readPath(address: ParsedAddress, family: 'unix' | 'abns', path: string): ParsedAddress {
  const max = family === 'unix' ? unixPathMax : abnsNameMax;
  if (path === '') {
    const noun = family === 'unix' ? 'path' : 'name';
    throw new ConfigError(`missing socket ${noun} in '${address.text}'`);
  }
  if (path.length > max) {
    throw new ConfigError(`socket path '${address.text}' too long (max ${max})`);
  }
  address.family = family;
  address.path = path;
  return address;
}

function readDescriptor(address: ParsedAddress, text: string, what: AddressSyntax): ParsedAddress {
  if (what.port === 'offset') {
    throw new ConfigError(`a file descriptor is not acceptable here in '${address.text}'`);
  }
  if (!/^[0-9]{1,9}$/.test(text)) {
    throw new ConfigError(`file descriptor '${text}' is not a valid integer in '${address.text}'`);
  }
  address.family = 'fd';
  address.fd = Number(text);
  return address;
}

function readInet(
  address: ParsedAddress,
  family: AddressFamily,
  rest: string,
  what: AddressSyntax,
): ParsedAddress[] {
  const colon = rest.endsWith(']') ? -1 : rest.lastIndexOf(':');
  const host = colon < 0 ? rest : rest.slice(0, colon);
  const port = colon < 0 ? null : rest.slice(colon + 1);
  const ports = readPorts(port, address.text, what);
  const bytes = readHost(host, family);
  if (bytes === null) {
    throw new ConfigError(`invalid address: '${host}' in '${address.text}'`);
  }
  address.family = bytes.length === 4 ? 'ipv4' : 'ipv6';
  address.bytes = bytes;
  address.portOffset = ports.offset;
  const all: ParsedAddress[] = [];
  for (let n = ports.from; n <= ports.to; n++) {
    all.push({ ...address, bytes: [...bytes], port: n });
  }
  return all;
}

/** Bytes of a host, null when it is neither a literal nor a name that resolves. */
function readHost(host: string, family: AddressFamily): number[] | null {
  if (host === '' || host === '*') return new Array<number>(family === 'ipv6' ? 16 : 4).fill(0);
  const bracketed = host.startsWith('[') && host.endsWith(']') && host.length > 2;
  const literal = bracketed ? host.slice(1, -1) : host;
  const bytes =
    (family === 'ipv6' ? null : parseIpv4(literal)) ??
    (family === 'ipv4' ? null : parseIpv6(literal));
  if (bytes !== null || bracketed) return bytes;
  if (/[[\]@:/*]/.test(host)) return null;
  return resolver?.(host, family) ?? null;
}

interface Ports {
  from: number;
  to: number;
  offset: boolean;
}

function readPorts(port: string | null, text: string, what: AddressSyntax): Ports {
  if (port === null || port === '') {
    if (what.port === 'required') throw new ConfigError(`missing port specification in '${text}'`);
    return { from: 0, to: 0, offset: false };
  }
  if (what.port === 'none')
    throw new ConfigError(`port specification not permitted here in '${text}'`);
  const match = /^([+-]?)([0-9]*)(-([0-9]*))?/.exec(port)!;
  if (match[0].length < port.length || match[0] === '') {
    const character = port[match[0].length]!;
    throw new ConfigError(`invalid character '${character}' in port number '${port}' in '${text}'`);
  }
  const [, sign, first, dash, last] = match;
  if (sign !== '') {
    if (what.port !== 'offset') {
      throw new ConfigError(`port offset not permitted here in '${text}'`);
    }
    const offset = Number(`${sign}${first === '' ? '0' : first}`);
    if (dash !== undefined || Math.abs(offset) > 65535) {
      throw new ConfigError(`invalid port offset '${port}' in '${text}'`);
    }
    return { from: offset, to: offset, offset: true };
  }
  if (dash !== undefined && !what.range) {
    throw new ConfigError(`port range not permitted here in '${text}'`);
  }
  const lowest = what.port === 'required' ? 1 : 0;
  const from = readPort(first!, lowest);
  const to = dash === undefined ? from : readPort(last!, lowest);
  if (to < from) throw new ConfigError(`invalid port range '${port}'`);
  return { from, to, offset: false };
}

function readPort(text: string, lowest: number): number {
  const port = Number(text);
  if (text === '' || port < lowest || port > 65535) throw new ConfigError(`invalid port '${text}'`);
  return port;
}

/**
 * An address as HAProxy prints it in messages: `127.0.0.1:80`, `::1:80`, a path, `abns@name`,
 * `fd@3`. An address without a port prints alone.
 */
export function formatAddress(address: Address): string {
  if (address.family === 'unix') return address.path;
  if (address.family === 'abns') return `abns@${address.path}`;
  if (address.family === 'fd') return `fd@${address.fd}`;
  const host = formatIp(address.bytes);
  return address.port === 0 ? host : `${host}:${address.port}`;
}

/**
 * Reads `<address>[/<mask>]` (7.1.6) in both families, with a bit count or a dotted IPv4 mask.
 * IPv4 may be a host name.
 * @throws ConfigError
 */
export function parseCidr(text: string): Cidr {
  return readCidr(text, resolveIpv4);
}
