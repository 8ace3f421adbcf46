/**
 * The end of a stream: its accounts, its log line, and the return of everything it held.
 *
 * @dataplane
 */
import { Counter } from '../model/shared.ts';
import { dropStreamVariables } from '../rules/variable/variables.ts';
import { closeConn, resetConn } from './close.ts';
import { statusColumn } from './count.ts';
import { showEnd } from './debug.ts';
import { engine } from './engine.ts';
import { keepIdle } from './idle.ts';
import { countUsed } from './idle-list.ts';
import { countBytes, logStream } from './log.ts';
import { leaveQueue, releaseServer } from './queue.ts';
import { dropNames } from './secure.ts';
import { forgetService } from './service.ts';
import { Step } from './step.ts';
import { releaseStick } from './stick.ts';
import type { Conn, Stream } from './stream.ts';
import { releaseTracked } from './tracked.ts';

/** Requests over which the averages of `show stat` (qtime …) decay. */
const AVERAGE_OVER = 1024;

/**
 * Ends a stream, in whatever state it is. Its client's connection is left without one.
 * @returns whether that connection may carry another request.
 */
export function endStream(strm: Stream): boolean {
  const client = strm.client!;
  const server = strm.serverConn;
  if (strm.step === Step.Queue) leaveQueue(strm);
  if (strm.service !== null) forgetService(strm);
  strm.step = Step.Ended;
  strm.ended = true;
  strm.closeMs = engine.nowMs - strm.startMs;
  countBytes(strm);
  countEnd(strm);
  // The log counts the backend's other connections, without this one.
  if (strm.inBackend) engine.leave(strm.backend!.backend);
  engine.attend(strm);
  engine.request = null;
  engine.response = null;
  logStream(strm, strm.plan);
  dropStreamVariables(strm);
  releaseTracked(strm.counters);
  releaseStick(strm);
  releaseServer(strm);
  if (engine.debug !== null) showEnd(strm);
  client.carried = 0;
  client.counted = 0;
  if (server !== null) endServer(strm, server, client);
  dropNames(strm);
  if (strm.captureOff !== 0) engine.captures.give(strm.captureOff);
  if (strm.replyBlock !== 0) engine.buffers.give(strm.replyBlock);
  const keep = strm.clientEnds === 0 && !strm.aborted && client.error === 0;
  client.stream = null;
  engine.giveStream(strm);
  return keep;
}

/** What becomes of the server's connection. */
function endServer(strm: Stream, server: Conn, client: Conn): void {
  strm.serverConn = null;
  strm.serverTls = null;
  countUsed(server.server!, -1);
  server.carried = 0;
  server.counted = 0;
  const whole = strm.responseComplete && strm.requestSent && !strm.aborted;
  const clean = server.inRd === server.inWr && server.outRd === server.outEnd;
  if (whole && clean && strm.serverEnds === 0 && !server.connecting) {
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
