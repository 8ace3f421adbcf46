/**
 * Match of whole segments (`-m dir`: between slashes, `-m dom`: between dots, colons, slashes and
 * question marks), configuration.txt 7.1.3.
 *
 *   www1.dc-eu.example.com:80      "dc-eu", "example.com", "com:80" match; "dc" does not
 *
 * Delimiters at the ends of a pattern do not count. From every start of a segment the hash is
 * carried on byte by byte and looked up at each end of a segment, so that the cost does not depend
 * on the number of patterns.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { Sample } from '../sample.ts';
import type { Pattern } from './pattern.ts';
import { addToHash, finishHash, HASH_START, type TextList } from './text-list.ts';

/** What stands between the segments of `-m dir`. */
export const directoryEnds = createDelimiters('/?');
/** And of `-m dom`. */
export const domainEnds = createDelimiters('./:?');

function createDelimiters(chars: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
}

class Segments implements Pattern {
  private readonly list: TextList;
  private readonly isDelimiter: Uint8Array;

  constructor(list: TextList, isDelimiter: Uint8Array) {
    this.list = list;
    this.isDelimiter = isDelimiter;
  }

  matches(sample: Sample): boolean {
    const end = sample.off + sample.len;
    const delimiter = this.isDelimiter;
    let inside = false;
    for (let at = sample.off; at < end; at++) {
      if (delimiter[mem[at]!] === 1) {
        inside = false;
      } else if (!inside) {
        inside = true;
        if (this.startsAt(at, end)) return true;
      }
    }
    return false;
  }

  private startsAt(start: number, end: number): boolean {
    const { longest, table, lengths } = this.list;
    const delimiter = this.isDelimiter;
    const limit = start + longest < end ? start + longest : end;
    let hash = HASH_START;
    for (let at = start; at < limit; at++) {
      hash = addToHash(hash, table[mem[at]!]!);
      const len = at + 1 - start;
      if (lengths[len] === 0 || delimiter[mem[at]!] === 1) continue;
      if (at + 1 < end && delimiter[mem[at + 1]!] === 0) continue;
      if (this.list.has(finishHash(hash), start, len)) return true;
    }
    return false;
  }
}

/** `-m dir`. */
export function createDirectories(list: TextList): Pattern {
  return new Segments(list, directoryEnds);
}

/** `-m dom`. */
export function createDomains(list: TextList): Pattern {
  return new Segments(list, domainEnds);
}
