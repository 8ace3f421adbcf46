/**
 * `balance uri` (configuration.txt 4.2): the target of the request as its rules left it, up to the
 * question mark or `whole`, from its first byte or the first slash of the path (`path-only`), and
 * not more than `len` bytes or `depth` slashes of it.
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import { type BalanceKey, NO_KEY } from '../balancer.ts';
import type { HashFunction } from './hash-function.ts';

const SLASH = 0x2f;
const QUESTION = 0x3f;
const COLON = 0x3a;

/** Where the path of a target begins; its end when it has none. */
function pathStart(off: number, end: number): number {
  if (off < end && mem[off] === SLASH) return off;
  // An absolute form: the first slash behind `scheme://authority`.
  let at = off;
  while (at < end && mem[at] !== COLON && mem[at] !== QUESTION) at++;
  if (at + 2 < end && mem[at] === COLON && mem[at + 1] === SLASH && mem[at + 2] === SLASH) at += 3;
  while (at < end && mem[at] !== SLASH && mem[at] !== QUESTION) at++;
  return at;
}

/** @param args length, depth (0 = no limit), `whole` and `path-only` as 0 or 1 */
export function createUriKey(args: readonly ArgConfig[], hash: HashFunction): BalanceKey {
  const [lengthMax, depthMax, whole, pathOnly] = args.map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return (ctx) => {
    const req = ctx.request;
    if (req === null) return NO_KEY;
    const off = pathOnly === 0 ? req.uriOff : pathStart(req.uriOff, req.uriOff + req.uriLen);
    const end = req.uriOff + req.uriLen;
    const until = lengthMax > 0 && off + lengthMax < end ? off + lengthMax : end;
    let slashes = 0;
    let at = off;
    for (; at < until; at++) {
      if (mem[at] === QUESTION && whole === 0) break;
      if (mem[at] === SLASH && depthMax > 0 && ++slashes > depthMax) break;
    }
    return hash(off, at - off);
  };
}
