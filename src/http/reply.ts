/**
 * Answers that the proxy itself gives: error pages, `return`, `deny` and `redirect`.
 *
 * An answer is put into the worker's response message (status line and rows) with the body beside
 * it, so that `http-after-response` rules and the serialiser treat it like a server's. A complete
 * response from a file is taken apart once, at start-up, for the same reason: its `Connection`
 * field becomes the wish to close, its names become lower case. A response to HEAD carries the same
 * head; who sends it leaves the body out.
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../sys/arena.ts';
import { FieldId, fieldId, fieldNameOff } from './field.ts';
import { BodyMode, ConnectionFlag, type HttpMessage } from './message.ts';
import type { ReplyContext } from './reply-context.ts';
import type { ReplyText } from './reply-file.ts';
import { hasBody, reasonLen, reasonOff } from './status.ts';

/** Integers per field of a template. */
const FIELD = 5;
const CONTENT_LENGTH_LEN = 14;
const DIGITS_MAX = 16;

/** A complete answer that never changes, ready to be put into a message. */
export class ReplyTemplate {
  readonly version: number;
  readonly status: number;
  readonly reasonOff: number;
  readonly reasonLen: number;
  readonly fields: Int32Array;
  readonly bodyOff: number;
  readonly bodyLen: number;
  readonly close: boolean;
  readonly hasLength: boolean;

  constructor(reply: ReplyText) {
    const reason = Buffer.from(reply.reason, 'latin1');
    this.version = reply.version;
    this.status = reply.status;
    this.reasonOff = reserveBytes(reason);
    this.reasonLen = reason.length;
    this.fields = new Int32Array(reply.fields.length * FIELD);
    reply.fields.forEach(([name, value], i) => {
      const nameBytes = Buffer.from(name, 'latin1');
      const valueBytes = Buffer.from(value, 'latin1');
      const nameOff = reserveBytes(nameBytes);
      const id = fieldId(nameOff, nameBytes.length);
      const valueOff = reserveBytes(valueBytes);
      this.fields.set([id, nameOff, nameBytes.length, valueOff, valueBytes.length], i * FIELD);
    });
    this.bodyLen = reply.body.length;
    this.bodyOff = this.bodyLen > 0 ? reserveBytes(reply.body) : 0;
    this.close = reply.close;
    this.hasLength = reply.hasLength;
  }

  /** Makes this the answer. @returns false when the context has no response message. */
  prepare(ctx: ReplyContext): boolean {
    const msg = ctx.response;
    if (msg === null) return false;
    beginReply(msg, this.status);
    msg.version = this.version;
    msg.reasonOff = this.reasonOff;
    msg.reasonLen = this.reasonLen;
    const fields = this.fields;
    for (let i = 0; i < fields.length; i += FIELD) {
      const id = fields[i] as FieldId;
      msg.add(id, fields[i + 1]!, fields[i + 2]!, fields[i + 3]!, fields[i + 4]!);
    }
    endReply(ctx, msg, this.bodyOff, this.bodyLen, true);
    if (!this.hasLength && msg.body === BodyMode.Length) {
      msg.body = BodyMode.Close;
      msg.hasLength = false;
    }
    if (this.close || msg.body === BodyMode.Close) msg.connection |= ConnectionFlag.Close;
    return true;
  }
}

/**
 * Empties the message for an answer of our own. Text already made in the message's scratch stays,
 * so that values may be computed from the response that the answer replaces.
 */
export function beginReply(msg: HttpMessage, status: number): void {
  const used = msg.scratchUsed;
  msg.begin();
  msg.scratchUsed = used;
  msg.version = 11;
  msg.status = status;
  msg.reasonOff = reasonOff(status);
  msg.reasonLen = reasonLen(status);
}

/**
 * Completes an answer whose rows are in place.
 * @param fixed the body lies in constants, else in the message's scratch
 */
export function endReply(
  ctx: ReplyContext,
  msg: HttpMessage,
  bodyOff: number,
  len: number,
  fixed: boolean,
): void {
  const none = !hasBody(msg.status);
  ctx.replyBodyOff = bodyOff;
  ctx.replyBodyLen = none ? 0 : len;
  ctx.replyFixed = fixed;
  ctx.replySilent = false;
  msg.body = none ? BodyMode.None : BodyMode.Length;
  msg.contentLength = none ? 0 : len;
  msg.hasLength = !none;
}

/** Adds `content-length` with a computed value. @returns false when there is no room. */
export function addContentLength(msg: HttpMessage, length: number): boolean {
  const off = msg.takeScratch(DIGITS_MAX);
  if (off === 0) return false;
  const len = putDecimal(off, length);
  const name = fieldNameOff[FieldId.ContentLength]!;
  return msg.add(FieldId.ContentLength, name, CONTENT_LENGTH_LEN, off, len);
}

/** Writes a non-negative integer in decimal. @returns the number of digits. */
export function putDecimal(off: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let rest = value;
  for (let i = digits - 1; i >= 0; i--) {
    mem[off + i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return digits;
}
