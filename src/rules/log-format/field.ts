/**
 * Writers of the parts of a log line: quoting, escaping (configuration.txt 8.6), addresses, ports.
 *
 * Each takes the position and the end of the room and returns the new position, or -1 when an
 * indivisible part (a number, an address) does not fit: the line ends there. Text is cut instead.
 *
 * @dataplane
 */
import { DECIMAL_MAX, hexDigit, putBytes, putDecimal, putHex } from '../../log/text.ts';
import { Family } from '../../model/stream.ts';
import { mem, reserve, reserveBytes } from '../../sys/arena.ts';
import { putIpv4, putIpv6 } from '../inet.ts';
import { LogFlag } from './alias.ts';

const QUOTE = 0x22;
const DASH = 0x2d;
const HASH = 0x23;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const BRACKET = 0x5d;

/** Bytes to escape, per kind of text; 1 = escape. */
export const plainMap = new Uint8Array(256);
/** 8.6: outside 32..126, `"` and `#`. */
export const requestMap = createMap('"#', false);
/** 8.6: also `{`, `|` and `}` in captured headers. */
export const captureMap = createMap('"#{|}', false);
/** 8.2.6: what a header field may not hold (RFC 9110 5.5): controls other than tab, and DEL. */
export const headerMap = createHeaderMap();

function createMap(extra: string, highAllowed: boolean): Uint8Array {
  const map = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const printable = byte >= 32 && (byte <= 126 || (highAllowed && byte >= 128));
    map[byte] = !printable || extra.includes(String.fromCharCode(byte)) ? 1 : 0;
  }
  return map;
}

function createHeaderMap(): Uint8Array {
  const map = createMap('', true);
  map[9] = 0;
  return map;
}

/** Where indivisible parts are made when the line is nearly full. */
const spare = reserve(64);
const unixOff = reserveBytes('unix');

/** One byte, or -1 without room. */
export function putByte(at: number, end: number, byte: number): number {
  if (at >= end) return -1;
  mem[at] = byte;
  return at + 1;
}

/** Bytes as they are, cut at the end of the room. */
export function putRaw(at: number, end: number, off: number, len: number): number {
  return putBytes(at, off, Math.min(len, end - at));
}

/** A whole number in decimal. */
export function putNumber(at: number, end: number, value: number): number {
  if (at + DECIMAL_MAX <= end) return putDecimal(at, value);
  return fit(at, end, putDecimal(spare, value) - spare);
}

/** A whole number: hexadecimal with at least `digits` digits when the `X` flag asks for it. */
export function putHexable(
  at: number,
  end: number,
  value: number,
  flags: number,
  digits: number,
): number {
  if ((flags & LogFlag.Hex) === 0) return putNumber(at, end, value);
  return fit(at, end, putHex(spare, value, digits) - spare);
}

/** Copies what lies in `spare` if it fits whole. */
function fit(at: number, end: number, len: number): number {
  if (at + len > end) return -1;
  return putBytes(at, spare, len);
}

/**
 * A text with the item's flags: quotes (Q), backslashes (E), escaping by `map` with `#XX` in logs
 * or `%XX` in headers. Without value: `""` when quoted, `-` when mandatory, else nothing.
 * @param len 0 when there is no value.
 */
export function putField(
  at: number,
  end: number,
  off: number,
  len: number,
  flags: number,
  map: Uint8Array,
): number {
  if ((flags & (LogFlag.Quote | LogFlag.Escape)) === 0 && len > 0) {
    return map === plainMap
      ? putRaw(at, end, off, len)
      : putEscaped(at, end, off, len, map, map === headerMap ? PERCENT : HASH, false);
  }
  let pos = at;
  if ((flags & LogFlag.Quote) !== 0) {
    if (pos < end) mem[pos++] = QUOTE;
  } else if (len === 0) {
    return (flags & LogFlag.Mandatory) !== 0 ? putByte(pos, end, DASH) : pos;
  }
  const lead = map === headerMap ? PERCENT : HASH;
  pos = putEscaped(pos, end, off, len, map, lead, (flags & LogFlag.Escape) !== 0);
  if ((flags & LogFlag.Quote) !== 0 && pos < end) mem[pos++] = QUOTE;
  return pos;
}

/** The inner loop of `putField`. An escape that does not fit whole ends the text. */
export function putEscaped(
  at: number,
  end: number,
  off: number,
  len: number,
  map: Uint8Array,
  lead: number,
  backslash: boolean,
): number {
  let pos = at;
  const until = off + len;
  for (let i = off; i < until; i++) {
    const byte = mem[i]!;
    if (map[byte] !== 0) {
      if (pos + 3 > end) return pos;
      mem[pos] = lead;
      mem[pos + 1] = hexDigit(byte >> 4);
      mem[pos + 2] = hexDigit(byte & 15);
      pos += 3;
      continue;
    }
    if (backslash && (byte === QUOTE || byte === BACKSLASH || byte === BRACKET)) {
      if (pos + 2 > end) return pos;
      mem[pos++] = BACKSLASH;
    }
    if (pos >= end) return pos;
    mem[pos++] = byte;
  }
  return pos;
}

/**
 * An address: text or, with X, hexadecimal. `unix` for a unix socket, which has no hexadecimal
 * form and so ends the line, as in HAProxy.
 */
export function putIp(
  at: number,
  end: number,
  family: Family,
  addressOff: number,
  flags: number,
): number {
  const hex = (flags & LogFlag.Hex) !== 0;
  switch (family) {
    case Family.Inet:
      if (hex) return putHexBytes(at, end, addressOff, 4);
      return putQuoted(at, end, putIpv4(spare, readIpv4(addressOff)), flags);
    case Family.Inet6:
      if (hex) return putHexBytes(at, end, addressOff, 16);
      return putQuoted(at, end, putIpv6(spare, addressOff), flags);
    case Family.Unix:
      if (hex) return -1;
      return putField(at, end, unixOff, 4, flags, plainMap);
    default:
      return putField(at, end, 0, 0, flags, plainMap);
  }
}

function readIpv4(off: number): number {
  return ((mem[off]! << 24) | (mem[off + 1]! << 16) | (mem[off + 2]! << 8) | mem[off + 3]!) >>> 0;
}

function putHexBytes(at: number, end: number, off: number, len: number): number {
  for (let i = 0; i < len; i++) putHex(spare + i * 2, mem[off + i]!, 2);
  return fit(at, end, len * 2);
}

function putQuoted(at: number, end: number, len: number, flags: number): number {
  if ((flags & LogFlag.Quote) === 0) return fit(at, end, len);
  if (at + len + 2 > end) return -1;
  mem[at] = QUOTE;
  putBytes(at + 1, spare, len);
  mem[at + len + 1] = QUOTE;
  return at + len + 2;
}
