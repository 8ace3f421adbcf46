/**
 * The PROXY protocol (proxy-protocol.txt; configuration.txt 5.1 accept-proxy, 5.2 send-proxy and
 * send-proxy-v2): the addresses of a connection as the proxy in front saw them, before its first byte.
 *
 *     version 1   PROXY TCP4 192.0.2.1 198.51.100.2 40000 443 CR LF
 *     version 2   signature (12), version and command, family, length (2), addresses, extensions
 *
 * The header is looked at where the kernel holds it and taken only when it is whole, so that nothing of
 * what follows, a TLS handshake for example, is touched.
 *
 * @dataplane
 */
import { Bytes } from '../model/runtime.ts';
import { Family, type Session } from '../model/stream.ts';
import { crc32c } from '../rules/hash.ts';
import {
  putIpv4,
  putIpv4Bytes,
  putIpv6,
  readAddress,
  readIpv4,
  readIpv4Bytes,
  readIpv6,
} from '../rules/inet.ts';
import { putInt } from '../rules/integer.ts';
import { mem, reserve, reserveBytes } from '../sys/arena.ts';
import { discardSeen, look } from '../transport/io.ts';
import { fetchDestination } from './destination.ts';
import type { Conn } from './stream.ts';

/** Longest header of version 1, and the fixed part of version 2 (proxy-protocol.txt 2.1, 2.2). */
const TEXT_MAX = 107;
const FIXED_LEN = 16;
const INET_LEN = 12;
const INET6_LEN = 36;
/** Longest header that is taken, with all its extensions. */
const HEADER_MAX = 16 * 1024;
const TYPE_CRC32C = 3;

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;

/** The last byte of the fixed fields: version and command, family and protocol. */
const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;

const seen = reserve(HEADER_MAX);
const addresses = reserve(32);
const made = reserve(FIXED_LEN + TEXT_MAX);
const signature = reserveBytes('\r\n\r\n\0\r\nQUIT\n');
const SIGNATURE_LEN = 12;
const word = new Bytes('PROXY ');
const unknown = new Bytes('UNKNOWN');
const tcp4 = new Bytes('TCP4 ');
const tcp6 = new Bytes('TCP6 ');

/** Why a header was refused, in HAProxy's words. */
export const enum HeaderFault {
  Closed = 0,
  TimedOut = 1,
  Truncated = 2,
  NoHeader = 3,
  Invalid = 4,
  Protocol = 5,
}

/** By `HeaderFault`. */
export const headerFaultTexts: readonly Bytes[] = [
  new Bytes('Connection closed while waiting for PROXY protocol header'),
  new Bytes('Timeout while waiting for PROXY protocol header'),
  new Bytes('Truncated PROXY protocol header received'),
  new Bytes('Received something which does not look like a PROXY protocol header'),
  new Bytes('Received an invalid PROXY protocol header'),
  new Bytes('Received an unhandled protocol in the PROXY protocol header'),
];

/** Valid after `readProxyHeader` returned a negative number. */
export let headerFault: HeaderFault = HeaderFault.Closed;

function fault(kind: HeaderFault): number {
  headerFault = kind;
  return -1;
}

/**
 * Reads the header of a client's connection into its session.
 * @returns > 0 = it has been taken, 0 = more of it is to come, < 0 = it is none (`headerFault`).
 */
export function readProxyHeader(conn: Conn): number {
  const len = look(conn, seen, HEADER_MAX);
  if (len === 0) return conn.eof || conn.error !== 0 ? fault(HeaderFault.Closed) : 0;
  const isBinary = mem[seen] === CR;
  const used = isBinary ? readBinary(conn.session, len) : readText(conn.session, len);
  if (used === 0 && conn.hup) return fault(HeaderFault.Truncated);
  if (used > 0) discardSeen(conn, used);
  return used;
}

/** Whether the first bytes that are there are those of `off`. */
function begins(off: number, len: number, there: number): boolean {
  const n = Math.min(len, there);
  for (let i = 0; i < n; i++) if (mem[seen + i] !== mem[off + i]) return false;
  return true;
}

/** @returns bytes of the header; 0 = it is not complete */
function readText(sess: Session, len: number): number {
  if (!begins(word.off, word.len, len)) return fault(HeaderFault.NoHeader);
  let end = seen;
  const most = seen + Math.min(len, TEXT_MAX);
  while (end < most && mem[end] !== CR) end++;
  if (end + 1 >= most) return len >= TEXT_MAX ? fault(HeaderFault.Invalid) : 0;
  if (mem[end + 1] !== LF) return fault(HeaderFault.Invalid);
  const used = end + 2 - seen;
  const from = seen + word.len;
  if (startsWith(from, end, unknown)) return used;
  const isFour = startsWith(from, end, tcp4);
  if (!isFour && !startsWith(from, end, tcp6)) return fault(HeaderFault.Protocol);
  return readTextAddresses(sess, from + tcp4.len, end, isFour) ? used : fault(HeaderFault.Invalid);
}

function startsWith(at: number, end: number, text: Bytes): boolean {
  if (end - at < text.len) return false;
  for (let i = 0; i < text.len; i++) if (mem[at + i] !== mem[text.off + i]) return false;
  return true;
}

/** Two addresses and two ports, one space between each (2.1). */
function readTextAddresses(sess: Session, from: number, end: number, isFour: boolean): boolean {
  const second = spaceAfter(from, end);
  const third = spaceAfter(second + 1, end);
  const fourth = spaceAfter(third + 1, end);
  if (fourth >= end) return false;
  if (!readTextAddress(from, second, isFour, addresses)) return false;
  if (!readTextAddress(second + 1, third, isFour, addresses + 16)) return false;
  const sourcePort = readPort(third + 1, fourth);
  const port = readPort(fourth + 1, end);
  if (sourcePort < 0 || port < 0) return false;
  setAddresses(sess, isFour ? Family.Inet : Family.Inet6, sourcePort, port);
  return true;
}

function spaceAfter(from: number, end: number): number {
  let at = from;
  while (at < end && mem[at] !== SPACE) at++;
  return at;
}

function readTextAddress(from: number, until: number, isFour: boolean, to: number): boolean {
  if (!isFour) return until > from && readIpv6(from, until - from, to);
  if (!readIpv4(from, until - from)) return false;
  putIpv4Bytes(to, readAddress);
  return true;
}

/** @returns -1 for what is no port */
function readPort(from: number, until: number): number {
  if (until === from || until - from > 5) return -1;
  let port = 0;
  for (let at = from; at < until; at++) {
    const digit = mem[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    port = port * 10 + digit;
  }
  return port <= 65535 ? port : -1;
}

/** @returns bytes of the header; 0 = it is not complete */
function readBinary(sess: Session, len: number): number {
  if (!begins(signature, SIGNATURE_LEN, len)) return fault(HeaderFault.NoHeader);
  if (len < FIXED_LEN) return 0;
  const used = FIXED_LEN + ((mem[seen + 14]! << 8) | mem[seen + 15]!);
  const command = mem[seen + 12]!;
  if (command !== LOCAL && command !== PROXY) return fault(HeaderFault.Invalid);
  if (used > HEADER_MAX) return fault(HeaderFault.Invalid);
  if (len < used) return 0;
  if (command === LOCAL) return used;
  const family = mem[seen + 13]!;
  const size = family === TCP4 ? INET_LEN : family === TCP6 ? INET6_LEN : 0;
  // Of another family the addresses of the connection itself are kept (2.2).
  if (size === 0) return used;
  if (used < FIXED_LEN + size) return fault(HeaderFault.Invalid);
  if (!checkExtensions(seen + FIXED_LEN + size, seen + used)) return fault(HeaderFault.Invalid);
  const half = (size - 4) / 2;
  const at = seen + FIXED_LEN;
  mem.copyWithin(addresses, at, at + half);
  mem.copyWithin(addresses + 16, at + half, at + 2 * half);
  const ports = at + 2 * half;
  const sourcePort = (mem[ports]! << 8) | mem[ports + 1]!;
  const port = (mem[ports + 2]! << 8) | mem[ports + 3]!;
  setAddresses(sess, family === TCP4 ? Family.Inet : Family.Inet6, sourcePort, port);
  return used;
}

/** The extensions fill what is left exactly, and a checksum among them is right (2.2.3). */
function checkExtensions(from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    if (at + 3 > end) return false;
    const len = (mem[at + 1]! << 8) | mem[at + 2]!;
    const value = at + 3;
    if (value + len > end) return false;
    if (mem[at] === TYPE_CRC32C) {
      if (len !== 4) return false;
      const told = readIpv4Bytes(value);
      putIpv4Bytes(value, 0);
      if (crc32c(seen, end - seen) >>> 0 !== told) return false;
    }
    at = value + len;
  }
  return true;
}

function setAddresses(sess: Session, family: Family, sourcePort: number, port: number): void {
  sess.sourceFamily = family;
  sess.sourcePort = sourcePort;
  sess.destinationFamily = family;
  sess.destinationPort = port;
  mem.copyWithin(sess.addressOff, addresses, addresses + 32);
}

/** Where `putProxyHeader` writes. */
export const proxyHeaderOff = made;

/** Writes the header of a session. @param version 1 or 2 @returns its length */
export function putProxyHeader(sess: Session, version: number): number {
  fetchDestination(sess);
  return version === 1 ? putTextHeader(sess) : putBinaryHeader(sess);
}

function isKnown(sess: Session): boolean {
  const family = sess.sourceFamily;
  return (family === Family.Inet || family === Family.Inet6) && sess.destinationFamily === family;
}

function put(at: number, text: Bytes): number {
  mem.copyWithin(at, text.off, text.off + text.len);
  return at + text.len;
}

function putTextHeader(sess: Session): number {
  let at = put(made, word);
  if (isKnown(sess)) {
    const isFour = sess.sourceFamily === Family.Inet;
    at = put(at, isFour ? tcp4 : tcp6);
    at = putTextAddress(at, sess.addressOff, isFour);
    at = putTextAddress(at, sess.addressOff + 16, isFour);
    at += putInt(at, sess.sourcePort);
    mem[at++] = SPACE;
    at += putInt(at, sess.destinationPort);
  } else {
    at = put(at, unknown);
  }
  mem[at] = CR;
  mem[at + 1] = LF;
  return at + 2 - made;
}

function putTextAddress(from: number, address: number, isFour: boolean): number {
  const len = isFour ? putIpv4(from, readIpv4Bytes(address)) : putIpv6(from, address);
  mem[from + len] = SPACE;
  return from + len + 1;
}

function putBinaryHeader(sess: Session): number {
  mem.copyWithin(made, signature, signature + SIGNATURE_LEN);
  const isFour = sess.sourceFamily === Family.Inet;
  const size = isKnown(sess) ? (isFour ? INET_LEN : INET6_LEN) : 0;
  mem[made + 12] = PROXY;
  mem[made + 13] = size === 0 ? 0 : isFour ? TCP4 : TCP6;
  mem[made + 14] = 0;
  mem[made + 15] = size;
  if (size === 0) return FIXED_LEN;
  const half = (size - 4) / 2;
  let at = made + FIXED_LEN;
  mem.copyWithin(at, sess.addressOff, sess.addressOff + half);
  mem.copyWithin(at + half, sess.addressOff + 16, sess.addressOff + 16 + half);
  at += 2 * half;
  mem[at] = sess.sourcePort >> 8;
  mem[at + 1] = sess.sourcePort & 255;
  mem[at + 2] = sess.destinationPort >> 8;
  mem[at + 3] = sess.destinationPort & 255;
  return FIXED_LEN + size;
}
