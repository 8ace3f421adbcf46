/**
 * Hashes of samples (configuration.txt 7.3.1). They are the functions of `hash-type`, so that they
 * give the same results.
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import type { Convert } from '../context.ts';
import { avalanche, crc32, crc32c, djb2, sdbm, wt6, xxh32 } from '../hash.ts';
import type { ConverterRow } from '../row.ts';

type Hash = (off: number, len: number) => number;

/** An argument other than 0 asks for the avalanche on top. */
function compileHash(hash: Hash, args: readonly ArgConfig[]): Convert {
  if (Number(args[0] ?? 0) !== 0) {
    return (_ctx, sample) => {
      sample.setInt(avalanche(hash(sample.off, sample.len)));
      return true;
    };
  }
  return (_ctx, sample) => {
    sample.setInt(hash(sample.off, sample.len));
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
    compile: (args) => compileHash(hash, args),
  };
}

export const hashConverters: readonly ConverterRow[] = [
  createRow('crc32', crc32, 'CRC-32 hash'),
  createRow('crc32c', crc32c, 'CRC-32C hash'),
  createRow('djb2', djb2, 'DJB2 hash'),
  createRow('sdbm', sdbm, 'SDBM hash'),
  createRow('wt6', wt6, 'WT6 hash'),
  {
    name: 'xxh32',
    args: '[integer]',
    in: 'bin',
    out: 'sint',
    doc: 'XXH32 hash with a seed',
    compile: compileXxh32,
  },
];
