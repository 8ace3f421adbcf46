/**
 * Converters of addresses (configuration.txt 7.3.1).
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { cast } from '../cast.ts';
import type { Convert } from '../context.ts';
import { readIpv4Bytes } from '../inet.ts';
import { networkMask, parseIpv6Text } from '../inet-config.ts';
import type { ConverterRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';

/** The mask of `size` bytes written as a bit count or as an address. */
function createMask(word: string, size: number): number {
  const mask = networkMask(word, size) ?? parseIpv6Text(word)!;
  return reserveBytes(Uint8Array.from(mask));
}

function maskIpv6(sample: Sample, mask: number): boolean {
  const off = takeScratch(16);
  for (let i = 0; i < 16; i++) mem[off + i] = mem[sample.off + i]! & mem[mask + i]!;
  sample.off = off;
  return true;
}

// An IPv6 address that carries an IPv4 one is taken for that; others have a value with a mask.
function compileIpMask(args: readonly ArgConfig[]): Convert {
  const mask4 = readIpv4Bytes(createMask(String(args[0]), 4));
  const mask6 = args[1] === undefined ? 0 : createMask(String(args[1]), 16);
  return (_ctx, sample) => {
    if (sample.type === SampleType.Ipv6 && !cast(sample, SampleType.Ipv4)) {
      return mask6 !== 0 && maskIpv6(sample, mask6);
    }
    sample.num = (sample.num & mask4) >>> 0;
    return true;
  };
}

export const addressConverters = [
  {
    name: 'ipmask',
    args: 'IPv4 mask[,IPv6 mask]',
    in: 'addr',
    out: 'addr',
    doc: 'applies a netmask',
    compile: compileIpMask,
  },
] as const satisfies readonly ConverterRow[];
