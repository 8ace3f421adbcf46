/**
 * Waiting for the body of a request: `option http-buffer-request` (4.2), before the rules of the proxy
 * that has it, and `wait-for-body` (4.4) in the middle of rules. They go on when the body, or as much of
 * it as the buffer holds, is there.
 *
 * @dataplane
 */
import { FieldId } from '../http/field.ts';
import { BodyMode } from '../http/message.ts';
import { Cause } from '../model/stream.ts';
import { reserveBytes } from '../sys/arena.ts';
import { receive, transmit } from '../transport/io.ts';
import { appendBody } from './body.ts';
import { engine } from './engine.ts';
import { freezeRequest, thawRequest } from './freeze.ts';
import { replyBadRequest, replyFailure } from './reply.ts';
import { Next, Step } from './step.ts';
import { End, type Stream } from './stream.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const continueOff = reserveBytes(CONTINUE);
/** Its size in logs and statistics (see `headSize`): status line parts only. */
const CONTINUE_COUNTED = 40;

/**
 * Waits for the whole body, a full buffer or a timeout; then the rules of `step` go on. The bytes stay
 * behind the head; chunk framing is checked as they come.
 * @param ms how long at most, beside what the timeouts say; -1 = no limit of its own
 * @param bytes how much of the body is enough, 0 = all of it
 */
export function waitForBody(strm: Stream, step: Step, ms: number, bytes: number): Next {
  const msg = engine.requestMsg;
  if (msg.expectContinue) {
    // Nobody behind us asks for the body before it is complete. RFC 9110 15.2: HTTP/1.0 knows no
    // interim responses.
    if (strm.version >= 11) {
      transmit(strm.client!, continueOff, CONTINUE.length, false);
      strm.bytesOut += CONTINUE_COUNTED;
    }
    msg.removeAll(FieldId.Expect, 0, 6);
  }
  if (!freezeRequest(strm)) return replyFailure(strm);
  strm.step = Step.Body;
  strm.heldStep = step;
  strm.holdUntil = ms < 0 ? Number.POSITIVE_INFINITY : engine.nowMs + ms;
  strm.bodyWanted = bytes;
  return Next.Go;
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
  const isEnough = strm.bodyWanted > 0 && conn.carried - strm.headBytes >= strm.bodyWanted;
  if (strm.requestComplete || isEnough || conn.inWr >= end) return resumeRules(strm);
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
  at = Math.min(at, strm.holdUntil);
  if (at < Infinity) engine.timers.set(conn.id, at);
  else engine.timers.clear(conn.id);
}

/** The body is there: the rules go on. */
function resumeRules(strm: Stream): Next {
  engine.timers.clear(strm.client!.id);
  strm.requestMs = engine.nowMs - strm.startMs;
  if (!thawRequest(strm)) return replyFailure(strm);
  strm.step = strm.heldStep;
  return Next.Go;
}
