/**
 * Casts between sample types (configuration.txt 7.3.1): what a converter or a match method needs
 * is made from what the step before produced. Text is written into the scratch area.
 *
 *            bool sint addr str  bin  meth
 *   bool      =    x    -    x    x    -      x  possible, may fail on the value
 *   sint      x    =    x    x    x    -      =  nothing to do
 *   ipv4      -    x    =    x    x    -
 *   ipv6      -    -    =    x    x    -
 *   str       x    x    x    =    x    x
 *   bin       -    -    -    x    =    -
 *   meth      -    -    -    x    x    =
 *
 * `addr` is "IPv4 or IPv6"; either of them is accepted as it is, and it is not known to be a number.
 *
 * @dataplane
 */
import { methodNames } from '../http/method.ts';
import { mem, reserveBytes } from '../sys/arena.ts';
import {
  embeddedIpv4,
  IPV4_TEXT_MAX,
  IPV6_TEXT_MAX,
  putIpv4,
  putIpv4Bytes,
  putIpv6,
  putMapped,
  readAddress,
  readIpv4,
  readIpv6,
} from './inet.ts';
import { INT_MAX, INT_TEXT_MAX, putInt, readLeadingInt, readValue } from './integer.ts';
import type { TypeName } from './row.ts';
import { type Sample, SampleType } from './sample.ts';
import { takeScratch } from './scratch.ts';

/** What a step wants: a `SampleType`, `Any` or `Addr`. */
export const enum CastTarget {
  Any = 0,
  Addr = 8,
}

const targets: Record<TypeName, number> = {
  any: CastTarget.Any,
  same: CastTarget.Any,
  bool: SampleType.Bool,
  sint: SampleType.Sint,
  addr: CastTarget.Addr,
  ipv4: SampleType.Ipv4,
  ipv6: SampleType.Ipv6,
  str: SampleType.Str,
  bin: SampleType.Bin,
  meth: SampleType.Method,
};

/** The `CastTarget` or `SampleType` of a type in a table. */
export function castTarget(type: TypeName): number {
  return targets[type];
}

const possible: Record<TypeName, readonly TypeName[]> = {
  any: ['bool', 'sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin', 'meth'],
  same: [],
  bool: ['bool', 'sint', 'str', 'bin'],
  sint: ['bool', 'sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin'],
  addr: ['addr', 'ipv4', 'ipv6', 'str', 'bin'],
  ipv4: ['sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin'],
  ipv6: ['addr', 'ipv4', 'ipv6', 'str', 'bin'],
  str: ['bool', 'sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin', 'meth'],
  bin: ['str', 'bin'],
  meth: ['str', 'bin', 'meth'],
};

/** Whether a configuration may put a step that wants `to` after one that yields `from`. */
export function canCast(from: TypeName, to: TypeName): boolean {
  return to === 'any' || possible[from].includes(to);
}

const methodOff = Int32Array.from(methodNames, (name) => reserveBytes(name));
const methodLen = Int32Array.from(methodNames, (name) => name.length);

/** Casts `sample` to `target` (see `castTarget`). @returns false when the value has no such form. */
export function cast(sample: Sample, target: number): boolean {
  const from = sample.type as number;
  if (from === target) return true;
  switch (target) {
    case CastTarget.Any:
      return true;
    case SampleType.Str:
      return asString(sample);
    case SampleType.Bin:
      return toBinary(sample);
    case SampleType.Sint:
      return toInt(sample);
    case SampleType.Bool:
      return toBool(sample);
    case CastTarget.Addr:
      return from === SampleType.Ipv4 || from === SampleType.Ipv6 || toAddress(sample);
    case SampleType.Ipv4:
      return toIpv4(sample);
    case SampleType.Ipv6:
      return toIpv6(sample);
    default:
      return false;
  }
}

/** Makes `off`/`len` the text of the sample. @returns false when it has none. */
export function asString(sample: Sample): boolean {
  switch (sample.type) {
    case SampleType.Str:
      return true;
    case SampleType.Bin:
      // 7.1.3: as text, binary ends at its first zero byte.
      sample.type = SampleType.Str;
      sample.len = lengthToZero(sample.off, sample.len);
      return true;
    case SampleType.Bool:
    case SampleType.Sint: {
      const off = takeScratch(INT_TEXT_MAX);
      sample.setStr(off, putInt(off, sample.num));
      return true;
    }
    case SampleType.Ipv4: {
      const off = takeScratch(IPV4_TEXT_MAX);
      sample.setStr(off, putIpv4(off, sample.num));
      return true;
    }
    case SampleType.Ipv6: {
      const off = takeScratch(IPV6_TEXT_MAX);
      sample.setStr(off, putIpv6(off, sample.off));
      return true;
    }
    case SampleType.Method:
      if (sample.num !== 0) sample.setStr(methodOff[sample.num]!, methodLen[sample.num]!);
      else sample.type = SampleType.Str;
      return true;
    default:
      return false;
  }
}

function lengthToZero(off: number, max: number): number {
  let len = 0;
  while (len < max && mem[off + len] !== 0) len++;
  return len;
}

function toBinary(sample: Sample): boolean {
  switch (sample.type) {
    case SampleType.Bool:
    case SampleType.Sint: {
      const off = takeScratch(8);
      putInt64(off, sample.num);
      sample.off = off;
      sample.len = 8;
      break;
    }
    case SampleType.Ipv4: {
      const off = takeScratch(4);
      putIpv4Bytes(off, sample.num);
      sample.off = off;
      sample.len = 4;
      break;
    }
    case SampleType.Ipv6:
      sample.len = 16;
      break;
    default:
      if (!asString(sample)) return false;
  }
  sample.type = SampleType.Bin;
  return true;
}

// The double for the upper bound of 64-bit integers is one too high.
function putInt64(off: number, value: number): void {
  const high = value >= INT_MAX ? 0x7fffffff : Math.floor(value / 4294967296);
  putIpv4Bytes(off, high | 0);
  putIpv4Bytes(off + 4, value >= INT_MAX ? -1 : value - high * 4294967296);
}

function toInt(sample: Sample): boolean {
  switch (sample.type) {
    case SampleType.Bool:
    case SampleType.Ipv4:
      sample.type = SampleType.Sint;
      return true;
    case SampleType.Str:
      // Leading digits count, text without any is 0; only the empty string has no value.
      if (sample.len === 0) return false;
      readLeadingInt(sample.off, sample.len);
      sample.setInt(readValue);
      return true;
    default:
      return false;
  }
}

function toBool(sample: Sample): boolean {
  if (sample.type === SampleType.Str && !toInt(sample)) return false;
  if (sample.type !== SampleType.Sint) return false;
  sample.setBool(sample.num !== 0);
  return true;
}

function toAddress(sample: Sample): boolean {
  if (sample.type === SampleType.Str && !readIpv4(sample.off, sample.len)) return toIpv6(sample);
  return toIpv4(sample);
}

function toIpv4(sample: Sample): boolean {
  switch (sample.type) {
    case SampleType.Ipv6:
      if (!embeddedIpv4(sample.off)) return false;
      sample.num = readAddress;
      break;
    case SampleType.Sint:
      sample.num = sample.num >>> 0;
      break;
    case SampleType.Str:
      if (!readIpv4(sample.off, sample.len)) return false;
      sample.num = readAddress;
      break;
    default:
      return false;
  }
  sample.type = SampleType.Ipv4;
  return true;
}

function toIpv6(sample: Sample): boolean {
  const off = takeScratch(16);
  if (sample.type === SampleType.Str) {
    if (!readIpv6(sample.off, sample.len, off)) return false;
  } else {
    if (sample.type !== SampleType.Ipv4 && !toIpv4(sample)) return false;
    putMapped(off, sample.num);
  }
  sample.type = SampleType.Ipv6;
  sample.off = off;
  sample.len = 16;
  return true;
}
