/**
 * Walks the values of header fields: whole fields (`fhdr`) or their comma-separated parts (`hdr`),
 * over all fields or those of one name (configuration.txt 7.3.6).
 *
 * A position in the walk is one number, `row * STRIDE + offset in the value + 1`, so that a sample
 * can carry it between calls without an object. 0 is the start.
 *
 * @dataplane
 */
import { FieldId, fieldId } from '../../http/field.ts';
import { Col, type HttpMessage, ROW, sameBytes } from '../../http/message.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';

const STRIDE = 1 << 22;

/** Row of a position. */
export function rowAt(position: number): number {
  return position > 0 ? Math.floor((position - 1) / STRIDE) : 0;
}

/** Offset in the value of that row. */
export function insideAt(position: number): number {
  return position > 0 ? position - 1 - rowAt(position) * STRIDE : 0;
}

/**
 * The position after a part that was found in `row`, 0 when it was the last one.
 * @param inside offset in the value of what follows it; it counts when `more` of the value is left.
 */
export function positionAfter(
  msg: HttpMessage,
  row: number,
  inside: number,
  more: boolean,
): number {
  if (more) return row * STRIDE + inside + 1;
  return row + 1 < msg.count ? (row + 1) * STRIDE + 1 : 0;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** Name of a field as rules carry it: lower case, in the arena. Empty = every field. */
export class FieldName {
  readonly id: FieldId;
  readonly off: number;
  readonly len: number;

  constructor(name: string) {
    const lower = Buffer.from(
      name.replace(/[A-Z]/g, (char) => char.toLowerCase()),
      'latin1',
    );
    this.off = reserveBytes(lower);
    this.len = lower.length;
    this.id = this.len === 0 ? FieldId.Other : fieldId(this.off, this.len);
  }
}

/** The value found last. */
export let valueOff = 0;
export let valueLen = 0;
/** Position after it for the next call, or 0 when it was the last one. */
export let nextPosition = 0;

/** End of the part that starts at `from`: its comma, or `end`. Quoted strings are kept whole. */
export function partEnd(from: number, end: number): number {
  let quoted = false;
  for (let at = from; at < end; at++) {
    const byte = mem[at]!;
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted && byte === BACKSLASH) at++;
    else if (byte === COMMA && !quoted) return at;
  }
  return end;
}

export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** Puts the slice without blanks at its ends into `valueOff` and `valueLen`. */
export function trimValue(from: number, until: number): void {
  let start = from;
  let end = until;
  while (start < end && isBlank(mem[start]!)) start++;
  while (end > start && isBlank(mem[end - 1]!)) end--;
  valueOff = start;
  valueLen = end - start;
}

/** First live row of this name at or after `from`, or -1. */
export function findRow(msg: HttpMessage, name: FieldName, from: number): number {
  if (name.len > 0) {
    if (name.id !== FieldId.Other) return msg.find(name.id, name.off, name.len, from);
    return findOther(msg, name, from);
  }
  for (let i = from; i < msg.count; i++) if (msg.rows[i * ROW + Col.NameLen]! > 0) return i;
  return -1;
}

function findOther(msg: HttpMessage, name: FieldName, from: number): number {
  const rows = msg.rows;
  for (let i = from; i < msg.count; i++) {
    const r = i * ROW;
    if (rows[r + Col.NameLen] === name.len && rows[r + Col.Id] === FieldId.Other) {
      if (sameBytes(rows[r + Col.NameOff]!, name.off, name.len)) return i;
    }
  }
  return -1;
}

/**
 * Finds the value at or after `position`. On success `valueOff`, `valueLen` and `nextPosition`
 * are set.
 * @param split whether commas separate values.
 */
export function nextValue(
  msg: HttpMessage,
  name: FieldName,
  split: boolean,
  position: number,
): boolean {
  let row = rowAt(position);
  const inside = insideAt(position);
  if (inside === 0) row = findRow(msg, name, row);
  if (row < 0) return false;
  const off = msg.rows[row * ROW + Col.ValOff]!;
  const end = off + msg.rows[row * ROW + Col.ValLen]!;
  const start = off + inside;
  const until = split ? partEnd(start, end) : end;
  trimValue(start, until);
  nextPosition = positionAfter(msg, row, until + 1 - off, until < end);
  return true;
}

/** Number of values of this name. */
export function countValues(msg: HttpMessage, name: FieldName, split: boolean): number {
  let count = 0;
  let position = 0;
  while (nextValue(msg, name, split, position)) {
    count++;
    position = nextPosition;
    if (position === 0) break;
  }
  return count;
}

/**
 * Finds one occurrence: 1 is the first, -1 the last.
 * @returns false when there are not that many.
 */
export function findValue(
  msg: HttpMessage,
  name: FieldName,
  split: boolean,
  occurrence: number,
): boolean {
  let wanted = occurrence;
  if (wanted < 0) wanted = countValues(msg, name, split) + wanted + 1;
  if (wanted <= 0) return false;
  let position = 0;
  while (nextValue(msg, name, split, position)) {
    if (--wanted === 0) return true;
    position = nextPosition;
    if (position === 0) break;
  }
  return false;
}
