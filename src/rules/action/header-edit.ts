/**
 * Changes of header fields (configuration.txt 4.4: `add-header`, `set-header`, `del-header`,
 * `replace-header`, `replace-value`) on the rows of a message.
 *
 * @dataplane
 */
import type { FieldId } from '../../http/field.ts';
import { Col, type HttpMessage, ROW, sameBytes } from '../../http/message.ts';
import { mem } from '../../sys/arena.ts';
import { type RuleContext, Verdict } from '../context.ts';
import type { LogFormatWriter } from '../log-format.ts';
import type { Regex } from '../regex.ts';
import { expand, expandTo } from './back-reference.ts';
import {
  addMade,
  editedMessage,
  type FieldName,
  isFraming,
  made,
  makeValue,
  mayStandIn,
  replaceByMade,
  rewriteFailed,
} from './edit.ts';

/** How `del-header -m` compares names. */
export const enum NameMatch {
  Exact = 0,
  Begin = 1,
  End = 2,
  Sub = 3,
  Regex = 4,
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TAB = 0x09;

export function addHeader(
  ctx: RuleContext,
  response: boolean,
  name: FieldName,
  format: LogFormatWriter,
): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg === null) return Verdict.Continue;
  if (!makeValue(ctx, msg, format) || !addMade(msg, name)) return rewriteFailed();
  return Verdict.Continue;
}

/** The value is made before the old fields go, so that it may use them. */
export function setHeader(
  ctx: RuleContext,
  response: boolean,
  name: FieldName,
  format: LogFormatWriter,
): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg === null) return Verdict.Continue;
  if (msg.count >= msg.rowsMax || !makeValue(ctx, msg, format)) return rewriteFailed();
  if (!mayStandIn(msg, name.id)) return rewriteFailed();
  msg.removeAll(name.id, name.off, name.len);
  return addMade(msg, name) ? Verdict.Continue : rewriteFailed();
}

export function deleteHeader(ctx: RuleContext, response: boolean, name: FieldName): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg !== null) msg.removeAll(name.id, name.off, name.len);
  return Verdict.Continue;
}

/** `del-header` with a method other than `str`; names are in lower case on both sides. */
export function deleteMatching(
  ctx: RuleContext,
  response: boolean,
  name: FieldName,
  match: NameMatch,
  regex: Regex | null,
): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg === null) return Verdict.Continue;
  const rows = msg.rows;
  for (let i = 0; i < msg.count; i++) {
    const len = rows[i * ROW + Col.NameLen]!;
    if (len === 0 || isFraming(rows[i * ROW + Col.Id] as FieldId)) continue;
    const off = rows[i * ROW + Col.NameOff]!;
    const hit = regex !== null ? regex.test(off, len) : nameMatches(off, len, name, match);
    if (hit) msg.remove(i);
  }
  return Verdict.Continue;
}

function nameMatches(off: number, len: number, part: FieldName, match: NameMatch): boolean {
  const slack = len - part.len;
  if (slack < 0) return false;
  switch (match) {
    case NameMatch.Begin:
      return sameBytes(off, part.off, part.len);
    case NameMatch.End:
      return sameBytes(off + slack, part.off, part.len);
    case NameMatch.Sub:
      for (let i = 0; i <= slack; i++) if (sameBytes(off + i, part.off, part.len)) return true;
      return false;
    default:
      return slack === 0 && sameBytes(off, part.off, part.len);
  }
}

/**
 * Replaces every value that the expression matches somewhere, as a whole; with `elements`, every
 * such element of comma-separated lists.
 */
export function replaceFields(
  ctx: RuleContext,
  response: boolean,
  name: FieldName,
  regex: Regex,
  format: LogFormatWriter,
  elements: boolean,
): Verdict {
  const msg = editedMessage(ctx, response);
  if (msg === null) return Verdict.Continue;
  let i = msg.find(name.id, name.off, name.len, 0);
  if (i < 0) return Verdict.Continue;
  if (!makeValue(ctx, msg, format)) return rewriteFailed();
  const formOff = made.off;
  const formLen = made.len;
  for (; i >= 0; i = msg.find(name.id, name.off, name.len, i + 1)) {
    const replaced = elements
      ? replaceElements(msg, i, regex, formOff, formLen)
      : replaceWhole(msg, i, regex, formOff, formLen);
    if (!replaced) return rewriteFailed();
  }
  return Verdict.Continue;
}

function replaceWhole(
  msg: HttpMessage,
  i: number,
  regex: Regex,
  formOff: number,
  formLen: number,
): boolean {
  const off = msg.rows[i * ROW + Col.ValOff]!;
  if (!regex.find(off, msg.rows[i * ROW + Col.ValLen]!, false)) return true;
  return expand(msg, off, formOff, formLen) && replaceByMade(msg, i);
}

/**
 * Rebuilds the list of row `i` in scratch. A replaced element loses the blanks around it, the
 * others keep theirs; a list without a match stays where it is.
 */
function replaceElements(
  msg: HttpMessage,
  i: number,
  regex: Regex,
  formOff: number,
  formLen: number,
): boolean {
  const listOff = msg.rows[i * ROW + Col.ValOff]!;
  const listEnd = listOff + msg.rows[i * ROW + Col.ValLen]!;
  const start = msg.scratchOff + msg.scratchUsed;
  const limit = msg.scratchOff + msg.scratchSize;
  let to = start;
  let changed = false;
  for (let at = listOff; ; ) {
    const end = elementEnd(at, listEnd);
    let from = at;
    let until = end;
    while (from < until && (mem[from] === SPACE || mem[from] === TAB)) from++;
    while (until > from && (mem[until - 1] === SPACE || mem[until - 1] === TAB)) until--;
    if (regex.find(from, until - from, false)) {
      to = expandTo(to, limit, from, formOff, formLen);
      if (to < 0) return false;
      changed = true;
    } else {
      if (to + end - at > limit) return false;
      mem.copyWithin(to, at, end);
      to += end - at;
    }
    if (end >= listEnd) break;
    if (to >= limit) return false;
    mem[to++] = COMMA;
    at = end + 1;
  }
  if (!changed) return true;
  msg.scratchUsed += to - start;
  made.off = start;
  made.len = to - start;
  return replaceByMade(msg, i);
}

/** The comma that ends the element at `at`, or `end`; commas in quoted strings do not count. */
function elementEnd(at: number, end: number): number {
  let quoted = false;
  for (let i = at; i < end; i++) {
    const byte = mem[i]!;
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted && byte === BACKSLASH) i++;
    else if (byte === COMMA && !quoted) return i;
  }
  return end;
}
