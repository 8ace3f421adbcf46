/**
 * `option http-buffer-request` (4.2): the rules of the proxy that has it run only when the body, or as
 * much of it as the buffer holds, is there. Meanwhile other streams use the message, so the head is
 * read again from the client's buffer.
 *
 * @dataplane
 */
import { FieldId } from '../http/field.ts';
import { serializeHead } from '../http/h1/serialize.ts';
import { BodyMode } from '../http/message.ts';
import { Cause } from '../model/stream.ts';
import { mem, reserveBytes } from '../sys/arena.ts';
import { receive, transmit } from '../transport/io.ts';
import { appendBody } from './body.ts';
import { cleanConnection, connectionField } from './connection-field.ts';
import { engine } from './engine.ts';
import { readHeadAgain, replyBadRequest, replyFailure } from './reply.ts';
import { Next, Step } from './step.ts';
import { End, type Stream } from './stream.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const continueOff = reserveBytes(CONTINUE);
/** Its size in logs and statistics (see `headSize`): status line parts only. */
const CONTINUE_COUNTED = 40;

/**
 * Waits for the whole body, a full buffer or a timeout. The bytes stay behind the head; chunk framing
 * is checked as they come.
 */
export function waitForBody(strm: Stream): Next {
  strm.step = Step.Body;
  // Nobody behind us asks for the body before it is complete. RFC 9110 15.2: HTTP/1.0 knows no
  // interim responses.
  if (engine.requestMsg.expectContinue && strm.version >= 11) {
    transmit(strm.client!, continueOff, CONTINUE.length, false);
    strm.bytesOut += CONTINUE_COUNTED;
  }
  return Next.Go;
}

/** The rules of the frontend have edited the head: it is written down, to be read again later. */
export function waitInBackend(strm: Stream): Next {
  const conn = strm.client!;
  const len = serializeHead(engine.requestMsg, engine.assembly, engine.assemblyMax, null);
  const dst = strm.bodyOff - len;
  if (len === 0 || dst < conn.buf) return replyFailure(strm);
  mem.copyWithin(dst, engine.assembly, engine.assembly + len);
  strm.headOff = dst;
  strm.headLen = len;
  return waitForBody(strm);
}

/** More of a buffered body may be there. */
export function bufferBody(strm: Stream): Next {
  const conn = strm.client!;
  const end = conn.buf + engine.bufsize;
  // Reading goes on until nothing is left: the end of a client that has left shows behind its last
  // bytes.
  while (conn.readable && conn.body !== BodyMode.None && conn.inWr < end) {
    if (conn.inRd === conn.inWr) {
      conn.inRd = conn.outEnd;
      conn.inWr = conn.outEnd;
    }
    if (receive(conn, engine.bufsize) > 0 && !appendBody(conn)) return replyBadRequest(strm, 400);
  }
  strm.requestComplete = conn.body === BodyMode.None;
  if (conn.error !== 0 || (conn.eof && !strm.requestComplete)) {
    strm.requestMs = engine.nowMs - strm.startMs;
    strm.blame(Cause.Client);
    strm.clientEnds |= End.Failure;
    return Next.Done;
  }
  if (strm.requestComplete || conn.inWr >= end) return resumeRules(strm);
  armBuffering(strm);
  return Next.Wait;
}

/** `timeout http-request` bounds the whole request, `timeout client` each pause. */
function armBuffering(strm: Stream): void {
  const conn = strm.client!;
  const asking = strm.inBackend ? strm.backend! : strm.frontend!;
  const requestMs = asking.config.timeout.httpRequest;
  const pauseMs = strm.frontend!.config.timeout.client;
  let at = pauseMs >= 0 ? engine.nowMs + pauseMs : Infinity;
  if (requestMs >= 0) at = Math.min(at, strm.startMs + strm.idleMs + requestMs);
  if (at < Infinity) engine.timers.set(conn.id, at);
  else engine.timers.clear(conn.id);
}

/** The body is there: the rules go on. */
function resumeRules(strm: Stream): Next {
  const msg = engine.requestMsg;
  engine.timers.clear(strm.client!.id);
  strm.requestMs = engine.nowMs - strm.startMs;
  if (!readHeadAgain(strm)) return replyFailure(strm);
  cleanConnection(msg, connectionField(strm));
  if (msg.expectContinue) msg.removeAll(FieldId.Expect, 0, 6);
  strm.step = strm.inBackend ? Step.BackendRules : Step.Rules;
  return Next.Go;
}
