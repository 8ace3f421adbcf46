/**
 * What actions that wait ask of the stream (see wait.ts).
 *
 * @dataplane
 */
import { cast } from '../cast.ts';
import { type RuleContext, Verdict } from '../context.ts';
import type { Expression } from '../evaluation.ts';
import { SampleType } from '../sample.ts';

/** Longest pause that an expression may ask for, in ms: timers are signed 32-bit numbers in HAProxy. */
const PAUSE_MAX = 0x7fffffff;

/** Holds the message back for so many ms; a value that is no time changes nothing. */
export function pauseFor(ctx: RuleContext, ms: number): Verdict {
  if (ctx.isResumed || ms <= 0 || ms > PAUSE_MAX) return Verdict.Continue;
  ctx.waitMs = ms;
  ctx.waitBytes = -1;
  return Verdict.Wait;
}

/** As `pauseFor`, for the value of an expression; without one nothing changes. */
export function pauseForSample(ctx: RuleContext, expression: Expression): Verdict {
  if (ctx.isResumed) return Verdict.Continue;
  const { sample } = ctx;
  if (!expression.evaluate(ctx, sample) || !cast(sample, SampleType.Sint)) return Verdict.Continue;
  return pauseFor(ctx, sample.num);
}

/** Waits for a body, or for at least so many bytes of it. @param bytes 0 = all */
export function waitForBody(ctx: RuleContext, ms: number, bytes: number): Verdict {
  if (ctx.isResumed) return Verdict.Continue;
  ctx.waitMs = ms;
  ctx.waitBytes = bytes;
  return Verdict.Wait;
}
