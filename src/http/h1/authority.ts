/**
 * The request target and Host (RFC 9112 3.2, RFC 3986 3.2): both say where a request goes, and two
 * hops that read them differently route one request differently. So each form is checked, Host is
 * `host [":" port]` and nothing else, and the authority of a target says the same as Host.
 *
 * Ports are compared as they are spelt, after the scheme's default has been taken out: `a:080` is
 * not `a:80`, because the next hop may compare text.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import { FieldId } from '../field.ts';
import { Col, type HttpMessage, ROW } from '../message.ts';
import { Method } from '../method.ts';
import { authorityEnd, hostStart, schemeLength, TargetForm, targetForm } from '../uri.ts';
import { Char, charClass } from './characters.ts';
import { lower, wordEquals } from './token.ts';

const SLASH = 47;
const ZERO = 48;
const COLON = 58;
const OPEN = 91;
const CLOSE = 93;
const PERCENT = 37;
const STAR = 42;
const HOST_LEN = 4;

const encoder = new TextEncoder();
const PREFACE = encoder.encode('pri');
const WORD_HTTP = encoder.encode('http');
const WORD_HTTPS = encoder.encode('https');

/**
 * Whether a slice is `host [":" port]` (RFC 3986 3.2.2 and 3.2.3); an empty one is.
 * @param kind `Char.Host` by the book, or `Char.LooseHost`: no byte that ends an authority.
 */
export function isAuthority(off: number, len: number, kind: Char.Host | Char.LooseHost): boolean {
  const end = off + len;
  let p = off;
  if (p < end && mem[p] === OPEN) {
    // What an address in brackets says is the business of who looks it up.
    p++;
    while (p < end && (charClass[mem[p]!]! & Char.LooseHost) !== 0) p++;
    if (p === end || mem[p] !== CLOSE) return false;
    p++;
  } else {
    for (; p < end && (charClass[mem[p]!]! & kind) !== 0; p++) {
      if (mem[p] === PERCENT && kind === Char.Host && !isEscape(p, end)) return false;
    }
  }
  if (p === end) return true;
  if (mem[p] !== COLON) return false;
  const rest = kind === Char.Host ? Char.Digit : Char.LooseHost;
  for (p++; p < end; p++) if ((charClass[mem[p]!]! & rest) === 0) return false;
  return true;
}

/** RFC 3986 2.1: a percent sign and two hexadecimal digits. */
function isEscape(p: number, end: number): boolean {
  if (p + 2 >= end) return false;
  return (charClass[mem[p + 1]!]! & charClass[mem[p + 2]!]! & Char.HexDigit) !== 0;
}

/**
 * Checks Host and target, and leaves one spelling of both: one Host, no port that is the scheme's
 * default in the target (RFC 9110 4.2.3), and a path in an absolute-form target that has nothing
 * behind its authority (RFC 9112 3.2.1).
 * Host follows a target that had to be changed.
 * @param relaxed accept-unsafe-violations-in-http-request: authorities are not compared.
 * @returns false to refuse the request (400).
 */
export function checkTarget(msg: HttpMessage, relaxed: boolean): boolean {
  const host = msg.find(FieldId.Host, 0, HOST_LEN, 0);
  if (host >= 0) {
    const { rows } = msg;
    const kind = relaxed ? Char.LooseHost : Char.Host;
    const off = rows[host * ROW + Col.ValOff]!;
    if (!isAuthority(off, rows[host * ROW + Col.ValLen]!, kind)) return false;
    if (!dropEqualHosts(msg, host)) return false;
  }
  // The method of the preface of HTTP/2 is none of HTTP/1 (RFC 9113 11.6).
  if (msg.method === Method.Other && wordEquals(msg.methodOff, msg.methodLen, PREFACE))
    return false;
  const form = mem[msg.uriOff] === SLASH ? TargetForm.Origin : targetForm(msg.uriOff, msg.uriLen);
  if (msg.method === Method.Connect) {
    if (form !== TargetForm.Authority || mem[msg.uriOff] === STAR) return false;
    return relaxed || checkConnect(msg, host);
  }
  if (form === TargetForm.Origin) return true;
  if (form === TargetForm.Absolute) return checkAbsolute(msg, host, relaxed);
  return form === TargetForm.Asterisk && msg.method === Method.Options;
}

/** RFC 9112 3.2: several Host fields are refused; those that say the same count as one. */
function dropEqualHosts(msg: HttpMessage, first: number): boolean {
  const { rows } = msg;
  const off = rows[first * ROW + Col.ValOff]!;
  const len = rows[first * ROW + Col.ValLen]!;
  for (let i = msg.find(FieldId.Host, 0, HOST_LEN, first + 1); i >= 0; ) {
    if (!sameText(off, len, rows[i * ROW + Col.ValOff]!, rows[i * ROW + Col.ValLen]!)) return false;
    msg.remove(i);
    i = msg.find(FieldId.Host, 0, HOST_LEN, i + 1);
  }
  return true;
}

/** CONNECT takes `host:port` with a port from 1 to 65535, which Host must name (RFC 9110 9.3.6). */
function checkConnect(msg: HttpMessage, host: number): boolean {
  const off = msg.uriOff;
  const len = msg.uriLen;
  if (!isAuthority(off, len, Char.Host)) return false;
  const at = portStart(off, len);
  const name = at - 1 - off;
  if (name <= 0 || mem[at - 1] !== COLON || port < 1 || port > 65535) return false;
  if (host < 0) return true;
  const hostOff = msg.rows[host * ROW + Col.ValOff]!;
  const hostLen = msg.rows[host * ROW + Col.ValLen]!;
  const isDefault = (port === 80 || port === 443) && mem[at] !== ZERO;
  if (sameText(hostOff, hostLen, off, len)) {
    if (isDefault) msg.setValue(host, hostOff, name);
    return true;
  }
  return isDefault && sameText(hostOff, bareLength(hostOff, hostLen, port), off, name);
}

/** `scheme://authority/path`, with user information refused (RFC 9110 4.2.4). */
function checkAbsolute(msg: HttpMessage, host: number, relaxed: boolean): boolean {
  const off = msg.uriOff;
  const scheme = schemeLength(off, msg.uriLen);
  const authority = off + scheme + 3;
  const until = authorityEnd(authority, off, msg.uriLen);
  const len = until - authority;
  const usual = defaultPort(off, scheme);
  const bare = bareLength(authority, len, usual);
  if (!relaxed) {
    // RFC 9110 4.2.1: an http URI with an empty host is invalid, with or without a port.
    if (bare === 0 || mem[authority] === COLON) return false;
    if (!isAuthority(authority, len, Char.Host)) return false;
  }
  const isBare = until === off + msg.uriLen && msg.method !== Method.Options;
  if (!relaxed && host >= 0) {
    const hostOff = msg.rows[host * ROW + Col.ValOff]!;
    const hostLen = bareLength(hostOff, msg.rows[host * ROW + Col.ValLen]!, usual);
    if (!sameText(hostOff, hostLen, authority, bare)) return false;
  }
  if (bare === len && !isBare) return true;
  const tail = off + msg.uriLen - until;
  const head = authority + bare - off;
  const at = msg.takeScratch(head + tail + 1);
  if (at === 0) return false;
  mem.copyWithin(at, off, off + head);
  mem.copyWithin(at + head, until, until + tail);
  if (isBare) mem[at + head] = SLASH;
  msg.setUri(at, head + tail + (isBare ? 1 : 0));
  if (host >= 0) {
    const from = hostStart(at + head - bare, at + head);
    msg.setValue(host, from, at + head - from);
  }
  return true;
}

/** The default port of a scheme; -1 = none that is known here. */
function defaultPort(off: number, len: number): number {
  if (wordEquals(off, len, WORD_HTTP)) return 80;
  return wordEquals(off, len, WORD_HTTPS) ? 443 : -1;
}

/** Set by portStart: the number that the digits are. */
let port = 0;

/** Where the digits at the end of an authority begin, which are its port after a colon. */
function portStart(off: number, len: number): number {
  let p = off + len;
  port = 0;
  for (let scale = 1; p > off && (charClass[mem[p - 1]!]! & Char.Digit) !== 0; p--) {
    port += (mem[p - 1]! - ZERO) * scale;
    scale *= 10;
  }
  return p;
}

/** Length of an authority without its port, when that is empty or `usual` as it is spelt. */
function bareLength(off: number, len: number, usual: number): number {
  const at = portStart(off, len);
  if (at === off || mem[at - 1] !== COLON) return len;
  const isEmpty = at === off + len;
  return isEmpty || (port === usual && mem[at] !== ZERO) ? at - 1 - off : len;
}

/** Names of hosts do not depend on case (RFC 3986 3.2.2). */
function sameText(a: number, aLen: number, b: number, bLen: number): boolean {
  if (aLen !== bLen) return false;
  for (let i = 0; i < aLen; i++) if (lower(mem[a + i]!) !== lower(mem[b + i]!)) return false;
  return true;
}
