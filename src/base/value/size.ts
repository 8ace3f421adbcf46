/**
 * Sizes of the configuration (configuration.txt 2.6): an integer of bytes with an optional `k`, `m`
 * or `g`, in either case. Decimals are not allowed.
 */
import { ConfigError } from '../config-error.ts';

const scales: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Reads a size.
 * @param text the word, for example `16384`, `64k`, `1G`
 * @param keyword names the keyword in the message, for example `tune.bufsize`
 * @returns bytes, an integer that a number holds exactly
 * @throws ConfigError
 */
export function parseSize(text: string, keyword: string): number {
  const [, digits, unit] = /^([0-9]*)([kmg]?)/i.exec(text)!;
  const rest = digits === '' ? text : text.slice(digits!.length + unit!.length);
  if (rest !== '' || digits === '') {
    throw new ConfigError(`unexpected '${rest}' after size passed to '${keyword}'`);
  }
  const bytes = Number(digits) * scales[unit!.toLowerCase()]!;
  if (!Number.isSafeInteger(bytes)) {
    throw new ConfigError(`'${keyword}' expects a size of less than 2^53 bytes (got '${text}')`);
  }
  return bytes;
}
