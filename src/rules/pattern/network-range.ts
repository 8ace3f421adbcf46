/** Networks as ranges of addresses, made while patterns are compiled (configuration.txt 7.1.6). */
import type { Network } from '../inet-config.ts';

/** Both ends are in it. */
export interface AddressRange {
  low: number[];
  high: number[];
}

/** Closed ranges in order, those inside of others dropped. */
export function mergeNetworks(networks: readonly Network[]): AddressRange[] {
  const ranges = networks
    .map((net) => rangeOf(net))
    .sort((a, b) => compareBytes(a.low, b.low) || compareBytes(b.high, a.high));
  const kept: AddressRange[] = [];
  for (const range of ranges) {
    // Networks nest or are apart: they never overlap in part.
    const last = kept.at(-1);
    if (!last || compareBytes(range.low, last.high) > 0) kept.push(range);
  }
  return kept;
}

function rangeOf(net: Network): AddressRange {
  return { low: net.bytes, high: net.bytes.map((byte, i) => byte | (255 & ~net.mask[i]!)) };
}

function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

/** Bytes in network order as an unsigned number. */
export function readNumber(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Whether a mask is ones and then zeros. */
export function isPrefix(mask: readonly number[]): boolean {
  return /^1*0*$/.test(mask.map((byte) => byte.toString(2).padStart(8, '0')).join(''));
}
