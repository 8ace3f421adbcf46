/**
 * Stores a sample in a capture slot of the stream's frontend, where logs and `capture.req.hdr` find
 * it (configuration.txt 4.4 `capture`; the layout is in `model/capture.ts`). A rule of a backend
 * may name a slot that the frontend does not have: it does nothing then, as the manual says.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import { asString } from '../cast.ts';
import { type RuleContext, Verdict } from '../context.ts';
import type { Expression } from '../expression.ts';
import { environment } from '../log-format/environment.ts';

/** Stores the sample, cut to the slot's size. */
export function capture(
  ctx: RuleContext,
  expression: Expression,
  response: boolean,
  slot: number,
): Verdict {
  const strm = ctx.stream;
  const fe = ctx.session.frontend;
  if (strm === null || fe === null || strm.captureOff === 0) return Verdict.Continue;
  const layout = environment.captureLayouts[fe.index];
  if (layout === null || layout === undefined) return Verdict.Continue;
  const slots = response ? layout.response : layout.request;
  if (slot >= slots.length) return Verdict.Continue;
  const { sample } = ctx;
  if (!expression.evaluate(ctx, sample) || !asString(sample)) {
    return sample.mayChange && !ctx.isFinal ? Verdict.Wait : Verdict.Continue;
  }
  const { at, max } = slots[slot]!;
  const len = Math.min(sample.len, max);
  const to = strm.captureOff + at;
  mem[to] = (len + 1) & 255;
  mem[to + 1] = (len + 1) >> 8;
  mem.copyWithin(to + 2, sample.off, sample.off + len);
  return Verdict.Continue;
}
