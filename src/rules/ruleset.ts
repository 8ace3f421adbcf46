/**
 * A compiled ruleset (configuration.txt 4.2 `http-request`, `http-response`,
 * `http-after-response`): conditions and actions in two arrays, evaluated in order until one is
 * final. `allow` ends its own stage only: the lines of the older spellings and `redirect` follow.
 *
 * A position in the ruleset is an opaque number, so that an evaluation that had to wait goes on
 * where it stopped, with the strictness it had.
 *
 * @dataplane
 */
import { type RuleConfig, RuleStage } from '../model/config.ts';
import { strictness } from './action/edit.ts';
import { actionRow } from './action/registry.ts';
import { compileCondition } from './condition.ts';
import { type Action, type Condition, type RuleContext, Verdict } from './context.ts';

/** Added to a position when `strict-mode off` is in force there. */
const SOFT = 1 << 24;
/** And when the action there has asked to wait: it is called again, its condition is not. */
const WAITED = 1 << 25;
const INDEX_MASK = SOFT - 1;

export class Ruleset {
  readonly empty: boolean;
  /** Position of the rule that gave the verdict. With Wait and Tarpit: what to go on from. */
  at: number;
  /** Rewrites that failed in the last `run` (`wrew`), in strict mode or not. */
  failedRewrites: number;
  private readonly count: number;
  /** Null = the rule is unconditional. */
  private readonly conditions: (Condition | null)[];
  private readonly actions: Action[];
  private readonly answers: (Action | null)[];
  /** Per rule: where the next stage begins. */
  private readonly stageEnds: Int32Array;

  constructor(rules: readonly RuleConfig[]) {
    this.empty = rules.length === 0;
    this.at = 0;
    this.failedRewrites = 0;
    this.count = rules.length;
    this.conditions = [];
    this.actions = [];
    this.answers = [];
    this.stageEnds = createStageEnds(rules);
    for (const rule of rules) {
      const row = actionRow(rule.action);
      this.conditions.push(rule.condition === null ? null : compileCondition(rule.condition));
      this.actions.push(row.compile(rule.args));
      this.answers.push(row.answer?.(rule.args) ?? null);
    }
  }

  /**
   * Evaluates the rules.
   * @param from 0, or `at` of the evaluation that had to wait.
   * @returns Continue when no rule was final.
   */
  run(ctx: RuleContext, from: number): Verdict {
    strictness.soft = (from & SOFT) !== 0;
    strictness.failures = 0;
    ctx.dropSilently = false;
    ctx.isUndecided = false;
    let verdict = Verdict.Continue;
    let i = from & INDEX_MASK;
    let waited = 0;
    ctx.isResumed = (from & WAITED) !== 0;
    for (; i < this.count; i++) {
      const condition = ctx.isResumed ? null : this.conditions[i]!;
      if (condition !== null && !condition(ctx)) {
        if (!ctx.isUndecided) continue;
        verdict = Verdict.Wait;
        break;
      }
      verdict = this.actions[i]!(ctx);
      ctx.isResumed = false;
      if (verdict === Verdict.Continue) continue;
      if (verdict === Verdict.Wait) waited = WAITED;
      if (verdict !== Verdict.Allow || this.stageEnds[i] === this.count) break;
      i = this.stageEnds[i]! - 1;
      verdict = Verdict.Continue;
    }
    this.failedRewrites = strictness.failures;
    this.at = (strictness.soft ? i | SOFT : i) | waited;
    return verdict;
  }

  /**
   * Prepares the answer of the `tarpit` rule at a position, when its time is over.
   * @returns Deny, or Fail when there is no room for it.
   */
  answer(ctx: RuleContext, at: number): Verdict {
    const answer = this.answers[at & INDEX_MASK];
    return answer === null || answer === undefined ? Verdict.Fail : answer(ctx);
  }
}

function createStageEnds(rules: readonly RuleConfig[]): Int32Array {
  const ends = new Int32Array(rules.length);
  const stage = (i: number): RuleStage => rules[i]!.stage ?? RuleStage.Rules;
  let end = rules.length;
  for (let i = rules.length - 1; i >= 0; i--) {
    if (i + 1 < rules.length && stage(i) !== stage(i + 1)) end = i + 1;
    ends[i] = end;
  }
  return ends;
}

/** Most rulesets of most proxies: one for all, since nothing of an empty one ever changes. */
const noRules = new Ruleset([]);

/** Compiles the rules of one ruleset of one proxy, in order. */
export function compileRuleset(rules: readonly RuleConfig[]): Ruleset {
  return rules.length === 0 ? noRules : new Ruleset(rules);
}
