/**
 * IPv4 and IPv6 addresses as text and back, on bytes (configuration.txt 7.1.6; RFC 4291 2.2,
 * RFC 5952 for the form that is written).
 *
 * @dataplane
 */
import { hexValue } from '../base/hex.ts';
import { mem } from '../sys/arena.ts';
import { putInt } from './integer.ts';

export const IPV4_TEXT_MAX = 15;
export const IPV6_TEXT_MAX = 45;

const DOT = 0x2e;
const COLON = 0x3a;

/** Writes an IPv4 address, given as an unsigned number. @returns bytes written. */
export function putIpv4(off: number, address: number): number {
  let at = off;
  at += putInt(at, address >>> 24);
  mem[at++] = DOT;
  at += putInt(at, (address >>> 16) & 255);
  mem[at++] = DOT;
  at += putInt(at, (address >>> 8) & 255);
  mem[at++] = DOT;
  at += putInt(at, address & 255);
  return at - off;
}

/** Writes the 16 bytes at `address` as inet_ntop(3) does. @returns bytes written. */
export function putIpv6(off: number, address: number): number {
  let bestStart = -1;
  let bestLen = 1;
  for (let group = 0; group < 8; group++) {
    let run = 0;
    while (group + run < 8 && groupAt(address, group + run) === 0) run++;
    if (run > bestLen) {
      bestStart = group;
      bestLen = run;
    }
    group += run;
  }
  // ::a.b.c.d and ::ffff:a.b.c.d keep the dotted form.
  const dotted =
    bestStart === 0 &&
    ((bestLen === 6 && groupAt(address, 6) !== 0) ||
      (bestLen === 5 && groupAt(address, 5) === 0xffff));
  let at = off;
  for (let group = 0; group < 8; group++) {
    if (group === bestStart) {
      mem[at++] = COLON;
      group += bestLen - 1;
      if (group === 7) mem[at++] = COLON;
      continue;
    }
    if (group > 0) mem[at++] = COLON;
    if (dotted && group === 6) return at + putIpv4(at, readIpv4Bytes(address + 12)) - off;
    at += putHex(at, groupAt(address, group));
  }
  return at - off;
}

function groupAt(address: number, group: number): number {
  return (mem[address + group * 2]! << 8) | mem[address + group * 2 + 1]!;
}

function putHex(off: number, value: number): number {
  let at = off;
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (value >> shift) & 15;
    if (digit !== 0 || at > off || shift === 0) {
      mem[at++] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    }
  }
  return at - off;
}

/** The four bytes at `off` in network order as an unsigned number. */
export function readIpv4Bytes(off: number): number {
  return ((mem[off]! << 24) | (mem[off + 1]! << 16) | (mem[off + 2]! << 8) | mem[off + 3]!) >>> 0;
}

/** Writes an unsigned number as four bytes in network order. */
export function putIpv4Bytes(off: number, address: number): void {
  mem[off] = address >>> 24;
  mem[off + 1] = address >>> 16;
  mem[off + 2] = address >>> 8;
  mem[off + 3] = address;
}

/** Result of `readIpv4`, valid when it returned true. */
export let readAddress = 0;

/** Reads four dotted decimal bytes that fill the whole slice, into `readAddress`. */
export function readIpv4(off: number, len: number): boolean {
  const end = off + len;
  let parts = 0;
  let value = 0;
  let digits = 0;
  let address = 0;
  for (let at = off; at <= end; at++) {
    const byte = at === end ? DOT : mem[at]!;
    if (byte === DOT) {
      if (digits === 0 || parts === 4) return false;
      address = ((address << 8) | value) >>> 0;
      parts++;
      value = 0;
      digits = 0;
      continue;
    }
    const digit = byte - 0x30;
    if (digit < 0 || digit > 9) return false;
    // Leading zeros do not make a number octal.
    value = value * 10 + digit;
    if (value > 255) return false;
    digits++;
  }
  readAddress = address;
  return parts === 4;
}

/** Reads an IPv6 address that fills the whole slice into the 16 bytes at `dest`. */
export function readIpv6(off: number, len: number, dest: number): boolean {
  const end = off + len;
  let at = off;
  let out = 0;
  let gap = -1;
  if (len >= 2 && mem[at] === COLON) {
    if (mem[at + 1] !== COLON) return false;
    gap = 0;
    at += 2;
  }
  while (at < end) {
    if (out > 14) return false;
    const start = at;
    let value = 0;
    for (; at < end; at++) {
      const digit = hexValue[mem[at]!]!;
      if (digit > 15) break;
      value = (value << 4) | digit;
    }
    if (at < end && mem[at] === DOT) {
      if (out > 12 || !readIpv4(start, end - start)) return false;
      putIpv4Bytes(dest + out, readAddress);
      out += 4;
      at = end;
      break;
    }
    if (at === start || at - start > 4) return false;
    mem[dest + out] = value >> 8;
    mem[dest + out + 1] = value;
    out += 2;
    if (at === end) break;
    if (mem[at++] !== COLON) return false;
    if (at === end) return false;
    if (mem[at] === COLON) {
      if (gap >= 0) return false;
      gap = out;
      at++;
    }
  }
  return closeGap(dest, out, gap);
}

// Moves what follows `::` to the end and fills the hole with zeros.
function closeGap(dest: number, out: number, gap: number): boolean {
  if (gap < 0) return out === 16;
  if (out > 14) return false;
  const tail = out - gap;
  mem.copyWithin(dest + 16 - tail, dest + gap, dest + out);
  mem.fill(0, dest + gap, dest + 16 - tail);
  return true;
}

/** Writes the IPv4-mapped form `::ffff:a.b.c.d` at `dest`. */
export function putMapped(dest: number, address: number): void {
  mem.fill(0, dest, dest + 10);
  mem[dest + 10] = 255;
  mem[dest + 11] = 255;
  putIpv4Bytes(dest + 12, address);
}

/**
 * The IPv4 address inside an IPv6 one (7.1.6: 2002:IPV4::, ::IPV4 or ::ffff:IPV4), in `readAddress`.
 */
export function embeddedIpv4(address: number): boolean {
  if (groupAt(address, 0) === 0x2002) {
    readAddress = readIpv4Bytes(address + 2);
    return true;
  }
  for (let group = 0; group < 5; group++) if (groupAt(address, group) !== 0) return false;
  const sixth = groupAt(address, 5);
  if (sixth !== 0 && sixth !== 0xffff) return false;
  readAddress = readIpv4Bytes(address + 12);
  return true;
}
