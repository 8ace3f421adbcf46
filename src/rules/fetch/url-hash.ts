/**
 * Hashes of what is asked for, as keys that are shorter than it (configuration.txt 7.3.6 `base32`,
 * `url32` and both with the client's address): SDBM with the avalanche on top.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { RuleContext } from '../context.ts';
import { avalanche, sdbm } from '../hash.ts';
import { putIpv4Bytes } from '../inet.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import { sourceAddress } from './source.ts';
import { fetchBase, fetchBaseQuery } from './url.ts';

type TextFetch = (ctx: RuleContext, sample: Sample) => boolean;

function hashOf(ctx: RuleContext, sample: Sample, fetch: TextFetch): boolean {
  if (!fetch(ctx, sample)) return false;
  sample.setInt(avalanche(sdbm(sample.off, sample.len)) >>> 0);
  return true;
}

const address = new Sample();
const HASH_BYTES = 4;

/** The hash and the bytes of the client's address. */
function hashAndSource(ctx: RuleContext, sample: Sample, fetch: TextFetch): boolean {
  if (!hashOf(ctx, sample, fetch) || !sourceAddress(ctx, address)) return false;
  const isIpv4 = address.type === SampleType.Ipv4;
  const len = HASH_BYTES + (isIpv4 ? 4 : 16);
  const off = takeScratch(len);
  putIpv4Bytes(off, sample.num);
  if (isIpv4) putIpv4Bytes(off + HASH_BYTES, address.num);
  else mem.copyWithin(off + HASH_BYTES, address.off, address.off + 16);
  sample.setStr(off, len);
  sample.type = SampleType.Bin;
  return true;
}

const number = { args: '', valid: valid.request, out: 'sint' } as const;
const key = { args: '', valid: valid.request, out: 'bin' } as const;

export const urlHashFetches = [
  {
    ...number,
    name: 'base32',
    doc: 'hash of `base`',
    compile: () => (ctx, sample) => hashOf(ctx, sample, fetchBase),
  },
  {
    ...key,
    name: 'base32+src',
    doc: 'hash of `base` and the address of the client, 8 or 20 bytes',
    compile: () => (ctx, sample) => hashAndSource(ctx, sample, fetchBase),
  },
  {
    ...number,
    name: 'url32',
    doc: 'hash of `baseq`',
    compile: () => (ctx, sample) => hashOf(ctx, sample, fetchBaseQuery),
  },
  {
    ...key,
    name: 'url32+src',
    doc: 'hash of `baseq` and the address of the client, 8 or 20 bytes',
    compile: () => (ctx, sample) => hashAndSource(ctx, sample, fetchBaseQuery),
  },
] as const satisfies readonly FetchRow[];
