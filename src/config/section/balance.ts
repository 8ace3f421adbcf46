/**
 * `balance` (4.2). The algorithms that exist are rows of `balanceAlgorithms`; the others of the
 * manual are known by name.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { BalanceConfig } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';

export interface BalanceRow {
  name: string;
  args: string;
  doc: string;
  parse(words: readonly string[]): BalanceConfig;
}

export const balanceAlgorithms = [
  {
    name: 'roundrobin',
    args: '',
    doc: 'Each server in turn, by weight.',
    parse: () => {
      return { algorithm: 'roundrobin', args: [] };
    },
  },
] as const satisfies readonly BalanceRow[] as readonly BalanceRow[];

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
  'sticky',
];

export function parseBalance(draft: ProxyDraft, line: KeywordLine): void {
  // Without an argument: the default algorithm.
  const name = line.words[1] ?? 'roundrobin';
  const row = balanceAlgorithms.find((candidate) => candidate.name === name);
  if (row !== undefined) {
    draft.config.balance = row.parse(line.words);
    return;
  }
  if (otherAlgorithms.includes(name.replace(/\(.*$/s, ''))) {
    throw new ConfigError(`'balance ${name}' is not supported yet by sluice`);
  }
  throw new ConfigError(
    "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', 'uri', " +
      "'url_param', 'hash', 'hdr(name)', 'rdp-cookie(name)', 'random', 'first' and 'sticky' " +
      'options.',
  );
}
