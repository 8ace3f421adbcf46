/**
 * Address match (`-m ip`; configuration.txt 7.1.6). Networks become sorted, merged ranges of
 * addresses, which are searched by halves: as fast as a prefix tree, in two or eight flat arrays.
 * IPv4 masks with holes cannot be ranges and are compared one by one.
 *
 * Between families: an IPv6 sample that carries an IPv4 address is also looked up among the IPv4
 * networks; an IPv4 sample is also looked up as ::ffff:a.b.c.d among the IPv6 networks.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import { embeddedIpv4, putMapped, readAddress } from '../inet.ts';
import { type Network, parseNetwork } from '../inet-config.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import { EmptyPattern, type Pattern } from './pattern.ts';

class Addresses implements Pattern {
  private readonly low4: Float64Array;
  private readonly high4: Float64Array;
  private readonly value4: Int32Array;
  private readonly mask4: Int32Array;
  /** 16 bytes per bound. */
  private readonly low6: Uint8Array;
  private readonly high6: Uint8Array;
  private readonly count6: number;

  constructor(networks: readonly Network[]) {
    const v4 = networks.filter((net) => net.bytes.length === 4);
    const holes = v4.filter((net) => !isPrefix(net.mask));
    const ranges4 = createRanges(v4.filter((net) => isPrefix(net.mask)));
    const ranges6 = createRanges(networks.filter((net) => net.bytes.length === 16));
    this.low4 = Float64Array.from(ranges4, (range) => readNumber(range.low));
    this.high4 = Float64Array.from(ranges4, (range) => readNumber(range.high));
    this.value4 = Int32Array.from(holes, (net) => readNumber(net.bytes) | 0);
    this.mask4 = Int32Array.from(holes, (net) => readNumber(net.mask) | 0);
    this.low6 = Uint8Array.from(ranges6.flatMap((range) => range.low));
    this.high6 = Uint8Array.from(ranges6.flatMap((range) => range.high));
    this.count6 = ranges6.length;
  }

  matches(sample: Sample): boolean {
    if (sample.type === SampleType.Ipv4) {
      if (this.matches4(sample.num)) return true;
      if (this.count6 === 0) return false;
      const off = takeScratch(16);
      putMapped(off, sample.num);
      return this.matches6(off);
    }
    if (this.matches6(sample.off)) return true;
    if (this.low4.length === 0 && this.value4.length === 0) return false;
    return embeddedIpv4(sample.off) && this.matches4(readAddress);
  }

  private matches4(address: number): boolean {
    let from = 0;
    let until = this.low4.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if (address < this.low4[middle]!) until = middle;
      else if (address > this.high4[middle]!) from = middle + 1;
      else return true;
    }
    for (let i = 0; i < this.value4.length; i++) {
      if ((address & this.mask4[i]!) === this.value4[i]) return true;
    }
    return false;
  }

  private matches6(off: number): boolean {
    let from = 0;
    let until = this.count6;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if (compare16(off, this.low6, middle * 16) < 0) until = middle;
      else if (compare16(off, this.high6, middle * 16) > 0) from = middle + 1;
      else return true;
    }
    return false;
  }
}

function compare16(off: number, bound: Uint8Array, at: number): number {
  for (let i = 0; i < 16; i++) {
    const difference = mem[off + i]! - bound[at + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

interface AddressRange {
  low: number[];
  high: number[];
}

/** Closed ranges in order, those inside of others dropped. */
function createRanges(networks: readonly Network[]): AddressRange[] {
  const ranges = networks
    .map((net) => createRange(net))
    .sort((a, b) => compareBytes(a.low, b.low) || compareBytes(b.high, a.high));
  const kept: AddressRange[] = [];
  for (const range of ranges) {
    // Networks nest or are apart: they never overlap in part.
    const last = kept.at(-1);
    if (!last || compareBytes(range.low, last.high) > 0) kept.push(range);
  }
  return kept;
}

function createRange(net: Network): AddressRange {
  return { low: net.bytes, high: net.bytes.map((byte, i) => byte | (255 & ~net.mask[i]!)) };
}

function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

function readNumber(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

function isPrefix(mask: readonly number[]): boolean {
  return /^1*0*$/.test(mask.map((byte) => byte.toString(2).padStart(8, '0')).join(''));
}

/** `-m ip`; the patterns have been checked by the parser. */
export function createAddresses(patterns: readonly string[]): Pattern {
  if (patterns.length === 0) return new EmptyPattern();
  return new Addresses(patterns.map((pattern) => parseNetwork(pattern)!));
}
