/**
 * Host names in address patterns (configuration.txt 7.1.6). They are resolved once, while the
 * configuration is read, from /etc/hosts: the result must not depend on a name server.
 */
import { ConfigError } from '../../base/config-error.ts';
import { networkMask, parseIpv4Text, parseNetwork } from '../inet-config.ts';

function lookUp(name: string, readFile: (path: string) => string): string | null {
  let text: string;
  try {
    text = readFile('/etc/hosts');
  } catch {
    return null;
  }
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address && parseIpv4Text(address) && names.includes(name)) return address;
  }
  return null;
}

/** The pattern with a host name replaced by its IPv4 address. Throws ConfigError. */
export function networkText(word: string, readFile: (path: string) => string): string {
  if (parseNetwork(word)) return word;
  const slash = word.indexOf('/');
  const name = slash < 0 ? word : word.slice(0, slash);
  const suffix = slash < 0 ? null : word.slice(slash + 1);
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && networkMask(suffix, 4)) {
    const address = /[A-Za-z]/.test(name) ? lookUp(name, readFile) : null;
    if (address) return suffix === null ? address : `${address}/${suffix}`;
  }
  throw new ConfigError(`'${word}' is not a valid IPv4 or IPv6 address`);
}
