/**
 * Rows of the actions that hold a message back for some time (configuration.txt 4.4): `pause` and
 * `wait-for-body`. The action says what it waits for and is called again when that is over.
 */
import { ConfigError } from '../../base/config-error.ts';
import { DurationError, parseDuration } from '../../base/value/duration.ts';
import { parseSize } from '../../base/value/size.ts';
import type { ExprConfig } from '../../model/config.ts';
import { compileExpression, parseExpression } from '../expression.ts';
import { type ActionRow, REQUEST_RESPONSE } from './row.ts';
import { pauseFor, pauseForSample, waitForBody } from './wait-evaluation.ts';

interface PauseArgs {
  /** A time in ms, or an expression that yields one. */
  ms: number;
  expr: ExprConfig | null;
}

interface BodyArgs {
  ms: number;
  /** 0 = all of it. */
  bytes: number;
}

/** A time in ms. Throws ConfigError in HAProxy's words, with `where` behind. */
function delay(word: string, where = ''): number {
  try {
    return parseDuration(word, 'ms');
  } catch (problem) {
    if (!(problem instanceof DurationError)) throw problem;
    const what =
      problem.fault === 'overflow'
        ? `timer overflow '${word}'`
        : `unexpected character '${problem.character}'`;
    throw new ConfigError(`${what}${where}`);
  }
}

export const waitActions = [
  {
    name: 'pause',
    rulesets: REQUEST_RESPONSE,
    args: '{ <timeout> | <expr> }',
    doc: 'holds the message back for some time',
    parse(words, scope) {
      const text = words[0] ?? '';
      if (/^[a-z]/.test(text)) {
        const args: PauseArgs = { ms: 0, expr: parseExpression(text, scope) };
        return { args, rest: words.slice(1) };
      }
      const args: PauseArgs = { ms: delay(text, " in rule 'pause'"), expr: null };
      return { args, rest: words.slice(1) };
    },
    compile(args) {
      const { ms, expr } = args as PauseArgs;
      if (expr === null) return (ctx) => pauseFor(ctx, ms);
      const expression = compileExpression(expr);
      return (ctx) => pauseForSample(ctx, expression);
    },
  },
  {
    name: 'wait-for-body',
    rulesets: REQUEST_RESPONSE,
    args: 'time <time> [ at-least <bytes> ]',
    doc: 'waits for the body, or so much of it, as far as a buffer holds it',
    parse(words) {
      const args: BodyArgs = { ms: -1, bytes: 0 };
      let at = 0;
      for (; words[at] === 'time' || words[at] === 'at-least'; at += 2) {
        const value = words[at + 1];
        if (!value) throw new ConfigError(`missing argument for '${words[at]}'`);
        if (words[at] === 'time') args.ms = delay(value);
        else args.bytes = parseSize(value, 'at-least');
      }
      if (words[at] === 'use-large-buffer') {
        throw new ConfigError("'use-large-buffer' is not supported yet by sluice");
      }
      if (args.ms < 0) throw new ConfigError('expects time <time> [ at-least <bytes> ]');
      return { args, rest: words.slice(at) };
    },
    compile(args) {
      const { ms, bytes } = args as BodyArgs;
      return (ctx) => waitForBody(ctx, ms, bytes);
    },
  },
] as const satisfies readonly ActionRow[];
