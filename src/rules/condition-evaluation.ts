/**
 * A compiled condition: a disjunction of conjunctions of ACLs (configuration.txt 7.2). While bytes are
 * still to come an ACL may be unknown, and with it the conjunction; then the condition is, unless
 * another conjunction holds.
 *
 *   any    [ term term term ] or [ term ] or ...       flat, `groupEnd[g]` ends group g
 *   term   [ test test ]                               several `acl` lines of one name; first wins
 *
 * @dataplane
 */
import type { AclTest } from './acl-test.ts';
import type { Condition, RuleContext } from './context.ts';
import { Truth } from './truth.ts';

/** One ACL of a condition. */
export class Term {
  private readonly tests: readonly AclTest[];
  private readonly negate: boolean;

  constructor(tests: readonly AclTest[], negate: boolean) {
    this.tests = tests;
    this.negate = negate;
  }

  decide(ctx: RuleContext): Truth {
    const tests = this.tests;
    let truth = Truth.False;
    for (let i = 0; i < tests.length; i++) {
      const result = tests[i]!.decide(ctx);
      if (result !== Truth.False) truth = result;
      if (result === Truth.True) break;
    }
    return this.negate ? opposite(truth) : truth;
  }
}

function opposite(truth: Truth): Truth {
  if (truth === Truth.Unknown) return truth;
  return truth === Truth.True ? Truth.False : Truth.True;
}

export class Disjunction {
  private readonly terms: readonly Term[];
  private readonly groupEnd: Int32Array;
  private readonly negate: boolean;

  constructor(groups: readonly (readonly Term[])[], negate: boolean) {
    this.terms = groups.flat();
    this.groupEnd = new Int32Array(groups.length);
    this.negate = negate;
    let end = 0;
    groups.forEach((group, i) => {
      end += group.length;
      this.groupEnd[i] = end;
    });
  }

  decide(ctx: RuleContext): Truth {
    let truth = Truth.False;
    let at = 0;
    for (let group = 0; group < this.groupEnd.length; group++) {
      const end = this.groupEnd[group]!;
      const all = this.decideGroup(ctx, at, end);
      if (all !== Truth.False) truth = all;
      if (all === Truth.True) break;
      at = end;
    }
    return this.negate ? opposite(truth) : truth;
  }

  /** The first term that does not hold decides, as in HAProxy: those behind it are not looked at. */
  private decideGroup(ctx: RuleContext, from: number, until: number): Truth {
    for (let at = from; at < until; at++) {
      const result = this.terms[at]!.decide(ctx);
      if (result !== Truth.True) return result;
    }
    return Truth.True;
  }
}

function always(_ctx: RuleContext): boolean {
  return true;
}

/** The condition of a rule that has none. */
export const alwaysTrue: Condition = always;

function settle(ctx: RuleContext, truth: Truth): boolean {
  if (truth === Truth.Unknown) ctx.isUndecided = true;
  return truth === Truth.True;
}

/** The common case of one ACL avoids the walk over groups. */
export function compileTerm(term: Term): Condition {
  return (ctx) => settle(ctx, term.decide(ctx));
}

export function compileDisjunction(disjunction: Disjunction): Condition {
  return (ctx) => settle(ctx, disjunction.decide(ctx));
}
