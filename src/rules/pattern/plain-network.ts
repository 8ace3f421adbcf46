/**
 * Networks in the forms that nearly all lists have, read from bytes (configuration.txt 7.1.6; RFC
 * 4291 2.2): four decimal bytes, or groups of hexadecimal digits, and at most a length of the mask.
 * What is written in another way (`10.12`, a mask with dots, an IPv6 address that ends like an IPv4
 * one) is read by `inet-config.ts`.
 */
import { hexValue } from '../../base/hex.ts';

const DOT = 46;
const SLASH = 47;
const ZERO = 48;
const COLON = 58;

/** The network that was read last. */
export interface PlainNetwork {
  /** IPv4: the first address. */
  address: number;
  /** IPv6: 16 bytes, those behind the mask cleared. */
  readonly bytes: Uint8Array;
  prefix: number;
}

export const plain: PlainNetwork = { address: 0, bytes: new Uint8Array(16), prefix: 0 };

export const enum NetworkForm {
  Other = 0,
  Four = 4,
  Six = 6,
}

/** Reads a network into `plain`. */
export function readPlain(bytes: Uint8Array, from: number, until: number): NetworkForm {
  let at = readFour(bytes, from, until);
  if (at > 0) {
    if (!readPrefix(bytes, at, until, 32)) return NetworkForm.Other;
    plain.address -= plain.address % 2 ** (32 - plain.prefix);
    return NetworkForm.Four;
  }
  at = readSix(bytes, from, until);
  if (at === 0 || !readPrefix(bytes, at, until, 128)) return NetworkForm.Other;
  for (let i = 0; i < 16; i++) {
    const ones = Math.min(8, Math.max(0, plain.prefix - i * 8));
    plain.bytes[i] = plain.bytes[i]! & (0xff00 >> ones);
  }
  return NetworkForm.Six;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

/** @returns where the address ends, 0 = it is no such address. */
function readFour(bytes: Uint8Array, from: number, until: number): number {
  let at = from;
  let address = 0;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (at >= until || bytes[at++] !== DOT)) return 0;
    const start = at;
    let value = 0;
    while (at < until && at - start < 3 && isDigit(bytes[at]!)) {
      value = value * 10 + bytes[at++]! - ZERO;
    }
    if (at === start || value > 255) return 0;
    address = address * 256 + value;
  }
  plain.address = address;
  return at;
}

/** @returns where the address ends, 0 = it is no such address. */
function readSix(bytes: Uint8Array, from: number, until: number): number {
  const out = plain.bytes;
  let at = from;
  let count = 0;
  let gap = -1;
  if (at + 1 < until && bytes[at] === COLON) {
    if (bytes[at + 1] !== COLON) return 0;
    gap = 0;
    at += 2;
  }
  while (at < until && bytes[at] !== SLASH) {
    const start = at;
    let value = 0;
    while (at < until && at - start < 4 && hexValue[bytes[at]!]! < 16) {
      value = value * 16 + hexValue[bytes[at++]!]!;
    }
    if (at === start || count === 8) return 0;
    out[count * 2] = value >> 8;
    out[count * 2 + 1] = value & 255;
    count++;
    if (at === until || bytes[at] === SLASH) break;
    if (bytes[at++] !== COLON) return 0;
    if (at < until && bytes[at] === COLON) {
      if (gap >= 0) return 0;
      gap = count;
      at++;
    } else if (at === until || bytes[at] === SLASH) {
      return 0;
    }
  }
  if (gap < 0) return count === 8 ? at : 0;
  if (count === 8) return 0;
  // The groups behind `::` stand at the end.
  const tail = (count - gap) * 2;
  out.copyWithin(16 - tail, gap * 2, count * 2);
  out.fill(0, gap * 2, 16 - tail);
  return at;
}

function readPrefix(bytes: Uint8Array, from: number, until: number, most: number): boolean {
  plain.prefix = most;
  if (from === until) return true;
  if (bytes[from] !== SLASH) return false;
  let prefix = 0;
  for (let at = from + 1; at < until; at++) {
    if (!isDigit(bytes[at]!)) return false;
    prefix = prefix * 10 + bytes[at]! - ZERO;
  }
  plain.prefix = prefix;
  return until > from + 1 && until <= from + 4 && prefix <= most;
}
