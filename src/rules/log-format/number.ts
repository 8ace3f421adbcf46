/**
 * The numeric aliases.
 *
 * @dataplane
 */
import { Family, StreamFlag } from '../../model/stream.ts';
import type { RuleContext } from '../context.ts';
import {
  connectedFamily,
  connectedPort,
  destinationFamily,
  findServerAddress,
  findSourceAddress,
} from './address.ts';
import { LogFlag, Op } from './alias.ts';
import { environment } from './environment.ts';
import { plainMap, putByte, putField, putHexable, putNumber } from './field.ts';
import { isPartial, statusOf, timer } from './timer.ts';

const PLUS = 0x2b;
const ENCODED = LogFlag.Json | LogFlag.Cbor;

/** One numeric alias. @returns the new position, -1 when it did not fit. */
export function putCounter(
  at: number,
  end: number,
  ctx: RuleContext,
  op: Op,
  flags: number,
): number {
  if (op <= Op.Tw) return putTotal(at, end, ctx, op, flags, timer(op, ctx));
  const strm = ctx.stream;
  switch (op) {
    case Op.BytesOut:
      return putTotal(at, end, ctx, op, flags, strm === null ? 0 : strm.bytesOut);
    case Op.BytesIn:
      return putNumber(at, end, strm === null ? 0 : strm.bytesIn);
    case Op.Status:
      return putNumber(at, end, statusOf(strm));
    case Op.ActiveConnections:
    case Op.FrontendConnections:
    case Op.BackendConnections:
    case Op.ServerConnections:
      return putNumber(at, end, connections(ctx, op));
    case Op.BackendQueue:
      return putNumber(at, end, strm === null ? 0 : strm.backendQueue);
    case Op.ServerQueue:
      return putNumber(at, end, strm === null ? 0 : strm.serverQueue);
    case Op.LogCounter: {
      const fe = ctx.session.frontend;
      return putHexable(at, end, fe === null ? 0 : fe.logCount, flags, 4);
    }
    case Op.Pid:
      return putHexable(at, end, environment.pid, flags, 4);
    case Op.RequestCounter:
      return putHexable(at, end, strm === null ? 0 : strm.id, flags, 4);
    case Op.Retries: {
      if (strm === null) return putNumber(at, end, 0);
      const redispatched = (strm.flags & StreamFlag.Redispatched) !== 0;
      return putMarked(at, end, redispatched && (flags & ENCODED) === 0, strm.retries);
    }
    default:
      return putPort(at, end, ctx, op, flags);
  }
}

/** A value that is still growing gets a plus sign, except in json and cbor. */
function putTotal(
  at: number,
  end: number,
  ctx: RuleContext,
  op: Op,
  flags: number,
  value: number,
): number {
  return putMarked(at, end, (flags & ENCODED) === 0 && isPartial(op, ctx), value);
}

function putMarked(at: number, end: number, plus: boolean, value: number): number {
  if (!plus) return putNumber(at, end, value);
  const pos = putByte(at, end, PLUS);
  return pos < 0 ? -1 : putNumber(pos, end, value);
}

function connections(ctx: RuleContext, op: Op): number {
  const strm = ctx.stream;
  switch (op) {
    case Op.ActiveConnections:
      return environment.current(0);
    case Op.FrontendConnections: {
      const fe = ctx.session.frontend;
      return fe === null ? 0 : environment.current(fe.frontend);
    }
    case Op.BackendConnections: {
      const be = strm === null ? null : strm.backend;
      return be === null ? 0 : environment.current(be.backend);
    }
    default: {
      const srv = strm === null ? null : strm.server;
      if (strm === null || srv === null) return 0;
      // The slot of a stream that has ended is not counted, although it still holds it: the next
      // in the queue gets it behind the log line.
      const ended = strm.ended && strm.slotHeld === srv;
      return environment.current(srv.entity) - (ended ? 1 : 0);
    }
  }
}

/**
 * A port. For a unix socket the client's and the frontend's port are the number of the listener.
 */
function putPort(at: number, end: number, ctx: RuleContext, op: Op, flags: number): number {
  const sess = ctx.session;
  switch (op) {
    case Op.ClientPort:
      if (sess.sourceFamily === Family.Unix) return putNumber(at, end, listenerId(ctx));
      if (sess.sourceFamily === Family.None) return putField(at, end, 0, 0, flags, plainMap);
      return putHexable(at, end, sess.sourcePort, flags, 4);
    case Op.FrontendPort: {
      const family = destinationFamily(sess);
      if (family === Family.Unix) return putNumber(at, end, listenerId(ctx));
      if (family === Family.None) return putField(at, end, 0, 0, flags, plainMap);
      return putHexable(at, end, sess.destinationPort, flags, 4);
    }
    default: {
      const found =
        op === Op.BackendSourcePort ? findSourceAddress(ctx.stream) : findServerAddress(ctx.stream);
      if (!found || connectedFamily === Family.Unix) {
        return putField(at, end, 0, 0, flags, plainMap);
      }
      return putHexable(at, end, connectedPort, flags, 4);
    }
  }
}

function listenerId(ctx: RuleContext): number {
  const fe = ctx.session.frontend;
  const bind = fe === null ? undefined : fe.config.binds[ctx.session.bindIndex];
  return bind === undefined ? 0 : bind.id;
}
