/**
 * `balance url_param <name>` (configuration.txt 4.2): the value of a parameter of the query string.
 * Parameters end at `&`; the first one of the name counts, and its value may be empty.
 *
 * @dataplane
 */
import { sameBytes } from '../../http/message.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { type BalanceKey, NO_KEY } from '../balancer.ts';
import type { HashFunction } from './hash-function.ts';

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const QUESTION = 0x3f;

/** @param args the parameter's name */
export function createUrlParameterKey(args: readonly ArgConfig[], hash: HashFunction): BalanceKey {
  const name = String(args[0]);
  const nameOff = reserveBytes(name);
  const nameLen = name.length;
  return (ctx) => {
    const req = ctx.request;
    if (req === null) return NO_KEY;
    const end = req.uriOff + req.uriLen;
    let at = endOf(req.uriOff, end, QUESTION) + 1;
    while (at < end) {
      const stop = endOf(at, end, AMPERSAND);
      const value = at + nameLen + 1;
      if (value <= stop && mem[value - 1] === EQUALS && sameBytes(at, nameOff, nameLen)) {
        return hash(value, stop - value);
      }
      at = stop + 1;
    }
    return NO_KEY;
  };
}

/** Where the byte stands, or `end`. */
function endOf(from: number, end: number, byte: number): number {
  let at = from;
  while (at < end && mem[at] !== byte) at++;
  return at;
}
