/** Rows of the actions that answer in place of the server (configuration.txt 4.4). */

import type { RulesetName } from '../../model/config.ts';
import { Verdict } from '../context.ts';
import type { RuleScope } from '../scope.ts';
import { LocalAnswer } from './local-answer.ts';
import { parseReplyArgs, type ReplyArgs } from './reply-args.ts';
import { type ActionRow, REQUEST, REQUEST_RESPONSE } from './row.ts';
import { onResponse } from './words.ts';

const REPLY_GRAMMAR =
  '[ content-type <type> ] [ { default-errorfiles | errorfile <file> | file <file> | ' +
  'lf-file <file> | string <str> | lf-string <fmt> } ] [ hdr <name> <fmt> ]*';

const DENIED_REQUEST = 403;
const DENIED_RESPONSE = 502;
const RETURNED = 200;
const TARPITTED = 500;

export const answerActions = [
  {
    name: 'deny',
    rulesets: REQUEST_RESPONSE,
    args: `[ { status | deny_status } <code> ] ${REPLY_GRAMMAR}`,
    doc: 'refuses the request or response with an error',
    parse(words: readonly string[], scope: RuleScope, ruleset: RulesetName) {
      const status = ruleset === 'http-request' ? DENIED_REQUEST : DENIED_RESPONSE;
      return parseReplyArgs(words, scope, onResponse(ruleset), status, true);
    },
    compile(args) {
      const answer = new LocalAnswer(args as ReplyArgs, Verdict.Deny);
      return (ctx) => answer.run(ctx);
    },
  },
  {
    name: 'return',
    rulesets: REQUEST_RESPONSE,
    args: `[ status <code> ] ${REPLY_GRAMMAR}`,
    doc: 'answers with a response of its own',
    parse: (words, scope, ruleset) =>
      parseReplyArgs(words, scope, onResponse(ruleset), RETURNED, false),
    compile(args) {
      const answer = new LocalAnswer(args as ReplyArgs, Verdict.Reply);
      return (ctx) => answer.run(ctx);
    },
  },
  {
    name: 'tarpit',
    rulesets: REQUEST,
    args: `[ { status | deny_status } <code> ] ${REPLY_GRAMMAR}`,
    doc: 'keeps the request waiting for "timeout tarpit", then refuses it',
    parse: (words, scope) => parseReplyArgs(words, scope, false, TARPITTED, true),
    compile: () => () => Verdict.Tarpit,
    answer(args: unknown) {
      const answer = new LocalAnswer(args as ReplyArgs, Verdict.Deny);
      return (ctx) => answer.run(ctx);
    },
  },
] as const satisfies readonly ActionRow[];
