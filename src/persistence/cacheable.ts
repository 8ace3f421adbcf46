/**
 * Whether a cache might store a response (RFC 9111 3), as `cookie ... nocache` asks (configuration.txt
 * 4.2): only then it must be told not to, because a cookie was added.
 *
 * @dataplane
 */
import { FieldId } from '../http/field.ts';
import { Col, type HttpMessage, ROW } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { Bytes } from '../model/runtime.ts';
import { mem } from '../sys/arena.ts';

const CACHE_CONTROL_LEN = 13;
const COMMA = 0x2c;
const QUOTE = 0x22;
const EQUALS = 0x3d;

const expires = new Bytes('expires');
const etag = new Bytes('etag');
const lastModified = new Bytes('last-modified');
const pragma = new Bytes('pragma');
const noCache = new Bytes('no-cache');
const noCacheCookie = new Bytes('no-cache="set-cookie"');
const noStore = new Bytes('no-store');
const isPrivate = new Bytes('private');
const maxAge = new Bytes('max-age=');
const maxAgeZero = new Bytes('max-age=0');
const sharedAge = new Bytes('s-maxage=');
const sharedAgeZero = new Bytes('s-maxage=0');

const enum Says {
  Nothing = 0,
  Fresh = 1,
  Stale = 2,
  Never = 3,
}

/** RFC 9110 15.1, without 308. */
function isCacheableStatus(status: number): boolean {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 206:
    case 300:
    case 301:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
      return true;
    default:
      return false;
  }
}

/** RFC 9110 9.2.1: the safe methods. */
function isSafe(method: Method): boolean {
  switch (method) {
    case Method.Get:
    case Method.Head:
    case Method.Options:
    case Method.Trace:
      return true;
    default:
      return false;
  }
}

/** @param method of the request */
export function isCacheable(msg: HttpMessage, method: Method): boolean {
  if (!isSafe(method) || !isCacheableStatus(msg.status)) return false;
  if (hasValue(msg, pragma, noCache)) return false;
  const says = cacheControl(msg);
  if (says === Says.Never || says === Says.Stale) return false;
  return says === Says.Fresh || has(msg, expires) || has(msg, etag) || has(msg, lastModified);
}

function has(msg: HttpMessage, name: Bytes): boolean {
  return msg.find(FieldId.Other, name.off, name.len, 0) >= 0;
}

function hasValue(msg: HttpMessage, name: Bytes, value: Bytes): boolean {
  const row = msg.find(FieldId.Other, name.off, name.len, 0);
  if (row < 0) return false;
  const r = row * ROW;
  return isText(msg.rows[r + Col.ValOff]!, msg.rows[r + Col.ValLen]!, value);
}

/** What all Cache-Control fields say together. */
function cacheControl(msg: HttpMessage): Says {
  let says = Says.Nothing;
  let row = msg.find(FieldId.CacheControl, 0, CACHE_CONTROL_LEN, 0);
  while (row >= 0) {
    const off = msg.rows[row * ROW + Col.ValOff]!;
    const end = off + msg.rows[row * ROW + Col.ValLen]!;
    for (let at = off; at < end; ) {
      const until = elementEnd(at, end);
      const said = directive(at, until);
      if (said === Says.Never) return said;
      if (said !== Says.Nothing) says = said;
      at = until + 1;
    }
    row = msg.find(FieldId.CacheControl, 0, CACHE_CONTROL_LEN, row + 1);
  }
  return says;
}

function elementEnd(from: number, end: number): number {
  let quoted = false;
  for (let at = from; at < end; at++) {
    if (mem[at] === QUOTE) quoted = !quoted;
    else if (mem[at] === COMMA && !quoted) return at;
  }
  return end;
}

function directive(from: number, until: number): Says {
  let off = from;
  let end = until;
  while (off < end && isBlank(mem[off]!)) off++;
  while (end > off && isBlank(mem[end - 1]!)) end--;
  const len = end - off;
  if (isText(off, len, noCacheCookie)) return Says.Nothing;
  if (isWord(off, len, noCache) || isWord(off, len, isPrivate)) return Says.Never;
  if (isText(off, len, noStore)) return Says.Never;
  if (isText(off, len, maxAgeZero) || isText(off, len, sharedAgeZero)) return Says.Stale;
  if (starts(off, len, maxAge) || starts(off, len, sharedAge)) return Says.Fresh;
  return Says.Nothing;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** The word alone, or with an argument. */
function isWord(off: number, len: number, word: Bytes): boolean {
  if (!starts(off, len, word)) return false;
  return len === word.len || mem[off + word.len] === EQUALS;
}

function isText(off: number, len: number, word: Bytes): boolean {
  return len === word.len && starts(off, len, word);
}

/** Case does not count. @param word in lower case */
function starts(off: number, len: number, word: Bytes): boolean {
  if (len < word.len) return false;
  for (let i = 0; i < word.len; i++) {
    const byte = mem[off + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    if (lower !== mem[word.off + i]) return false;
  }
  return true;
}
