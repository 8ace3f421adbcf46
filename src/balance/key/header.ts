/**
 * `balance hdr(<name>)` (configuration.txt 4.2): the first value of the field. With `use_domain_only`
 * what stands between the last two dots of it; of a value without a dot, all.
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import { FieldName, findValue, valueLen, valueOff } from '../../rules/fetch/field-walk.ts';
import { mem } from '../../sys/arena.ts';
import { type BalanceKey, NO_KEY } from '../balancer.ts';
import type { HashFunction } from './hash-function.ts';

const DOT = 0x2e;

/** @param args the name, and whether only the domain counts, 0 or 1 */
export function createHeaderKey(args: readonly ArgConfig[], hash: HashFunction): BalanceKey {
  const name = new FieldName(String(args[0]));
  const onlyDomain = args[1] === 1;
  return (ctx) => {
    const req = ctx.request;
    if (req === null || !findValue(req, name, true, 1) || valueLen === 0) return NO_KEY;
    return onlyDomain ? hashDomain(valueOff, valueLen, hash) : hash(valueOff, valueLen);
  };
}

function hashDomain(off: number, len: number, hash: HashFunction): number {
  let end = off + len - 1;
  while (end > off && mem[end] !== DOT) end--;
  if (end === off) return hash(off, len);
  let start = end - 1;
  while (start > off && mem[start - 1] !== DOT) start--;
  return hash(start, end - start);
}
