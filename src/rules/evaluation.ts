/**
 * A compiled expression: one fetch and an array of steps, each a cast (nothing, when the type
 * already fits) and a function. Per evaluation there is no look-up and no allocation.
 *
 * @dataplane
 */
import { cast } from './cast.ts';
import type { Convert, Fetch, RuleContext } from './context.ts';
import type { Sample, SampleType } from './sample.ts';

export class Expression {
  /** As configured, for messages. */
  readonly text: string;
  /** `None` when it is known only while running; `Ipv4` also stands for "IPv4 or IPv6". */
  readonly outType: SampleType;
  private readonly fetch: Fetch;
  private readonly targets: Uint8Array;
  private readonly steps: readonly Convert[];
  /** The fetch reads an HTTP head, which may still be on its way. */
  private readonly readsHead: boolean;

  constructor(
    text: string,
    outType: SampleType,
    fetch: Fetch,
    targets: Uint8Array,
    steps: readonly Convert[],
    readsHead: boolean,
  ) {
    this.text = text;
    this.outType = outType;
    this.fetch = fetch;
    this.targets = targets;
    this.steps = steps;
    this.readsHead = readsHead;
  }

  /**
   * Evaluates to the value (with `every`: to the first occurrence).
   * @returns false when there is none; the sample is undefined then.
   */
  evaluate(ctx: RuleContext, sample: Sample): boolean {
    sample.iter = 0;
    sample.mayChange = false;
    return this.evaluateNext(ctx, sample);
  }

  /** After a value with `sample.more`: evaluates to the next occurrence. */
  evaluateNext(ctx: RuleContext, sample: Sample): boolean {
    sample.more = false;
    if (!this.fetch(ctx, sample)) {
      if (this.readsHead && ctx.isHeadAwaited) sample.mayChange = true;
      return false;
    }
    const steps = this.steps;
    for (let i = 0; i < steps.length; i++) {
      if (!cast(sample, this.targets[i]!) || !steps[i]!(ctx, sample)) return false;
    }
    return true;
  }
}
