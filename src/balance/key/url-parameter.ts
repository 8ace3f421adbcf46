/**
 * `balance url_param <name> [check_post]` (configuration.txt 4.2): the value of a parameter of the
 * query string, with `check_post` else of the body of a POST request, which is waited for.
 *
 * Parameters end at `&`; the first one of the name counts, and its value may be empty. In a body,
 * white space ends a value too, and one with other characters than those of a token is no key: so
 * does HAProxy 3.2.
 *
 * @dataplane
 */
import { Char, charClass } from '../../http/h1/characters.ts';
import { sameBytes } from '../../http/message.ts';
import { Method } from '../../http/method.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { type BalanceKey, NO_KEY } from '../balancer.ts';
import { dataLen, dataOff, readBody } from './body-data.ts';
import type { HashFunction } from './hash-function.ts';

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const QUESTION = 0x3f;

/** @param args the parameter's name, and whether the body counts, 0 or 1 */
export function createUrlParameterKey(args: readonly ArgConfig[], hash: HashFunction): BalanceKey {
  const name = String(args[0]);
  const nameOff = reserveBytes(name);
  const nameLen = name.length;
  const checksPost = args[1] === 1;
  return (ctx, bodyOff, bodyLen) => {
    const req = ctx.request;
    if (req === null) return NO_KEY;
    const end = req.uriOff + req.uriLen;
    const query = endOf(req.uriOff, end, QUESTION) + 1;
    const value = findValue(query, end, nameOff, nameLen);
    if (value >= 0) return hash(value, endOf(value, end, AMPERSAND) - value);
    if (!checksPost || req.method !== Method.Post) return NO_KEY;
    readBody(req, bodyOff, bodyLen);
    return keyInBody(nameOff, nameLen, hash);
  };
}

/** Where the value of the first parameter of this name begins, or -1. */
function findValue(off: number, end: number, nameOff: number, nameLen: number): number {
  let at = off;
  while (at < end) {
    const stop = endOf(at, end, AMPERSAND);
    const value = at + nameLen + 1;
    const isOurs = value <= stop && mem[value - 1] === EQUALS && sameBytes(at, nameOff, nameLen);
    if (isOurs) return value;
    at = stop + 1;
  }
  return -1;
}

function keyInBody(nameOff: number, nameLen: number, hash: HashFunction): number {
  const end = dataOff + dataLen;
  const value = findValue(dataOff, end, nameOff, nameLen);
  if (value < 0) return NO_KEY;
  let at = value;
  for (; at < end && mem[at] !== AMPERSAND; at++) {
    const byte = mem[at]!;
    if (byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a) break;
    if ((charClass[byte]! & Char.Token) === 0) return NO_KEY;
  }
  return hash(value, at - value);
}

/** Where the byte stands, or `end`. */
function endOf(from: number, end: number, byte: number): number {
  let at = from;
  while (at < end && mem[at] !== byte) at++;
  return at;
}
