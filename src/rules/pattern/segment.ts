/**
 * Match of whole segments (`-m dir`: between slashes, `-m dom`: between dots, colons, slashes and
 * question marks), configuration.txt 7.1.3.
 *
 *   www1.dc-eu.example.com:80      "dc-eu", "example.com", "com:80" match; "dc" does not
 *
 * Delimiters at the ends of a pattern do not count; as in HAProxy, one of which nothing is left then
 * matches texts that end with a delimiter or are empty. From every start of a segment the hash is
 * carried on byte by byte and looked up at each end of a segment, so that the cost does not depend
 * on the number of patterns.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { Sample } from '../sample.ts';
import type { TextFinder } from './pattern.ts';
import { addToHash, earlier, finishHash, HASH_START, type TextList } from './text-list.ts';

/** What stands between the segments of `-m dir`. */
export const directoryEnds = createDelimiters('/?');
/** And of `-m dom`. */
export const domainEnds = createDelimiters('./:?');

function createDelimiters(chars: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
}

class Segments implements TextFinder {
  private readonly list: TextList;
  private readonly isDelimiter: Uint8Array;

  constructor(list: TextList, isDelimiter: Uint8Array) {
    this.list = list;
    this.isDelimiter = isDelimiter;
  }

  find(sample: Sample): number {
    const end = sample.off + sample.len;
    const delimiter = this.isDelimiter;
    let inside = false;
    let best = -1;
    for (let at = sample.off; at < end; at++) {
      if (delimiter[mem[at]!] === 1) {
        inside = false;
      } else if (!inside) {
        inside = true;
        best = earlier(best, this.findAt(at, end));
      }
    }
    if (!inside) best = earlier(best, this.findEmpty());
    return best;
  }

  private findEmpty(): number {
    return this.list.lengths[0] === 1 ? this.list.find(finishHash(HASH_START), 0, 0) : -1;
  }

  /** The first text that stands at the start of a segment. */
  private findAt(start: number, end: number): number {
    const { longest, table, lengths } = this.list;
    const delimiter = this.isDelimiter;
    const limit = start + longest < end ? start + longest : end;
    let hash = HASH_START;
    let best = -1;
    for (let at = start; at < limit; at++) {
      hash = addToHash(hash, table[mem[at]!]!);
      const len = at + 1 - start;
      if (lengths[len] === 0 || delimiter[mem[at]!] === 1) continue;
      if (at + 1 < end && delimiter[mem[at + 1]!] === 0) continue;
      best = earlier(best, this.list.find(finishHash(hash), start, len));
    }
    return best;
  }
}

/** `-m dir`. */
export function createDirectories(list: TextList): TextFinder {
  return new Segments(list, directoryEnds);
}

/** `-m dom`. */
export function createDomains(list: TextList): TextFinder {
  return new Segments(list, domainEnds);
}
