/** `get var`, `set var` (management.txt 9.3): variables of the process. */
import { ConfigError } from '../base/config-error.ts';
import type { ExprConfig, LogFormatConfig } from '../model/config.ts';
import { Store, type VariablesConfig } from '../model/variable.ts';
import { parseExpression } from '../rules/expression.ts';
import { parseLogFormat } from '../rules/log-format.ts';
import { Place, type RuleScope } from '../rules/scope.ts';
import {
  addNames,
  getInternally,
  internalScope,
  setInternally,
} from '../rules/variable/internal.ts';
import { declareVariable, splitVariable } from '../rules/variable/name.ts';
import { type Command, type CommandContext, Level } from './command.ts';

function isDeclared(name: string, variables: VariablesConfig): boolean {
  if (!name.startsWith('proc.')) return false;
  return variables.process.includes(name.slice('proc.'.length));
}

function getVar({ source, args }: CommandContext): string {
  const [name = ''] = args;
  if (name === '') return 'Missing process-wide variable identifier.\n';
  const { variables, global } = source.config;
  const { tune } = global;
  const value = isDeclared(name, variables) ? getInternally({ variables, tune }, name) : null;
  if (value === null) return 'Variable not found.\n';
  return `${name}: type=${value.type} value=<${value.text}>\n`;
}

function scopeOf({ source }: CommandContext): RuleScope {
  const { variables, global } = source.config;
  const origin = { file: '', line: 0 };
  return internalScope({ variables, tune: global.tune }, Place.CliParser, origin, () => undefined);
}

/** @throws ConfigError with the answer, without the end of the line */
function parseValue(context: CommandContext, name: string): ExprConfig | LogFormatConfig {
  const [, first, second] = context.args;
  if (first === undefined) throw new ConfigError("Missing either 'expr', 'fmt' or expression.");
  const scope = scopeOf(context);
  if (second !== undefined && first === 'fmt') return parseLogFormat(second, scope);
  if (second !== undefined && first !== 'expr') {
    throw new ConfigError(`'set var': arg type must be either 'expr' or 'fmt' but got '${first}'.`);
  }
  return parseExpression(second ?? first, scope, `set-var(${name})`);
}

function setVar(context: CommandContext): string {
  const [name = ''] = context.args;
  const { variables, global } = context.source.config;
  const internal = { variables, tune: global.tune };
  if (name === '') return 'Missing process-wide variable identifier.\n';
  try {
    if (splitVariable(name).store !== Store.Process) {
      return `'set var': cannot set variable '${name}', only scope 'proc' is permitted here.\n`;
    }
    const value = addNames(internal, () => {
      declareVariable(name, variables);
      return parseValue(context, name);
    });
    return setInternally(internal, name, value) ? '' : `The value of '${name}' is too large.\n`;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `${error.message}\n`;
  }
}

export const variableCommands: readonly Command[] = [
  {
    name: 'get var',
    usage: 'get var <name>',
    help: 'retrieve contents of a process-wide variable',
    level: Level.Operator,
    run: getVar,
  },
  {
    name: 'set var',
    usage: 'set var <name> [fmt|expr] {<fmt>|<expr>}',
    help: 'set variable from an expression or a format',
    level: Level.Operator,
    isExperimental: true,
    run: setVar,
  },
];
