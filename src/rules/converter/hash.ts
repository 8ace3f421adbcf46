/**
 * Hashes of samples (configuration.txt 7.3.1). They are the functions of `hash-type`, so that they
 * give the same results.
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import type { Convert } from '../context.ts';
import { avalanche, crc32, crc32c, djb2, sdbm, xxh32 } from '../hash.ts';
import type { ConverterRow } from '../row.ts';

type Hash = (off: number, len: number) => number;

function compileHash(args: readonly ArgConfig[], hash: Hash): Convert {
  const spread = Number(args[0] ?? 0) !== 0;
  return (_ctx, sample) => {
    const value = hash(sample.off, sample.len);
    sample.setInt(spread ? avalanche(value) : value);
    return true;
  };
}

function compileXxh32(args: readonly ArgConfig[]): Convert {
  const seed = Number(args[0] ?? 0) | 0;
  return (_ctx, sample) => {
    sample.setInt(xxh32(sample.off, sample.len, seed));
    return true;
  };
}

function createRow(name: string, hash: Hash, doc: string): ConverterRow {
  return {
    name,
    args: '[integer]',
    in: 'bin',
    out: 'sint',
    doc,
    compile: (args) => compileHash(args, hash),
  };
}

export const hashConverters: readonly ConverterRow[] = [
  createRow('crc32', crc32, 'CRC-32; 1 adds an avalanche'),
  createRow('crc32c', crc32c, 'CRC-32C; 1 adds an avalanche'),
  createRow('djb2', djb2, 'DJB2 hash; 1 adds an avalanche'),
  createRow('sdbm', sdbm, 'SDBM hash; 1 adds an avalanche'),
  {
    name: 'xxh32',
    args: '[integer]',
    in: 'bin',
    out: 'sint',
    doc: 'XXH32 hash with a seed',
    compile: compileXxh32,
  },
];
