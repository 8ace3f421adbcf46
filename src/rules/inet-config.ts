/**
 * Addresses and networks as the configuration writes them in patterns and arguments
 * (configuration.txt 7.1.6), on strings and number arrays. The forms for traffic are in `inet.ts`.
 */

/** Four dotted decimal numbers. @returns the four bytes, or null. */
export function parseIpv4Text(text: string): number[] | null {
  if (!/^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$/.test(text)) return null;
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

/**
 * The abbreviated dotted form: the last number fills the bytes that are left, so that `10.12` is
 * 10.0.0.12 and `127.1` is 127.0.0.1.
 */
export function parseShortIpv4Text(text: string): number[] | null {
  if (!/^[0-9]{1,10}(\.[0-9]{1,10}){0,3}$/.test(text)) return null;
  const parts = text.split('.').map(Number);
  const last = parts.pop()!;
  const left = 4 - parts.length;
  if (parts.some((part) => part > 255) || last >= 256 ** left) return null;
  for (let shift = left - 1; shift >= 0; shift--) parts.push(Math.floor(last / 256 ** shift) & 255);
  return parts;
}

/** @returns the sixteen bytes, or null. */
export function parseIpv6Text(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groupBytes(halves[0]!, halves.length === 1);
  if (halves.length === 1) return head?.length === 16 ? head : null;
  const tail = groupBytes(halves[1]!, true);
  if (!head || !tail || head.length + tail.length > 14) return null;
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

function groupBytes(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
      continue;
    }
    const dotted = last && i === groups.length - 1 ? parseIpv4Text(group) : null;
    if (!dotted) return null;
    bytes.push(...dotted);
  }
  return bytes;
}

/** A mask of `bits` leading ones as `bytes` bytes. */
export function prefixMask(bits: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => {
    const ones = Math.min(8, Math.max(0, bits - i * 8));
    return (0xff00 >> ones) & 255;
  });
}

export interface Network {
  /** 4 or 16 bytes, in network order; bits outside the mask are cleared. */
  bytes: number[];
  mask: number[];
}

/** `address[/mask]`: a bit count, or for IPv4 also a dotted mask. Null when it is not one. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const suffix = slash < 0 ? null : text.slice(slash + 1);
  const bytes = host.includes(':') ? parseIpv6Text(host) : parseShortIpv4Text(host);
  if (!bytes) return null;
  const mask = networkMask(suffix, bytes.length);
  return mask && { bytes: bytes.map((byte, i) => byte & mask[i]!), mask };
}

/** The mask written as `suffix` (null = all ones) for addresses of `size` bytes. */
export function networkMask(suffix: string | null, size: number): number[] | null {
  if (suffix === null) return prefixMask(size * 8, size);
  if (/^[0-9]{1,3}$/.test(suffix)) {
    return Number(suffix) <= size * 8 ? prefixMask(Number(suffix), size) : null;
  }
  return size === 4 ? parseIpv4Text(suffix) : null;
}
