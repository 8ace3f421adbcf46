/**
 * Copies what the log will need out of heads that are about to leave (configuration.txt 8.7, 8.8):
 * the request line, captured fields and the captured cookie. See `model/capture.ts`.
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import { FieldId } from '../http/field.ts';
import { Col, type HttpMessage, ROW } from '../http/message.ts';
import { State } from '../model/shared.ts';
import { mem } from '../sys/arena.ts';
import { engine } from './engine.ts';
import type { CaptureField, Plan } from './plan.ts';
import type { Stream } from './stream.ts';

/**
 * Gives the stream an empty capture block, unless its frontend keeps nothing or none is left. A rule of
 * `tcp-request content` may have made one already.
 */
function takeBlock(strm: Stream, plan: Plan): void {
  const layout = plan.layout;
  if (strm.captureOff !== 0 || (!plan.hasLogs && layout.size === layout.uriMax)) return;
  const block = engine.captures.take();
  strm.captureOff = block;
  if (block !== 0) mem.fill(0, block + layout.uriMax, block + layout.size);
}

/** A block for what rules capture before there is a request, where the frontend has slots. */
export function takeCaptures(strm: Stream, plan: Plan): void {
  if (plan.layout.request.length > 0) takeBlock(strm, plan);
}

/** Of a blank and `HTTP/x.y`. */
const VERSION_LEN = 9;

/** Keeps `METHOD uri HTTP/x.y`, at most tune.http.logurilen - 1 bytes of it. */
export function captureRequestLine(strm: Stream, plan: Plan, msg: HttpMessage): void {
  takeBlock(strm, plan);
  if (strm.captureOff === 0) return;
  const max = plan.layout.uriMax - 1;
  const at = strm.captureOff;
  let len = Math.min(msg.methodLen, max);
  mem.copyWithin(at, msg.methodOff, msg.methodOff + len);
  if (len < max) mem[at + len++] = 32;
  const uri = Math.min(msg.uriLen, max - len);
  mem.copyWithin(at + len, msg.uriOff, msg.uriOff + uri);
  len += uri;
  const version = Math.min(VERSION_LEN, max - len);
  mem.copyWithin(at + len, msg.versionOff, msg.versionOff + version);
  strm.requestLineLen = len + version;
}

/** Makes the request's unique ID (4.2 unique-id-format), before any rule may ask for it. */
export function makeUniqueId(strm: Stream, plan: Plan): void {
  const format = plan.uniqueId;
  if (format === null || strm.captureOff === 0) return;
  const slot = plan.layout.uniqueId!;
  plan.proxy.logCount = engine.shared.get(plan.proxy.frontend, State.LogCount) >>> 0;
  strm.uniqueIdOff = strm.captureOff + slot.at + 2;
  strm.uniqueIdLen = format.write(engine, strm.uniqueIdOff, slot.max);
}

/** Captures the last occurrence of each declared field. */
export function captureFields(strm: Stream, fields: CaptureField[], msg: HttpMessage): void {
  if (strm.captureOff === 0) return;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    // A slot without a name is filled by a `capture` rule.
    if (field.name.len === 0) continue;
    let row = msg.find(field.id, field.name.off, field.name.len, 0);
    while (row >= 0) {
      const off = msg.rows[row * ROW + Col.ValOff]!;
      store(strm, field.at, field.max, off, msg.rows[row * ROW + Col.ValLen]!);
      row = msg.find(field.id, field.name.off, field.name.len, row + 1);
    }
  }
}

/** @param at offset of the slot within the block; @param max its capacity in bytes. */
function store(strm: Stream, at: number, max: number, off: number, len: number): void {
  assert(strm.captureOff !== 0, 'a capture without a block');
  assert(at + 2 + max <= engine.captures.blockBytes, 'a capture slot outside of its block');
  const slot = strm.captureOff + at;
  const n = Math.min(len, max);
  mem[slot] = (n + 1) & 255;
  mem[slot + 1] = (n + 1) >> 8;
  mem.copyWithin(slot + 2, off, off + n);
}

/** `capture cookie`: the first cookie whose name starts so, as `name=value`. */
export function captureCookie(strm: Stream, plan: Plan, msg: HttpMessage): void {
  const cookie = plan.cookieName;
  if (cookie === null || strm.captureOff === 0) return;
  const slot = msg.isResponse ? plan.layout.responseCookie : plan.layout.requestCookie;
  const id = msg.isResponse ? FieldId.SetCookie : FieldId.Cookie;
  let row = msg.find(id, 0, msg.isResponse ? 10 : 6, 0);
  while (row >= 0) {
    const off = msg.rows[row * ROW + Col.ValOff]!;
    const end = off + msg.rows[row * ROW + Col.ValLen]!;
    let p = off;
    while (p < end) {
      while (p < end && (mem[p] === 32 || mem[p] === 59)) p++;
      const from = p;
      while (p < end && mem[p] !== 59) p++;
      if (startsWith(from, p, cookie.off, cookie.len)) {
        return store(strm, slot!.at, slot!.max, from, p - from);
      }
      // A Set-Cookie field holds one cookie; what follows are its attributes.
      if (msg.isResponse) break;
    }
    row = msg.find(id, 0, msg.isResponse ? 10 : 6, row + 1);
  }
}

/** The request's cookie is captured only for requests that go to a server (8.7). */
export function dropRequestCookie(strm: Stream): void {
  const slot = strm.plan.layout.requestCookie;
  if (slot === null || strm.captureOff === 0 || strm.dataMs >= 0) return;
  mem[strm.captureOff + slot.at] = 0;
  mem[strm.captureOff + slot.at + 1] = 0;
}

function startsWith(from: number, until: number, off: number, len: number): boolean {
  if (until - from < len) return false;
  for (let i = 0; i < len; i++) if (mem[from + i] !== mem[off + i]) return false;
  return true;
}
