/**
 * Variables of the process that the global section sets (3.1 `set-var`, `set-var-fmt`). The lines
 * are evaluated in their order when the whole configuration has been read.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig, GlobalConfig, LogFormatConfig } from '../../model/config.ts';
import { Store } from '../../model/variable.ts';
import { parseExpression } from '../../rules/expression.ts';
import { parseLogFormat } from '../../rules/log-format.ts';
import { Place, type RuleScope } from '../../rules/scope.ts';
import { internalScope } from '../../rules/variable/internal.ts';
import { declareVariable, splitVariable } from '../../rules/variable/name.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';

type Value = ExprConfig | LogFormatConfig;

function scopeOf({ state, origin }: KeywordLine): RuleScope {
  const { variables, global, diagnostics } = state;
  const warn = (message: string) => diagnostics.warning(origin, message);
  return internalScope({ variables, tune: global.tune }, Place.ConfigParser, origin, warn);
}

function parseSetting(
  line: KeywordLine,
  expected: string,
  parse: (text: string, scope: RuleScope, what: string) => Value,
): void {
  const { state, words } = line;
  const [keyword, name, text, extra] = words;
  if (name === undefined || text === undefined) {
    throw new ConfigError(
      `'${keyword}' requires a process-wide variable name ('proc.<name>') and ${expected}.`,
    );
  }
  if (splitVariable(name).store !== Store.Process) {
    throw new ConfigError(
      `'${keyword}': cannot set variable '${name}', only scope 'proc' is permitted in the global ` +
        'section.',
    );
  }
  declareVariable(name, state.variables);
  const value = parse(text, scopeOf(line), `set-var(${name})`);
  state.settings.push({ ...line.origin, name, value });
  if (extra !== undefined) {
    state.diagnostics.warning(
      line.origin,
      `'${keyword}' : '${extra}' and what follows is ignored, quote an argument with spaces.`,
    );
  }
}

export const variableKeywords = [
  {
    name: 'set-var',
    args: '<var-name> <expr>',
    doc: 'Sets a variable of the process to a sample.',
    parse: (_global, line) => parseSetting(line, 'a sample expression', parseExpression),
  },
  {
    name: 'set-var-fmt',
    args: '<var-name> <fmt>',
    doc: 'Sets a variable of the process to the text of a format.',
    parse: (_global, line) => parseSetting(line, 'a format string', parseLogFormat),
  },
] as const satisfies readonly KeywordRow<GlobalConfig>[];
