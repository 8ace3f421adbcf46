/**
 * The end of a stream: its accounts, its log line, and the return of everything it held. The
 * client's connection then waits for the next request or is closed.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause, Phase, type Stream, StreamFlag } from '../model/stream.ts';
import { releaseServer } from './assign.ts';
import { closeClient, closeConn, resetConn } from './close.ts';
import type { Conn } from './conn.ts';
import { statusColumn } from './count.ts';
import { showEnd } from './debug.ts';
import { drainRequest } from './drain.ts';
import { engine } from './engine.ts';
import { countUsed, keepIdle } from './idle.ts';
import type { Plan } from './plan.ts';
import { waitForRequest } from './request.ts';

const LEVEL_ERROR = 3;
const LEVEL_INFO = 6;
/** Requests over which the averages of `show stat` (qtime …) decay. */
const AVERAGE_OVER = 1024;

/** Ends a stream, in whatever state it is. */
export function endStream(strm: Stream): void {
  if (strm.phase === Phase.Ended) return;
  const wasQueued = strm.phase === Phase.Queue;
  strm.phase = Phase.Ended;
  if (wasQueued) engine.queue.remove(strm.slot);
  strm.closeMs = engine.nowMs - strm.startMs;
  const client = strm.client!;
  const server = strm.serverConn;
  countBytes(strm);
  countEnd(strm);
  const plan = engine.plans[strm.frontend!.index]!;
  // The log counts the backend's other connections, without this one.
  if (strm.inBackend) engine.leave(strm.backend!.backend);
  engine.attend(strm);
  engine.request = null;
  engine.response = null;
  logStream(strm, plan);
  releaseServer(strm);
  if (engine.debug !== null) showEnd(strm);
  client.carried = 0;
  client.counted = 0;
  if (server !== null) endServer(strm, server, client);
  if (strm.captureOff !== 0) engine.captures.give(strm.captureOff);
  if (strm.replyBlock !== 0) engine.buffers.give(strm.replyBlock);
  const keep = strm.keepAlive && !strm.aborted && client.error === 0;
  client.stream = null;
  engine.giveStream(strm);
  endClient(client, keep);
}

/** What becomes of the server's connection. */
function endServer(strm: Stream, server: Conn, client: Conn): void {
  strm.serverConn = null;
  countUsed(server.server!, -1);
  server.carried = 0;
  server.counted = 0;
  const whole = strm.responseComplete && strm.requestSent && !strm.aborted;
  const clean = server.inRd === server.inWr && server.outRd === server.outEnd;
  if (whole && clean && strm.keepServer && !server.connecting) {
    if (server.buf !== 0) {
      engine.buffers.give(server.buf);
      server.buf = 0;
    }
    return keepIdle(server, client);
  }
  // What a tunnel has carried is whole as far as it went: a reset would throw away what the kernel
  // has still to send.
  if ((server.eof || strm.tunnelled) && !strm.aborted) closeConn(server);
  else resetConn(server);
}

function endClient(client: Conn, keep: boolean): void {
  const isRestDue = client.body === BodyMode.Length || client.body === BodyMode.Chunked;
  if (!keep) {
    if (isRestDue) client.unread = true;
    return closeClient(client);
  }
  const sess = client.session;
  sess.acceptMs = engine.nowMs;
  sess.acceptDateMs = engine.nowDateMs;
  if (isRestDue) drainRequest(client);
  else waitForRequest(client);
}

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
  addBytes(strm.frontend!.frontend, into, out);
  addBytes(client.listenerEntity, into, out);
  if (strm.inBackend) addBytes(strm.backend!.backend, into, out);
  if (strm.server !== null) addBytes(strm.server.entity, into, out);
}

function addBytes(entity: number, into: number, out: number): void {
  engine.count(entity, Counter.BytesIn, into);
  engine.count(entity, Counter.BytesOut, out);
}

/** Status classes and times. The server's own answers are counted when they come. */
function countEnd(strm: Stream): void {
  const server = strm.server;
  if (strm.status > 0) {
    const column = statusColumn(strm.status);
    engine.count(strm.frontend!.frontend, column, 1);
    if (strm.inBackend) engine.count(strm.backend!.backend, column, 1);
  }
  if (!strm.inBackend || strm.dataMs < 0) return;
  countTimes(strm, strm.backend!.backend);
  if (server !== null) countTimes(strm, server.entity);
}

function countTimes(strm: Stream, entity: number): void {
  const start = Math.max(strm.requestMs, 0);
  const queue = strm.queueMs >= 0 ? strm.queueMs - start : 0;
  const connect = strm.connectMs >= 0 ? strm.connectMs - strm.queueMs : 0;
  const response = strm.dataMs >= 0 ? strm.dataMs - strm.connectMs : 0;
  const total = strm.closeMs - Math.max(strm.idleMs, 0);
  average(entity, Counter.QueueTimeSum, queue);
  average(entity, Counter.ConnectTimeSum, connect);
  average(entity, Counter.ResponseTimeSum, response);
  average(entity, Counter.TotalTimeSum, total);
  engine.raise(entity, Counter.QueueTimeMax, queue);
  engine.raise(entity, Counter.ConnectTimeMax, connect);
  engine.raise(entity, Counter.ResponseTimeMax, response);
  engine.raise(entity, Counter.TotalTimeMax, total);
}

/** Sliding sum: loses 1/1024 of itself with every request. */
function average(entity: number, column: Counter, value: number): void {
  const counters = engine.shared.counters;
  const i = engine.shared.counterBase(engine.row, entity) + column;
  const sum = counters[i]!;
  counters[i] = sum - sum / AVERAGE_OVER + value;
}

/** Writes the stream's log line, unless options keep it silent (configuration.txt 8.3). */
function logStream(strm: Stream, plan: Plan): void {
  if (!plan.hasLogs || strm.logged || strm.logLevel < 0 || plan.greets) return;
  const odd = isOdd(strm);
  if (!odd && plan.has(Option.DontLogNormal)) return;
  if ((strm.flags & StreamFlag.HasRequest) === 0 && plan.isHttp) {
    const silent = strm.idleMs < 0 && plan.has(Option.DontLogNull);
    if (silent) return;
  } else if (!plan.isHttp && plan.has(Option.DontLogNull)) {
    if (strm.bytesIn === 0 && strm.bytesOut === 0 && strm.cause === Cause.Client) return;
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
