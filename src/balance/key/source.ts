/**
 * `balance source` (configuration.txt 4.2): the client's address. HAProxy 3.2 does not hash it: the
 * address is cut into 32-bit numbers, highest byte first, which are combined by exclusive or; of
 * `hash-type` only the avalanche applies.
 *
 * @dataplane
 */
import type { HashTypeConfig } from '../../model/config.ts';
import { Family } from '../../model/stream.ts';
import { avalanche } from '../../rules/hash.ts';
import { mem } from '../../sys/arena.ts';
import { type BalanceKey, NO_KEY } from '../balancer.ts';

function wordAt(off: number): number {
  return (mem[off]! << 24) | (mem[off + 1]! << 16) | (mem[off + 2]! << 8) | mem[off + 3]!;
}

/** Clients of a unix socket have no key. */
export function createSourceKey(type: HashTypeConfig): BalanceKey {
  const mixes = type.avalanche;
  return (ctx) => {
    const { sourceFamily, addressOff } = ctx.session;
    let key = wordAt(addressOff);
    if (sourceFamily === Family.Inet6) {
      key ^= wordAt(addressOff + 4) ^ wordAt(addressOff + 8) ^ wordAt(addressOff + 12);
    } else if (sourceFamily !== Family.Inet) {
      return NO_KEY;
    }
    return mixes ? avalanche(key) : key >>> 0;
  };
}
