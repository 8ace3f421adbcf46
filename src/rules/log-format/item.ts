/**
 * The textual aliases: dates, names, addresses, captures, and sample expressions.
 *
 * @dataplane
 */
import { DateLength, localDates, utcDates } from '../../log/date.ts';
import { putBytes, putPadded } from '../../log/text.ts';
import type { CaptureLayout } from '../../model/capture.ts';
import { Cause, type Session, Stage, type StreamFacts, StreamFlag } from '../../model/stream.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { asString } from '../cast.ts';
import type { RuleContext } from '../context.ts';
import type { Expression } from '../evaluation.ts';
import { tlsCipher, tlsVersion } from '../fetch/tls.ts';
import { Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import {
  connectedFamily,
  connectedOff,
  destinationFamily,
  findServerAddress,
  findSourceAddress,
} from './address.ts';
import { LogFlag, Op } from './alias.ts';
import { environment } from './environment.ts';
import {
  captureMap,
  headerMap,
  plainMap,
  putByte,
  putField,
  putHexable,
  putIp,
  putRaw,
  requestMap,
} from './field.ts';
import { findRequestPart, partLen, partOff } from './request-line.ts';
import { acceptDateMs, requestDateMs } from './timer.ts';

const DOT = 0x2e;
const SPACE = 0x20;
const DASH = 0x2d;
const BAR = 0x7c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const TILDE = 0x7e;

const badRequest = reserveBytes('<BADREQ>');
const noServer = reserveBytes('<NOSRV>');
const version09 = reserveBytes('HTTP/0.9');
const causeLetters = reserveBytes('-CcSsPLRIDUK');
const stageLetters = reserveBytes('-RQCHDLT');
const stateText = reserveBytes('----');

const originTexts = ['unspec', 'sess_error', 'txn_connect', 'txn_response', 'txn_close'];
const originOff = Int32Array.from(originTexts, (text) => reserveBytes(text));
const originLen = Int32Array.from(originTexts, (text) => text.length);

/** Registers for expressions. */
const sample = new Sample();

/** A date alias. */
export function putDate(at: number, end: number, ctx: RuleContext, op: Op, flags: number): number {
  const accept = op <= Op.AcceptMillis;
  const ms = accept ? acceptDateMs(ctx) : requestDateMs(ctx);
  const seconds = Math.floor(ms / 1000);
  switch (op) {
    case Op.AcceptSeconds:
      return putHexable(at, end, seconds, flags, 4);
    case Op.AcceptMillis:
      if ((flags & LogFlag.Hex) !== 0) return putHexable(at, end, ms - seconds * 1000, flags, 2);
      return at + 3 > end ? -1 : putPadded(at, ms - seconds * 1000, 3);
    case Op.AcceptMs:
    case Op.RequestMs: {
      if (at + DateLength.Log + 4 > end) return -1;
      const pos = putBytes(at, localDates.at(seconds), DateLength.Log);
      mem[pos] = DOT;
      return putPadded(pos + 1, ms - seconds * 1000, 3);
    }
    default: {
      if (at + DateLength.Log + DateLength.Zone > end) return -1;
      const utc = op === Op.AcceptUtc || op === Op.RequestUtc;
      const dates = utc ? utcDates : localDates;
      return putBytes(at, dates.at(seconds), DateLength.Log + DateLength.Zone);
    }
  }
}

/** A textual alias that is neither a date nor a capture. */
export function putText(at: number, end: number, ctx: RuleContext, op: Op, flags: number): number {
  const strm = ctx.stream;
  const sess = ctx.session;
  const fe = sess.frontend;
  switch (op) {
    case Op.ClientIp:
      return putIp(at, end, sess.sourceFamily, sess.addressOff, flags);
    case Op.FrontendIp:
      return putIp(at, end, destinationFamily(sess), sess.addressOff + 16, flags);
    case Op.FrontendTransport:
      return putTransport(at, end, sess, flags);
    case Op.FrontendName:
      return fe === null
        ? putField(at, end, 0, 0, flags, plainMap)
        : putField(at, end, fe.name.off, fe.name.len, flags, plainMap);
    case Op.BackendName: {
      const be = strm === null ? fe : strm.backend === null ? fe : strm.backend;
      return be === null
        ? putField(at, end, 0, 0, flags, plainMap)
        : putField(at, end, be.name.off, be.name.len, flags, plainMap);
    }
    case Op.ServerName: {
      const srv = strm === null ? null : strm.server;
      if (srv === null && strm !== null && strm.applet !== null) {
        return putField(at, end, strm.applet.off, strm.applet.len, flags, plainMap);
      }
      return srv === null
        ? putField(at, end, noServer, 7, flags, plainMap)
        : putField(at, end, srv.name.off, srv.name.len, flags, plainMap);
    }
    case Op.State:
    case Op.StateCookie:
      return putState(at, end, strm, op === Op.State ? 2 : 4);
    case Op.Hostname:
      return putField(at, end, environment.hostnameOff, environment.hostnameLen, flags, plainMap);
    case Op.UniqueId:
      if (strm === null) return putField(at, end, 0, 0, flags, plainMap);
      return putField(at, end, strm.uniqueIdOff, strm.uniqueIdLen, flags, plainMap);
    case Op.BackendSourceIp:
    case Op.ServerIp:
      if (!(op === Op.ServerIp ? findServerAddress(strm) : findSourceAddress(strm))) {
        return putField(at, end, 0, 0, flags, plainMap);
      }
      return putIp(at, end, connectedFamily, connectedOff, flags);
    case Op.SslCipher:
      return putSample(at, end, flags, tlsCipher(ctx, sample));
    case Op.SslVersion:
      return putSample(at, end, flags, tlsVersion(ctx, sample));
    case Op.Origin: {
      const origin = originOf(strm);
      return putField(at, end, originOff[origin]!, originLen[origin]!, flags, plainMap);
    }
    default:
      return putRequestPart(at, end, ctx, op, flags);
  }
}

/** Not mandatory: an absent path or query leaves nothing. */
function putRequestPart(at: number, end: number, ctx: RuleContext, op: Op, flags: number): number {
  const shown = flags & ~LogFlag.Mandatory;
  if (!findRequestPart(ctx, op)) return putField(at, end, badRequest, 8, shown, plainMap);
  if (op === Op.Version && partLen === 0) return putField(at, end, version09, 8, shown, plainMap);
  return putField(at, end, partOff, partLen, shown, requestMap);
}

/** The frontend's name, with a mark behind it when the client's connection is encrypted (`%ft`). */
function putTransport(at: number, end: number, sess: Session, flags: number): number {
  const { frontend } = sess;
  if (frontend === null) return putField(at, end, 0, 0, flags, plainMap);
  const { off, len } = frontend.name;
  if (sess.tls === null) return putField(at, end, off, len, flags, plainMap);
  const marked = takeScratch(len + 1);
  mem.copyWithin(marked, off, off + len);
  mem[marked + len] = TILDE;
  return putField(at, end, marked, len + 1, flags, plainMap);
}

/** @param has the sample holds a text */
function putSample(at: number, end: number, flags: number, has: boolean): number {
  return putField(at, end, has ? sample.off : 0, has ? sample.len : 0, flags, plainMap);
}

/** 8.5: cause and stage, then what became of the cookies; never quoted. */
function putState(at: number, end: number, strm: StreamFacts | null, len: number): number {
  // Without a stream the connection has failed before its first request.
  mem[stateText] = mem[causeLetters + (strm === null ? Cause.Proxy : strm.cause)]!;
  mem[stateText + 1] = mem[stageLetters + (strm === null ? Stage.Request : strm.stage)]!;
  mem[stateText + 2] = strm === null ? DASH : strm.cookieIn;
  mem[stateText + 3] = strm === null ? DASH : strm.cookieOut;
  return putRaw(at, end, stateText, len);
}

/** Index into `originTexts` (8.2.6 `%OG`). */
function originOf(strm: StreamFacts | null): number {
  if (strm === null) return 1;
  if ((strm.flags & StreamFlag.LoggedEarly) === 0) return strm.closeMs >= 0 ? 4 : 0;
  return strm.frontend !== null && strm.frontend.config.mode === 'http' ? 3 : 2;
}

/** The capture layout of the frontend, or null. */
function layoutOf(ctx: RuleContext): CaptureLayout | null {
  const fe = ctx.session.frontend;
  if (fe === null) return null;
  const layout = environment.captureLayouts[fe.index];
  return layout === undefined ? null : layout;
}

/** The capture block; 0 before a valid request, as nothing can have been captured then. */
function captureBlock(ctx: RuleContext): number {
  const strm = ctx.stream;
  return strm === null || (strm.flags & StreamFlag.HasRequest) === 0 ? 0 : strm.captureOff;
}

/** Operations that may leave no trace, see `wroteNothing`. */
export function mayWriteNothing(op: Op): boolean {
  return op >= Op.RequestHeaders && op <= Op.ResponseHeadersList;
}

/** Captured header lists leave no trace without captures, not even a space (8.2.3). */
export function wroteNothing(op: Op, ctx: RuleContext): boolean {
  if (!mayWriteNothing(op)) return false;
  if (captureBlock(ctx) === 0) return true;
  const layout = layoutOf(ctx);
  if (layout === null) return true;
  const request = op === Op.RequestHeaders || op === Op.RequestHeadersList;
  return (request ? layout.request : layout.response).length === 0;
}

/** Captured cookies and headers (8.7, 8.8). */
export function putSlots(at: number, end: number, ctx: RuleContext, op: Op, flags: number): number {
  const layout = layoutOf(ctx);
  const block = captureBlock(ctx);
  if (op === Op.RequestCookie || op === Op.ResponseCookie) {
    const slot =
      layout === null
        ? null
        : op === Op.RequestCookie
          ? layout.requestCookie
          : layout.responseCookie;
    if (slot === null || block === 0) return putField(at, end, 0, 0, flags, plainMap);
    const off = block + slot.at;
    const len = slotLen(off);
    return putField(at, end, off + 2, len < 0 ? 0 : len, flags, plainMap);
  }
  if (wroteNothing(op, ctx)) return at;
  const request = op === Op.RequestHeaders || op === Op.RequestHeadersList;
  const slots = request ? layout!.request : layout!.response;
  return op === Op.RequestHeaders || op === Op.ResponseHeaders
    ? putBraced(at, end, block, slots, flags)
    : putList(at, end, block, slots, flags);
}

/** Bytes captured in a slot, -1 = nothing. The stored length is one more than the text's. */
function slotLen(off: number): number {
  return (mem[off]! | (mem[off + 1]! << 8)) - 1;
}

/** `{a|b|}` */
function putBraced(
  at: number,
  end: number,
  block: number,
  slots: CaptureLayout['request'],
  flags: number,
): number {
  const quote = (flags & LogFlag.Quote) !== 0;
  const inner = flags & LogFlag.Escape;
  let pos = quote ? putByte(at, end, QUOTE) : at;
  if (pos < 0) return -1;
  pos = putByte(pos, end, OPEN);
  for (let i = 0; i < slots.length && pos >= 0; i++) {
    if (i > 0) pos = putByte(pos, end, BAR);
    const off = block + slots[i]!.at;
    const len = slotLen(off);
    if (len > 0 && pos >= 0) pos = putField(pos, end, off + 2, len, inner, captureMap);
  }
  if (pos >= 0) pos = putByte(pos, end, CLOSE);
  return quote && pos >= 0 ? putByte(pos, end, QUOTE) : pos;
}

/** `a - c`: one word per capture, each with its own quotes. */
function putList(
  at: number,
  end: number,
  block: number,
  slots: CaptureLayout['request'],
  flags: number,
): number {
  let pos = at;
  for (let i = 0; i < slots.length && pos >= 0; i++) {
    if (i > 0) pos = putByte(pos, end, SPACE);
    if (pos < 0) return -1;
    const off = block + slots[i]!.at;
    const len = slotLen(off);
    // A field that was there but empty is nothing between two spaces; an absent one is a dash.
    const shown = len < 0 ? flags | LogFlag.Mandatory : flags & ~LogFlag.Mandatory;
    pos = putField(pos, end, off + 2, len < 0 ? 0 : len, shown, captureMap);
  }
  return pos;
}

/**
 * A sample expression. Logs get its bytes as they are, like HAProxy's; headers get the escaping of
 * 8.2.6. Binary values end at the first NUL unless `+bin` was asked for.
 */
export function putExpression(
  at: number,
  end: number,
  ctx: RuleContext,
  expression: Expression,
  flags: number,
  header: boolean,
): number {
  const map = header ? headerMap : plainMap;
  const found = evaluateText(ctx, expression, (flags & LogFlag.Bin) !== 0);
  const len = found ? sample.len : 0;
  // Outside of logs an empty value leaves nothing, not even quotes.
  if (len === 0 && (flags & LogFlag.Mandatory) === 0) return at;
  return putField(at, end, sample.off, len, flags, map);
}

/** Evaluates to text in `sample`. @returns false without a value. */
function evaluateText(ctx: RuleContext, expression: Expression, binary: boolean): boolean {
  return expression.evaluate(ctx, sample) && sampleText(binary);
}

/** Makes the registers a text; see `putExpression` for binary values. */
export function sampleText(binary: boolean): boolean {
  const cut = sample.type === SampleType.Bin && !binary;
  if (!asString(sample)) return false;
  if (cut) {
    let len = 0;
    while (len < sample.len && mem[sample.off + len] !== 0) len++;
    sample.len = len;
  }
  return true;
}

/** The registers that expressions of log formats use. */
export function evaluatedSample(): Sample {
  return sample;
}
