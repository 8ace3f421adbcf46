/**
 * Writes the head of an `HttpMessage` as HTTP/1 text. Runs of fields that nobody touched are copied
 * as one block of the bytes that came.
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../../sys/arena.ts';
import { Col, type HttpMessage, ROW } from '../message.ts';
import { reasonLen, reasonOff } from '../status.ts';

/** Spells field names for peers that are sensitive to case (`h1-case-adjust`). */
export interface NameSpelling {
  /** Offset of the spelling to send, as long as the name; 0 = send the name as it is. */
  adjust(nameOff: number, nameLen: number): number;
}

const version11 = reserveBytes('HTTP/1.1');
const version10 = reserveBytes('HTTP/1.0');

/**
 * @param dst where to write; @param max room there
 * @param spelling null unless names are adjusted
 * @returns bytes written, or 0 when the head does not fit.
 */
export function serializeHead(
  msg: HttpMessage,
  dst: number,
  max: number,
  spelling: NameSpelling | null,
): number {
  const limit = dst + max;
  let p = msg.isResponse ? statusLine(msg, dst, limit) : requestLine(msg, dst, limit);
  if (p === 0) return 0;
  const rows = msg.rows;
  const count = msg.count;
  let i = 0;
  while (i < count) {
    const r = i * ROW;
    const nameLen = rows[r + Col.NameLen]!;
    if (nameLen === 0) {
      i++;
      continue;
    }
    const nameOff = rows[r + Col.NameOff]!;
    if (rows[r + Col.Canonical] !== 0 && spelling === null) {
      // name: value CRLF, and as many such neighbours as follow directly.
      let end = rows[r + Col.ValOff]! + rows[r + Col.ValLen]! + 2;
      i++;
      while (i < count) {
        const s = i * ROW;
        if (rows[s + Col.Canonical] === 0) break;
        if (rows[s + Col.NameLen] === 0 || rows[s + Col.NameOff] !== end) break;
        end = rows[s + Col.ValOff]! + rows[s + Col.ValLen]! + 2;
        i++;
      }
      if (p + (end - nameOff) > limit) return 0;
      mem.copyWithin(p, nameOff, end);
      p += end - nameOff;
      continue;
    }
    p = field(rows, r, p, limit, spelling);
    if (p === 0) return 0;
    i++;
  }
  if (p + 2 > limit) return 0;
  mem[p] = 13;
  mem[p + 1] = 10;
  return p + 2 - dst;
}

function field(
  rows: Int32Array,
  r: number,
  dst: number,
  limit: number,
  spelling: NameSpelling | null,
): number {
  const nameLen = rows[r + Col.NameLen]!;
  const valLen = rows[r + Col.ValLen]!;
  if (dst + nameLen + valLen + 4 > limit) return 0;
  let name = rows[r + Col.NameOff]!;
  if (spelling !== null) {
    const spelled = spelling.adjust(name, nameLen);
    if (spelled !== 0) name = spelled;
  }
  let p = dst;
  mem.copyWithin(p, name, name + nameLen);
  p += nameLen;
  mem[p] = 58;
  mem[p + 1] = 32;
  p += 2;
  const val = rows[r + Col.ValOff]!;
  mem.copyWithin(p, val, val + valLen);
  p += valLen;
  mem[p] = 13;
  mem[p + 1] = 10;
  return p + 2;
}

function requestLine(msg: HttpMessage, dst: number, limit: number): number {
  if (dst + msg.methodLen + msg.uriLen + 12 > limit) return 0;
  let p = dst;
  mem.copyWithin(p, msg.methodOff, msg.methodOff + msg.methodLen);
  p += msg.methodLen;
  mem[p++] = 32;
  mem.copyWithin(p, msg.uriOff, msg.uriOff + msg.uriLen);
  p += msg.uriLen;
  mem[p++] = 32;
  return version(msg, p);
}

function statusLine(msg: HttpMessage, dst: number, limit: number): number {
  const status = msg.status;
  // A server may leave the phrase out (RFC 9112 4); clients like to see one.
  const isOurs = msg.reasonLen === 0;
  const reason = isOurs ? reasonOff(status) : msg.reasonOff;
  const len = isOurs ? reasonLen(status) : msg.reasonLen;
  if (dst + len + 16 > limit) return 0;
  let p = version(msg, dst) - 2;
  mem[p] = 32;
  mem[p + 1] = 48 + Math.floor(status / 100);
  mem[p + 2] = 48 + (Math.floor(status / 10) % 10);
  mem[p + 3] = 48 + (status % 10);
  mem[p + 4] = 32;
  p += 5;
  mem.copyWithin(p, reason, reason + len);
  p += len;
  mem[p] = 13;
  mem[p + 1] = 10;
  return p + 2;
}

/** `HTTP/1.x` CRLF. */
function version(msg: HttpMessage, dst: number): number {
  const text = msg.version >= 11 ? version11 : version10;
  mem.copyWithin(dst, text, text + 8);
  mem[dst + 8] = 13;
  mem[dst + 9] = 10;
  return dst + 10;
}
