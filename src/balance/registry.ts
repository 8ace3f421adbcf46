/**
 * The balancing algorithms (configuration.txt 4.2 balance). A new one is a file and a row here; the
 * others of the manual are known by name.
 */
import { assert } from '../base/assert.ts';
import { ConfigError } from '../base/config-error.ts';
import { nearest } from '../base/nearest.ts';
import type { BalanceConfig } from '../model/config.ts';
import type { Proxy } from '../model/runtime.ts';
import type { SharedState } from '../model/shared.ts';
import type { Balancer } from './balancer.ts';
import { RoundRobin } from './round-robin.ts';

export interface BalanceAlgorithm {
  /** The word after `balance`. */
  name: string;
  /** Arguments as the manual writes them; '' = none. */
  args: string;
  /** One line of documentation. */
  doc: string;
  /** The arguments that count among the words after the name. Throws ConfigError. */
  parse(words: readonly string[]): string[];
  create(proxy: Proxy, shared: SharedState): Balancer;
}

export const balanceAlgorithms = [
  {
    name: 'roundrobin',
    args: '',
    doc: 'Each server in turn, by weight.',
    // HAProxy lets any words follow.
    parse: () => [],
    create: (proxy, shared) => new RoundRobin(proxy, shared),
  },
] as const satisfies readonly BalanceAlgorithm[] as readonly BalanceAlgorithm[];

/** Algorithms of the manual that are not rows yet; a name may have arguments in parentheses. */
const otherAlgorithms = [
  'static-rr',
  'leastconn',
  'first',
  'hash',
  'source',
  'uri',
  'url_param',
  'hdr',
  'random',
  'rdp-cookie',
  'log-hash',
  'log-sticky',
  'sticky',
];

/**
 * Parses what follows `balance`; nothing is the default algorithm.
 * @throws ConfigError for an unknown or not yet supported name or wrong arguments.
 */
export function parseBalance(words: readonly string[]): BalanceConfig {
  const name = words[0] ?? 'roundrobin';
  const row = balanceAlgorithms.find((candidate) => candidate.name === name);
  if (row !== undefined) return { algorithm: name, args: row.parse(words.slice(1)) };
  if (otherAlgorithms.includes(name.replace(/\(.*$/s, ''))) {
    throw new ConfigError(`'balance ${name}' is not supported yet by sluice`);
  }
  const names = balanceAlgorithms.map((candidate) => candidate.name);
  const near = nearest(name, [...names, ...otherAlgorithms]);
  const hint = near === null ? '.' : `, did you mean '${near}' ?`;
  throw new ConfigError(`balance does not know '${name}'${hint} Supported: ${names.join(', ')}.`);
}

/** Creates the balancer of a backend. Start-up only. */
export function createBalancer(proxy: Proxy, shared: SharedState): Balancer {
  const name = proxy.config.balance.algorithm;
  const row = balanceAlgorithms.find((candidate) => candidate.name === name);
  assert(row !== undefined, `no balancing algorithm ${name}`);
  return row.create(proxy, shared);
}
