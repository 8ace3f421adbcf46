/**
 * The parser of HTTP/1 heads (RFC 9112 2 to 6). It runs once a whole head may be there, touches
 * each byte once, folds field names to lower case in place and leaves integers in an `HttpMessage`.
 *
 * It is strict: what two implementations could read differently is refused, never repaired,
 * because a proxy that guesses is a way to smuggle requests (RFC 9112 11.2). `relaxed` follows
 * `option accept-unsafe-violations-in-http-request/-response`.
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../../sys/arena.ts';
import { FieldId, fieldId } from '../field.ts';
import { Col, type HttpMessage, ROW } from '../message.ts';
import { Method } from '../method.ts';
import { checkTarget } from './authority.ts';
import { Char, charClass, tokenLower } from './characters.ts';
import { finishRequest, finishResponse, HeadError, noteField } from './framing.ts';

export { HeadError };

const CR = 13;
const LF = 10;
const SP = 32;
const TAB = 9;
const COLON = 58;
const SLASH = 47;

/** A request without a version travels on, and is logged, as one of HTTP/1.0. */
const oldVersion = reserveBytes(' HTTP/1.0');

/** Set by parseFields for the caller: the position after the blank line. */
let fieldsEnd = 0;

/**
 * Parses a request head at `off`, `len` bytes available.
 * @param fieldsMax tune.http.maxhdr
 * @returns bytes of the head including the blank line, or a `HeadError`.
 */
export function parseRequest(
  msg: HttpMessage,
  off: number,
  len: number,
  fieldsMax: number,
  relaxed: boolean,
): number {
  const end = off + len;
  let p = off;
  msg.begin();
  // RFC 9112 2.2: empty lines before the request line are skipped.
  while (p + 1 < end && mem[p] === CR && mem[p + 1] === LF) p += 2;
  const start = p;
  while (p < end && (charClass[mem[p]!]! & Char.Token) !== 0) p++;
  if (p === end) return HeadError.Incomplete;
  if (mem[p] !== SP || p === start)
    return startsBlank(start, end) ? HeadError.Incomplete : HeadError.Invalid;
  msg.methodOff = start;
  msg.methodLen = p - start;
  msg.method = methodOf(start, p - start);
  const uri = ++p;
  p = skipTarget(p, end, relaxed);
  if (p === end) return HeadError.Incomplete;
  if (p === uri) return HeadError.Invalid;
  msg.uriOff = uri;
  msg.uriLen = p - uri;
  if (mem[p] !== SP) return relaxed ? http09(msg, off, start, p, end) : HeadError.Invalid;
  msg.versionOff = p++;
  if (end - p < 10) return versionPrefix(p, end) ? HeadError.Incomplete : HeadError.Invalid;
  const version = versionAt(p);
  if (version <= 0) return HeadError.Invalid;
  msg.version = version;
  p += 8;
  if (mem[p] !== CR || mem[p + 1] !== LF) return HeadError.Invalid;
  const result = parseFields(msg, p + 2, end, fieldsMax, relaxed);
  if (result <= 0) return result;
  msg.headOff = start;
  msg.headLen = fieldsEnd - start;
  const verdict = finishRequest(msg, relaxed);
  return verdict < 0 ? verdict : fieldsEnd - off;
}

/** As `parseRequest`, for a response to a request of method `method`. */
export function parseResponse(
  msg: HttpMessage,
  off: number,
  len: number,
  fieldsMax: number,
  relaxed: boolean,
  method: Method,
): number {
  const end = off + len;
  msg.begin();
  if (len < 15) return versionPrefix(off, end) ? HeadError.Incomplete : HeadError.Invalid;
  const version = versionAt(off);
  if (version <= 0) return HeadError.Invalid;
  msg.version = version;
  let p = off + 8;
  if (mem[p] !== SP) return HeadError.Invalid;
  const status = statusAt(p + 1);
  if (status < 100) return HeadError.Invalid;
  msg.status = status;
  p += 4;
  // The reason may be absent altogether, and then its blank too (RFC 9112 4 asks for it).
  if (mem[p] === SP) p++;
  else if (mem[p] !== CR) return HeadError.Invalid;
  // More blanks than one are not of the phrase.
  while (p < end && (mem[p] === SP || mem[p] === TAB)) p++;
  msg.reasonOff = p;
  while (p < end && (charClass[mem[p]!]! & Char.Value) !== 0) p++;
  msg.reasonLen = p - msg.reasonOff;
  if (p + 1 >= end) return p === end || mem[p] === CR ? HeadError.Incomplete : HeadError.Invalid;
  if (mem[p] !== CR || mem[p + 1] !== LF) return HeadError.Invalid;
  const result = parseFields(msg, p + 2, end, fieldsMax, relaxed);
  if (result <= 0) return result;
  msg.headOff = off;
  msg.headLen = fieldsEnd - off;
  return finishResponse(msg, method, relaxed) ? fieldsEnd - off : HeadError.Invalid;
}

function startsBlank(start: number, end: number): boolean {
  return start + 1 === end && mem[start] === CR;
}

function skipTarget(from: number, end: number, relaxed: boolean): number {
  let p = from;
  if (!relaxed) {
    while (p < end && (charClass[mem[p]!]! & Char.Target) !== 0) p++;
    return p;
  }
  while (p < end && mem[p]! > SP && mem[p] !== 127) p++;
  return p;
}

/** HTTP/0.9: `GET /path CRLF` and nothing else, accepted only when relaxed. */
function http09(msg: HttpMessage, off: number, start: number, p: number, end: number): number {
  if (p + 1 >= end) return HeadError.Incomplete;
  if (mem[p] !== CR || mem[p + 1] !== LF || msg.method !== Method.Get) return HeadError.Invalid;
  if (!checkTarget(msg, true)) return HeadError.Invalid;
  msg.version = 9;
  msg.versionOff = oldVersion;
  msg.headOff = start;
  msg.headLen = p + 2 - start;
  return p + 2 - off;
}

/** 10 or 11 for HTTP/1.0 and HTTP/1.x; 0 = malformed or another major version. */
function versionAt(p: number): number {
  if (mem[p] !== 72 || mem[p + 1] !== 84 || mem[p + 2] !== 84 || mem[p + 3] !== 80) return 0;
  if (mem[p + 4] !== SLASH || mem[p + 6] !== 46) return 0;
  const major = mem[p + 5]! - 48;
  const minor = mem[p + 7]! - 48;
  if (major !== 1 || minor < 0 || minor > 9) return 0;
  return minor === 0 ? 10 : 11;
}

/** Whether the bytes so far can still become `HTTP/x.y` and more. */
function versionPrefix(p: number, end: number): boolean {
  const n = end - p < 8 ? end - p : 8;
  for (let i = 0; i < n; i++) {
    const c = mem[p + i]!;
    const ok =
      i === 0
        ? c === 72
        : i === 1 || i === 2
          ? c === 84
          : i === 3
            ? c === 80
            : i === 4
              ? c === SLASH
              : i === 6
                ? c === 46
                : (charClass[c]! & Char.Digit) !== 0;
    if (!ok) return false;
  }
  return true;
}

/** Three digits, or 0. */
function statusAt(p: number): number {
  const a = mem[p]! - 48;
  const b = mem[p + 1]! - 48;
  const c = mem[p + 2]! - 48;
  if (a < 1 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return 0;
  return a * 100 + b * 10 + c;
}

/**
 * Field lines up to the blank line.
 * @returns 1 when complete (`fieldsEnd` is set), or a `HeadError`.
 */
function parseFields(
  msg: HttpMessage,
  from: number,
  end: number,
  fieldsMax: number,
  relaxed: boolean,
): number {
  const rows = msg.rows;
  let p = from;
  let n = 0;
  for (;;) {
    if (p >= end) return HeadError.Incomplete;
    if (mem[p] === CR) {
      if (p + 1 >= end) return HeadError.Incomplete;
      if (mem[p + 1] !== LF) return HeadError.Invalid;
      msg.count = n;
      fieldsEnd = p + 2;
      return 1;
    }
    const name = p;
    let c = 0;
    for (; p < end; p++) {
      c = mem[p]!;
      const lower = tokenLower[c]!;
      if (lower === 0) break;
      if (lower !== c) mem[p] = lower;
    }
    if (p === end) return HeadError.Incomplete;
    // RFC 9112 5.1: no blank before the colon; 5.2: a line that starts with a blank is obsolete
    // folding. Both end here, because a blank is no token character.
    const named = c === COLON;
    const nameLen = p - name;
    if (named ? nameLen === 0 : !relaxed) return HeadError.Invalid;
    if (!named) {
      p = skipBadName(p, end);
      if (p <= 0) return p === 0 ? HeadError.Incomplete : HeadError.Invalid;
    }
    p++;
    const afterColon = p;
    while (p < end && (mem[p] === SP || mem[p] === TAB)) p++;
    const value = p;
    while (p < end && ((charClass[mem[p]!]! & Char.Value) !== 0 || (relaxed && mem[p] === 0))) p++;
    if (p + 1 >= end) return p === end || mem[p] === CR ? HeadError.Incomplete : HeadError.Invalid;
    if (mem[p] !== CR || mem[p + 1] !== LF) return HeadError.Invalid;
    let valueEnd = p;
    while (valueEnd > value && (mem[valueEnd - 1] === SP || mem[valueEnd - 1] === TAB)) valueEnd--;
    if (named) {
      if (n >= fieldsMax) return HeadError.TooManyFields;
      const id = fieldId(name, nameLen);
      const r = n++ * ROW;
      rows[r + Col.NameOff] = name;
      rows[r + Col.NameLen] = nameLen;
      rows[r + Col.ValOff] = value;
      rows[r + Col.ValLen] = valueEnd - value;
      rows[r + Col.Id] = id;
      rows[r + Col.Canonical] =
        value === afterColon + 1 && valueEnd === p && mem[afterColon] === SP ? 1 : 0;
      if (id !== FieldId.Other && !noteField(msg, id, value, valueEnd - value, relaxed)) {
        return HeadError.Invalid;
      }
    }
    p += 2;
  }
}

/** Relaxed mode: the position of the colon of a field whose name is invalid; 0 = more bytes. */
function skipBadName(from: number, end: number): number {
  let p = from;
  while (p < end && mem[p] !== COLON && mem[p] !== CR && mem[p] !== LF) p++;
  if (p === end) return 0;
  return mem[p] === COLON ? p : -1;
}

/** The method at `off`; HTTP methods are case-sensitive. */
function methodOf(off: number, len: number): Method {
  switch (len) {
    case 3:
      if (mem[off] === 71 && mem[off + 1] === 69 && mem[off + 2] === 84) return Method.Get;
      if (mem[off] === 80 && mem[off + 1] === 85 && mem[off + 2] === 84) return Method.Put;
      return Method.Other;
    case 4:
      if (wordIs(off, len, METHOD_POST)) return Method.Post;
      return wordIs(off, len, METHOD_HEAD) ? Method.Head : Method.Other;
    case 5:
      if (wordIs(off, len, METHOD_PATCH)) return Method.Patch;
      return wordIs(off, len, METHOD_TRACE) ? Method.Trace : Method.Other;
    case 6:
      return wordIs(off, len, METHOD_DELETE) ? Method.Delete : Method.Other;
    case 7:
      if (wordIs(off, len, METHOD_OPTIONS)) return Method.Options;
      return wordIs(off, len, METHOD_CONNECT) ? Method.Connect : Method.Other;
    default:
      return Method.Other;
  }
}

function wordIs(off: number, len: number, word: Uint8Array): boolean {
  for (let i = 0; i < len; i++) if (mem[off + i] !== word[i]) return false;
  return true;
}

const encoder = new TextEncoder();
const METHOD_POST = encoder.encode('POST');
const METHOD_HEAD = encoder.encode('HEAD');
const METHOD_PATCH = encoder.encode('PATCH');
const METHOD_TRACE = encoder.encode('TRACE');
const METHOD_DELETE = encoder.encode('DELETE');
const METHOD_OPTIONS = encoder.encode('OPTIONS');
const METHOD_CONNECT = encoder.encode('CONNECT');
