/**
 * `balance hash <expression>` (configuration.txt 4.2): the value of a sample expression in its binary
 * form (an address as its bytes, a number as 8 bytes), as text for `hash-type ... none`.
 *
 * @dataplane
 */
import type { ExprConfig, HashTypeConfig } from '../../model/config.ts';
import { cast, castTarget } from '../../rules/cast.ts';
import { compileExpression } from '../../rules/expression.ts';
import { type BalanceKey, NO_KEY } from '../balancer.ts';
import type { HashFunction } from './hash-function.ts';

export function createExpressionKey(
  expr: ExprConfig,
  type: HashTypeConfig,
  hash: HashFunction,
): BalanceKey {
  const compiled = compileExpression(expr);
  const target = castTarget(type.function === 'none' ? 'str' : 'bin');
  return (ctx) => {
    const { sample } = ctx;
    if (!compiled.evaluate(ctx, sample) || !cast(sample, target)) return NO_KEY;
    return hash(sample.off, sample.len);
  };
}
