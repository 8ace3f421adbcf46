/**
 * How long content rules may wait (configuration.txt 4.2 `tcp-request inspect-delay`).
 *
 * @dataplane
 */
import { takeCaptures } from './capture.ts';
import { engine } from './engine.ts';
import type { Plan } from './plan.ts';
import { Next, Step } from './step.ts';
import type { Stream } from './stream.ts';

/** The `tcp-request content` rules of a proxy are next. */
export function beginInspection(strm: Stream, plan: Plan): Next {
  if (!strm.inBackend) takeCaptures(strm, plan);
  strm.step = Step.Inspect;
  strm.inspectUntil = engine.nowMs + plan.config.requestInspectMs;
  return Next.Go;
}

/** Nothing is waited for any more. */
export function isOver(strm: Stream): boolean {
  return engine.nowMs >= strm.inspectUntil;
}
