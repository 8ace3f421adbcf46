/**
 * A set of bytes: what one place of a regular expression accepts (pcre2pattern(3): an expression
 * without `(*UTF)` is about bytes, and outside ASCII none is a letter, a digit or a blank).
 */

export type ByteSet = Uint8Array;

export function createByteSet(contains: (byte: number) => boolean): ByteSet {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(contains(byte)));
}

export function complement(set: ByteSet): ByteSet {
  return set.map((member) => 1 - member);
}

export function addAll(to: ByteSet, from: ByteSet): void {
  from.forEach((member, byte) => {
    if (member === 1) to[byte] = 1;
  });
}

/** Adds the bytes `[from, until]`; with `fold` also their ASCII letters in the other case. */
export function addRange(to: ByteSet, from: number, until: number, fold: boolean): void {
  for (let byte = from; byte <= until; byte++) {
    to[byte] = 1;
    if (fold) to[otherCase(byte)] = 1;
  }
}

function otherCase(byte: number): number {
  return /[A-Za-z]/.test(String.fromCharCode(byte)) ? byte ^ 0x20 : byte;
}

function members(expression: RegExp): ByteSet {
  return createByteSet((byte) => expression.test(String.fromCharCode(byte)));
}

const digit = members(/[0-9]/);
const horizontal = members(/[\t \xa0]/);
const space = members(/[\t-\r ]/);
const vertical = members(/[\n-\r\x85]/);
const word = members(/[0-9A-Za-z_]/);

/** `\d`, `\w` and their like, outside classes and in them. */
export const escapedSets: ReadonlyMap<string, ByteSet> = new Map([
  ['d', digit],
  ['D', complement(digit)],
  ['h', horizontal],
  ['H', complement(horizontal)],
  ['s', space],
  ['S', complement(space)],
  ['v', vertical],
  ['V', complement(vertical)],
  ['w', word],
  ['W', complement(word)],
]);

/** `[:name:]`. */
export const namedSets: ReadonlyMap<string, ByteSet> = new Map([
  ['alnum', members(/[0-9A-Za-z]/)],
  ['alpha', members(/[A-Za-z]/)],
  ['ascii', members(/[\x00-\x7f]/)],
  ['blank', members(/[ \t]/)],
  ['cntrl', members(/[\x00-\x1f\x7f]/)],
  ['digit', digit],
  ['graph', members(/[!-~]/)],
  ['lower', members(/[a-z]/)],
  ['print', members(/[ -~]/)],
  ['punct', members(/[!-/:-@[-`{-~]/)],
  ['space', space],
  ['upper', members(/[A-Z]/)],
  ['word', word],
  ['xdigit', members(/[0-9A-Fa-f]/)],
]);

export const anyByte = createByteSet(() => true);
export const notLineFeed = members(/[^\n]/);

/** The set as JavaScript writes it. */
export function setText(set: ByteSet): string {
  const parts: string[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] === 0) continue;
    let until = byte;
    while (until < 255 && set[until + 1] === 1) until++;
    parts.push(byteText(byte) + (until > byte ? `-${byteText(until)}` : ''));
    byte = until;
  }
  if (parts.length === 1 && parts[0] === '\\x00-\\xff') return '[^]';
  if (parts.length === 1 && !parts[0]!.includes('-')) return parts[0]!;
  return `[${parts.join('')}]`;
}

function byteText(byte: number): string {
  const char = String.fromCharCode(byte);
  return /[0-9A-Za-z]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
}
