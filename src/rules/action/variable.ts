/** Rows of the actions that set and unset variables (configuration.txt 4.4, 2.8). */
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig, LogFormatConfig } from '../../model/config.ts';
import { compileExpression, parseExpression } from '../expression.ts';
import { compileLogFormat } from '../log-format.ts';
import type { RuleScope } from '../scope.ts';
import { readConditions } from '../variable/condition.ts';
import { declareVariable } from '../variable/name.ts';
import { compileVariable } from '../variable/variables.ts';
import { type ActionRow, EVERY, TCP } from './row.ts';
import { setFormat, setSample, unset } from './variable-edit.ts';
import { formatWord } from './words.ts';

interface SetArgs {
  variable: string;
  /** `SetIf` bits. */
  conditions: number;
}

interface ExpressionArgs extends SetArgs {
  expr: ExprConfig;
}

interface FormatArgs extends SetArgs {
  format: LogFormatConfig;
}

const FORMS = "'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'";

/** Splits `name(argument,...)`; throws ConfigError in HAProxy's words. */
function readArguments(word: string, name: string): string[] {
  const rest = word.slice(name.length);
  if (!rest.startsWith('(')) {
    throw new ConfigError(`invalid or incomplete action '${word}'. Expects ${FORMS}`);
  }
  if (!rest.endsWith(')')) {
    throw new ConfigError(`incomplete argument after action '${word}'. Expects ${FORMS}`);
  }
  return rest.slice(1, -1).split(',');
}

function readSetArgs(word: string, name: string, scope: RuleScope): SetArgs {
  const words = readArguments(word, name);
  const variable = words[0]!;
  declareVariable(variable, scope.variables);
  return { variable, conditions: readConditions(words, 1) };
}

export const variableActions = [
  {
    name: 'set-var',
    isOpen: true,
    rulesets: [...TCP, ...EVERY],
    args: '(<var>[,<cond>...]) <expr>',
    doc: 'sets a variable to a sample',
    parse(words, scope) {
      const [word = '', text = ''] = words;
      const set = readSetArgs(word, 'set-var', scope);
      const expr = parseExpression(text, scope, word);
      const args: ExpressionArgs = { ...set, expr };
      return { args, rest: words.slice(2) };
    },
    compile(args) {
      const { variable, conditions, expr } = args as ExpressionArgs;
      const target = compileVariable(variable);
      const expression = compileExpression(expr);
      return (ctx) => setSample(ctx, target, conditions, expression);
    },
  },
  {
    name: 'set-var-fmt',
    isOpen: true,
    rulesets: [...TCP, ...EVERY],
    args: '(<var>[,<cond>...]) <fmt>',
    doc: 'sets a variable to the text of a format',
    parse(words, scope) {
      const [word = '', text = ''] = words;
      const set = readSetArgs(word, 'set-var-fmt', scope);
      const args: FormatArgs = { ...set, format: formatWord(text, scope) };
      return { args, rest: words.slice(2) };
    },
    compile(args) {
      const { variable, conditions, format } = args as FormatArgs;
      const target = compileVariable(variable);
      const writer = compileLogFormat(format, 'raw');
      return (ctx) => setFormat(ctx, target, conditions, writer);
    },
  },
  {
    name: 'unset-var',
    isOpen: true,
    rulesets: [...TCP, ...EVERY],
    args: '(<var>)',
    doc: 'takes the value of a variable away',
    parse(words, scope) {
      const [variable = '', ...others] = readArguments(words[0] ?? '', 'unset-var');
      if (others.length > 0) {
        throw new ConfigError(
          'unset-var does not expect parameters after the variable name. Only "set-var" and ' +
            '"set-var-fmt" manage conditions',
        );
      }
      declareVariable(variable, scope.variables);
      return { args: variable, rest: words.slice(1) };
    },
    compile(args) {
      const target = compileVariable(args as string);
      return (ctx) => unset(ctx, target);
    },
  },
] as const satisfies readonly ActionRow[];
