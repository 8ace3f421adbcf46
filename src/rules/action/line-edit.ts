/**
 * Regular expressions on whole lines of a head (`reqrep`, `rspdel` and their like, HAProxy 1.3 to
 * 2.0): `METHOD target HTTP/x.y` or `HTTP/x.y status reason` first, then `Name: value` per field.
 *
 * The parser folds names to lower case in place, so the spelling that came is gone. A line is shown
 * with its name in Train-Case (`X-Forwarded-For: `), as such expressions are written; when that does
 * not match, in lower case. One blank stands behind the colon.
 *
 * A line that was replaced is parsed again, more strictly than one that came: text that a client
 * chose is in it. What does not parse, and what would change how the message is framed or what
 * becomes of the connection (HTTP version, CONNECT, Content-Length, Transfer-Encoding, Connection,
 * Upgrade, a status with or without a body, a second Host) is refused: 400 or 502. Lines of
 * Content-Length and Transfer-Encoding are not shown to expressions that replace or remove
 * (RFC 9112 11.2).
 *
 * Cost of the design: every line is written into the scratch, per rule.
 *
 * @dataplane
 */
import { prepareErrorPage } from '../../http/error-page.ts';
import { FieldId, fieldId } from '../../http/field.ts';
import { checkTarget, isAuthority } from '../../http/h1/authority.ts';
import { Char, charClass, tokenLower } from '../../http/h1/characters.ts';
import { payloadIsOdd } from '../../http/h1/framing.ts';
import { isAll } from '../../http/h1/token.ts';
import { BodyMode, Col, type HttpMessage, ROW, sameBytes } from '../../http/message.ts';
import { Method } from '../../http/method.ts';
import { hasBody, STATUS_MIN } from '../../http/status.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { type Action, type RuleContext, Verdict } from '../context.ts';
import { found, type Regex } from '../regex.ts';
import { expandTo } from './back-reference.ts';
import {
  editedMessage,
  followTarget,
  isFraming,
  isLineWord,
  Made,
  made,
  replaceByMade,
  reserveText,
  strictness,
} from './edit.ts';
import { methodOf } from './target-edit.ts';

const SP = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const DASH = 0x2d;
const VERSION_LEN = 8;
const HOST_LEN = 4;
const BAD_REQUEST = 400;
const BAD_GATEWAY = 502;

const version10 = reserveBytes('HTTP/1.0');
const version11 = reserveBytes('HTTP/1.1');

/** Index of the request or status line, before the rows. */
const START = -1;

const enum Seen {
  /** There is no room for the line: nobody knows. */
  NoRoom = -1,
  No = 0,
  Yes = 1,
}

/** The replacement of `reqrep` and `rsprep`. */
export class Replacement {
  readonly off: number;
  readonly len: number;

  constructor(form: string) {
    this.off = reserveText(form);
    this.len = form.length;
  }
}

/** The line in hand: free scratch, kept only when it replaces another one. */
const line = new Made();

/** Does `onMatch` when any line matches. */
export function judgeLines(
  ctx: RuleContext,
  response: boolean,
  regex: Regex,
  onMatch: Action,
): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg === null) return Verdict.Continue;
  for (let i = START; i < msg.count; i++) {
    const seen = look(msg, i, regex);
    if (seen === Seen.NoRoom) return refuse(ctx, response);
    if (seen === Seen.Yes) return onMatch(ctx);
  }
  return Verdict.Continue;
}

/** Removes header lines that match; the first line is none. */
export function deleteLines(ctx: RuleContext, response: boolean, regex: Regex): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg === null) return Verdict.Continue;
  for (let i = 0; i < msg.count; i++) {
    if (framesBody(msg, i)) continue;
    const seen = look(msg, i, regex);
    if (seen === Seen.NoRoom) return refuse(ctx, response);
    if (seen === Seen.Yes) msg.remove(i);
  }
  return Verdict.Continue;
}

/** Replaces the part that matches in every line. */
export function replaceLines(
  ctx: RuleContext,
  response: boolean,
  regex: Regex,
  form: Replacement,
): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg === null) return Verdict.Continue;
  for (let i = START; i < msg.count; i++) {
    if (i !== START && framesBody(msg, i)) continue;
    const seen = look(msg, i, regex);
    if (seen === Seen.No) continue;
    if (seen === Seen.NoRoom || !replaceLine(msg, i, form)) return refuse(ctx, response);
  }
  return Verdict.Continue;
}

function framesBody(msg: HttpMessage, index: number): boolean {
  return isFraming(msg.rows[index * ROW + Col.Id] as FieldId);
}

/** The message cannot go on: 400, or 502 for a response. */
function refuse(ctx: RuleContext, response: boolean): Verdict {
  strictness.failures++;
  const status = response ? BAD_GATEWAY : BAD_REQUEST;
  return prepareErrorPage(ctx, status) ? Verdict.Deny : Verdict.Fail;
}

/** Whether a line matches, in either spelling of its name; the match is in `found`. */
function look(msg: HttpMessage, index: number, regex: Regex): Seen {
  if (index === START) return writeStart(msg) ? test(regex) : Seen.NoRoom;
  if (msg.rows[index * ROW + Col.NameLen] === 0) return Seen.No;
  if (!writeField(msg, index, true)) return Seen.NoRoom;
  if (test(regex) === Seen.Yes) return Seen.Yes;
  if (regex.ignoreCase) return Seen.No;
  writeField(msg, index, false);
  return test(regex);
}

function test(regex: Regex): Seen {
  return regex.find(line.off, line.len, false) ? Seen.Yes : Seen.No;
}

/** Begins a line of so many bytes. @returns where, or 0 when there is no room. */
function beginLine(msg: HttpMessage, len: number): number {
  if (msg.scratchUsed + len > msg.scratchSize) return 0;
  line.off = msg.scratchOff + msg.scratchUsed;
  line.len = len;
  return line.off;
}

/** The version as it is sent on: 1.0 or 1.1. */
function versionText(msg: HttpMessage): number {
  return msg.version >= 11 ? version11 : version10;
}

function writeStart(msg: HttpMessage): boolean {
  const version = versionText(msg);
  if (msg.isResponse) {
    let to = beginLine(msg, VERSION_LEN + 5 + msg.reasonLen);
    if (to === 0) return false;
    mem.copyWithin(to, version, version + VERSION_LEN);
    to += VERSION_LEN;
    mem[to] = SP;
    mem[to + 1] = 0x30 + Math.floor(msg.status / 100);
    mem[to + 2] = 0x30 + (Math.floor(msg.status / 10) % 10);
    mem[to + 3] = 0x30 + (msg.status % 10);
    mem[to + 4] = SP;
    mem.copyWithin(to + 5, msg.reasonOff, msg.reasonOff + msg.reasonLen);
    return true;
  }
  let to = beginLine(msg, msg.methodLen + msg.uriLen + VERSION_LEN + 2);
  if (to === 0) return false;
  mem.copyWithin(to, msg.methodOff, msg.methodOff + msg.methodLen);
  to += msg.methodLen;
  mem[to++] = SP;
  mem.copyWithin(to, msg.uriOff, msg.uriOff + msg.uriLen);
  to += msg.uriLen;
  mem[to++] = SP;
  mem.copyWithin(to, version, version + VERSION_LEN);
  return true;
}

function writeField(msg: HttpMessage, index: number, train: boolean): boolean {
  const rows = msg.rows;
  const r = index * ROW;
  const nameOff = rows[r + Col.NameOff]!;
  const nameLen = rows[r + Col.NameLen]!;
  const valOff = rows[r + Col.ValOff]!;
  const valLen = rows[r + Col.ValLen]!;
  const to = beginLine(msg, nameLen + 2 + valLen);
  if (to === 0) return false;
  let begins = train;
  for (let i = 0; i < nameLen; i++) {
    const byte = mem[nameOff + i]!;
    mem[to + i] = begins && byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
    begins = train && byte === DASH;
  }
  mem[to + nameLen] = COLON;
  mem[to + nameLen + 1] = SP;
  mem.copyWithin(to + nameLen + 2, valOff, valOff + valLen);
  return true;
}

/** @returns false when the line in hand cannot be replaced. */
function replaceLine(msg: HttpMessage, index: number, form: Replacement): boolean {
  const from = line.off;
  const oldEnd = from + line.len;
  const limit = msg.scratchOff + msg.scratchSize;
  const before = found.starts[0]!;
  const after = found.ends[0]!;
  const tail = line.len - after;
  if (oldEnd + before > limit) return false;
  mem.copyWithin(oldEnd, from, from + before);
  const end = expandTo(oldEnd + before, limit, from, form.off, form.len);
  if (end < 0 || end + tail > limit) return false;
  mem.copyWithin(end, from + after, oldEnd);
  const len = end + tail - oldEnd;
  if (len === line.len && sameBytes(from, oldEnd, len)) return true;
  mem.copyWithin(from, oldEnd, oldEnd + len);
  line.len = len;
  msg.scratchUsed += len;
  if (index !== START) return parseField(msg, index);
  return msg.isResponse ? parseStatusLine(msg) : parseRequestLine(msg);
}

/** RFC 9112 3: `method SP target SP version`, each blank one space. */
function parseRequestLine(msg: HttpMessage): boolean {
  const end = line.off + line.len;
  let at = line.off;
  while (at < end && (charClass[mem[at]!]! & Char.Token) !== 0) at++;
  const methodLen = at - line.off;
  if (methodLen === 0 || at === end || mem[at] !== SP) return false;
  const uri = ++at;
  while (at < end && mem[at] !== SP) at++;
  const uriLen = at - uri;
  // What came with the relaxed option keeps its liberties, blanks and controls never.
  const relaxed = !isTarget(msg.uriOff, msg.uriLen);
  if (!(relaxed ? isLineWord(uri, uriLen) : isTarget(uri, uriLen))) return false;
  if (end - at !== VERSION_LEN + 1) return false;
  if (!sameBytes(at + 1, versionText(msg), VERSION_LEN)) return false;
  const method = methodOf(line.off, methodLen);
  if ((method === Method.Connect) !== (msg.method === Method.Connect)) return false;
  const isOdd = msg.body !== BodyMode.None && msg.version < 11 && payloadIsOdd(method);
  if (isOdd && method !== msg.method) return false;
  msg.methodOff = line.off;
  msg.methodLen = methodLen;
  msg.method = method;
  msg.setUri(uri, uriLen);
  return followTarget(msg) && checkTarget(msg, false);
}

function isTarget(off: number, len: number): boolean {
  return len > 0 && isAll(off, len, Char.Target);
}

/** RFC 9112 4: `version SP 3DIGIT SP [ reason ]`; the last blank may be missing with the reason. */
function parseStatusLine(msg: HttpMessage): boolean {
  const at = line.off + VERSION_LEN;
  const end = line.off + line.len;
  if (end - at < 4 || !sameBytes(line.off, versionText(msg), VERSION_LEN)) return false;
  if (mem[at] !== SP || (end - at > 4 && mem[at + 4] !== SP)) return false;
  let status = 0;
  for (let i = at + 1; i < at + 4; i++) {
    if ((charClass[mem[i]!]! & Char.Digit) === 0) return false;
    status = status * 10 + (mem[i]! - 0x30);
  }
  if (status < STATUS_MIN) return false;
  if (status !== msg.status) {
    const framed = msg.body !== BodyMode.Tunnel && hasBody(msg.status) && hasBody(status);
    if (!framed) return false;
  }
  const reason = end - at > 4 ? at + 5 : end;
  if (!isAll(reason, end - reason, Char.Value)) return false;
  msg.status = status;
  msg.reasonOff = reason;
  msg.reasonLen = end - reason;
  return true;
}

/** RFC 9112 5: `name ":" OWS value OWS`. */
function parseField(msg: HttpMessage, index: number): boolean {
  let end = line.off + line.len;
  let at = line.off;
  for (; at < end; at++) {
    const lower = tokenLower[mem[at]!]!;
    if (lower === 0) break;
    mem[at] = lower;
  }
  const nameLen = at - line.off;
  if (nameLen === 0 || at === end || mem[at] !== COLON) return false;
  at++;
  while (at < end && isBlank(mem[at]!)) at++;
  while (end > at && isBlank(mem[end - 1]!)) end--;
  if (!isAll(at, end - at, Char.Value)) return false;
  const id = fieldId(line.off, nameLen);
  if (isOfConnection(id)) return false;
  const host = id === FieldId.Host && !msg.isResponse;
  if (host && !mayBeHost(msg, index, at, end - at)) return false;
  const r = index * ROW;
  msg.rows[r + Col.NameOff] = line.off;
  msg.rows[r + Col.NameLen] = nameLen;
  msg.rows[r + Col.Id] = id;
  made.off = at;
  made.len = end - at;
  return replaceByMade(msg, index) && (!host || checkTarget(msg, false));
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}

/** Fields that say where the body ends or what becomes of the connection. */
function isOfConnection(id: FieldId): boolean {
  switch (id) {
    case FieldId.Connection:
    case FieldId.ContentLength:
    case FieldId.ProxyConnection:
    case FieldId.TransferEncoding:
    case FieldId.Upgrade:
      return true;
    default:
      return false;
  }
}

/** RFC 9112 3.2: one Host, and nothing in it that would end an authority. */
function mayBeHost(msg: HttpMessage, index: number, off: number, len: number): boolean {
  if (len === 0 || !isAuthority(off, len, Char.Host)) return false;
  const first = msg.find(FieldId.Host, 0, HOST_LEN, 0);
  const other = first === index ? msg.find(FieldId.Host, 0, HOST_LEN, first + 1) : first;
  return other < 0;
}
