/**
 * Rows of the actions that mark the packets to the client (configuration.txt 4.4): `set-fc-mark`,
 * `set-fc-tos`, and their former names.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig } from '../../model/config.ts';
import { compileExpression, parseExpression } from '../expression.ts';
import type { RuleScope } from '../scope.ts';
import { type ActionRow, type ParsedAction, REQUEST_RESPONSE, TCP } from './row.ts';
import { mark, markBySample, SocketMark } from './socket-mark-set.ts';

interface MarkArgs {
  value: number;
  /** The value is that of an expression; null = it is `value`. */
  expr: ExprConfig | null;
}

/** Of a TOS only the lowest 8 bits count. */
const VALUE_MAX = 0xffffffff;

/** A number, in decimal or behind 0x, or an expression. */
function parseMark(words: readonly string[], scope: RuleScope): ParsedAction {
  const text = words[0] ?? '';
  if (text === '') throw new ConfigError('expects an argument');
  const args: MarkArgs = { value: 0, expr: null };
  if (/^(\d+|0x[0-9a-f]+)$/i.test(text)) {
    args.value = Number(text);
    if (args.value > VALUE_MAX) throw new ConfigError(`'${text}' is larger than ${VALUE_MAX}`);
  } else {
    args.expr = parseExpression(text, scope);
  }
  return { args, rest: words.slice(1) };
}

function row(name: string, kind: SocketMark, doc: string) {
  return {
    name,
    rulesets: [...TCP, ...REQUEST_RESPONSE],
    args: kind === SocketMark.Mark ? '{ <mark> | <expr> }' : '{ <tos> | <expr> }',
    doc,
    parse: parseMark,
    compile(args: unknown) {
      const { value, expr } = args as MarkArgs;
      if (expr === null) return (ctx) => mark(ctx, kind, value);
      const expression = compileExpression(expr);
      return (ctx) => markBySample(ctx, kind, expression);
    },
  } satisfies ActionRow;
}

const packets = 'of the packets to the client';

export const socketMarkActions = [
  row('set-fc-mark', SocketMark.Mark, `sets the mark ${packets}`),
  row('set-fc-tos', SocketMark.Tos, `sets the TOS or DSCP field ${packets}`),
  row('set-mark', SocketMark.Mark, 'former name of set-fc-mark'),
  row('set-tos', SocketMark.Tos, 'former name of set-fc-tos'),
] as const satisfies readonly ActionRow[];
