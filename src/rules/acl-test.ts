/**
 * One compiled test of an ACL: an expression whose occurrences are compared with a list of patterns
 * until one matches (configuration.txt 7.1).
 *
 * @dataplane
 */
import { cast } from './cast.ts';
import type { RuleContext } from './context.ts';
import type { Expression } from './evaluation.ts';
import type { Pattern } from './pattern/pattern.ts';
import { Truth } from './truth.ts';

export class AclTest {
  private readonly expression: Expression;
  private readonly target: number;
  private readonly pattern: Pattern;

  /** @param target what the sample is cast to before `pattern` sees it, see `cast`. */
  constructor(expression: Expression, target: number, pattern: Pattern) {
    this.expression = expression;
    this.target = target;
    this.pattern = pattern;
  }

  decide(ctx: RuleContext): Truth {
    const sample = ctx.sample;
    if (!this.expression.evaluate(ctx, sample)) return missed(ctx);
    for (;;) {
      if (cast(sample, this.target) && this.pattern.matches(sample)) return Truth.True;
      if (!sample.more || !this.expression.evaluateNext(ctx, sample)) return missed(ctx);
    }
  }
}

function missed(ctx: RuleContext): Truth {
  return ctx.sample.mayChange && !ctx.isFinal ? Truth.Unknown : Truth.False;
}
