/**
 * Texts of a list in one block of memory outside of the arena (a list may have a million entries):
 *
 *   bytes   [ p a t t e r n 0 | p a t t e r n 1 | ... ]
 *   start   [ 0, 8, 16, ... , total ]
 *
 * With `-i` the bytes are folded here once, and the sample's bytes are folded by table on the way.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import { fold } from '../fold.ts';

const same = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** The table that maps the bytes of a sample before they are compared. */
export function foldTable(ignoreCase: boolean): Uint8Array {
  return ignoreCase ? fold : same;
}

export class TextList {
  readonly bytes: Uint8Array;
  readonly start: Int32Array;
  readonly count: number;
  readonly table: Uint8Array;

  constructor(texts: readonly Uint8Array[], ignoreCase: boolean) {
    let total = 0;
    for (const text of texts) total += text.length;
    this.bytes = new Uint8Array(total);
    this.start = new Int32Array(texts.length + 1);
    this.count = texts.length;
    this.table = foldTable(ignoreCase);
    let at = 0;
    texts.forEach((text, i) => {
      this.start[i] = at;
      for (const byte of text) this.bytes[at++] = this.table[byte]!;
    });
    this.start[texts.length] = at;
  }

  /** Whether pattern `index` stands at `off` in the arena; the caller has checked the room. */
  standsAt(index: number, off: number): boolean {
    const bytes = this.bytes;
    const table = this.table;
    const from = this.start[index]!;
    const len = this.start[index + 1]! - from;
    for (let i = 0; i < len; i++) {
      if (table[mem[off + i]!] !== bytes[from + i]) return false;
    }
    return true;
  }

  lengthOf(index: number): number {
    return this.start[index + 1]! - this.start[index]!;
  }
}

/** Byte strings as bytes, each only once. */
export function createTexts(patterns: readonly string[], ignoreCase: boolean): Uint8Array[] {
  const table = foldTable(ignoreCase);
  const seen = new Set<string>();
  const texts: Uint8Array[] = [];
  for (const pattern of patterns) {
    const bytes = Buffer.from(pattern, 'latin1');
    for (let i = 0; i < bytes.length; i++) bytes[i] = table[bytes[i]!]!;
    const key = bytes.toString('latin1');
    if (seen.has(key)) continue;
    seen.add(key);
    texts.push(bytes);
  }
  return texts;
}
