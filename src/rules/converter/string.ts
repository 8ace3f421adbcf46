/**
 * Converters that change, measure or test text byte by byte (configuration.txt 7.3.1).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Convert, RuleContext } from '../context.ts';
import { fold, unfold } from '../fold.ts';
import { readInt, readValue } from '../integer.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { takeScratch } from '../scratch.ts';

/** Maps every byte by `table`; text that needs no change is not copied. */
function convertCase(sample: Sample, table: Uint8Array): boolean {
  const from = sample.off;
  const len = sample.len;
  let same = 0;
  while (same < len && table[mem[from + same]!] === mem[from + same]) same++;
  if (same === len) return true;
  const off = takeScratch(len);
  if (off === 0) return false;
  for (let i = 0; i < len; i++) mem[off + i] = table[mem[from + i]!]!;
  sample.off = off;
  return true;
}

function convertLower(_ctx: RuleContext, sample: Sample): boolean {
  return convertCase(sample, fold);
}

function convertUpper(_ctx: RuleContext, sample: Sample): boolean {
  return convertCase(sample, unfold);
}

function convertLength(_ctx: RuleContext, sample: Sample): boolean {
  sample.setInt(sample.len);
  return true;
}

function convertReverse(_ctx: RuleContext, sample: Sample): boolean {
  const len = sample.len;
  const off = takeScratch(len);
  if (off === 0) return false;
  const last = sample.off + len - 1;
  for (let i = 0; i < len; i++) mem[off + i] = mem[last - i]!;
  sample.off = off;
  return true;
}

const DOT = 0x2e;

function convertReverseDomain(_ctx: RuleContext, sample: Sample): boolean {
  let len = sample.len;
  if (len > 0 && mem[sample.off + len - 1] === DOT) len--;
  const off = takeScratch(len);
  if (off === 0) return false;
  let end = sample.off + len;
  let at = off;
  for (let from = end - 1; from >= sample.off - 1; from--) {
    if (from >= sample.off && mem[from] !== DOT) continue;
    const label = end - from - 1;
    // Empty labels make no name.
    if (label === 0) return false;
    mem.copyWithin(at, from + 1, end);
    at += label;
    if (from >= sample.off) mem[at++] = DOT;
    end = from;
  }
  sample.setStr(off, len);
  return true;
}

function convertCutCrlf(_ctx: RuleContext, sample: Sample): boolean {
  let len = 0;
  while (len < sample.len) {
    const byte = mem[sample.off + len]!;
    if (byte === 0x0d || byte === 0x0a) break;
    len++;
  }
  sample.len = len;
  return true;
}

/** One byte per value, 1 for the bytes of `text`. */
export function createByteSet(text: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const byte of Buffer.from(text, 'latin1')) set[byte] = 1;
  return set;
}

function compileLeftTrim(args: readonly ArgConfig[]): Convert {
  const set = createByteSet(String(args[0]));
  return (_ctx, sample) => {
    while (sample.len > 0 && set[mem[sample.off]!] === 1) {
      sample.off++;
      sample.len--;
    }
    return true;
  };
}

function compileRightTrim(args: readonly ArgConfig[]): Convert {
  const set = createByteSet(String(args[0]));
  return (_ctx, sample) => {
    while (sample.len > 0 && set[mem[sample.off + sample.len - 1]!] === 1) sample.len--;
    return true;
  };
}

function compileIif(args: readonly ArgConfig[]): Convert {
  const yes = Buffer.from(String(args[0]), 'latin1');
  const no = Buffer.from(String(args[1]), 'latin1');
  const yesOff = reserveBytes(yes);
  const noOff = reserveBytes(no);
  const yesLen = yes.length;
  const noLen = no.length;
  return (_ctx, sample) => {
    if (sample.num !== 0) sample.setStr(yesOff, yesLen);
    else sample.setStr(noOff, noLen);
    return true;
  };
}

// Offset of the `:` before the port of a Host value, its end when there is none.
function portColon(sample: Sample): number {
  const end = sample.off + sample.len;
  for (let at = end - 1; at >= sample.off; at--) {
    const byte = mem[at]!;
    if (byte === 0x3a) return at;
    if (byte < 0x30 || byte > 0x39) break;
  }
  return end;
}

function convertHostOnly(_ctx: RuleContext, sample: Sample): boolean {
  sample.len = portColon(sample) - sample.off;
  return convertCase(sample, fold);
}

function convertPortOnly(_ctx: RuleContext, sample: Sample): boolean {
  const end = sample.off + sample.len;
  const colon = portColon(sample);
  const found = colon < end && readInt(colon + 1, end - colon - 1);
  sample.setInt(found ? readValue : 0);
  return true;
}

const DEL = 0x7f;
const MASK_DEFAULT = 0x1fffffdff;

/** A mask in decimal, hexadecimal, or by name; null when it is none. */
function readMask(word: string): number | null {
  if (word === '') return MASK_DEFAULT;
  if (word === 'any') return 0x1ffffffff;
  if (word === 'http') return 0x2401;
  if (!/^(0x[0-9a-fA-F]{1,9}|[0-9]{1,10})$/.test(word)) return null;
  const mask = Number(word);
  return mask <= 0x1ffffffff ? mask : null;
}

function checkMask(args: ArgConfig[]): void {
  const word = String(args[0] ?? '');
  if (readMask(word) === null) {
    throw new ConfigError(`'${word}' is not a mask; expects a 33-bit number, 'any' or 'http'`);
  }
}

function compileHasControl(args: readonly ArgConfig[]): Convert {
  const mask = readMask(String(args[0] ?? ''))!;
  const set = new Uint8Array(256);
  for (let byte = 0; byte < 32; byte++) set[byte] = Math.floor(mask / 2 ** byte) % 2;
  set[DEL] = mask >= 2 ** 32 ? 1 : 0;
  return (_ctx, sample) => {
    let at = 0;
    while (at < sample.len && set[mem[sample.off + at]!] === 0) at++;
    sample.setBool(at < sample.len);
    return true;
  };
}

const text = { args: '', in: 'str', out: 'str' } as const;

export const stringConverters = [
  {
    ...text,
    name: 'cut_crlf',
    doc: 'cuts at the first carriage return or line feed',
    compile: () => convertCutCrlf,
  },
  {
    name: 'has_ctl',
    args: '[string]',
    in: 'bin',
    out: 'bool',
    doc: 'whether control characters of a mask are present',
    check: checkMask,
    compile: compileHasControl,
  },
  {
    ...text,
    name: 'host_only',
    doc: 'host of a Host header without its port, in lower case',
    compile: () => convertHostOnly,
  },
  {
    name: 'iif',
    args: 'string,string',
    in: 'bool',
    out: 'str',
    doc: 'the first text when true, else the second',
    compile: compileIif,
  },
  {
    name: 'length',
    args: '',
    in: 'str',
    out: 'sint',
    doc: 'number of bytes',
    compile: () => convertLength,
  },
  { ...text, name: 'lower', doc: 'to lower case', compile: () => convertLower },
  {
    ...text,
    name: 'ltrim',
    args: 'string',
    doc: 'drops these characters from the start',
    compile: compileLeftTrim,
  },
  {
    name: 'port_only',
    args: '',
    in: 'str',
    out: 'sint',
    doc: 'port of a Host header, 0 when it has none',
    compile: () => convertPortOnly,
  },
  { ...text, name: 'reverse', doc: 'bytes in reverse order', compile: () => convertReverse },
  {
    ...text,
    name: 'reverse_dom',
    doc: 'labels of a host name in reverse order',
    compile: () => convertReverseDomain,
  },
  {
    ...text,
    name: 'rtrim',
    args: 'string',
    doc: 'drops these characters from the end',
    compile: compileRightTrim,
  },
  { ...text, name: 'upper', doc: 'to upper case', compile: () => convertUpper },
] as const satisfies readonly ConverterRow[];
