/**
 * Replacement text with back-references (configuration.txt 4.4 `replace-header`): `\0` to `\9` are
 * the parts that matched, `\xHH` is a byte, a backslash before anything else makes it literal.
 *
 * The text has been made by a log-format first, so that it is looked at byte by byte here, after
 * the match.
 *
 * @dataplane
 */
import { hexValue } from '../../base/hex.ts';
import type { HttpMessage } from '../../http/message.ts';
import { mem } from '../../sys/arena.ts';
import { found } from '../regex.ts';
import { made } from './edit.ts';

const BACKSLASH = 0x5c;
const LOWER_X = 0x78;
const TAB = 0x09;

/**
 * Writes the replacement into the scratch of `msg` and leaves it in `made`.
 * @param subject arena offset of the bytes that were matched; the match is in `found`.
 * @returns false when it does not fit or an escape is cut off.
 */
export function expand(
  msg: HttpMessage,
  subject: number,
  formOff: number,
  formLen: number,
): boolean {
  const start = msg.scratchOff + msg.scratchUsed;
  const end = expandTo(start, msg.scratchOff + msg.scratchSize, subject, formOff, formLen);
  if (end < 0) return false;
  msg.scratchUsed += end - start;
  made.off = start;
  made.len = end - start;
  return true;
}

/** Writes the replacement to `[start, limit)`, as `expand`. @returns its end, or -1. */
export function expandTo(
  start: number,
  limit: number,
  subject: number,
  formOff: number,
  formLen: number,
): number {
  const formEnd = formOff + formLen;
  let to = start;
  let at = formOff;
  while (at < formEnd) {
    let byte = mem[at++]!;
    if (byte === BACKSLASH) {
      if (at >= formEnd) return -1;
      byte = mem[at++]!;
      if (byte >= 0x30 && byte <= 0x39) {
        to = putGroup(to, limit, subject, byte - 0x30);
        if (to < 0) return -1;
        continue;
      }
      if (byte === LOWER_X) {
        if (at + 2 > formEnd) return -1;
        const high = hexValue[mem[at]!]!;
        const low = hexValue[mem[at + 1]!]!;
        if (high > 15 || low > 15) return -1;
        byte = high * 16 + low;
        // The text may hold what a client sent: an escape must not end the line.
        if ((byte < 0x20 && byte !== TAB) || byte === 0x7f) return -1;
        at += 2;
      }
    }
    if (to >= limit) return -1;
    mem[to++] = byte;
  }
  return to;
}

function putGroup(to: number, limit: number, subject: number, group: number): number {
  const from = found.starts[group]!;
  if (from < 0) return to;
  const len = found.ends[group]! - from;
  if (to + len > limit) return -1;
  mem.copyWithin(to, subject + from, subject + from + len);
  return to + len;
}
