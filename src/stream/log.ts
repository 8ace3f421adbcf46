/**
 * The log line of a stream (configuration.txt 8.3) and the bytes that it counts.
 *
 * @dataplane
 */
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause, StreamFlag } from '../model/stream.ts';
import { Event } from '../stick-table/tracking.ts';
import { engine } from './engine.ts';
import type { Plan } from './plan.ts';
import type { Stream } from './stream.ts';
import { noteTracked } from './tracked.ts';

const LEVEL_ERROR = 3;
const LEVEL_INFO = 6;

/** Adds what has passed since the last call to the byte counters (`bin`, `bout`). */
export function countBytes(strm: Stream): void {
  const client = strm.client!;
  const server = strm.serverConn;
  if (client.carried > strm.bytesIn) strm.bytesIn = client.carried;
  if (server !== null) {
    strm.bytesOut += server.carried - server.counted;
    server.counted = server.carried;
  }
  const into = strm.bytesIn - strm.countedIn;
  const out = strm.bytesOut - strm.countedOut;
  if (into === 0 && out === 0) return;
  strm.countedIn = strm.bytesIn;
  strm.countedOut = strm.bytesOut;
  if (into > 0) noteTracked(strm, Event.BytesIn, into);
  if (out > 0) noteTracked(strm, Event.BytesOut, out);
  addBytes(strm.frontend!.frontend, into, out);
  addBytes(client.listenerEntity, into, out);
  if (strm.inBackend) addBytes(strm.backend!.backend, into, out);
  if (strm.server !== null) addBytes(strm.server.entity, into, out);
}

function addBytes(entity: number, into: number, out: number): void {
  engine.count(entity, Counter.BytesIn, into);
  engine.count(entity, Counter.BytesOut, out);
}

/** Writes the stream's log line, unless options keep it silent (configuration.txt 8.3). */
export function logStream(strm: Stream, plan: Plan): void {
  if (!plan.hasLogs || strm.logged || strm.logLevel < 0 || plan.greets) return;
  const odd = isOdd(strm);
  if (!odd && plan.has(Option.DontLogNormal)) return;
  if ((strm.flags & StreamFlag.HasRequest) === 0 && plan.isHttp) {
    const silent = strm.idleMs < 0 && plan.has(Option.DontLogNull);
    if (silent) return;
  } else if (!plan.isHttp && plan.has(Option.DontLogNull)) {
    if (strm.bytesIn === 0 && strm.bytesOut === 0) return;
  }
  let level = strm.logLevel;
  if (odd && level === LEVEL_INFO && plan.has(Option.LogSeparateErrors)) level = LEVEL_ERROR;
  writeLine(strm, plan, level);
}

/** `option logasap`: the line as soon as the response has begun. */
export function logEarly(strm: Stream, plan: Plan): void {
  if (!plan.hasLogs || strm.logged) return;
  strm.flags |= StreamFlag.LoggedEarly;
  strm.closeMs = engine.nowMs - strm.startMs;
  countBytes(strm);
  // As in haproxy the request's bytes are still to come, and `%U` says 0.
  const into = strm.bytesIn;
  strm.bytesIn = 0;
  logStream(strm, plan);
  strm.bytesIn = into;
  strm.bytesOut = strm.countedOut;
  strm.logged = true;
}

/** The line of a stream's beginning when no log format is configured. */
export function logGreeting(strm: Stream, plan: Plan): void {
  if (!plan.hasLogs || !plan.greets) return;
  engine.attend(strm);
  writeLine(strm, plan, LEVEL_INFO);
}

/** Anything that an operator may want to see although all seems well. */
function isOdd(strm: Stream): boolean {
  if (strm.cause !== Cause.None && strm.cause !== Cause.Local) return true;
  if (strm.retries > 0 || (strm.flags & StreamFlag.Redispatched) !== 0) return true;
  return strm.status >= 500;
}

function writeLine(strm: Stream, plan: Plan, level: number): void {
  const badRequest = plan.isHttp && (strm.flags & StreamFlag.HasRequest) === 0;
  const format = badRequest && plan.errorLogFormat !== null ? plan.errorLogFormat : plan.logFormat;
  const index = plan.proxy.index;
  const at = engine.logLine;
  plan.proxy.logCount = engine.nextLog(plan.proxy.frontend);
  const len = format.write(engine, at, engine.logLineMax);
  let sdLen = 0;
  if (plan.logFormatSd !== null) {
    sdLen = plan.logFormatSd.write(engine, at + engine.logLineMax, engine.logLineMax);
  }
  engine.logger.send(index, level, at, len, at + engine.logLineMax, sdLen);
}
