/**
 * The one manifest of configuration keywords: the tables of all sections, checked for duplicates.
 * Parsing, "did you mean", `-dK` and the manual read from here.
 */

import { balanceAlgorithms } from '../balance/registry.ts';
import { assert } from '../base/assert.ts';
import { asItIsKeywords } from './section/as-it-is.ts';
import { bindKeywords } from './section/bind.ts';
import { httpErrorsKeywords } from './section/error.ts';
import { globalKeywords, obsoleteGlobalKeywords } from './section/global.ts';
import { mailersKeywords } from './section/mailers.ts';
import { obsoleteKeywords } from './section/obsolete.ts';
import { flagOptions } from './section/option.ts';
import { argumentOptions } from './section/option-argument.ts';
import { proxyKeywords } from './section/proxy.ts';
import { ringKeywords } from './section/ring.ts';
import { serverKeywords } from './section/server.ts';
import { serverStateKeywords } from './section/server-state.ts';
import { timeouts } from './section/timeout.ts';
import { tlsKeywords } from './section/tls-default.ts';
import { tuneKeywords } from './section/tune.ts';
import { userlistKeywords } from './section/userlist.ts';
import { variableKeywords } from './section/variable.ts';
import { waitingKeywords } from './section/waiting.ts';

/** What is listed and suggested. */
export const keywords = {
  global: [
    ...globalKeywords,
    ...tuneKeywords,
    ...serverStateKeywords,
    ...variableKeywords,
    ...tlsKeywords,
    ...waitingKeywords,
    ...asItIsKeywords,
  ],
  proxy: proxyKeywords,
  ring: ringKeywords,
  userlist: userlistKeywords,
  mailers: mailersKeywords,
  'http-errors': httpErrorsKeywords,
  bind: bindKeywords,
  server: serverKeywords,
  option: [...flagOptions, ...argumentOptions],
  timeout: timeouts,
  balance: balanceAlgorithms,
} as const;

/** What is understood besides: older spellings and removed keywords. */
export const obsolete = {
  global: obsoleteGlobalKeywords,
  proxy: obsoleteKeywords,
} as const;

/** The names that occur more than once. */
export function duplicates(rows: readonly { name: string }[]): string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const { name } of rows) {
    if (seen.has(name)) twice.push(name);
    seen.add(name);
  }
  return twice;
}

for (const table of Object.values(keywords))
  assert(duplicates(table).length === 0, 'keyword twice');
assert(duplicates([...keywords.global, ...obsolete.global]).length === 0, 'global keyword twice');
assert(duplicates([...keywords.proxy, ...obsolete.proxy]).length === 0, 'proxy keyword twice');
