/**
 * The parts of a request target, found on its bytes (RFC 9112 3.2, RFC 3986 3).
 *
 *   origin-form      /path?query
 *   absolute-form    scheme://authority/path?query
 *   authority-form   host:port            (CONNECT)
 *   asterisk-form    *                    (OPTIONS)
 *
 * Every function takes the slice of the target and answers with an arena offset between `off` and
 * `off + len`; `off + len` means that there is no such part. Nothing is decoded or normalised: rules
 * and fetches see what the client sent. Malformed targets have been refused by the parser before.
 *
 * @dataplane
 */
import { mem } from '../sys/arena.ts';

const SLASH = 0x2f;
const COLON = 0x3a;
const QUESTION = 0x3f;
const HASH = 0x23;
const STAR = 0x2a;
const AT = 0x40;

export const enum TargetForm {
  Empty = 0,
  Origin = 1,
  Absolute = 2,
  Authority = 3,
  Asterisk = 4,
}

export function targetForm(off: number, len: number): TargetForm {
  if (len === 0) return TargetForm.Empty;
  const first = mem[off]!;
  if (first === SLASH) return TargetForm.Origin;
  if (first === STAR && len === 1) return TargetForm.Asterisk;
  return schemeLength(off, len) > 0 ? TargetForm.Absolute : TargetForm.Authority;
}

/** Bytes of the scheme of an absolute-form target, `://` not included; 0 for other forms. */
export function schemeLength(off: number, len: number): number {
  for (let i = 0; i + 2 < len; i++) {
    const byte = mem[off + i]!;
    if (byte === COLON) {
      return i > 0 && mem[off + i + 1] === SLASH && mem[off + i + 2] === SLASH ? i : 0;
    }
    // RFC 3986 3.1: a letter, then letters, digits, "+", "-" and ".".
    const letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
    if (letter) continue;
    const other = (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e;
    if (i === 0 || !other) return 0;
  }
  return 0;
}

/** First byte of the authority, user information included; the end when there is none. */
export function authorityStart(off: number, len: number): number {
  if (len === 0 || mem[off] === SLASH || (mem[off] === STAR && len === 1)) return off + len;
  const scheme = schemeLength(off, len);
  return scheme > 0 ? off + scheme + 3 : off;
}

/** End of the authority that starts at `start` (see `authorityStart`). */
export function authorityEnd(start: number, off: number, len: number): number {
  const end = off + len;
  let at = start;
  while (at < end && mem[at] !== SLASH && mem[at] !== QUESTION && mem[at] !== HASH) at++;
  return at;
}

/** First byte of the host within an authority `[start, end)`: after the user information. */
export function hostStart(start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) if (mem[at] === AT) return at + 1;
  return start;
}

/**
 * First byte of the path. An absolute-form target without a path (`http://host`, `http://host?q`)
 * and the authority- and asterisk-forms have none.
 */
export function pathStart(off: number, len: number): number {
  const end = off + len;
  if (len === 0) return end;
  if (mem[off] === SLASH) return off;
  const scheme = schemeLength(off, len);
  if (scheme === 0) return end;
  const at = authorityEnd(off + scheme + 3, off, len);
  return at < end && mem[at] === SLASH ? at : end;
}

/** End of the path that starts at `start`: the `?`, or the end of the target. */
export function pathEnd(start: number, off: number, len: number): number {
  const end = off + len;
  let at = start;
  while (at < end && mem[at] !== QUESTION) at++;
  return at;
}

/** Offset of the `?` that begins the query; the end of the target when there is none. */
export function queryMark(off: number, len: number): number {
  return pathEnd(off, off, len);
}
