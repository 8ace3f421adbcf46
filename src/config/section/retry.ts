/** `retry-on` (configuration.txt 4.2): which failures let a request be sent again. */
import { ConfigError } from '../../base/config-error.ts';
import { RetryOn } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';

const conditions: Readonly<Record<string, number>> = {
  'conn-failure': RetryOn.ConnFailure,
  'empty-response': RetryOn.EmptyResponse,
  'junk-response': RetryOn.JunkResponse,
  'response-timeout': RetryOn.ResponseTimeout,
  '0rtt-rejected': RetryOn.EarlyRejected,
  '401': RetryOn.Status401,
  '403': RetryOn.Status403,
  '404': RetryOn.Status404,
  '408': RetryOn.Status408,
  '421': RetryOn.Status421,
  '425': RetryOn.Status425,
  '429': RetryOn.Status429,
  '500': RetryOn.Status500,
  '501': RetryOn.Status501,
  '502': RetryOn.Status502,
  '503': RetryOn.Status503,
  '504': RetryOn.Status504,
  'all-retryable-errors':
    RetryOn.ConnFailure |
    RetryOn.EmptyResponse |
    RetryOn.JunkResponse |
    RetryOn.ResponseTimeout |
    RetryOn.EarlyRejected |
    RetryOn.Status500 |
    RetryOn.Status502 |
    RetryOn.Status503 |
    RetryOn.Status504,
};

export const retryGrammar =
  '{ none | all-retryable-errors | { conn-failure | empty-response | junk-response | ' +
  'response-timeout | 0rtt-rejected | <status> }... }';

export function parseRetryOn(draft: ProxyDraft, line: KeywordLine): void {
  const words = line.words.slice(1);
  if (words.length === 0) {
    throw new ConfigError("'retry-on' needs at least one keyword to specify when to retry");
  }
  let found = 0;
  for (const word of words) {
    if (word === 'none') {
      if (words.length === 1) break;
      throw new ConfigError("'retry-on' 'none' keyword only usable alone");
    }
    const condition = conditions[word];
    if (condition === undefined) throw new ConfigError(`'retry-on': unknown keyword '${word}'`);
    found |= condition;
  }
  draft.config.retryOn = found;
}
