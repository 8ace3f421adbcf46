/**
 * Integer patterns as the configuration writes them (configuration.txt 7.1.2): numbers, ranges
 * `low:high` and operators that hold for the numbers after them.
 *
 * Decimal numbers with a dot (`1.2`) are two integers, the first in the upper 16 bits.
 */
import { ConfigError } from '../../base/config-error.ts';

/** Both ends are in it. */
export type Range = [number, number];

const OPERATORS = ['eq', 'ge', 'gt', 'le', 'lt'];

export function isOperator(word: string): boolean {
  return OPERATORS.includes(word);
}

function parseNumber(text: string, dotted: boolean): number | null {
  if (!dotted) return /^-?[0-9]+$/.test(text) ? Number(text) : null;
  const match = /^([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  return match ? Number(match[1]) * 65536 + Number(match[2] ?? 0) : null;
}

/** One pattern: a number or `low:high` with either side left out. Throws ConfigError. */
export function parseRange(word: string, dotted: boolean, afterOperator: boolean): Range {
  const colon = word.indexOf(':');
  if (colon < 0) {
    const value = parseNumber(word, dotted);
    if (value !== null) return [value, value];
    throw new ConfigError(
      afterOperator
        ? `'${word}' is neither a number nor a supported operator`
        : `'${word}' is not a number`,
    );
  }
  const first = word.slice(0, colon);
  const second = word.slice(colon + 1);
  const low = first === '' ? Number.NEGATIVE_INFINITY : parseNumber(first, dotted);
  const high = second === '' ? Number.POSITIVE_INFINITY : parseNumber(second, dotted);
  if (low === null || high === null || low > high || word === ':') {
    throw new ConfigError(`'${word}' is not a valid number range`);
  }
  return [low, high];
}

/** The values for which `value <operator> pattern` holds. */
function applyOperator(operator: string, range: Range): Range {
  switch (operator) {
    case 'ge':
      return [range[0], Number.POSITIVE_INFINITY];
    case 'gt':
      return [range[1] + 1, Number.POSITIVE_INFINITY];
    case 'le':
      return [Number.NEGATIVE_INFINITY, range[1]];
    case 'lt':
      return [Number.NEGATIVE_INFINITY, range[0] - 1];
    default:
      return range;
  }
}

/** All patterns with their operators as sorted ranges that neither overlap nor touch. */
export function mergeRanges(patterns: readonly string[], dotted: boolean): Range[] {
  const ranges: Range[] = [];
  let operator = 'eq';
  for (const pattern of patterns) {
    if (isOperator(pattern)) operator = pattern;
    else ranges.push(applyOperator(operator, parseRange(pattern, dotted, false)));
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: Range[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1]);
    else merged.push([range[0], range[1]]);
  }
  return merged;
}
