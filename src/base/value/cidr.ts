/**
 * Networks: an address with an optional netmask (configuration.txt 7.1.6). IPv4 takes a bit count
 * or a dotted mask, IPv6 a bit count only. Bits outside of the mask are cleared.
 */
import { ConfigError } from '../config-error.ts';
import { parseIpv4, parseIpv6 } from './ip.ts';

export interface Cidr {
  /** 4 or 16 bytes in network order, host bits cleared. */
  bytes: number[];
  /** 0..32 or 0..128. */
  prefix: number;
}

/**
 * Reads `<address>[/<mask>]`. Callers use `parseCidr` of address.ts, which knows the resolver.
 * @param resolve looks an IPv4 host name up; without it names are refused
 * @throws ConfigError
 */
export function readCidr(
  text: string,
  resolve: ((host: string) => number[] | null) | null = null,
): Cidr {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const mask = slash < 0 ? null : text.slice(slash + 1);
  const bytes =
    parseIpv4(host) ??
    parseIpv6(host) ??
    // Names never stand for IPv6 patterns (7.1.6), so that none resolves by accident.
    (host === '' || host.includes(':') ? null : (resolve?.(host) ?? null));
  const bits = bytes === null ? 0 : bytes.length * 8;
  const prefix = bytes === null ? null : mask === null ? bits : parseMask(mask, bits);
  if (bytes === null || prefix === null) {
    throw new ConfigError(`'${text}' is not a valid IPv4 or IPv6 address`);
  }
  return { bytes: clearHostBits(bytes, prefix), prefix };
}

function parseMask(mask: string, bits: number): number | null {
  if (/^[0-9]{1,3}$/.test(mask)) {
    const prefix = Number(mask);
    return prefix <= bits ? prefix : null;
  }
  if (bits !== 32 || mask.split('.').length !== 4) return null;
  const bytes = parseIpv4(mask);
  if (bytes === null) return null;
  const written = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  if (/01/.test(written)) {
    throw new ConfigError(`netmask '${mask}' with holes is not supported yet by sluice`);
  }
  return written.lastIndexOf('1') + 1;
}

function clearHostBits(bytes: readonly number[], prefix: number): number[] {
  return bytes.map((byte, i) => {
    const kept = Math.min(8, Math.max(0, prefix - i * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
}
