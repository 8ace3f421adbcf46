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
import type { AddressData } from '../../model/pattern.ts';
import { mem } from '../../sys/arena.ts';
import { embeddedIpv4, putMapped, readAddress } from '../inet.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import type { Pattern } from './pattern.ts';

class Addresses implements Pattern {
  private readonly low4: Uint32Array;
  private readonly high4: Uint32Array;
  private readonly value4: Uint32Array;
  private readonly mask4: Uint32Array;
  private readonly low6: Uint8Array;
  private readonly high6: Uint8Array;
  private readonly count6: number;

  constructor(data: AddressData) {
    this.low4 = data.low4;
    this.high4 = data.high4;
    this.value4 = data.value4;
    this.mask4 = data.mask4;
    this.low6 = data.low6;
    this.high6 = data.high6;
    this.count6 = data.low6.length / 16;
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
      if ((address & this.mask4[i]!) >>> 0 === this.value4[i]) return true;
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

/** `-m ip`. */
export function createAddresses(data: AddressData): Pattern {
  return new Addresses(data);
}
