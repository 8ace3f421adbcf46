/**
 * Rules on whole lines of a head: `reqrep`, `reqdel`, `reqdeny`, `rsprep` and their like of
 * HAProxy 1.3 to 2.0 (see line-edit.ts). They are no actions of a ruleset that a configuration can
 * name; they run in `RuleStage.Lines` of it, and `i` variants differ by a flag of their arguments.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { RulesetName } from '../../model/config.ts';
import { type Action, Verdict } from '../context.ts';
import { checkRegex, createRegex } from '../regex.ts';
import type { RuleScope } from '../scope.ts';
import { deleteLines, judgeLines, Replacement, replaceLines } from './line-edit.ts';
import { LocalAnswer } from './local-answer.ts';
import { parseReplyArgs, type ReplyArgs } from './reply-args.ts';
import type { ActionRow, ParsedAction } from './row.ts';
import { onResponse } from './words.ts';

export interface LineArgs {
  search: string;
  ignoreCase: boolean;
  response: boolean;
  /** The second word: `<string>` of `rep`, '' elsewhere. */
  string: string;
  /** `setbe`: index in the proxy's `lineBackends`. */
  backend: number;
  /** What the client gets from `deny` and `tarpit`. */
  answer: ReplyArgs | null;
}

export interface LineRow extends Pick<ActionRow, 'name' | 'doc' | 'compile' | 'answer'> {
  readonly ruleset: RulesetName;
  /** The word after `<search>`; '' when there is none. */
  readonly second: '' | '<string>' | '<backend>';
  /** Status of the answer; 0 when there is none. */
  readonly status: number;
}

function compileJudge(verdict: Verdict) {
  return (args: unknown): Action => {
    const { search, ignoreCase, response } = args as LineArgs;
    const regex = createRegex(search, { ignoreCase, plainGroups: false });
    const onMatch: Action = () => verdict;
    return (ctx) => judgeLines(ctx, response, regex, onMatch);
  };
}

function compileDelete(args: unknown): Action {
  const { search, ignoreCase, response } = args as LineArgs;
  const regex = createRegex(search, { ignoreCase, plainGroups: false });
  return (ctx) => deleteLines(ctx, response, regex);
}

function compileDeny(args: unknown): Action {
  const { search, ignoreCase, response, answer } = args as LineArgs;
  const regex = createRegex(search, { ignoreCase, plainGroups: false });
  const page = new LocalAnswer(answer!, Verdict.Deny);
  const onMatch: Action = (ctx) => page.run(ctx);
  return (ctx) => judgeLines(ctx, response, regex, onMatch);
}

function compileReplace(args: unknown): Action {
  const { search, ignoreCase, response, string } = args as LineArgs;
  const regex = createRegex(search, { ignoreCase, plainGroups: false });
  const form = new Replacement(string);
  return (ctx) => replaceLines(ctx, response, regex, form);
}

/** The first line of them that matches chooses. */
function compileSetBackend(args: unknown): Action {
  const { search, ignoreCase, response, backend } = args as LineArgs;
  const regex = createRegex(search, { ignoreCase, plainGroups: false });
  const onMatch: Action = (ctx) => {
    const strm = ctx.stream;
    if (strm !== null && strm.lineBackend < 0) strm.lineBackend = backend;
    return Verdict.Continue;
  };
  return (ctx) => judgeLines(ctx, response, regex, onMatch);
}

const request = { ruleset: 'http-request', second: '', status: 0 } as const;
const response = { ruleset: 'http-response', second: '', status: 0 } as const;

export const lineRows = [
  {
    ...request,
    name: 'reqallow',
    doc: 'http-request allow on matching lines until HAProxy 2.0.',
    compile: compileJudge(Verdict.Allow),
  },
  {
    ...request,
    name: 'reqdel',
    doc: 'http-request del-header on matching lines until HAProxy 2.0.',
    compile: compileDelete,
  },
  {
    ...request,
    name: 'reqdeny',
    doc: 'http-request deny on matching lines until HAProxy 2.0.',
    status: 403,
    compile: compileDeny,
  },
  {
    ...request,
    name: 'reqpass',
    doc: 'http-request allow on matching lines until HAProxy 2.0.',
    compile: compileJudge(Verdict.Allow),
  },
  {
    ...request,
    name: 'reqrep',
    doc: 'http-request replace-header, replace-uri on whole lines until HAProxy 2.0.',
    second: '<string>',
    compile: compileReplace,
  },
  {
    ...request,
    name: 'reqsetbe',
    doc: 'use_backend on matching lines until HAProxy 2.0.',
    second: '<backend>',
    compile: compileSetBackend,
  },
  {
    ...request,
    name: 'reqtarpit',
    doc: 'http-request tarpit on matching lines until HAProxy 2.0.',
    status: 500,
    compile: compileJudge(Verdict.Tarpit),
    answer(args: unknown) {
      const answer = new LocalAnswer((args as LineArgs).answer!, Verdict.Deny);
      return (ctx) => answer.run(ctx);
    },
  },
  {
    ...response,
    name: 'rspdel',
    doc: 'http-response del-header on matching lines until HAProxy 2.0.',
    compile: compileDelete,
  },
  {
    ...response,
    name: 'rspdeny',
    doc: 'http-response deny on matching lines until HAProxy 2.0.',
    status: 502,
    compile: compileDeny,
  },
  {
    ...response,
    name: 'rsprep',
    doc: 'http-response replace-header on whole lines until HAProxy 2.0.',
    second: '<string>',
    compile: compileReplace,
  },
] as const satisfies readonly LineRow[] as readonly LineRow[];

/**
 * Parses the arguments of a line rule.
 * @param words the whole line.
 * @param addBackend remembers the backend of `setbe` and returns its index.
 */
export function parseLineArgs(
  row: LineRow,
  ignoreCase: boolean,
  words: readonly string[],
  scope: RuleScope,
  addBackend: (name: string) => number,
): ParsedAction {
  const count = row.second === '' ? 1 : 2;
  const [keyword, search, second] = words as [string, ...string[]];
  const named = row.second !== '<backend>' || second !== '';
  if (words.length <= count || search === '' || !named) {
    const grammar = row.second === '' ? '<search>' : `<search> ${row.second}`;
    throw new ConfigError(`'${keyword}' expects ${grammar} and an optional condition.`);
  }
  checkRegex(search!, { ignoreCase, plainGroups: false });
  if (row.second === '<string>') checkReplacement(keyword, second!);
  const isResponse = onResponse(row.ruleset);
  const args: LineArgs = {
    search: search!,
    ignoreCase,
    response: isResponse,
    string: row.second === '<string>' ? second! : '',
    backend: row.second === '<backend>' ? addBackend(second!) : -1,
    answer: row.status === 0 ? null : parseReplyArgs([], scope, isResponse, row.status, true).args,
  };
  return { args, rest: words.slice(count + 1) };
}

/** Refuses what could never become a line. */
function checkReplacement(keyword: string, text: string): void {
  if (!/^(?:[^\\]|\\[^x]|\\x[0-9A-Fa-f]{2})*$/s.test(text)) {
    throw new ConfigError(
      `'${keyword}' : a backslash in the replacement '${text}' is followed by nothing useful; ` +
        'write \\0 to \\9 for a part that matched, \\xHH for a byte, or protect it with another.',
    );
  }
  const controls = /[\x00-\x08\x0a-\x1f\x7f]|\\x(?:0[0-8a-f]|1[0-9a-f]|7f)/i;
  if (controls.test(text.replaceAll('\\\\', ''))) {
    throw new ConfigError(
      `'${keyword}' : a replacement stays on its line and must not contain control characters. ` +
        "Use 'add-header' for another header field.",
    );
  }
}
