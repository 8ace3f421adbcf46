/**
 * Fields that hold for one connection only and that a proxy must not pass on as they came
 * (RFC 9110 7.6.1): the words of Connection, Upgrade (7.8), TE (10.1.4), and those of the upgrade to
 * HTTP/2, which this proxy does not offer to the other side's peer (RFC 9113 3.1).
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../../sys/arena.ts';
import { FieldId } from '../field.ts';
import { Col, ConnectionFlag, type HttpMessage, ROW } from '../message.ts';
import { Char, charClass } from './characters.ts';
import { wordEquals, wordIn } from './token.ts';

const SP = 32;
const TAB = 9;
const COMMA = 44;
const EQUALS = 61;

const UPGRADE_NAME = 7;
const TE_NAME = 2;
const SETTINGS_NAME = 14;
const KEY_NAME = 17;

/** RFC 6455 4.1: base64 of 16 bytes is 22 characters and two signs of equality. */
const KEY_LEN = 24;

const encoder = new TextEncoder();
const WORD_CLOSE = encoder.encode('close');
const WORD_KEEP_ALIVE = encoder.encode('keep-alive');
const WORD_UPGRADE = encoder.encode('upgrade');
const WORD_SETTINGS = encoder.encode('http2-settings');
const WORD_H2C = encoder.encode('h2c');
const WORD_H2 = encoder.encode('h2');
const WORD_WEBSOCKET = encoder.encode('websocket');
const WORD_TRAILERS = encoder.encode('trailers');
const trailers = reserveBytes('trailers');

/** Words to take out of a list. */
export const enum Unwanted {
  /** `close` and `keep-alive`. */
  Persistence = 1,
  Upgrade = 2,
  Http2Settings = 4,
  /** The protocols that mean HTTP/2. */
  Http2 = 8,
}

/**
 * Takes words out of the list in row `index`; nothing left of it removes the row. The bytes in front
 * of the first word that goes stay as they are.
 * @param unwanted `Unwanted` bits.
 */
export function dropWords(msg: HttpMessage, index: number, unwanted: number): void {
  const r = index * ROW;
  const off = msg.rows[r + Col.ValOff]!;
  const end = off + msg.rows[r + Col.ValLen]!;
  let out = 0;
  let n = 0;
  let p = off;
  let dropped = false;
  while (p < end) {
    while (p < end && (mem[p] === SP || mem[p] === TAB || mem[p] === COMMA)) p++;
    const from = p;
    while (p < end && mem[p] !== COMMA) p++;
    let until = p;
    while (until > from && (mem[until - 1] === SP || mem[until - 1] === TAB)) until--;
    const len = until - from;
    if (len === 0) continue;
    if (isUnwanted(from, len, unwanted)) {
      dropped = true;
      continue;
    }
    if (!dropped) {
      n = until - off;
      continue;
    }
    if (out === 0) {
      out = msg.takeScratch(end - off);
      // Without room the field goes: what it asks for is an offer, never a duty.
      if (out === 0) return msg.remove(index);
      mem.copyWithin(out, off, off + n);
    }
    if (n > 0) mem[out + n++] = COMMA;
    mem.copyWithin(out + n, from, until);
    n += len;
  }
  if (n === 0) msg.remove(index);
  else if (n < end - off) msg.setValue(index, out === 0 ? off : out, n);
}

function isUnwanted(off: number, len: number, unwanted: number): boolean {
  if ((unwanted & Unwanted.Persistence) !== 0) {
    if (wordEquals(off, len, WORD_CLOSE) || wordEquals(off, len, WORD_KEEP_ALIVE)) return true;
  }
  if ((unwanted & Unwanted.Upgrade) !== 0 && wordEquals(off, len, WORD_UPGRADE)) return true;
  if ((unwanted & Unwanted.Http2Settings) !== 0 && wordEquals(off, len, WORD_SETTINGS)) return true;
  if ((unwanted & Unwanted.Http2) === 0) return false;
  return wordEquals(off, len, WORD_H2C) || wordEquals(off, len, WORD_H2);
}

/** `ConnectionFlag` bits of a Connection field's value. */
export function connectionFlags(off: number, len: number): number {
  let flags = 0;
  if (wordIn(off, len, WORD_CLOSE)) flags |= ConnectionFlag.Close;
  if (wordIn(off, len, WORD_KEEP_ALIVE)) flags |= ConnectionFlag.KeepAlive;
  if (wordIn(off, len, WORD_UPGRADE)) flags |= ConnectionFlag.Upgrade;
  return flags;
}

/**
 * Leaves an upgrade only when it is whole: a protocol in Upgrade that may pass, and `upgrade` in
 * Connection (RFC 9110 7.8). Otherwise neither is left, here and in `msg.connection`.
 */
export function settleUpgrade(msg: HttpMessage): void {
  let isOffered = false;
  if (msg.hasUpgrade) {
    msg.removeAll(FieldId.Http2Settings, 0, SETTINGS_NAME);
    for (let i = msg.find(FieldId.Upgrade, 0, UPGRADE_NAME, 0); i >= 0; ) {
      dropWords(msg, i, Unwanted.Http2);
      if (msg.rows[i * ROW + Col.NameLen] !== 0) {
        isOffered = true;
        const off = msg.rows[i * ROW + Col.ValOff]!;
        if (wordIn(off, msg.rows[i * ROW + Col.ValLen]!, WORD_WEBSOCKET)) msg.websocket = true;
      }
      i = msg.find(FieldId.Upgrade, 0, UPGRADE_NAME, i + 1);
    }
  }
  if (isOffered && (msg.connection & ConnectionFlag.Upgrade) !== 0) return;
  msg.connection &= ~ConnectionFlag.Upgrade;
  msg.websocket = false;
  if (isOffered) msg.removeAll(FieldId.Upgrade, 0, UPGRADE_NAME);
}

/** RFC 6455 4.1: one key, the base64 form of 16 bytes. */
export function hasWebsocketKey(msg: HttpMessage): boolean {
  const i = msg.find(FieldId.SecWebsocketKey, 0, KEY_NAME, 0);
  if (i < 0 || msg.find(FieldId.SecWebsocketKey, 0, KEY_NAME, i + 1) >= 0) return false;
  const off = msg.rows[i * ROW + Col.ValOff]!;
  if (msg.rows[i * ROW + Col.ValLen] !== KEY_LEN) return false;
  for (let p = off; p < off + KEY_LEN - 2; p++) {
    if ((charClass[mem[p]!]! & Char.Base64) === 0) return false;
  }
  return mem[off + KEY_LEN - 2] === EQUALS && mem[off + KEY_LEN - 1] === EQUALS;
}

/** Of the transfer codings that a client takes, `trailers` alone holds behind a proxy. */
export function settleTe(msg: HttpMessage): void {
  for (let i = msg.find(FieldId.Te, 0, TE_NAME, 0); i >= 0; ) {
    const r = i * ROW;
    if (wordIn(msg.rows[r + Col.ValOff]!, msg.rows[r + Col.ValLen]!, WORD_TRAILERS)) {
      msg.setValue(i, trailers, WORD_TRAILERS.length);
    } else {
      msg.remove(i);
    }
    i = msg.find(FieldId.Te, 0, TE_NAME, i + 1);
  }
}
