/**
 * Tools of the actions that rewrite a message: values made by a format, fields, the host that
 * stands both in `Host` and in an absolute-form target.
 *
 * Everything a rule makes lives in the scratch area of the message it changes. When that area or
 * the table of fields is full the rewrite fails: an internal error in strict mode, otherwise the
 * message stays as it was (`strict-mode`, configuration.txt 4.4).
 *
 * @dataplane
 */
import { FieldId, fieldId, fieldNameOff } from '../../http/field.ts';
import { isAuthority } from '../../http/h1/authority.ts';
import { Char } from '../../http/h1/characters.ts';
import { Col, type HttpMessage, ROW } from '../../http/message.ts';
import { authorityEnd, authorityStart, TargetForm, targetForm } from '../../http/uri.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { type RuleContext, Verdict } from '../context.ts';
import type { LogFormatWriter } from '../log-format.ts';

/** How strict the ruleset in progress is, and what failed in it. */
export class Strictness {
  /** `strict-mode off` was executed. */
  soft: boolean;
  /** Rewrites that failed since the ruleset began: `wrew`. */
  failures: number;

  constructor() {
    this.soft = false;
    this.failures = 0;
  }
}

export const strictness = new Strictness();

/** Keeps a byte string of the configuration. @returns its arena offset; its length is its own. */
export function reserveText(bytes: string): number {
  return reserveBytes(Buffer.from(bytes, 'latin1'));
}

/** A field name of the configuration. */
export class FieldName {
  readonly off: number;
  readonly len: number;
  readonly id: FieldId;
  /** The field says how the body is framed. */
  readonly framing: boolean;

  /** @param name in lower case. */
  constructor(name: string) {
    this.off = reserveText(name);
    this.len = name.length;
    this.id = fieldId(this.off, this.len);
    this.framing = isFraming(this.id);
  }
}

/**
 * Content-Length and Transfer-Encoding belong to the body that is really sent: rules do not touch
 * them, or one message could become two for the next reader (RFC 9112 11.2).
 */
export function isFraming(id: FieldId): boolean {
  return id === FieldId.ContentLength || id === FieldId.TransferEncoding;
}

/** The value made last. */
export class Made {
  off: number;
  len: number;

  constructor() {
    this.off = 0;
    this.len = 0;
  }
}

export const made = new Made();

const HOST_LEN = 4;

export function rewriteFailed(): Verdict {
  strictness.failures++;
  return strictness.soft ? Verdict.Continue : Verdict.Fail;
}

/**
 * Writes a value into the scratch of `msg` and leaves it in `made`.
 * @returns false when it does not fit.
 */
export function makeValue(ctx: RuleContext, msg: HttpMessage, format: LogFormatWriter): boolean {
  const room = msg.scratchSize - msg.scratchUsed;
  const off = msg.scratchOff + msg.scratchUsed;
  const len = format.write(ctx, off, room);
  // A value that fills the room exactly may have been cut.
  if (len >= room) return false;
  msg.scratchUsed += len;
  made.off = off;
  made.len = len;
  return true;
}

/** The message that rules of this side change; null when its head is not there. */
export function editedMessage(ctx: RuleContext, response: boolean): HttpMessage | null {
  return response ? ctx.response : ctx.request;
}

/** Appends a field with the value in `made`. */
export function addMade(msg: HttpMessage, name: FieldName): boolean {
  if (!mayStandIn(msg, name.id)) return false;
  if (!msg.add(name.id, name.off, name.len, made.off, made.len)) return false;
  return name.id !== FieldId.Host || msg.isResponse || followHost(msg, made.off, made.len);
}

/** Gives row `index` the value in `made`. */
export function replaceByMade(msg: HttpMessage, index: number): boolean {
  const id = msg.rows[index * ROW + Col.Id] as FieldId;
  if (!mayStandIn(msg, id)) return false;
  msg.setValue(index, made.off, made.len);
  return id !== FieldId.Host || msg.isResponse || followHost(msg, made.off, made.len);
}

/** A Host in `made` is one that the parser accepts; beside an absolute-form target not empty. */
export function mayStandIn(msg: HttpMessage, id: FieldId): boolean {
  if (id !== FieldId.Host || msg.isResponse) return true;
  if (!isAuthority(made.off, made.len, Char.Host)) return false;
  return made.len > 0 || targetForm(msg.uriOff, msg.uriLen) !== TargetForm.Absolute;
}

/** An absolute-form target names the same host as `Host` (RFC 9112 3.2.2): carries it over. */
function followHost(msg: HttpMessage, hostOff: number, hostLen: number): boolean {
  const { uriOff, uriLen } = msg;
  if (targetForm(uriOff, uriLen) !== TargetForm.Absolute) return true;
  const start = authorityStart(uriOff, uriLen);
  return spliceTarget(msg, start, authorityEnd(start, uriOff, uriLen), hostOff, hostLen);
}

/**
 * Makes `Host` say what an absolute-form target says.
 * @returns false when that is no host (RFC 9110 4.2.1, 4.2.4).
 */
export function followTarget(msg: HttpMessage): boolean {
  const { uriOff, uriLen } = msg;
  if (targetForm(uriOff, uriLen) !== TargetForm.Absolute) return true;
  const start = authorityStart(uriOff, uriLen);
  const len = authorityEnd(start, uriOff, uriLen) - start;
  if (len === 0 || !isAuthority(start, len, Char.Host)) return false;
  const index = msg.find(FieldId.Host, fieldNameOff[FieldId.Host]!, HOST_LEN, 0);
  if (index >= 0) msg.setValue(index, start, len);
  return true;
}

/** Replaces the bytes `[from, until)` of the target. @returns false when there is no room. */
export function spliceTarget(
  msg: HttpMessage,
  from: number,
  until: number,
  off: number,
  len: number,
): boolean {
  const head = from - msg.uriOff;
  const tail = msg.uriOff + msg.uriLen - until;
  const total = head + len + tail;
  const at = msg.takeScratch(total);
  if (at === 0) return false;
  mem.copyWithin(at, msg.uriOff, from);
  mem.copyWithin(at + head, off, off + len);
  mem.copyWithin(at + head + len, until, until + tail);
  msg.setUri(at, total);
  return true;
}

/**
 * Whether text made for the request line can stand there: no blanks and no controls, which would
 * let a client choose where the line ends (RFC 9112 3).
 */
export function isLineWord(off: number, len: number): boolean {
  for (let i = 0; i < len; i++) if (mem[off + i]! <= 0x20 || mem[off + i] === 0x7f) return false;
  return len > 0;
}
