/**
 * Writes a log-format string (configuration.txt 8.2.6) as bytes: one small operation per item, in
 * typed arrays, and one switch. Nothing is allocated.
 *
 * @dataplane
 */
import type { RuleContext } from '../context.ts';
import type { Expression } from '../evaluation.ts';
import { Op } from './alias.ts';
import { putByte, putRaw } from './field.ts';
import { putDate, putExpression, putSlots, putText, wroteNothing } from './item.ts';
import { putCounter } from './number.ts';

/** Flag of a text whose last byte is a merged space. */
export const TEXT_ENDS_SPACE = 1;

/** The operations of a writer; filled by `compileLogFormat`, one entry per item. */
export interface LogFormatProgram {
  ops: Uint8Array;
  flags: Uint16Array;
  /** Literal text: offset and length; expressions: index into `expressions`. */
  first: Int32Array;
  second: Int32Array;
  expressions: Expression[];
  /** Spaces are merged into one, and none stands first. */
  mergeSpaces: boolean;
  /** Expressions go through the escaping of header fields. */
  header: boolean;
}

/** Writes one kind of line. */
export interface LogFormatWriter {
  /**
   * Writes the line without its end.
   * @param dst arena offset; @param max bytes of room: what does not fit is cut.
   * @returns the bytes written.
   */
  write(ctx: RuleContext, dst: number, max: number): number;
}

export class PlainWriter implements LogFormatWriter {
  private readonly program: LogFormatProgram;
  private readonly count: number;

  constructor(program: LogFormatProgram) {
    this.program = program;
    this.count = program.ops.length;
  }

  write(ctx: RuleContext, dst: number, max: number): number {
    const program = this.program;
    const { ops, flags, first, second } = program;
    const end = dst + max;
    let at = dst;
    let afterSpace = program.mergeSpaces;
    for (let i = 0; i < this.count; i++) {
      const op = ops[i]! as Op;
      const from = at;
      if (op === Op.Text) {
        at = putRaw(at, end, first[i]!, second[i]!);
        afterSpace = flags[i] === TEXT_ENDS_SPACE;
      } else if (op === Op.Space) {
        if (afterSpace) continue;
        at = putSpace(at, end, program, i);
        afterSpace = program.mergeSpaces;
      } else {
        at = putItem(at, end, ctx, program, i);
        if (!wroteNothing(op, ctx)) afterSpace = false;
      }
      if (at < 0) return from - dst;
    }
    return at - dst;
  }
}

/** Spaces between items: one where they are merged, else as configured. */
export function putSpace(at: number, end: number, program: LogFormatProgram, i: number): number {
  if (program.mergeSpaces) return putByte(at, end, 0x20);
  return putRaw(at, end, program.first[i]!, program.second[i]!);
}

/** Any item but a space. @returns the new position, -1 when it did not fit. */
export function putItem(
  at: number,
  end: number,
  ctx: RuleContext,
  program: LogFormatProgram,
  i: number,
): number {
  const op = program.ops[i]! as Op;
  const flags = program.flags[i]!;
  if (op === Op.Text) return putRaw(at, end, program.first[i]!, program.second[i]!);
  if (op !== Op.Expression) return putAlias(at, end, ctx, op, flags);
  const expression = program.expressions[program.first[i]!]!;
  return putExpression(at, end, ctx, expression, flags, program.header);
}

/** One alias. @returns the new position, -1 when it did not fit. */
export function putAlias(at: number, end: number, ctx: RuleContext, op: Op, flags: number): number {
  if (op <= Op.RequestLocal) return putDate(at, end, ctx, op, flags);
  switch (op) {
    case Op.RequestCookie:
    case Op.ResponseCookie:
    case Op.RequestHeaders:
    case Op.RequestHeadersList:
    case Op.ResponseHeaders:
    case Op.ResponseHeadersList:
      return putSlots(at, end, ctx, op, flags);
    case Op.Hostname:
    case Op.Method:
    case Op.UriNoQuery:
    case Op.Path:
    case Op.Query:
    case Op.Uri:
    case Op.Version:
    case Op.UniqueId:
    case Op.BackendName:
    case Op.BackendSourceIp:
    case Op.ClientIp:
    case Op.FrontendName:
    case Op.FrontendIp:
    case Op.FrontendTransport:
    case Op.Origin:
    case Op.RequestLine:
    case Op.ServerName:
    case Op.ServerIp:
    case Op.SslCipher:
    case Op.SslVersion:
    case Op.State:
    case Op.StateCookie:
      return putText(at, end, ctx, op, flags);
    default:
      return putCounter(at, end, ctx, op, flags);
  }
}
