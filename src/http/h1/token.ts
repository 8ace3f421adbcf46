/**
 * Words inside field values.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import { type Char, charClass } from './characters.ts';

const SP = 32;
const TAB = 9;
const COMMA = 44;

export function lower(c: number): number {
  return c >= 65 && c <= 90 ? c | 32 : c;
}

/** Whether all bytes of a slice are of a class; an empty one is. */
export function isAll(off: number, len: number, kind: Char): boolean {
  for (let i = 0; i < len; i++) if ((charClass[mem[off + i]!]! & kind) === 0) return false;
  return true;
}

/** Whether a slice is exactly a word. */
export function isWord(off: number, len: number, word: Uint8Array): boolean {
  if (len !== word.length) return false;
  for (let i = 0; i < len; i++) if (mem[off + i] !== word[i]) return false;
  return true;
}

/** Whether a slice equals a lower-case word, ignoring case. */
export function wordEquals(off: number, len: number, word: Uint8Array): boolean {
  if (len !== word.length) return false;
  for (let i = 0; i < len; i++) if (lower(mem[off + i]!) !== word[i]) return false;
  return true;
}

/** Whether a comma-separated list contains a lower-case word, ignoring case. */
export function wordIn(off: number, len: number, word: Uint8Array): boolean {
  const end = off + len;
  let p = off;
  while (p < end) {
    while (p < end && (mem[p] === SP || mem[p] === TAB || mem[p] === COMMA)) p++;
    const from = p;
    while (p < end && mem[p] !== COMMA) p++;
    let until = p;
    while (until > from && (mem[until - 1] === SP || mem[until - 1] === TAB)) until--;
    if (wordEquals(from, until - from, word)) return true;
  }
  return false;
}
