/**
 * The numbers of a stream that logs print: timers (configuration.txt 8.4) and counters (8.2).
 *
 * The fields of a stream are milliseconds since its start, each at the end of what it names:
 *
 *   start     handshakeMs   idleMs    requestMs   queueMs   connectMs   dataMs    closeMs
 *     |------------|-----------|----------|----------|----------|---------|---------|
 *          Th           Ti          TR         Tw         Tc        Tr        Td
 *
 * except that `handshakeMs` and `idleMs` are durations themselves. -1: it never happened.
 *
 *   Th = handshakeMs
 *   Ti = idleMs
 *   TR = requestMs - idleMs - handshakeMs      -1 without requestMs
 *   Tq = requestMs                             -1 without requestMs (= Th + Ti + TR)
 *   Tw = queueMs - requestMs                   -1 without queueMs; TCP: queueMs - handshakeMs
 *   Tc = connectMs - queueMs                   -1 without connectMs
 *   Tr = dataMs - connectMs                    -1 without dataMs
 *   Td = closeMs - dataMs                      -1 without dataMs; TCP: closeMs - connectMs
 *   Ta = closeMs - idleMs - handshakeMs        both 0 when unknown; never negative
 *   Tt = closeMs
 *   Tu = closeMs - idleMs
 *
 * While the stream is not closed, `closeMs` counts as "now": a header made in mid-stream and a line
 * written early (`option logasap`) show the time so far; the latter with a `+` before Ta, Tt and Tu.
 *
 * @dataplane
 */
import { type StreamFacts, StreamFlag } from '../../model/stream.ts';
import type { RuleContext } from '../context.ts';
import { Op } from './alias.ts';

/** Whether the item gets a `+` because its final value will be larger. */
export function isPartial(op: Op, ctx: RuleContext): boolean {
  if (ctx.stream === null || (ctx.stream.flags & StreamFlag.LoggedEarly) === 0) return false;
  return op === Op.Ta || op === Op.Tt || op === Op.Tu || op === Op.BytesOut;
}

/** A timer in ms. Without a stream the connection failed before one: only the total is known. */
export function timer(op: Op, ctx: RuleContext): number {
  const strm = ctx.stream;
  if (strm === null) return sessionTimer(op, ctx);
  switch (op) {
    case Op.Th:
      return Math.floor(strm.handshakeMs);
    case Op.Ti:
      return Math.floor(strm.idleMs);
    case Op.TR:
      return strm.requestMs < 0 ? -1 : notBelow0(strm.requestMs - beforeRequest(strm));
    case Op.Tq:
      return strm.requestMs < 0 ? -1 : Math.floor(strm.requestMs);
    case Op.Tw:
      return strm.queueMs < 0 ? -1 : notBelow0(strm.queueMs - untilRequest(strm));
    case Op.Tc:
      return strm.connectMs < 0 ? -1 : notBelow0(strm.connectMs - strm.queueMs);
    case Op.Tr:
      return strm.dataMs < 0 ? -1 : notBelow0(strm.dataMs - strm.connectMs);
    case Op.Td: {
      const from = isTcp(strm) ? strm.connectMs : strm.dataMs;
      return from < 0 ? -1 : notBelow0(closeMs(strm, ctx) - from);
    }
    case Op.Ta:
      return notBelow0(closeMs(strm, ctx) - beforeRequest(strm));
    case Op.Tt:
      return notBelow0(closeMs(strm, ctx));
    default:
      return notBelow0(closeMs(strm, ctx) - (strm.idleMs < 0 ? 0 : strm.idleMs));
  }
}

function sessionTimer(op: Op, ctx: RuleContext): number {
  switch (op) {
    case Op.Ta:
    case Op.Tt:
    case Op.Tu:
      return notBelow0(ctx.nowMs - ctx.session.acceptMs);
    case Op.Th:
      return Math.floor(ctx.session.handshakeMs);
    default:
      return -1;
  }
}

function notBelow0(ms: number): number {
  return ms > 0 ? Math.floor(ms) : 0;
}

function closeMs(strm: StreamFacts, ctx: RuleContext): number {
  return strm.closeMs >= 0 ? strm.closeMs : ctx.nowMs - strm.startMs;
}

/** Handshake and idle time: what lies before the first byte of the request. */
function beforeRequest(strm: StreamFacts): number {
  return strm.idleMs < 0 ? 0 : strm.idleMs + strm.handshakeMs;
}

/** The queue begins with the complete request; in TCP mode right after the handshake. */
function untilRequest(strm: StreamFacts): number {
  return strm.requestMs >= 0 ? strm.requestMs : strm.handshakeMs;
}

function isTcp(strm: StreamFacts): boolean {
  const proxy = strm.backend ?? strm.frontend;
  return proxy !== null && proxy.config.mode === 'tcp';
}

/** Wall clock ms of the acceptance, or of the moment the connection was ready for this request. */
export function acceptDateMs(ctx: RuleContext): number {
  return ctx.stream === null || ctx.stream.startDateMs === 0
    ? ctx.session.acceptDateMs
    : ctx.stream.startDateMs;
}

/** Wall clock ms of the first byte of the request; of the acceptance when none came. */
export function requestDateMs(ctx: RuleContext): number {
  return ctx.stream !== null && ctx.stream.requestDateMs > 0
    ? ctx.stream.requestDateMs
    : acceptDateMs(ctx);
}

/**
 * Status code. -1 when none was sent; 0 in TCP mode, where there is no transaction.
 */
export function statusOf(strm: StreamFacts | null): number {
  if (strm === null) return 0;
  if (strm.status !== 0) return strm.status;
  return strm.frontend !== null && strm.frontend.config.mode === 'http' ? -1 : 0;
}
