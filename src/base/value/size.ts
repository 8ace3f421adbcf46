/**
 * Sizes of the configuration (configuration.txt 2.6): an integer of bytes with an optional `k`, `m`
 * or `g`, in either case. Decimals are not allowed.
 */
import { ConfigError } from '../config-error.ts';

const scales: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Reads a size.
 * @param text the word, for example `16384`, `64k`, `1G`
 * @param keyword names the keyword in the message, for example `size`
 * @returns bytes, an integer that a number holds exactly
 * @throws ConfigError
 */
export function parseSize(text: string, keyword = ''): number {
  const place = keyword === '' ? `size '${text}'` : `argument of '${keyword}'`;
  const digits = /^[0-9]+/.exec(text)?.[0] ?? '';
  const suffix = text.slice(digits.length);
  if (text === '') throw new ConfigError(`missing size${keyword && ` in '${keyword}'`}`);
  const scale = digits === '' ? undefined : scales[suffix.toLowerCase()];
  if (scale === undefined) {
    const first = suffix[0]!;
    const bad = digits !== '' && 'kmg'.includes(first.toLowerCase()) ? suffix[1]! : first;
    throw new ConfigError(`unexpected character '${bad}' in ${place}`);
  }
  const bytes = Number(digits) * scale;
  if (!Number.isSafeInteger(bytes)) {
    throw new ConfigError(`size overflow in ${place} (maximum value is 2^53-1 bytes)`);
  }
  return bytes;
}
