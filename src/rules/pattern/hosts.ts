/**
 * Host names in address patterns (configuration.txt 7.1.6). They stand for IPv4 only and are looked
 * up once, while the configuration is read, by the resolver that all names of it go to.
 */
import { ConfigError } from '../../base/config-error.ts';
import { resolveIpv4 } from '../../base/value/address.ts';
import { networkMask, parseNetwork } from '../inet-config.ts';

/**
 * The pattern with a host name replaced by its address.
 * @param resolves names are allowed (no `-n`)
 * @throws ConfigError
 */
export function networkText(word: string, resolves: boolean): string {
  if (parseNetwork(word)) return word;
  const slash = word.indexOf('/');
  const name = slash < 0 ? word : word.slice(0, slash);
  const mask = slash < 0 ? null : word.slice(slash + 1);
  const isName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && /[A-Za-z]/.test(name);
  if (resolves && isName && networkMask(mask, 4)) {
    const address = resolveIpv4(name)?.join('.');
    if (address !== undefined) return mask === null ? address : `${address}/${mask}`;
  }
  throw new ConfigError(`'${word}' is not a valid IPv4 or IPv6 address`);
}
