/**
 * Rules of a request that wait (configuration.txt 4.4): for some time (`pause`), or for its body
 * (buffering.ts). The head is written down and the rules go on at their position.
 *
 * @dataplane
 */
import { receive } from '../transport/io.ts';
import { waitForBody } from './buffering.ts';
import { engine } from './engine.ts';
import { freezeRequest, thawRequest } from './freeze.ts';
import { replyFailure } from './reply.ts';
import { Next, Step } from './step.ts';
import type { Stream } from './stream.ts';

/** An action of the step's rules has asked to wait: `engine.waitMs`, `engine.waitBytes`. */
export function holdRequest(strm: Stream): Next {
  const { waitMs, waitBytes } = engine;
  // Rules that wait for what is there go on at once.
  if (waitBytes >= 0) {
    return strm.requestComplete ? Next.Go : waitForBody(strm, strm.step, waitMs, waitBytes);
  }
  if (!freezeRequest(strm)) return replyFailure(strm);
  strm.heldStep = strm.step;
  strm.step = Step.Hold;
  strm.holdUntil = engine.nowMs + waitMs;
  engine.timers.clear(strm.client!.id);
  engine.timers.set(engine.streamTimer(strm), strm.holdUntil);
  return Next.Wait;
}

/**
 * Goes on when the time is over. A client that resets is noticed, one that has only ended its requests
 * is still answered.
 * @returns Abort when the client is gone.
 */
export function resumeHeld(strm: Stream): Next {
  const conn = strm.client!;
  if (conn.hup && conn.readable) receive(conn, engine.bufsize);
  if (conn.error !== 0) return Next.Abort;
  if (engine.nowMs < strm.holdUntil) return Next.Wait;
  engine.timers.clear(engine.streamTimer(strm));
  strm.requestMs = engine.nowMs - strm.startMs;
  if (!thawRequest(strm)) return replyFailure(strm);
  strm.step = strm.heldStep;
  return Next.Go;
}
