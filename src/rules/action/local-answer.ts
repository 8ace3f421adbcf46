/**
 * The answers of `deny`, `return` and `tarpit` (configuration.txt 4.4 `return`).
 *
 * All values are made before the message is emptied: with `http-response` rules they may come from
 * the response that the answer replaces. Fields stand in HAProxy's order: `hdr` arguments, then
 * `content-length`, then `content-type` when there is a body.
 *
 * @dataplane
 */
import { prepareErrorPage } from '../../http/error-page.ts';
import { FieldId, fieldNameOff } from '../../http/field.ts';
import { ConnectionFlag, type HttpMessage } from '../../http/message.ts';
import { addContentLength, beginReply, endReply, ReplyTemplate } from '../../http/reply.ts';
import { parseReply } from '../../http/reply-file.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { type RuleContext, Verdict } from '../context.ts';
import { compileLogFormat, type LogFormatWriter } from '../log-format.ts';
import { FieldName, made, makeValue, reserveText } from './edit.ts';
import type { ReplyArgs } from './reply-args.ts';

const CONTENT_TYPE_LEN = 12;
const NO_CONTENT = 204;
const CLOSE = new FieldName('close');

export class LocalAnswer {
  private readonly verdict: Verdict;
  private readonly status: number;
  private readonly kind: ReplyArgs['kind'];
  private readonly onResponse: boolean;
  /** `complete`: null when the file is empty. */
  private readonly template: ReplyTemplate | null;
  private readonly names: FieldName[];
  private readonly writers: LogFormatWriter[];
  /** Values of the fields while they are made. */
  private readonly valueOffs: Int32Array;
  private readonly valueLens: Int32Array;
  private readonly typeOff: number;
  private readonly typeLen: number;
  private readonly bodyOff: number;
  private readonly bodyLen: number;
  private readonly bodyWriter: LogFormatWriter | null;

  /** @param verdict what a given answer is: `Deny` or `Reply`. */
  constructor(args: ReplyArgs, verdict: Verdict) {
    const bytes = args.bytes;
    const constant = args.kind === 'body' && bytes !== null && bytes.length > 0;
    this.verdict = verdict;
    this.status = args.status;
    this.kind = args.kind;
    this.onResponse = args.response;
    this.template =
      args.kind === 'complete' && bytes !== null && bytes.length > 0
        ? new ReplyTemplate(parseReply(bytes))
        : null;
    this.names = args.headers.map((header) => new FieldName(header.name));
    this.writers = args.headers.map((header) => compileLogFormat(header.format, 'header'));
    this.valueOffs = new Int32Array(args.headers.length);
    this.valueLens = new Int32Array(args.headers.length);
    this.typeOff = reserveText(args.contentType);
    this.typeLen = args.contentType.length;
    this.bodyOff = constant ? reserveBytes(bytes) : 0;
    this.bodyLen = constant ? bytes.length : 0;
    this.bodyWriter = args.format === null ? null : compileLogFormat(args.format, 'header');
  }

  /** Makes this the answer. @returns false when there is no room for it. */
  prepare(ctx: RuleContext): boolean {
    return this.run(ctx) !== Verdict.Fail;
  }

  run(ctx: RuleContext): Verdict {
    switch (this.kind) {
      case 'page':
        return prepareErrorPage(ctx, this.status) ? this.verdict : Verdict.Fail;
      case 'complete':
        return this.complete(ctx) ? this.verdict : Verdict.Fail;
      default:
        return this.build(ctx) ? this.verdict : Verdict.Fail;
    }
  }

  private complete(ctx: RuleContext): boolean {
    if (this.template !== null) return this.template.prepare(ctx);
    ctx.replySilent = true;
    ctx.replyBodyOff = 0;
    ctx.replyBodyLen = 0;
    return true;
  }

  private build(ctx: RuleContext): boolean {
    const msg = ctx.response;
    if (msg === null) return false;
    // What an earlier answer left in the scratch is of no use any more.
    if (!this.onResponse) msg.scratchUsed = 0;
    let bodyOff = this.bodyOff;
    let bodyLen = this.bodyLen;
    for (let i = 0; i < this.writers.length; i++) {
      if (!makeValue(ctx, msg, this.writers[i]!)) return false;
      this.valueOffs[i] = made.off;
      this.valueLens[i] = made.len;
    }
    if (this.bodyWriter !== null) {
      if (!makeValue(ctx, msg, this.bodyWriter)) return false;
      bodyOff = made.off;
      bodyLen = made.len;
    }
    beginReply(msg, this.status);
    if (!this.addFields(msg)) return false;
    if (this.status !== NO_CONTENT && !addContentLength(msg, bodyLen)) return false;
    if (bodyLen > 0 && this.typeLen > 0) {
      const name = fieldNameOff[FieldId.ContentType]!;
      const id = FieldId.ContentType;
      if (!msg.add(id, name, CONTENT_TYPE_LEN, this.typeOff, this.typeLen)) return false;
    }
    endReply(ctx, msg, bodyOff, bodyLen, this.bodyWriter === null);
    return true;
  }

  private addFields(msg: HttpMessage): boolean {
    for (let i = 0; i < this.names.length; i++) {
      const name = this.names[i]!;
      const off = this.valueOffs[i]!;
      const len = this.valueLens[i]!;
      // A field without a value is left out.
      if (len === 0) continue;
      if (name.id === FieldId.Connection && isClose(off, len)) {
        msg.connection |= ConnectionFlag.Close;
        continue;
      }
      if (!msg.add(name.id, name.off, name.len, off, len)) return false;
    }
    return true;
  }
}

function isClose(off: number, len: number): boolean {
  if (len !== CLOSE.len) return false;
  for (let i = 0; i < len; i++) if ((mem[off + i]! | 0x20) !== mem[CLOSE.off + i]) return false;
  return true;
}
