/**
 * JSON (RFC 8259) and CBOR (RFC 8949) values for the `json` and `cbor` flags of log formats
 * (configuration.txt 8.2.6). CBOR is written as upper-case hexadecimal unless `bin` asks for bytes.
 *
 * Functions return the new position, or -1 without room: half a value is worth nothing.
 *
 * @dataplane
 */
import { DECIMAL_MAX, hexDigit, putDecimal } from '../../log/text.ts';
import { mem } from '../../sys/arena.ts';

export const enum EncodedType {
  /** As the expression yields it. */
  Natural = 0,
  Str = 1,
  Sint = 2,
  Bool = 3,
}

/** How a line or an item is encoded. */
export const enum Encoding {
  Json = 0,
  CborHex = 1,
  CborBinary = 2,
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// RFC 8949 3: the major type stands in the upper three bits.
const CBOR_UNSIGNED = 0x00;
const CBOR_NEGATIVE = 0x20;
const CBOR_BYTES = 0x40;
const CBOR_TEXT = 0x60;
const CBOR_MAP_OPEN = 0xbf;
const CBOR_FALSE = 0xf4;
const CBOR_TRUE = 0xf5;
const CBOR_NULL = 0xf6;
const CBOR_BREAK = 0xff;

/** Letter after a backslash for the controls that have a short form; 0 = none. */
const shortEscapes = createShortEscapes();

function createShortEscapes(): Uint8Array {
  const table = new Uint8Array(32);
  table[8] = 0x62;
  table[9] = 0x74;
  table[10] = 0x6e;
  table[12] = 0x66;
  table[13] = 0x72;
  return table;
}

/** A JSON string. Bytes above 127 are taken as UTF-8 and copied. */
export function putJsonString(at: number, end: number, off: number, len: number): number {
  // The longest escape takes six bytes; the quotes two.
  let pos = at;
  if (pos + 2 > end) return -1;
  mem[pos++] = QUOTE;
  for (let i = off; i < off + len; i++) {
    const byte = mem[i]!;
    if (pos + 7 > end) return -1;
    if (byte >= 32 && byte !== QUOTE && byte !== BACKSLASH) {
      mem[pos++] = byte;
      continue;
    }
    mem[pos++] = BACKSLASH;
    if (byte >= 32) {
      mem[pos++] = byte;
      continue;
    }
    const short = shortEscapes[byte]!;
    if (short !== 0) {
      mem[pos++] = short;
      continue;
    }
    mem[pos++] = 0x75;
    mem[pos++] = 0x30;
    mem[pos++] = 0x30;
    mem[pos++] = hexDigit(byte >> 4);
    mem[pos++] = hexDigit(byte & 15);
  }
  mem[pos++] = QUOTE;
  return pos;
}

/** A whole number. */
export function putEncodedInt(at: number, end: number, value: number, encoding: Encoding): number {
  if (encoding === Encoding.Json) return at + DECIMAL_MAX > end ? -1 : putDecimal(at, value);
  return value < 0
    ? putCborHead(at, end, CBOR_NEGATIVE, -1 - value, encoding)
    : putCborHead(at, end, CBOR_UNSIGNED, value, encoding);
}

/** A text (or, in binary CBOR only, a byte string). */
export function putEncodedText(
  at: number,
  end: number,
  off: number,
  len: number,
  encoding: Encoding,
  bytes: boolean,
): number {
  if (encoding === Encoding.Json) return putJsonString(at, end, off, len);
  let pos = putCborHead(at, end, bytes ? CBOR_BYTES : CBOR_TEXT, len, encoding);
  for (let i = 0; i < len && pos >= 0; i++) pos = putCborByte(pos, end, mem[off + i]!, encoding);
  return pos;
}

/** `true` or `false`. */
export function putEncodedBool(
  at: number,
  end: number,
  value: boolean,
  encoding: Encoding,
): number {
  if (encoding !== Encoding.Json) {
    return putCborByte(at, end, value ? CBOR_TRUE : CBOR_FALSE, encoding);
  }
  if (at + 5 > end) return -1;
  mem[at] = value ? 0x74 : 0x66;
  mem[at + 1] = value ? 0x72 : 0x61;
  mem[at + 2] = value ? 0x75 : 0x6c;
  mem[at + 3] = value ? 0x65 : 0x73;
  if (!value) mem[at + 4] = 0x65;
  return at + (value ? 4 : 5);
}

/** No value. */
export function putEncodedNull(at: number, end: number, encoding: Encoding): number {
  if (encoding !== Encoding.Json) return putCborByte(at, end, CBOR_NULL, encoding);
  if (at + 4 > end) return -1;
  mem[at] = 0x6e;
  mem[at + 1] = 0x75;
  mem[at + 2] = 0x6c;
  mem[at + 3] = 0x6c;
  return at + 4;
}

/** Start of the object that holds the whole line. */
export function putObjectStart(at: number, end: number, encoding: Encoding): number {
  if (encoding !== Encoding.Json) return putCborByte(at, end, CBOR_MAP_OPEN, encoding);
  if (at >= end) return -1;
  mem[at] = 0x7b;
  return at + 1;
}

export function putObjectEnd(at: number, end: number, encoding: Encoding): number {
  if (encoding !== Encoding.Json) return putCborByte(at, end, CBOR_BREAK, encoding);
  if (at >= end) return -1;
  mem[at] = 0x7d;
  return at + 1;
}

/** Bytes that `putObjectEnd` needs. */
export function objectEndBytes(encoding: Encoding): number {
  return encoding === Encoding.CborHex ? 2 : 1;
}

function putCborHead(
  at: number,
  end: number,
  major: number,
  value: number,
  encoding: Encoding,
): number {
  if (value < 24) return putCborByte(at, end, major | value, encoding);
  const size = value < 256 ? 0 : value < 65536 ? 1 : value < 4294967296 ? 2 : 3;
  let pos = putCborByte(at, end, major | (24 + size), encoding);
  for (let shift = (1 << size) - 1; shift >= 0 && pos >= 0; shift--) {
    pos = putCborByte(pos, end, Math.floor(value / 256 ** shift) & 255, encoding);
  }
  return pos;
}

function putCborByte(at: number, end: number, byte: number, encoding: Encoding): number {
  if (encoding === Encoding.CborBinary) {
    if (at >= end) return -1;
    mem[at] = byte;
    return at + 1;
  }
  if (at + 2 > end) return -1;
  mem[at] = hexDigit(byte >> 4);
  mem[at + 1] = hexDigit(byte & 15);
  return at + 2;
}
