/**
 * Words inside field values, and the check of the authority against Host.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import { FieldId } from '../field.ts';
import { Col, type HttpMessage, ROW } from '../message.ts';
import { Method } from '../method.ts';
import { type Char, charClass } from './characters.ts';

const SP = 32;
const TAB = 9;
const COMMA = 44;

function lower(c: number): number {
  return c >= 65 && c <= 90 ? c | 32 : c;
}

/** Whether all bytes of a slice are of a class; an empty one is. */
export function isAll(off: number, len: number, kind: Char): boolean {
  for (let i = 0; i < len; i++) if ((charClass[mem[off + i]!]! & kind) === 0) return false;
  return true;
}

/** Whether a slice equals a lower-case word, ignoring case. */
export function wordEquals(off: number, len: number, word: Uint8Array): boolean {
  if (len !== word.length) return false;
  for (let i = 0; i < len; i++) if (lower(mem[off + i]!) !== word[i]) return false;
  return true;
}

/** Whether a comma-separated list contains a lower-case word, ignoring case. */
export function wordIn(off: number, len: number, word: Uint8Array): boolean {
  const end = off + len;
  let p = off;
  while (p < end) {
    while (p < end && (mem[p] === SP || mem[p] === TAB || mem[p] === COMMA)) p++;
    const from = p;
    while (p < end && mem[p] !== COMMA) p++;
    let until = p;
    while (until > from && (mem[until - 1] === SP || mem[until - 1] === TAB)) until--;
    if (wordEquals(from, until - from, word)) return true;
  }
  return false;
}

/**
 * The authority of the request target must agree with Host, and several Host fields with each
 * other (RFC 9112 3.2): otherwise two hops may route one request differently.
 */
export function checkAuthority(msg: HttpMessage): boolean {
  const first = msg.find(FieldId.Host, 0, 4, 0);
  if (first >= 0) {
    let i = msg.find(FieldId.Host, 0, 4, first + 1);
    while (i >= 0) {
      if (!sameValue(msg, first, i)) return false;
      msg.remove(i);
      i = msg.find(FieldId.Host, 0, 4, i + 1);
    }
  }
  if (msg.method === Method.Connect) return checkConnect(msg, first);
  if (msg.uriLen === 0 || mem[msg.uriOff] === 47) return true;
  if (mem[msg.uriOff] === 42) return msg.uriLen === 1;
  return checkAbsolute(msg, first);
}

/** CONNECT takes `host:port` with a port, and Host must name the same (RFC 9110 9.3.6). */
function checkConnect(msg: HttpMessage, host: number): boolean {
  const off = msg.uriOff;
  const end = off + msg.uriLen;
  let colon = end - 1;
  while (colon > off && mem[colon] !== 58) colon--;
  if (colon <= off || colon === end - 1) return false;
  let port = 0;
  for (let p = colon + 1; p < end; p++) {
    const digit = mem[p]! - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65535) return false;
  }
  if (port === 0) return false;
  if (host < 0) return true;
  if (!sameAuthority(msg, host, off, end - off, port)) return false;
  if (port === 443 || port === 80) dropDefaultPort(msg, host, port);
  return true;
}

/**
 * `scheme://authority/path`. A port that is the scheme's default is taken out of the target and of
 * Host, so that all hops see one spelling (RFC 9110 4.2.3).
 */
function checkAbsolute(msg: HttpMessage, host: number): boolean {
  const off = msg.uriOff;
  const end = off + msg.uriLen;
  let p = off;
  while (p < end && isSchemeByte(mem[p]!, p === off)) p++;
  if (p === off || p + 3 > end || mem[p] !== 58 || mem[p + 1] !== 47 || mem[p + 2] !== 47) {
    return false;
  }
  const secure = p - off === 5;
  const authority = p + 3;
  p = authority;
  while (p < end && mem[p] !== 47) {
    // RFC 9110 4.2.4: user information in http URIs is refused.
    if (mem[p] === 64 || mem[p] === 63) return false;
    p++;
  }
  const len = p - authority;
  const port = secure ? 443 : 80;
  if (host >= 0 && !sameAuthority(msg, host, authority, len, port)) return false;
  const name = nameLength(authority, len);
  // RFC 9110 4.2.1: an http URI with an empty host is invalid, with or without a port.
  if (name === 0) return false;
  if (name < len && portAfter(authority, len, name, port) === port) {
    const extra = len - name;
    mem.copyWithin(off + extra, off, authority + name);
    msg.setUri(off + extra, msg.uriLen - extra);
    if (host >= 0) dropDefaultPort(msg, host, port);
  }
  return true;
}

function isSchemeByte(c: number, first: boolean): boolean {
  if (lower(c) >= 97 && lower(c) <= 122) return true;
  return !first && ((c >= 48 && c <= 57) || c === 43 || c === 45 || c === 46);
}

function dropDefaultPort(msg: HttpMessage, host: number, port: number): void {
  const off = msg.rows[host * ROW + Col.ValOff]!;
  const len = msg.rows[host * ROW + Col.ValLen]!;
  const name = nameLength(off, len);
  if (name < len && portAfter(off, len, name, port) === port) msg.setValue(host, off, name);
}

function sameValue(msg: HttpMessage, a: number, b: number): boolean {
  const rows = msg.rows;
  const len = rows[a * ROW + Col.ValLen]!;
  if (rows[b * ROW + Col.ValLen] !== len) return false;
  const x = rows[a * ROW + Col.ValOff]!;
  const y = rows[b * ROW + Col.ValOff]!;
  for (let i = 0; i < len; i++) if (lower(mem[x + i]!) !== lower(mem[y + i]!)) return false;
  return true;
}

/** Compares a Host field with an authority; a missing port stands for `defaultPort`. */
function sameAuthority(
  msg: HttpMessage,
  host: number,
  off: number,
  len: number,
  defaultPort: number,
): boolean {
  const hostOff = msg.rows[host * ROW + Col.ValOff]!;
  const hostLen = msg.rows[host * ROW + Col.ValLen]!;
  const a = nameLength(hostOff, hostLen);
  const b = nameLength(off, len);
  if (a !== b) return false;
  for (let i = 0; i < a; i++) if (lower(mem[hostOff + i]!) !== lower(mem[off + i]!)) return false;
  return portAfter(hostOff, hostLen, a, defaultPort) === portAfter(off, len, b, defaultPort);
}

/** Length of the host part: up to the last colon that is followed by digits only. */
function nameLength(off: number, len: number): number {
  let p = len;
  while (p > 0 && mem[off + p - 1]! >= 48 && mem[off + p - 1]! <= 57) p--;
  return p > 0 && mem[off + p - 1] === 58 ? p - 1 : len;
}

function portAfter(off: number, len: number, name: number, defaultPort: number): number {
  if (name + 1 >= len) return defaultPort;
  let port = 0;
  for (let i = name + 1; i < len; i++) port = port * 10 + (mem[off + i]! - 48);
  return port;
}
