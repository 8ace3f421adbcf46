/**
 * Actions that exist in the manual (configuration.txt 4.3) but not here: refused by name instead of
 * being taken for a misspelling.
 */
import type { RulesetName } from '../../model/config.ts';

/** `X` where the action is valid: http-request, http-response, http-after-response. */
const known: Readonly<Record<string, string>> = {
  'add-acl': 'XX-',
  'add-headers-bin': 'XXX',
  auth: 'X--',
  'cache-store': '-X-',
  'cache-use': 'X--',
  'del-acl': 'XX-',
  'del-headers-bin': 'XXX',
  'del-map': 'XXX',
  'disable-l7-retry': 'X--',
  'do-log': 'XXX',
  'do-resolve': 'X--',
  'early-hint': 'X--',
  'normalize-uri': 'X--',
  pause: 'XX-',
  'sc-add-gpc': 'XXX',
  'sc-inc-gpc': 'XXX',
  'sc-inc-gpc0': 'XXX',
  'sc-inc-gpc1': 'XXX',
  'sc-set-gpt': 'XXX',
  'sc-set-gpt0': 'XXX',
  'send-spoe-group': 'XX-',
  'set-bandwidth-limit': 'XX-',
  'set-bc-mark': 'X--',
  'set-bc-tos': 'X--',
  'set-dst': 'X--',
  'set-dst-port': 'X--',
  'set-fc-mark': 'XX-',
  'set-fc-tos': 'XX-',
  'set-headers-bin': 'XXX',
  'set-map': 'XXX',
  'set-mark': 'XX-',
  'set-nice': 'XX-',
  'set-priority-class': 'X--',
  'set-priority-offset': 'X--',
  'set-retries': 'X--',
  'set-src': 'X--',
  'set-src-port': 'X--',
  'set-timeout': 'XX-',
  'set-tos': 'XX-',
  'set-var': 'XXX',
  'set-var-fmt': 'XXX',
  'track-sc': 'XX-',
  'unset-var': 'XXX',
  'use-service': 'X--',
  'wait-for-body': 'XX-',
  'wait-for-handshake': 'X--',
};

const columns: readonly RulesetName[] = ['http-request', 'http-response', 'http-after-response'];

/**
 * Whether the manual has this action for the ruleset.
 * @param word as configured, with its argument in parentheses if there is one.
 */
export function isKnownAction(ruleset: RulesetName, word: string): boolean {
  const name = word.replace(/\(.*$/, '').replace(/^track-sc\d+$/, 'track-sc');
  if (name.startsWith('lua.')) return true;
  return known[name]?.[columns.indexOf(ruleset)] === 'X';
}
