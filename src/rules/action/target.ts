/** Rows of the actions that change the request line (configuration.txt 4.4). */
import { ConfigError } from '../../base/config-error.ts';
import type { LogFormatConfig } from '../../model/config.ts';
import { compileLogFormat } from '../log-format.ts';
import { checkRegex, createRegex } from '../regex.ts';
import { type ActionRow, REQUEST } from './row.ts';
import { Part, replaceTarget, setMethod, setTarget } from './target-edit.ts';
import { formatWord, requireExactly } from './words.ts';

interface SetArgs {
  format: LogFormatConfig;
}

interface ReplaceArgs {
  regex: string;
  format: LogFormatConfig;
}

const parseSet: ActionRow['parse'] = (words, scope) => {
  const [format] = requireExactly(words, 1, 'expects exactly 1 argument <format>') as [string];
  const args: SetArgs = { format: formatWord(format, scope) };
  return { args, rest: words.slice(1) };
};

const parseReplace: ActionRow['parse'] = (words, scope) => {
  const expected = 'expects exactly 2 arguments <match-regex> and <replace-format>';
  const [regex, format] = requireExactly(words, 2, expected) as [string, string];
  try {
    checkRegex(regex);
  } catch (problem) {
    throw new ConfigError(`failed to parse the regex : ${(problem as ConfigError).message}`);
  }
  const args: ReplaceArgs = { regex, format: formatWord(format, scope) };
  return { args, rest: words.slice(2) };
};

function setRow<Name extends string>(name: Name, part: Part, doc: string) {
  return {
    name,
    rulesets: REQUEST,
    args: '<fmt>',
    doc,
    parse: parseSet,
    compile(args: unknown) {
      const writer = compileLogFormat((args as SetArgs).format, 'header');
      return (ctx) => setTarget(ctx, part, writer);
    },
  } satisfies ActionRow;
}

function replaceRow<Name extends string>(name: Name, part: Part, doc: string) {
  return {
    name,
    rulesets: REQUEST,
    args: '<match-regex> <replace-fmt>',
    doc,
    parse: parseReplace,
    compile(args: unknown) {
      const { regex, format } = args as ReplaceArgs;
      const expression = createRegex(regex);
      const writer = compileLogFormat(format, 'header');
      return (ctx) => replaceTarget(ctx, part, expression, writer);
    },
  } satisfies ActionRow;
}

export const targetActions = [
  replaceRow('replace-path', Part.Path, 'replaces the path when it matches'),
  replaceRow('replace-pathq', Part.PathAndQuery, 'replaces path and query when they match'),
  replaceRow('replace-uri', Part.Uri, 'replaces the request target when it matches'),
  {
    name: 'set-method',
    rulesets: REQUEST,
    args: '<fmt>',
    doc: 'sets the request method',
    parse: parseSet,
    compile(args) {
      const writer = compileLogFormat((args as SetArgs).format, 'header');
      return (ctx) => setMethod(ctx, writer);
    },
  },
  setRow('set-path', Part.Path, 'sets the path and keeps the query'),
  setRow('set-pathq', Part.PathAndQuery, 'sets path and query'),
  setRow('set-query', Part.Query, 'sets the query and keeps the path'),
  setRow('set-uri', Part.Uri, 'sets the whole request target'),
] as const satisfies readonly ActionRow[];
