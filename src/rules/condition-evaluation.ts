/**
 * A compiled condition: a disjunction of conjunctions of ACLs (configuration.txt 7.2).
 *
 *   any    [ term term term ] or [ term ] or ...       flat, `groupEnd[g]` ends group g
 *   term   [ test test ]                               several `acl` lines of one name; first wins
 *
 * @dataplane
 */
import type { AclTest } from './acl-test.ts';
import type { Condition, RuleContext } from './context.ts';

/** One ACL of a condition. */
export class Term {
  private readonly tests: readonly AclTest[];
  private readonly negate: boolean;

  constructor(tests: readonly AclTest[], negate: boolean) {
    this.tests = tests;
    this.negate = negate;
  }

  holds(ctx: RuleContext): boolean {
    const tests = this.tests;
    for (let i = 0; i < tests.length; i++) if (tests[i]!.matches(ctx)) return !this.negate;
    return this.negate;
  }
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

  holds(ctx: RuleContext): boolean {
    let at = 0;
    for (let group = 0; group < this.groupEnd.length; group++) {
      const end = this.groupEnd[group]!;
      while (at < end && this.terms[at]!.holds(ctx)) at++;
      if (at === end) return !this.negate;
      at = end;
    }
    return this.negate;
  }
}

function always(_ctx: RuleContext): boolean {
  return true;
}

/** The condition of a rule that has none. */
export const alwaysTrue: Condition = always;

/** The common case of one ACL avoids the walk over groups. */
export function compileTerm(term: Term): Condition {
  return (ctx) => term.holds(ctx);
}

export function compileDisjunction(disjunction: Disjunction): Condition {
  return (ctx) => disjunction.holds(ctx);
}
