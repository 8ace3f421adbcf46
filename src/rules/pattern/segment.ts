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
import { TextSet } from './exact.ts';
import { EmptyPattern, type Pattern } from './pattern.ts';
import { createTexts, TextList } from './text-list.ts';

class Segments implements Pattern {
  private readonly set: TextSet;
  private readonly isDelimiter: Uint8Array;

  constructor(set: TextSet, isDelimiter: Uint8Array) {
    this.set = set;
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
    const set = this.set;
    const table = set.list.table;
    const delimiter = this.isDelimiter;
    const limit = start + set.longest < end ? start + set.longest : end;
    let hash = 0x811c9dc5 | 0;
    for (let at = start; at < limit; at++) {
      // The same function as `hashBytes`, one byte at a time.
      hash = Math.imul(hash ^ table[mem[at]!]!, 0x01000193);
      const boundary = at + 1 === end || delimiter[mem[at + 1]!] === 1;
      if (!boundary || delimiter[mem[at]!] === 1) continue;
      if (set.indexOf(hash ^ (hash >>> 15), start, at + 1 - start) >= 0) return true;
    }
    return false;
  }
}

function createSegments(
  patterns: readonly string[],
  ignoreCase: boolean,
  delimiters: string,
): Pattern {
  const isDelimiter = new Uint8Array(256);
  for (const char of delimiters) isDelimiter[char.charCodeAt(0)] = 1;
  const trimmed = patterns.map((pattern) => {
    let from = 0;
    let until = pattern.length;
    while (from < until && delimiters.includes(pattern[from]!)) from++;
    while (until > from && delimiters.includes(pattern[until - 1]!)) until--;
    return pattern.slice(from, until);
  });
  const texts = createTexts(
    trimmed.filter((pattern) => pattern !== ''),
    ignoreCase,
  );
  if (texts.length === 0) return new EmptyPattern();
  return new Segments(new TextSet(new TextList(texts, ignoreCase)), isDelimiter);
}

/** `-m dir`. */
export function createDirectories(patterns: readonly string[], ignoreCase: boolean): Pattern {
  return createSegments(patterns, ignoreCase, '/?');
}

/** `-m dom`. */
export function createDomains(patterns: readonly string[], ignoreCase: boolean): Pattern {
  return createSegments(patterns, ignoreCase, './:?');
}
