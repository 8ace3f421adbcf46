/** Rows of the actions that change header fields (configuration.txt 4.4). */
import { ConfigError } from '../../base/config-error.ts';
import type { LogFormatConfig } from '../../model/config.ts';
import { type Action, Verdict } from '../context.ts';
import { compileLogFormat } from '../log-format.ts';
import { checkRegex, createRegex } from '../regex.ts';
import type { RuleScope } from '../scope.ts';
import { FieldName } from './edit.ts';
import {
  addHeader,
  deleteHeader,
  deleteMatching,
  NameMatch,
  replaceFields,
  setHeader,
} from './header-edit.ts';
import { type ActionRow, EVERY } from './row.ts';
import { fieldNameWord, formatWord, onResponse, requireWords } from './words.ts';

interface HeaderArgs {
  response: boolean;
  name: string;
  format: LogFormatConfig;
}

interface DeleteArgs {
  response: boolean;
  name: string;
  match: NameMatch;
}

interface ReplaceArgs extends HeaderArgs {
  regex: string;
}

/** A rule about a field that says how the body is framed: that is the proxy's own business. */
const noEffect: Action = () => Verdict.Continue;

const framingNames = ['content-length', 'transfer-encoding'];

/** A name for a rule that changes fields, with a warning when the rule can have no effect. */
function changedName(word: string, scope: RuleScope): string {
  const name = word.toLowerCase();
  if (framingNames.includes(name)) {
    scope.warn(`header '${name}' follows the message body, rules do not change it.`);
  }
  return name;
}

const deleteMethods: Readonly<Record<string, NameMatch>> = {
  str: NameMatch.Exact,
  beg: NameMatch.Begin,
  end: NameMatch.End,
  sub: NameMatch.Sub,
  reg: NameMatch.Regex,
};

const parseHeader: ActionRow['parse'] = (words, scope, ruleset) => {
  const [name, format] = requireWords(words, 2, 'expects exactly 2 arguments') as [string, string];
  const args: HeaderArgs = {
    response: onResponse(ruleset),
    name: changedName(fieldNameWord(name, scope), scope),
    format: formatWord(format, scope),
  };
  return { args, rest: words.slice(2) };
};

const parseReplace: ActionRow['parse'] = (words, scope, ruleset) => {
  const taken = requireWords(words, 3, 'expects exactly 3 arguments') as [string, string, string];
  const [name, regex, format] = taken;
  checkRegex(regex);
  const args: ReplaceArgs = {
    response: onResponse(ruleset),
    name: changedName(name, scope),
    regex,
    format: formatWord(format, scope),
  };
  return { args, rest: words.slice(3) };
};

const parseDelete: ActionRow['parse'] = (words, scope, ruleset) => {
  const [name] = requireWords(words, 1, 'expects at least 1 argument') as [string];
  const args: DeleteArgs = {
    response: onResponse(ruleset),
    name: name.toLowerCase(),
    match: NameMatch.Exact,
  };
  if (words[1] !== '-m') {
    if (framingNames.includes(args.name)) changedName(name, scope);
    return { args, rest: words.slice(1) };
  }
  const method = words[2];
  if (method === undefined || method === '') {
    throw new ConfigError('-m flag expects exactly 1 argument');
  }
  const match = deleteMethods[method];
  if (match === undefined) {
    throw new ConfigError(`-m with unsupported matching method '${method}'`);
  }
  args.match = match;
  if (match === NameMatch.Regex) {
    args.name = name;
    checkRegex(name);
  }
  return { args, rest: words.slice(3) };
};

function compileReplace(args: ReplaceArgs, elements: boolean): Action {
  const field = new FieldName(args.name);
  if (field.framing) return noEffect;
  const writer = compileLogFormat(args.format, 'header');
  const regex = createRegex(args.regex);
  return (ctx) => replaceFields(ctx, args.response, field, regex, writer, elements);
}

export const headerActions = [
  {
    name: 'add-header',
    rulesets: EVERY,
    args: '<name> <fmt>',
    doc: 'appends a header field',
    parse: parseHeader,
    compile(args) {
      const { response, name, format } = args as HeaderArgs;
      const field = new FieldName(name);
      if (field.framing) return noEffect;
      const writer = compileLogFormat(format, 'header');
      return (ctx) => addHeader(ctx, response, field, writer);
    },
  },
  {
    name: 'del-header',
    rulesets: EVERY,
    args: '<name> [ -m <meth> ]',
    doc: 'removes all header fields of a name',
    parse: parseDelete,
    compile(args) {
      const { response, name, match } = args as DeleteArgs;
      const field = new FieldName(name);
      if (match === NameMatch.Exact && field.framing) return noEffect;
      if (match === NameMatch.Exact) return (ctx) => deleteHeader(ctx, response, field);
      const regex = match === NameMatch.Regex ? createRegex(name) : null;
      return (ctx) => deleteMatching(ctx, response, field, match, regex);
    },
  },
  {
    name: 'replace-header',
    rulesets: EVERY,
    args: '<name> <match-regex> <replace-fmt>',
    doc: 'replaces the whole value of header fields that match',
    parse: parseReplace,
    compile: (args) => compileReplace(args as ReplaceArgs, false),
  },
  {
    name: 'replace-value',
    rulesets: EVERY,
    args: '<name> <match-regex> <replace-fmt>',
    doc: 'replaces the elements of comma-separated header fields that match',
    parse: parseReplace,
    compile: (args) => compileReplace(args as ReplaceArgs, true),
  },
  {
    name: 'set-header',
    rulesets: EVERY,
    args: '<name> <fmt>',
    doc: 'sets a header field, replacing all that have its name',
    parse: parseHeader,
    compile(args) {
      const { response, name, format } = args as HeaderArgs;
      const field = new FieldName(name);
      if (field.framing) return noEffect;
      const writer = compileLogFormat(format, 'header');
      return (ctx) => setHeader(ctx, response, field, writer);
    },
  },
] as const satisfies readonly ActionRow[];
