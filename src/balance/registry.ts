/**
 * The balancing algorithms (configuration.txt 4.2 balance). A new one is a file and a row here; the
 * others of the manual are known by name.
 */
import { assert } from '../base/assert.ts';
import { ConfigError } from '../base/config-error.ts';
import { nearest } from '../base/nearest.ts';
import type { ArgConfig, BalanceConfig, ProxyConfig } from '../model/config.ts';
import type { Proxy } from '../model/runtime.ts';
import type { SharedState } from '../model/shared.ts';
import {
  type BalanceWords,
  parseDraws,
  parseExpressionText,
  parseHeader,
  parseUri,
  parseUrlParameter,
} from './argument.ts';
import type { BalanceKey, Balancer } from './balancer.ts';
import { Consistent } from './consistent.ts';
import { First } from './first.ts';
import { createExpressionKey } from './key/expression.ts';
import { createHashFunction } from './key/hash-function.ts';
import { createHeaderKey } from './key/header.ts';
import { createSourceKey } from './key/source.ts';
import { createUriKey } from './key/uri.ts';
import { createUrlParameterKey } from './key/url-parameter.ts';
import { LeastConn } from './leastconn.ts';
import { MapBased } from './map-based.ts';
import { Random } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import { StaticRoundRobin } from './static-round-robin.ts';
import { Sticky } from './sticky.ts';

export interface BalanceAlgorithm {
  /** The word after `balance`, without what stands in parentheses. */
  name: string;
  /** Arguments as the manual writes them; '' = none. */
  args: string;
  /** One line of documentation. */
  doc: string;
  /** Needs HTTP: a backend in TCP mode falls back to round robin. */
  isHttp?: boolean;
  /** The arguments that count; HAProxy lets other words follow. Throws ConfigError. */
  parse?(words: BalanceWords): ArgConfig[];
  create(proxy: Proxy, shared: SharedState): Balancer;
  /** What a request is hashed by (`hash-type`); absent = nothing of the request counts. */
  createKey?(config: ProxyConfig): BalanceKey;
}

/** Whether weights stay as they are while the proxy runs, so that a server is in or out of use. */
export function keepsWeights({ balance, hashType }: ProxyConfig): boolean {
  if (balance.algorithm === 'static-rr') return true;
  const row = balanceAlgorithms.find(({ name }) => name === balance.algorithm);
  return row?.create === createHashed && hashType.method === 'map-based';
}

function createHashed(proxy: Proxy, shared: SharedState): Balancer {
  if (proxy.config.hashType.method === 'consistent') return new Consistent(proxy, shared);
  return new MapBased(proxy, shared);
}

export const balanceAlgorithms = [
  {
    name: 'roundrobin',
    args: '',
    doc: 'Each server in turn, by weight.',
    create: (proxy, shared) => new RoundRobin(proxy, shared),
  },
  {
    name: 'static-rr',
    args: '',
    doc: 'Each server in turn, by weights that stay as they are.',
    create: (proxy, shared) => new StaticRoundRobin(proxy, shared),
  },
  {
    name: 'leastconn',
    args: '',
    doc: 'The server with the fewest connections by its weight.',
    create: (proxy, shared) => new LeastConn(proxy, shared),
  },
  {
    name: 'first',
    args: '',
    doc: 'The server with the lowest id that has a free slot.',
    create: (proxy, shared) => new First(proxy, shared),
  },
  {
    name: 'hash',
    args: '<expression>',
    doc: 'By the hash of a sample expression.',
    parse: parseExpressionText,
    create: createHashed,
    createKey: ({ balance, hashType }) =>
      createExpressionKey(balance.expr!, hashType, createHashFunction(hashType)),
  },
  {
    name: 'source',
    args: '',
    doc: "By the client's address.",
    create: createHashed,
    createKey: ({ hashType }) => createSourceKey(hashType),
  },
  {
    name: 'uri',
    args: '[ len <len> ] [ depth <depth> ] [ whole ] [ path-only ]',
    doc: 'By the hash of the target of the request.',
    isHttp: true,
    parse: parseUri,
    create: createHashed,
    createKey: ({ balance, hashType }) => createUriKey(balance.args, createHashFunction(hashType)),
  },
  {
    name: 'url_param',
    args: '<param> [check_post]',
    doc: 'By the hash of a parameter of the query string, or of the body of a POST request.',
    isHttp: true,
    parse: parseUrlParameter,
    create: createHashed,
    createKey: ({ balance, hashType }) =>
      createUrlParameterKey(balance.args, createHashFunction(hashType)),
  },
  {
    name: 'hdr',
    args: '(<name>) [ use_domain_only ]',
    doc: 'By the hash of a header field.',
    isHttp: true,
    parse: parseHeader,
    create: createHashed,
    createKey: ({ balance, hashType }) =>
      createHeaderKey(balance.args, createHashFunction(hashType)),
  },
  {
    name: 'random',
    args: '[(<draws>)]',
    doc: 'The least loaded of some servers that are drawn by lot.',
    parse: parseDraws,
    create: (proxy, shared) => new Random(proxy, shared),
  },
  {
    name: 'sticky',
    args: '',
    doc: 'One server until it goes down, then the next.',
    create: (proxy, shared) => new Sticky(proxy, shared),
  },
] as const satisfies readonly BalanceAlgorithm[] as readonly BalanceAlgorithm[];

/** Algorithms of the manual that are not rows; a name may have arguments in parentheses. */
const otherAlgorithms = ['rdp-cookie', 'log-hash'];

/** The name in front of arguments in parentheses. */
function nameOf(word: string): string {
  return word.replace(/\(.*$/s, '');
}

/**
 * Parses what follows `balance`; nothing is the default algorithm.
 * @throws ConfigError for an unknown or not yet supported name or wrong arguments.
 */
export function parseBalance(words: readonly string[]): BalanceConfig {
  const word = words[0] ?? 'roundrobin';
  const name = nameOf(word);
  const row = balanceAlgorithms.find((candidate) => candidate.name === name);
  const takesParentheses = row?.args.includes('(') ?? false;
  if (row !== undefined && (takesParentheses || name === word)) {
    const args = row.parse?.({ word, rest: words.slice(1) }) ?? [];
    return { algorithm: name, args, expr: null };
  }
  if (otherAlgorithms.includes(name)) {
    throw new ConfigError(`'balance ${word}' is not supported yet by sluice`);
  }
  const names = balanceAlgorithms.map((candidate) => candidate.name);
  const near = nearest(name, [...names, ...otherAlgorithms]);
  const hint = near === null || near === word ? '.' : `, did you mean '${near}' ?`;
  throw new ConfigError(`balance does not know '${word}'${hint} Supported: ${names.join(', ')}.`);
}

function rowOf(config: ProxyConfig): BalanceAlgorithm {
  const name = config.balance.algorithm;
  const row = balanceAlgorithms.find((candidate) => candidate.name === name);
  assert(row !== undefined, `no balancing algorithm ${name}`);
  return row;
}

/** Says whether the algorithm of this name works in HTTP mode alone. */
export function needsHttp(algorithm: string): boolean {
  return balanceAlgorithms.some((row) => row.name === algorithm && row.isHttp === true);
}

/** Creates the balancer of a backend. Start-up only. */
export function createBalancer(proxy: Proxy, shared: SharedState): Balancer {
  return rowOf(proxy.config).create(proxy, shared);
}

/** Says whether the body of a POST request must be there before its key is made. */
export function balancesPost(config: ProxyConfig): boolean {
  return config.balance.algorithm === 'url_param' && config.balance.args[1] === 1;
}

/** Creates what makes the key of a backend's requests; null when they need none. Start-up only. */
export function createBalanceKey(config: ProxyConfig): BalanceKey | null {
  return rowOf(config).createKey?.(config) ?? null;
}
