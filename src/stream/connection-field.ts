/**
 * The Connection field is between two neighbours (RFC 9110 7.6.1): what the peer said about its own
 * connection is taken out, and what holds for the next one is put in.
 *
 * @dataplane
 */
import { FieldId, fieldNameOff, fieldNames } from '../http/field.ts';
import { wordEquals } from '../http/h1/token.ts';
import { Col, type HttpMessage, ROW } from '../http/message.ts';
import type { Stream } from '../model/stream.ts';
import { mem, reserveBytes } from '../sys/arena.ts';

const close = reserveBytes('close');
const keepAlive = reserveBytes('keep-alive');
const encoder = new TextEncoder();
const WORD_CLOSE = encoder.encode('close');
const WORD_KEEP_ALIVE = encoder.encode('keep-alive');

/** Connection, or Proxy-Connection where `option http-use-proxy-header` asks for it. */
export type ConnectionField = FieldId.Connection | FieldId.ProxyConnection;

/** The field that speaks for the connections of this stream. */
export function connectionField(strm: Stream): ConnectionField {
  return strm.proxied ? FieldId.ProxyConnection : FieldId.Connection;
}

export function addConnectionClose(msg: HttpMessage, field: ConnectionField): void {
  msg.add(field, fieldNameOff[field]!, fieldNames[field].length, close, 5);
}

export function addConnectionKeepAlive(msg: HttpMessage, field: ConnectionField): void {
  msg.add(field, fieldNameOff[field]!, fieldNames[field].length, keepAlive, 10);
}

export function hasConnection(msg: HttpMessage, field: ConnectionField): boolean {
  return msg.find(field, 0, fieldNames[field].length, 0) >= 0;
}

/** Removes the tokens `close` and `keep-alive`; other tokens (`upgrade`) stay. */
export function cleanConnection(msg: HttpMessage, field: ConnectionField): void {
  const nameLen = fieldNames[field].length;
  let i = msg.find(field, 0, nameLen, 0);
  while (i >= 0) {
    cleanRow(msg, i);
    i = msg.find(field, 0, nameLen, i + 1);
  }
}

function cleanRow(msg: HttpMessage, index: number): void {
  const r = index * ROW;
  const off = msg.rows[r + Col.ValOff]!;
  const end = off + msg.rows[r + Col.ValLen]!;
  const out = msg.takeScratch(end - off + 2);
  if (out === 0) return msg.remove(index);
  let n = 0;
  let p = off;
  let dropped = false;
  while (p < end) {
    while (p < end && (mem[p] === 32 || mem[p] === 9 || mem[p] === 44)) p++;
    const from = p;
    while (p < end && mem[p] !== 44) p++;
    let until = p;
    while (until > from && (mem[until - 1] === 32 || mem[until - 1] === 9)) until--;
    const len = until - from;
    if (len === 0) continue;
    if (wordEquals(from, len, WORD_CLOSE) || wordEquals(from, len, WORD_KEEP_ALIVE)) {
      dropped = true;
      continue;
    }
    if (n > 0) {
      mem[out + n] = 44;
      mem[out + n + 1] = 32;
      n += 2;
    }
    mem.copyWithin(out + n, from, until);
    n += len;
  }
  if (n === 0) msg.remove(index);
  else if (dropped) msg.setValue(index, out, n);
}
