/**
 * Samples as keys of stick tables (configuration.txt 11.1 type): cast to the type of the table, cut to
 * its length.
 *
 * @dataplane
 */
import { KeyType } from '../stick-table/layout.ts';
import type { StickTable } from '../stick-table/table.ts';
import { mem } from '../sys/arena.ts';
import { cast } from './cast.ts';
import { type Sample, SampleType } from './sample.ts';

/** The `SampleType` that keys of a table are cast to, by `KeyType`. */
const targets = [
  SampleType.Ipv4,
  SampleType.Ipv6,
  SampleType.Sint,
  SampleType.Str,
  SampleType.Bin,
] as const;

/** Makes the sample the key that the table looks for. @returns false when it has no such form. */
export function loadKey(table: StickTable, sample: Sample): boolean {
  if (!cast(sample, targets[table.keyType]!)) return false;
  switch (table.keyType) {
    case KeyType.Ipv4:
    case KeyType.Integer:
      table.key[0] = lowHalf(sample.num);
      table.keyBytes = 4;
      return true;
    case KeyType.Ipv6:
      loadBytes(table, sample.off, 16);
      return true;
    case KeyType.Text:
      loadBytes(table, sample.off, Math.min(sample.len, table.config.keyBytes));
      return true;
    default:
      loadBytes(table, sample.off, Math.min(sample.len, table.config.keyBytes));
      // Shorter blocks are filled up with zeros.
      table.keyBytes = table.config.keyBytes;
      return true;
  }
}

/** The low 32 bits of an integer that may be larger. */
function lowHalf(value: number): number {
  return (value % 4294967296) | 0;
}

/** Bytes of the arena as the key. */
export function loadBytes(table: StickTable, off: number, len: number): void {
  const { key, keyView } = table;
  if (len < keyView.length) key.fill(0, len >> 2);
  for (let i = 0; i < len; i++) keyView[i] = mem[off + i]!;
  table.keyBytes = len;
}
