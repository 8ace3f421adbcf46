/**
 * Marks the packets of a client's connection. What the system refuses, for want of a privilege, changes
 * nothing, as in HAProxy.
 *
 * @dataplane
 */
import { Family } from '../../model/stream.ts';
import { setMark, setTos } from '../../sys/socket.ts';
import { cast } from '../cast.ts';
import { type RuleContext, Verdict } from '../context.ts';
import type { Expression } from '../evaluation.ts';
import { SampleType } from '../sample.ts';

export const enum SocketMark {
  Mark = 0,
  Tos = 1,
}

export function mark(ctx: RuleContext, kind: SocketMark, value: number): Verdict {
  const { fd, sourceFamily } = ctx.session;
  if (sourceFamily === Family.Inet || sourceFamily === Family.Inet6) {
    if (kind === SocketMark.Mark) setMark(fd, value | 0);
    else setTos(fd, value & 0xff, sourceFamily === Family.Inet6);
  }
  return Verdict.Continue;
}

/** As `mark`; an expression without a value changes nothing. */
export function markBySample(ctx: RuleContext, kind: SocketMark, expression: Expression): Verdict {
  const { sample } = ctx;
  if (!expression.evaluate(ctx, sample) || !cast(sample, SampleType.Sint)) return Verdict.Continue;
  return mark(ctx, kind, sample.num);
}
