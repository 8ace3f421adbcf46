/**
 * Hashes of samples (configuration.txt 7.3.1). They are the functions of `hash-type`, so that they
 * give the same results.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import type { Convert } from '../context.ts';
import { crc32, crc32c, djb2, sdbm, xxh32 } from '../hash.ts';
import type { ConverterRow } from '../row.ts';

type Hash = (off: number, len: number) => number;

function compileHash(hash: Hash): Convert {
  return (_ctx, sample) => {
    sample.setInt(hash(sample.off, sample.len));
    return true;
  };
}

/** The manual says that there is an avalanche step, not which one. */
function refuseAvalanche(args: ArgConfig[]): void {
  if (Number(args[0] ?? 0) !== 0)
    throw new ConfigError('the avalanche is not supported yet by sluice');
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
    check: refuseAvalanche,
    compile: () => compileHash(hash),
  };
}

export const hashConverters: readonly ConverterRow[] = [
  createRow('crc32', crc32, 'CRC-32 hash'),
  createRow('crc32c', crc32c, 'CRC-32C hash'),
  createRow('djb2', djb2, 'DJB2 hash'),
  createRow('sdbm', sdbm, 'SDBM hash'),
  {
    name: 'xxh32',
    args: '[integer]',
    in: 'bin',
    out: 'sint',
    doc: 'XXH32 hash with a seed',
    compile: compileXxh32,
  },
];
