/**
 * The `redirect` action and the older `redirect` statement (configuration.txt 4.2, 4.4): the same
 * words, but only the action evaluates log-formats.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { LogFormatConfig, RulesetName } from '../../model/config.ts';
import type { RuleScope } from '../scope.ts';
import {
  RedirectAnswer,
  type RedirectArgs,
  RedirectFlag,
  RedirectKind,
} from './redirect-answer.ts';
import { type ActionRow, REQUEST_RESPONSE } from './row.ts';
import { formatWord, literalFormat, onResponse, startsCondition } from './words.ts';

const codes = ['301', '302', '303', '307', '308'];
const DEFAULT_CODE = 302;

const kinds: Readonly<Record<string, RedirectKind>> = {
  location: RedirectKind.Location,
  prefix: RedirectKind.Prefix,
  scheme: RedirectKind.Scheme,
};

const switches: Readonly<Record<string, RedirectFlag>> = {
  'drop-query': RedirectFlag.DropQuery,
  'append-slash': RedirectFlag.AppendSlash,
  'ignore-empty': RedirectFlag.IgnoreEmpty,
  'keep-query': RedirectFlag.KeepQuery,
};

const EXPECTED =
  "expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', 'set-cookie-fmt', " +
  "'clear-cookie', 'drop-query', 'keep-query', 'ignore-empty' or 'append-slash'";

/**
 * Parses what follows `redirect`.
 * @param literal true for the statement, whose texts are taken as they are.
 */
export function parseRedirect(
  words: readonly string[],
  scope: RuleScope,
  ruleset: RulesetName,
  literal: boolean,
): { args: RedirectArgs; rest: string[] } {
  const format = (text: string) => (literal ? literalFormat(text, scope) : formatWord(text, scope));
  let kind: RedirectKind | null = null;
  let destination = '';
  let code = DEFAULT_CODE;
  let flags = 0;
  let cookie: LogFormatConfig | null = null;
  let at = 0;
  const argument = (): string => {
    const name = words[at]!;
    const value = words[at + 1];
    if (value === undefined || value === '') {
      throw new ConfigError(`missing argument for '${name}'`);
    }
    at += 2;
    return value;
  };
  while (at < words.length && !startsCondition(words[at])) {
    const word = words[at]!;
    const found = kinds[word];
    const flag = switches[word];
    if (found !== undefined) {
      kind = found;
      destination = argument();
    } else if (flag !== undefined) {
      flags |= flag;
      at++;
    } else if (word === 'code') {
      const text = argument();
      if (!codes.includes(text)) {
        throw new ConfigError(
          `'code': unsupported HTTP code '${text}' (must be one of 301, 302, 303, 307 or 308)`,
        );
      }
      code = Number(text);
    } else if (word === 'set-cookie') {
      cookie = literalFormat(`${argument()}; path=/;`, scope);
    } else if (word === 'set-cookie-fmt') {
      cookie = format(`${argument()}; path=/;`);
    } else if (word === 'clear-cookie') {
      cookie = literalFormat(`${argument()}; path=/; Max-Age=0;`, scope);
    } else {
      throw new ConfigError(`${EXPECTED} (was '${word}')`);
    }
  }
  if (kind === null) {
    throw new ConfigError("redirection type expected ('prefix', 'location', or 'scheme')");
  }
  if (onResponse(ruleset) && kind !== RedirectKind.Location) {
    throw new ConfigError("response only supports redirect type 'location'");
  }
  if (kind === RedirectKind.Prefix && destination === '/') flags |= RedirectFlag.SamePath;
  const response = onResponse(ruleset);
  const args = { response, kind, flags, code, format: format(destination), cookie };
  return { args, rest: words.slice(at) };
}

export const redirectActions = [
  {
    name: 'redirect',
    rulesets: REQUEST_RESPONSE,
    args:
      '{ location <fmt> | prefix <fmt> | scheme <fmt> } [ code <code> ] [ drop-query ] ' +
      '[ append-slash ] [ ignore-empty ] [ keep-query ] [ set-cookie <name[=value]> | ' +
      'set-cookie-fmt <fmt> | clear-cookie <name[=]> ]',
    doc: 'answers with a redirection',
    parse: (words, scope, ruleset) => parseRedirect(words, scope, ruleset, false),
    compile(args) {
      const answer = new RedirectAnswer(args as RedirectArgs);
      return (ctx) => answer.run(ctx);
    },
  },
] as const satisfies readonly ActionRow[];
