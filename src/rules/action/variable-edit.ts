/**
 * What the actions on variables do (configuration.txt 4.4 `set-var`, `set-var-fmt`, `unset-var`).
 * None of them fails: without a value, or room for it, the rules go on.
 *
 * @dataplane
 */
import { type RuleContext, Verdict } from '../context.ts';
import type { Expression } from '../evaluation.ts';
import type { LogFormatWriter } from '../log-format.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';
import { setVariable, unsetVariable, type Variable } from '../variable/variables.ts';

/** Sets a variable to a sample; an expression without a value leaves it as it is. */
export function setSample(
  ctx: RuleContext,
  variable: Variable,
  conditions: number,
  expression: Expression,
): Verdict {
  const { sample } = ctx;
  if (expression.evaluate(ctx, sample)) setVariable(ctx, variable, sample, conditions);
  return Verdict.Continue;
}

export function setFormat(
  ctx: RuleContext,
  variable: Variable,
  conditions: number,
  format: LogFormatWriter,
): Verdict {
  setFormatted(ctx, variable, conditions, format);
  return Verdict.Continue;
}

/**
 * Sets a variable to a text, which is cut at `tune.bufsize`.
 * @returns as `setVariable`
 */
export function setFormatted(
  ctx: RuleContext,
  variable: Variable,
  conditions: number,
  format: LogFormatWriter,
): boolean {
  const most = scratchMax();
  const off = takeScratch(most);
  const len = format.write(ctx, off, most);
  trimScratch(off + len);
  ctx.sample.setStr(off, len);
  return setVariable(ctx, variable, ctx.sample, conditions);
}

export function unset(ctx: RuleContext, variable: Variable): Verdict {
  unsetVariable(ctx, variable);
  return Verdict.Continue;
}
