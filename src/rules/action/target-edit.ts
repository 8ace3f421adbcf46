/**
 * Changes of the request line (configuration.txt 4.4: `set-method`, `set-path`, `set-pathq`,
 * `set-query`, `set-uri`, `replace-path`, `replace-pathq`, `replace-uri`).
 *
 * A value that would break the request line (empty, or with blanks or controls in it) is a failed
 * rewrite: what the server reads must be what the rules meant.
 *
 * @dataplane
 */
import type { HttpMessage } from '../../http/message.ts';
import { sameBytes } from '../../http/message.ts';
import { Method, methodNames } from '../../http/method.ts';
import {
  authorityEnd,
  authorityStart,
  pathEnd,
  pathStart,
  queryMark,
  TargetForm,
  targetForm,
} from '../../http/uri.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { type RuleContext, Verdict } from '../context.ts';
import type { LogFormatWriter } from '../log-format.ts';
import type { Regex } from '../regex.ts';
import { expand } from './back-reference.ts';
import { followTarget, isLineWord, made, makeValue, rewriteFailed, spliceTarget } from './edit.ts';

/** Which part of the target an action is about. */
export const enum Part {
  Path = 0,
  PathAndQuery = 1,
  Query = 2,
  Uri = 3,
}

const QUESTION = 0x3f;

const methodOffs = Int32Array.from(methodNames, (name) => reserveBytes(name));
const methodLens = Int32Array.from(methodNames, (name) => name.length);

export function setMethod(ctx: RuleContext, format: LogFormatWriter): Verdict {
  const msg = ctx.request;
  if (msg === null) return Verdict.Continue;
  if (!makeValue(ctx, msg, format) || !isLineWord(made.off, made.len)) return rewriteFailed();
  msg.methodOff = made.off;
  msg.methodLen = made.len;
  msg.method = methodOf(made.off, made.len);
  return Verdict.Continue;
}

/** The method's number; methods are case-sensitive. */
export function methodOf(off: number, len: number): Method {
  for (let id = 1; id < methodLens.length; id++) {
    if (methodLens[id] === len && sameBytes(methodOffs[id]!, off, len)) return id as Method;
  }
  return Method.Other;
}

/** `set-path`, `set-pathq`, `set-query`, `set-uri`. */
export function setTarget(ctx: RuleContext, part: Part, format: LogFormatWriter): Verdict {
  const msg = ctx.request;
  if (msg === null) return Verdict.Continue;
  if (!makeValue(ctx, msg, format)) return rewriteFailed();
  return applyPart(msg, part) ? Verdict.Continue : rewriteFailed();
}

/** `replace-path`, `replace-pathq`, `replace-uri`: nothing happens without that part. */
export function replaceTarget(
  ctx: RuleContext,
  part: Part,
  regex: Regex,
  format: LogFormatWriter,
): Verdict {
  const msg = ctx.request;
  if (msg === null) return Verdict.Continue;
  const { uriOff, uriLen } = msg;
  let from = uriOff;
  let until = uriOff + uriLen;
  if (part !== Part.Uri) {
    from = pathStart(uriOff, uriLen);
    if (from === until) return Verdict.Continue;
    if (part === Part.Path) until = pathEnd(from, uriOff, uriLen);
  }
  if (!regex.test(from, until - from)) return Verdict.Continue;
  if (!makeValue(ctx, msg, format)) return rewriteFailed();
  // Again, because the format may have had an expression of its own.
  regex.find(from, until - from, false);
  if (!expand(msg, from, made.off, made.len)) return rewriteFailed();
  return applyPart(msg, part) ? Verdict.Continue : rewriteFailed();
}

/** Puts the value in `made` where `part` is. @returns false when that gives no valid target. */
function applyPart(msg: HttpMessage, part: Part): boolean {
  if (made.len > 0 && !isLineWord(made.off, made.len)) return false;
  switch (part) {
    case Part.Query:
      return applyQuery(msg);
    case Part.Uri:
      return made.len > 0 && applyUri(msg);
    default:
      return applyPath(msg, part);
  }
}

/** Host follows a new absolute-form target; without a valid host in it the old one stays. */
function applyUri(msg: HttpMessage): boolean {
  const { uriOff, uriLen } = msg;
  msg.setUri(made.off, made.len);
  if (followTarget(msg)) return true;
  msg.setUri(uriOff, uriLen);
  return false;
}

/** A target without a path gets one: `*` and authority-form are replaced as a whole. */
function applyPath(msg: HttpMessage, part: Part): boolean {
  const { uriOff, uriLen } = msg;
  const end = uriOff + uriLen;
  let from = pathStart(uriOff, uriLen);
  let until = end;
  if (from < end) {
    if (part === Part.Path) until = pathEnd(from, uriOff, uriLen);
  } else if (targetForm(uriOff, uriLen) === TargetForm.Absolute) {
    from = authorityEnd(authorityStart(uriOff, uriLen), uriOff, uriLen);
    if (part === Part.Path) until = queryMark(uriOff, uriLen);
  } else {
    from = uriOff;
  }
  if (made.len + uriLen - (until - from) === 0) return false;
  return spliceTarget(msg, from, until, made.off, made.len);
}

/** The question mark stays when it was there, and comes with a value when it was not. */
function applyQuery(msg: HttpMessage): boolean {
  const { uriOff, uriLen } = msg;
  const end = uriOff + uriLen;
  const mark = queryMark(uriOff, uriLen);
  if (mark < end) return spliceTarget(msg, mark + 1, end, made.off, made.len);
  if (made.len === 0) return true;
  const at = msg.takeScratch(uriLen + 1 + made.len);
  if (at === 0) return false;
  mem.copyWithin(at, uriOff, end);
  mem[at + uriLen] = QUESTION;
  mem.copyWithin(at + uriLen + 1, made.off, made.off + made.len);
  msg.setUri(at, uriLen + 1 + made.len);
  return true;
}
