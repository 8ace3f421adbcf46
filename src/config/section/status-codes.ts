/** `http-err-codes` and `http-fail-codes` (3.1): which statuses count as errors and failures. */
import { ConfigError } from '../../base/config-error.ts';
import type { GlobalConfig } from '../../model/config.ts';
import type { KeywordLine } from './keyword.ts';

const LOWEST = 100;
const HIGHEST = 599;

export function parseStatusCodes(field: 'httpErrCodes' | 'httpFailCodes') {
  return (global: GlobalConfig, line: KeywordLine): void => {
    const [name, ...words] = line.words;
    if (words.length === 0) throw new ConfigError(`Missing status codes range for '${name}'.`);
    let codes = new Set(global[field]);
    for (const word of words) codes = changed(codes, word, name!);
    global[field] = [...codes].sort((a, b) => a - b);
  };
}

/** `[+-]{low[-{high}]}[,...]`. */
function changed(codes: ReadonlySet<number>, word: string, name: string): Set<number> {
  const sign = /^[+-]/.exec(word)?.[0] ?? '';
  const result = new Set(sign === '' ? [] : codes);
  let at = sign.length;
  for (;;) {
    const [text = '', low, dash, high] = /^([0-9]+)(?:(-)([0-9]*))?/.exec(word.slice(at)) ?? [];
    at += text.length;
    const isEnd = at === word.length;
    if (low === undefined || (dash !== undefined && high === '') || (!isEnd && word[at] !== ',')) {
      throw new ConfigError(
        `Invalid status codes range '${word}' in '${name}' at position ${at}. Ranges must be in ` +
          'the form [+-]{low[-{high}]}[,...].',
      );
    }
    const from = Number(low);
    const until = Number(high ?? low);
    if (from < LOWEST || until > HIGHEST || from > until) {
      throw new ConfigError(
        `Invalid status codes range '${word}' in '${name}'.\n Codes must be between ${LOWEST} and ` +
          `${HIGHEST} and ranges in ascending order.`,
      );
    }
    for (let code = from; code <= until; code++) {
      if (sign === '-') result.delete(code);
      else result.add(code);
    }
    if (isEnd) return result;
    at++;
  }
}
