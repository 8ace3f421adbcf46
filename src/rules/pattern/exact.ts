/**
 * Exact match of text or bytes (`-m str`, `-m bin`). A few patterns are compared one after the
 * other, many are looked up by hash.
 *
 * @dataplane
 */

import { mem } from '../../sys/arena.ts';
import type { Sample } from '../sample.ts';
import type { TextFinder } from './pattern.ts';
import { addToHash, finishHash, HASH_START, type TextList } from './text-list.ts';

/** Up to this many patterns a linear scan is as fast as hashing. */
const LINEAR_MAX = 4;

class FewTexts implements TextFinder {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  find(sample: Sample): number {
    const list = this.list;
    for (let i = 0; i < list.count; i++) {
      if (list.lengthOf(i) === sample.len && list.standsAt(i, sample.off)) return i;
    }
    return -1;
  }
}

class ManyTexts implements TextFinder {
  private readonly list: TextList;

  constructor(list: TextList) {
    this.list = list;
  }

  find(sample: Sample): number {
    const { off, len } = sample;
    const list = this.list;
    if (len > list.longest) return -1;
    let hash = HASH_START;
    for (let i = 0; i < len; i++) hash = addToHash(hash, list.table[mem[off + i]!]!);
    return list.find(finishHash(hash), off, len);
  }
}

/** `-m str`, and `-m bin` once its patterns are bytes. */
export function createExact(list: TextList): TextFinder {
  return list.count <= LINEAR_MAX ? new FewTexts(list) : new ManyTexts(list);
}
