/** Row of the `capture` action (configuration.txt 4.4, 8.8). */
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig, RuleConfig } from '../../model/config.ts';
import { compileExpression, parseExpression } from '../expression.ts';
import { rulesetRow } from '../ruleset-row.ts';
import type { RuleScope } from '../scope.ts';
import { capture } from './capture-slot.ts';
import { type ActionRow, EVERY, type ParsedAction } from './row.ts';
import { onResponse } from './words.ts';

interface CaptureArgs {
  response: boolean;
  expr: ExprConfig;
  slot: number;
  /** The slot was declared elsewhere. */
  referred: boolean;
}

const EXPECTED = "expects <expression> [ 'len' <length> | id <idx> ]";
/** The longest text whose length fits the two bytes in front of it. */
const LENGTH_MAX = 65534;

function number(word: string): number {
  return /^\d{1,9}$/.test(word) ? Number(word) : -1;
}

/** `tcp-request content capture <sample> len <length>`: there is no other form. */
function parseOfBytes(words: readonly string[], scope: RuleScope): ParsedAction {
  const [text, what, value] = words;
  if (!text) throw new ConfigError('missing fetch method');
  const expr = parseExpression(text, scope);
  if (what !== 'len') throw new ConfigError("a positive 'len' argument is mandatory");
  const slot = addSlot(value ?? '', scope);
  if (slot < 0)
    throw new ConfigError(`${scope.proxy.replace(/^\w+/, 'proxy')} has no frontend capability`);
  return { args: { response: false, expr, slot, referred: false }, rest: words.slice(3) };
}

/** Declares a slot of that many bytes. @returns -1 in a section without a frontend side */
function addSlot(value: string, scope: RuleScope): number {
  const length = number(value);
  if (length < 1) throw new ConfigError('length must be > 0');
  if (length > LENGTH_MAX) throw new ConfigError(`length must be at most ${LENGTH_MAX}`);
  return scope.captureSlot?.(length) ?? -1;
}

export const captureActions = [
  {
    name: 'capture',
    rulesets: ['tcp-request content', ...EVERY],
    args: '<sample> [ len <length> | id <id> ]',
    doc: 'stores a sample in a capture slot for the log',
    parse(words, scope, ruleset) {
      if (rulesetRow(ruleset).tcp) return parseOfBytes(words, scope);
      const [text, what, value] = words;
      if (!text || !what || !value) throw new ConfigError(EXPECTED);
      const expr = parseExpression(text, scope);
      const response = onResponse(ruleset);
      const args: CaptureArgs = { response, expr, slot: 0, referred: what === 'id' };
      if (what === 'id') {
        args.slot = number(value);
        if (args.slot < 0) throw new ConfigError(`invalid id '${value}'`);
      } else if (response) {
        throw new ConfigError(`expects 'id', found '${what}'`);
      } else if (what === 'len') {
        args.slot = addSlot(value, scope);
        if (args.slot < 0) throw new ConfigError("'len' needs a section that has a frontend side");
      } else {
        throw new ConfigError(`expects 'len' or 'id', found '${what}'`);
      }
      return { args, rest: words.slice(3) };
    },
    compile(args) {
      const { response, expr, slot } = args as CaptureArgs;
      const expression = compileExpression(expr);
      return (ctx) => capture(ctx, expression, response, slot);
    },
  },
] as const satisfies readonly ActionRow[];

/**
 * The slot that a `capture ... id` rule names, to be checked when the whole section is known.
 * @returns null for any other rule.
 */
export function captureReference(rule: RuleConfig): { response: boolean; slot: number } | null {
  if (rule.action !== 'capture') return null;
  const { response, slot, referred } = rule.args as CaptureArgs;
  return referred ? { response, slot } : null;
}
