/**
 * The balancing algorithms (configuration.txt 4.2 balance). A new one is a file and a row here.
 */
import { ConfigError } from '../base/config-error.ts';
import type { BalanceConfig } from '../model/config.ts';
import type { Proxy } from '../model/runtime.ts';
import type { SharedState } from '../model/shared.ts';
import type { Balancer } from './balancer.ts';
import { RoundRobin } from './round-robin.ts';

export interface BalanceAlgorithm {
  /** The word after `balance`. */
  name: string;
  /** Arguments as the manual writes them; '' = none. */
  grammar: string;
  /** One line for the manual. */
  summary: string;
  /** Checks the words after the name. @throws ConfigError when they do not fit the grammar. */
  validate(args: string[]): void;
  create(proxy: Proxy, shared: SharedState): Balancer;
}

export const balanceAlgorithms = [
  {
    name: 'roundrobin',
    grammar: '',
    summary: 'Each server in turn, according to its weight.',
    validate: (args) => refuseArguments('roundrobin', args),
    create: (proxy, shared) => new RoundRobin(proxy, shared),
  },
] as const satisfies readonly BalanceAlgorithm[];

/** Names that HAProxy knows and that have no row yet. */
const unsupported = [
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

function refuseArguments(name: string, args: string[]): void {
  if (args.length > 0) {
    throw new ConfigError(`'balance ${name}' takes no argument, found '${args[0]}'.`);
  }
}

/**
 * Finds the row of an algorithm and checks its arguments.
 * @throws ConfigError for an unknown or not yet supported name or wrong arguments.
 */
export function findBalanceAlgorithm(config: BalanceConfig): BalanceAlgorithm {
  // `hdr(name)`, `rdp-cookie(name)` and `random(draws)` carry their argument in the word.
  const name = config.algorithm.split('(')[0]!;
  const row = balanceAlgorithms.find((candidate) => candidate.name === config.algorithm);
  if (row === undefined) {
    if (unsupported.includes(name)) {
      throw new ConfigError(`'balance ${name}' is not supported yet.`);
    }
    const known = [...balanceAlgorithms.map((candidate) => candidate.name)].join(', ');
    throw new ConfigError(`unknown algorithm '${config.algorithm}' in 'balance'; known: ${known}.`);
  }
  row.validate(config.args);
  return row;
}

/** Creates the balancer of a backend. Start-up only. */
export function createBalancer(proxy: Proxy, shared: SharedState): Balancer {
  return findBalanceAlgorithm(proxy.config.balance).create(proxy, shared);
}
