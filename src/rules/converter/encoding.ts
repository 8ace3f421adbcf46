/**
 * Converters between bytes and their written forms: hexadecimal, base 64, percent-encoding, numbers
 * (configuration.txt 7.3.1; RFC 4648, RFC 3986 2.1).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import { hexValue } from '../../base/hex.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Convert, RuleContext } from '../context.ts';
import { INT_TEXT_MAX, putInt } from '../integer.ts';
import type { ConverterRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';

const HEX_UPPER = Uint8Array.from(Buffer.from('0123456789ABCDEF'));

function convertHex(_ctx: RuleContext, sample: Sample): boolean {
  const len = sample.len;
  const off = takeScratch(len * 2);
  if (off === 0) return false;
  for (let i = 0; i < len; i++) {
    const byte = mem[sample.off + i]!;
    mem[off + i * 2] = HEX_UPPER[byte >> 4]!;
    mem[off + i * 2 + 1] = HEX_UPPER[byte & 15]!;
  }
  sample.setStr(off, len * 2);
  return true;
}

// The last 64 bits count, as two's complement; what is no number has no value.
function convertHexToInt(_ctx: RuleContext, sample: Sample): boolean {
  let high = 0;
  let low = 0;
  for (let i = 0; i < sample.len; i++) {
    const digit = hexValue[mem[sample.off + i]!]!;
    if (digit > 15) return false;
    high = (high << 4) | (low >>> 28);
    low = (low << 4) | digit;
  }
  sample.setInt(high * 4294967296 + (low >>> 0));
  return true;
}

function convertBinaryDigits(_ctx: RuleContext, sample: Sample): boolean {
  const len = sample.len;
  const off = takeScratch(len * 8);
  if (off === 0) return false;
  for (let i = 0; i < len * 8; i++) {
    mem[off + i] = 0x30 + ((mem[sample.off + (i >> 3)]! >> (7 - (i & 7))) & 1);
  }
  sample.setStr(off, len * 8);
  return true;
}

class Alphabet {
  readonly encode: Uint8Array;
  /** Value per byte, -1 for bytes outside of the alphabet. */
  readonly decode: Int8Array;
  readonly padded: boolean;

  constructor(last: string, padded: boolean) {
    const letters = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${last}`;
    this.encode = Uint8Array.from(Buffer.from(letters));
    this.decode = new Int8Array(256).fill(-1);
    this.encode.forEach((byte, value) => {
      this.decode[byte] = value;
    });
    this.padded = padded;
  }
}

const standard = new Alphabet('+/', true);
const urlSafe = new Alphabet('-_', false);
const PAD = 0x3d;

function encode64(sample: Sample, alphabet: Alphabet): boolean {
  const len = sample.len;
  const off = takeScratch(Math.ceil(len / 3) * 4);
  if (off === 0) return false;
  const letters = alphabet.encode;
  let at = off;
  for (let i = 0; i < len; i += 3) {
    const left = len - i;
    const from = sample.off + i;
    const second = left > 1 ? mem[from + 1]! : 0;
    const third = left > 2 ? mem[from + 2]! : 0;
    const word = (mem[from]! << 16) | (second << 8) | third;
    mem[at++] = letters[word >> 18]!;
    mem[at++] = letters[(word >> 12) & 63]!;
    if (left > 1) mem[at++] = letters[(word >> 6) & 63]!;
    if (left > 2) mem[at++] = letters[word & 63]!;
    for (let pad = left; alphabet.padded && pad < 3; pad++) mem[at++] = PAD;
  }
  sample.setStr(off, at - off);
  return true;
}

function decode64(sample: Sample, alphabet: Alphabet): boolean {
  let len = sample.len;
  if (alphabet.padded) {
    if (len % 4 !== 0) return false;
    for (let pad = 0; pad < 2 && len > 0 && mem[sample.off + len - 1] === PAD; pad++) len--;
  }
  if (len % 4 === 1) return false;
  const off = takeScratch(Math.ceil(len / 4) * 3);
  if (off === 0) return false;
  let at = off;
  let word = 0;
  let bits = 0;
  for (let i = 0; i < len; i++) {
    const value = alphabet.decode[mem[sample.off + i]!]!;
    if (value < 0) return false;
    word = ((word << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      mem[at++] = word >> bits;
    }
  }
  setBinary(sample, off, at - off);
  return true;
}

/** Decodes base64 with its padding. @returns false when it is none */
export function convertBase64(sample: Sample): boolean {
  return decode64(sample, standard);
}

/** Decodes base64url without padding. @returns false when it is none */
export function convertBase64Url(sample: Sample): boolean {
  return decode64(sample, urlSafe);
}

function setBinary(sample: Sample, off: number, len: number): void {
  sample.setStr(off, len);
  sample.type = SampleType.Bin;
}

const PERCENT = 0x25;
const QUESTION = 0x3f;
const PLUS = 0x2b;

/** `+` is a blank after the first `?`, and from the start with `inForm`. */
function decodeUrl(sample: Sample, inForm: boolean): boolean {
  const off = takeScratch(sample.len);
  if (off === 0) return false;
  const end = sample.off + sample.len;
  let form = inForm;
  let at = off;
  for (let from = sample.off; from < end; from++) {
    let byte = mem[from]!;
    if (byte === PERCENT) {
      if (from + 2 >= end) return false;
      const high = hexValue[mem[from + 1]!]!;
      const low = hexValue[mem[from + 2]!]!;
      // HAProxy decodes no NUL, which would end its string.
      if (high > 15 || low > 15 || (high | low) === 0) return false;
      byte = high * 16 + low;
      from += 2;
    } else if (byte === QUESTION) {
      form = true;
    } else if (byte === PLUS && form) {
      byte = 0x20;
    }
    mem[at++] = byte;
  }
  sample.setStr(off, at - off);
  return true;
}

// RFC 3986 2.3: unreserved characters stay.
const unreserved = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

function convertUrlEncode(_ctx: RuleContext, sample: Sample): boolean {
  const max = scratchMax();
  const off = takeScratch(max);
  let at = off;
  for (let i = 0; i < sample.len; i++) {
    if (at + 3 - off > max) return false;
    const byte = mem[sample.off + i]!;
    if (unreserved[byte] === 1) {
      mem[at++] = byte;
      continue;
    }
    mem[at++] = PERCENT;
    mem[at++] = HEX_UPPER[byte >> 4]!;
    mem[at++] = HEX_UPPER[byte & 15]!;
  }
  trimScratch(at);
  sample.setStr(off, at - off);
  return true;
}

function checkUrlEncode(args: ArgConfig[]): void {
  const type = args[0] ?? '';
  if (type !== '' && type !== 'query') {
    throw new ConfigError("Unexpected encode type. Allowed value is 'query'");
  }
}

/** The chunk converters: how many input bytes a chunk has and what stands between chunks. */
class Chunks {
  readonly separator: number;
  readonly separatorLen: number;
  readonly size: number;
  readonly truncate: boolean;

  constructor(args: readonly ArgConfig[]) {
    const separator = Buffer.from(String(args[0] ?? ''), 'latin1');
    this.separator = reserveBytes(separator);
    this.separatorLen = separator.length;
    this.size = Number(args[1] ?? 0);
    this.truncate = Number(args[2] ?? 0) !== 0;
  }

  putSeparator(at: number): number {
    mem.copyWithin(at, this.separator, this.separator + this.separatorLen);
    return at + this.separatorLen;
  }
}

function compileBytesToHex(args: readonly ArgConfig[]): Convert {
  const chunks = new Chunks(args);
  return (_ctx, sample) => toHexChunks(sample, chunks);
}

function toHexChunks(sample: Sample, chunks: Chunks): boolean {
  const size = chunks.size;
  const max = scratchMax();
  const off = takeScratch(max);
  const len = chunks.truncate && size > 0 ? sample.len - (sample.len % size) : sample.len;
  let at = off;
  for (let i = 0; i < len; i++) {
    if (at + 2 + chunks.separatorLen - off > max) return false;
    if (i > 0 && size > 0 && i % size === 0) at = chunks.putSeparator(at);
    const byte = mem[sample.off + i]!;
    mem[at++] = HEX_UPPER[byte >> 4]!;
    mem[at++] = HEX_UPPER[byte & 15]!;
  }
  trimScratch(at);
  sample.setStr(off, at - off);
  return true;
}

function compileBytesToDecimal(args: readonly ArgConfig[], littleEndian: boolean): Convert {
  const chunks = new Chunks(args);
  return (_ctx, sample) => toDecimalChunks(sample, chunks, littleEndian);
}

function toDecimalChunks(sample: Sample, chunks: Chunks, littleEndian: boolean): boolean {
  const size = chunks.size;
  const max = scratchMax();
  const off = takeScratch(max);
  const len = chunks.truncate ? sample.len - (sample.len % size) : sample.len;
  let at = off;
  for (let i = 0; i < len; i += size) {
    if (at + INT_TEXT_MAX + chunks.separatorLen - off > max) return false;
    if (i > 0) at = chunks.putSeparator(at);
    const count = Math.min(size, len - i);
    let value = 0;
    for (let j = 0; j < count; j++) {
      value = value * 256 + mem[sample.off + i + (littleEndian ? count - 1 - j : j)]!;
    }
    at += putInt(at, value);
  }
  trimScratch(at);
  sample.setStr(off, at - off);
  return true;
}

function checkHexChunks(args: ArgConfig[]): void {
  const size = args[1] ?? 0;
  if (Number(size) < 0 || (args[0] !== undefined && args[0] !== '' && Number(size) < 1)) {
    throw new ConfigError(`chunk_size value (${size}) is lower than 1`);
  }
}

// Seven bytes at most: integers are exact up to 53 bits, 6 bytes; a seventh may lose its low bits.
const CHUNK_MAX = 6;

function checkDecimalChunks(args: ArgConfig[]): void {
  const size = Number(args[1] || 0);
  if (size < 1) throw new ConfigError(`chunk_size value (${size}) is lower than 1`);
  if (size > 8) throw new ConfigError(`chunk_size value (${size}) is too high (8)`);
  if (size > CHUNK_MAX)
    throw new ConfigError(`the chunk_size ${size} is not supported yet by sluice`);
}

const toText = { args: '', in: 'bin', out: 'str' } as const;

export const encodingConverters = [
  {
    name: 'b64dec',
    args: '',
    in: 'str',
    out: 'bin',
    doc: 'decodes base64',
    compile: () => (_ctx, sample) => convertBase64(sample),
  },
  {
    ...toText,
    name: 'base2',
    doc: 'eight binary digits per byte',
    compile: () => convertBinaryDigits,
  },
  {
    ...toText,
    name: 'base64',
    doc: 'encodes in base64',
    compile: () => (_ctx, sample) => encode64(sample, standard),
  },
  {
    ...toText,
    name: 'be2dec',
    args: 'string[,integer,integer]',
    doc: 'big-endian chunks as decimal numbers',
    check: checkDecimalChunks,
    compile: (args) => compileBytesToDecimal(args, false),
  },
  {
    ...toText,
    name: 'be2hex',
    args: 'string[,integer,integer]',
    doc: 'bytes as hexadecimal digits in chunks',
    check: checkHexChunks,
    compile: compileBytesToHex,
  },
  { ...toText, name: 'hex', doc: 'two hexadecimal digits per byte', compile: () => convertHex },
  {
    name: 'hex2i',
    args: '',
    in: 'str',
    out: 'sint',
    doc: 'the integer that hexadecimal digits stand for, 0 when they do not',
    compile: () => convertHexToInt,
  },
  {
    ...toText,
    name: 'le2dec',
    args: 'string[,integer,integer]',
    doc: 'little-endian chunks as decimal numbers',
    check: checkDecimalChunks,
    compile: (args) => compileBytesToDecimal(args, true),
  },
  {
    name: 'ub64dec',
    args: '',
    in: 'str',
    out: 'bin',
    doc: 'decodes base64url',
    compile: () => (_ctx, sample) => convertBase64Url(sample),
  },
  {
    ...toText,
    name: 'ub64enc',
    doc: 'encodes in base64url',
    compile: () => (_ctx, sample) => encode64(sample, urlSafe),
  },
  {
    name: 'url_dec',
    args: '[integer]',
    in: 'str',
    out: 'str',
    doc: 'decodes percent-encoding, and + as in forms after a question mark or with 1',
    compile: (args) => {
      const inForm = args[0] !== undefined && args[0] !== 0;
      return (_ctx, sample) => decodeUrl(sample, inForm);
    },
  },
  {
    name: 'url_enc',
    args: 'string',
    in: 'str',
    out: 'str',
    doc: 'percent-encodes all but unreserved characters',
    check: checkUrlEncode,
    compile: () => convertUrlEncode,
  },
] as const satisfies readonly ConverterRow[];
