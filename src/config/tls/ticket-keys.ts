/** `tls-ticket-keys` (configuration.txt 5.1): lines of base64, 48 or 80 bytes each, at least three. */
import { ConfigError } from '../../base/config-error.ts';

const KEYS = 3;
const sizes = [48, 80];

/**
 * The last three keys as byte strings, the one to encrypt with in the middle.
 * @param text of the file; null = it cannot be read
 */
export function readTicketKeys(path: string, text: string | null): string[] {
  const fail = (what: string) => new ConfigError(`'${path}' : ${what}`);
  if (text === null) throw fail('unable to load ssl tickets keys file');
  const keys: string[] = [];
  for (const [index, row] of text.split('\n').entries()) {
    const line = row.replace(/\r$/, '').trim();
    if (line === '') continue;
    const key = Buffer.from(line, 'base64');
    if (!/^[A-Za-z0-9+/]+=*$/.test(line) || key.toString('base64') !== line) {
      throw fail(`unable to decode base64 key on line ${index + 1}`);
    }
    const size = keys[0]?.length ?? key.length;
    if (key.length !== size || !sizes.includes(key.length)) {
      throw fail(`wrong sized key on line ${index + 1}`);
    }
    keys.push(key.toString('latin1'));
  }
  if (keys.length < KEYS) {
    throw fail(`please supply at least ${KEYS} keys in the tls-tickets-file`);
  }
  return keys.slice(-KEYS);
}
