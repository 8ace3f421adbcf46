/**
 * The Connection field is between two neighbours (RFC 9110 7.6.1): what the peer said about its own
 * connection is taken out, and what holds for the next one is put in.
 *
 * @dataplane
 */
import { FieldId, fieldNameOff, fieldNames } from '../http/field.ts';
import { connectionFlags, dropWords, Unwanted } from '../http/h1/hop.ts';
import { Col, ConnectionFlag, type HttpMessage, ROW } from '../http/message.ts';
import { reserveBytes } from '../sys/arena.ts';
import type { Stream } from './stream.ts';

const close = reserveBytes('close');
const keepAlive = reserveBytes('keep-alive');

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

/**
 * Takes out what the peer said about its own connection: `close` and `keep-alive` of the field that
 * speaks for it, and what is left of an upgrade that will not be (see `settleUpgrade`).
 */
export function cleanConnection(msg: HttpMessage, field: ConnectionField): void {
  const isUpgrade = (msg.connection & ConnectionFlag.Upgrade) !== 0;
  const unwanted = Unwanted.Http2Settings | (isUpgrade ? 0 : Unwanted.Upgrade);
  cleanField(msg, field, unwanted | Unwanted.Persistence);
  if (field !== FieldId.Connection) cleanField(msg, FieldId.Connection, unwanted);
}

function cleanField(msg: HttpMessage, field: ConnectionField, unwanted: number): void {
  const nameLen = fieldNames[field].length;
  let i = msg.find(field, 0, nameLen, 0);
  while (i >= 0) {
    dropWords(msg, i, unwanted);
    i = msg.find(field, 0, nameLen, i + 1);
  }
}

/**
 * Takes out what a rule says about persistence.
 * @returns whether it says `close`: then the connection does end.
 */
export function takeClose(msg: HttpMessage, field: ConnectionField): boolean {
  const nameLen = fieldNames[field].length;
  let flags = 0;
  let i = msg.find(field, 0, nameLen, 0);
  while (i >= 0) {
    flags |= connectionFlags(msg.rows[i * ROW + Col.ValOff]!, msg.rows[i * ROW + Col.ValLen]!);
    dropWords(msg, i, Unwanted.Persistence);
    i = msg.find(field, 0, nameLen, i + 1);
  }
  return (flags & ConnectionFlag.Close) !== 0;
}
