/**
 * Framing of HTTP/1 messages (RFC 9112 6): what Content-Length and Transfer-Encoding say, how the
 * end of the body is found, and the one spelling in which these fields travel on.
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../../sys/arena.ts';
import { FieldId } from '../field.ts';
import { BodyMode, Col, ConnectionFlag, type HttpMessage, ROW } from '../message.ts';
import { Method } from '../method.ts';
import { checkTarget } from './authority.ts';
import { Char, charClass } from './characters.ts';
import { connectionFlags, hasWebsocketKey, settleTe, settleUpgrade } from './hop.ts';
import { isWord, wordEquals } from './token.ts';

/** What `parseRequest` and `parseResponse` return when the head is not usable. */
export const enum HeadError {
  Incomplete = 0,
  /** 400 (request) or 502 (response). */
  Invalid = -1,
  /** More fields than tune.http.maxhdr: 431 or 502. */
  TooManyFields = -2,
  /** A payload where HTTP/1.0 has none for the method: 413. */
  Payload = -4,
  /** A transfer coding that cannot be handled: 422. */
  Coding = -5,
}

const SP = 32;
const TAB = 9;
const COMMA = 44;
const ZERO = 48;
const LENGTH_NAME = 14;
const CODING_NAME = 17;

const encoder = new TextEncoder();
const WORD_CONTINUE = encoder.encode('100-continue');
const WORD_CHUNKED = encoder.encode('chunked');
const chunked = reserveBytes('chunked');

/** Framing and connection fields, as they pass. @returns false to refuse the message. */
export function noteField(
  msg: HttpMessage,
  id: FieldId,
  off: number,
  len: number,
  relaxed: boolean,
): boolean {
  switch (id) {
    case FieldId.ContentLength:
      return noteLength(msg, off, len);
    case FieldId.TransferEncoding:
      return noteCoding(msg, off, len, relaxed && msg.isResponse);
    case FieldId.Connection:
      msg.connection |= connectionFlags(off, len);
      return true;
    case FieldId.ProxyConnection:
      msg.proxyConnection |= connectionFlags(off, len);
      return true;
    case FieldId.Expect:
      if (wordEquals(off, len, WORD_CONTINUE)) msg.expectContinue = true;
      return true;
    case FieldId.Upgrade:
    case FieldId.Http2Settings:
      msg.hasUpgrade = true;
      return true;
    case FieldId.Te:
      msg.hasTe = true;
      return true;
    default:
      return true;
  }
}

/**
 * RFC 9112 6.3: a list or a repetition of one identical length counts as one; anything else that
 * is not a plain decimal number is refused.
 */
function noteLength(msg: HttpMessage, off: number, len: number): boolean {
  const end = off + len;
  let p = off;
  for (;;) {
    let value = 0;
    const first = p;
    while (p < end && (charClass[mem[p]!]! & Char.Digit) !== 0) {
      value = value * 10 + (mem[p]! - 48);
      if (value > Number.MAX_SAFE_INTEGER) return false;
      p++;
    }
    if (p === first) return false;
    if (msg.hasLength && value !== msg.contentLength) return false;
    if (msg.hasLength || (mem[first] === ZERO && p > first + 1)) msg.respell = true;
    msg.hasLength = true;
    msg.contentLength = value;
    if (p === end) return true;
    while (p < end && (mem[p] === SP || mem[p] === TAB)) p++;
    if (p === end || mem[p] !== COMMA) return false;
    p++;
    while (p < end && (mem[p] === SP || mem[p] === TAB)) p++;
  }
}

/**
 * RFC 9112 6.1: `chunked` at most once and last, and no empty elements. Other codings are noted for
 * `finish*`.
 */
function noteCoding(msg: HttpMessage, off: number, len: number, relaxed: boolean): boolean {
  const end = off + len;
  let p = off;
  if (len === 0) return relaxed;
  if (msg.hasCoding || !isWord(off, len, WORD_CHUNKED)) msg.respell = true;
  msg.hasCoding = true;
  for (;;) {
    while (p < end && (mem[p] === SP || mem[p] === TAB)) p++;
    const word = p;
    while (p < end && mem[p] !== COMMA) p++;
    let wordEnd = p;
    while (wordEnd > word && (mem[wordEnd - 1] === SP || mem[wordEnd - 1] === TAB)) wordEnd--;
    if (wordEnd === word) {
      if (!relaxed) return false;
    } else if (wordEquals(word, wordEnd - word, WORD_CHUNKED)) {
      if (msg.chunkedLast && !relaxed) return false;
      msg.chunkedLast = true;
    } else {
      // A coding after chunked hides where the body ends.
      if (msg.chunkedLast) return false;
      msg.otherCoding = true;
    }
    if (p === end) return true;
    p++;
  }
}

/** One Content-Length with one number, one Transfer-Encoding that says `chunked`. */
function respell(msg: HttpMessage): void {
  if (msg.hasLength) {
    const i = msg.find(FieldId.ContentLength, 0, LENGTH_NAME, 0);
    if (i >= 0) {
      let off = msg.rows[i * ROW + Col.ValOff]!;
      let len = 0;
      while ((charClass[mem[off + len]!]! & Char.Digit) !== 0) len++;
      for (; len > 1 && mem[off] === ZERO; len--) off++;
      msg.setValue(i, off, len);
      dropFrom(msg, FieldId.ContentLength, LENGTH_NAME, i + 1);
    }
  }
  if (msg.chunkedLast) {
    const i = msg.find(FieldId.TransferEncoding, 0, CODING_NAME, 0);
    msg.setValue(i, chunked, WORD_CHUNKED.length);
    dropFrom(msg, FieldId.TransferEncoding, CODING_NAME, i + 1);
  }
}

function dropFrom(msg: HttpMessage, id: FieldId, nameLen: number, from: number): void {
  let i = msg.find(id, 0, nameLen, from);
  while (i >= 0) {
    msg.remove(i);
    i = msg.find(id, 0, nameLen, i + 1);
  }
}

/** Judges a complete request head. @returns 1 or a `HeadError`. */
export function finishRequest(msg: HttpMessage, relaxed: boolean): number {
  if (msg.hasCoding) {
    // RFC 9112 6.3: a request whose last coding is not chunked has no knowable end.
    if (!msg.chunkedLast) return HeadError.Invalid;
    if (msg.version < 11 && payloadIsOdd(msg.method)) return HeadError.Payload;
    if (msg.otherCoding) return HeadError.Coding;
    // RFC 9112 6.1: HTTP/1.0 knows no codings, so the framing is faulty.
    if (msg.version < 11) return HeadError.Invalid;
    msg.body = BodyMode.Chunked;
    if (msg.hasLength) {
      // RFC 9112 6.1: chunked wins, the length must not travel on, and the connection must close.
      msg.removeAll(FieldId.ContentLength, 0, LENGTH_NAME);
      msg.connection |= ConnectionFlag.Close;
      msg.insecureFraming = true;
    }
  } else if (msg.hasLength) {
    msg.body = msg.contentLength > 0 ? BodyMode.Length : BodyMode.None;
  }
  if (msg.respell) respell(msg);
  if (msg.body !== BodyMode.None && msg.version < 11 && payloadIsOdd(msg.method)) {
    return HeadError.Payload;
  }
  if (!checkTarget(msg, relaxed)) return HeadError.Invalid;
  if (msg.method === Method.Connect) {
    // RFC 9110 9.3.6: what follows is the tunnel's.
    removeFraming(msg);
    msg.body = BodyMode.None;
  }
  if (msg.hasTe) settleTe(msg);
  settleUpgrade(msg);
  if (msg.websocket && !relaxed && !hasWebsocketKey(msg)) return HeadError.Invalid;
  return 1;
}

/** Takes out what says how long the body is. */
export function removeFraming(msg: HttpMessage): void {
  msg.removeAll(FieldId.ContentLength, 0, LENGTH_NAME);
  msg.removeAll(FieldId.TransferEncoding, 0, CODING_NAME);
}

/** HTTP/1.0 has no body for these methods. */
export function payloadIsOdd(method: Method): boolean {
  return method === Method.Get || method === Method.Head || method === Method.Delete;
}

/** Judges a complete response head to a request of this method. */
export function finishResponse(msg: HttpMessage, method: Method, relaxed: boolean): boolean {
  const status = msg.status;
  if (msg.otherCoding) return false;
  if (msg.hasCoding && msg.hasLength) {
    // RFC 9112 6.3: the coding wins, the length must not travel on, and the connection must close.
    msg.removeAll(FieldId.ContentLength, 0, LENGTH_NAME);
    msg.insecureFraming = true;
  }
  if (msg.respell) respell(msg);
  // What an interim answer offers is for the client alone.
  if (status >= 200 || status === 101) settleUpgrade(msg);
  if (status === 101 || (method === Method.Connect && status >= 200 && status < 300)) {
    // RFC 9110 8.6 and 9.3.6: nothing here says how long a tunnel is.
    removeFraming(msg);
    msg.body = BodyMode.Tunnel;
    if (status !== 101) return true;
    // RFC 9110 15.2.2: the answer says which protocol comes.
    if ((msg.connection & ConnectionFlag.Upgrade) === 0) return false;
    return relaxed || !msg.websocket || msg.find(FieldId.SecWebsocketAccept, 0, 20, 0) >= 0;
  }
  if (status < 200 || status === 204) {
    // RFC 9110 8.6: neither field belongs here.
    removeFraming(msg);
    msg.body = BodyMode.None;
  } else if (status === 304 || method === Method.Head) {
    msg.body = BodyMode.None;
  } else if (msg.chunkedLast) {
    if (msg.version < 11) return false;
    msg.body = BodyMode.Chunked;
  } else if (msg.hasLength) {
    msg.body = msg.contentLength > 0 ? BodyMode.Length : BodyMode.None;
  } else {
    msg.body = BodyMode.Close;
  }
  return true;
}
