/**
 * Match of the request method (criterion `method`, configuration.txt 7.3.6): known methods by
 * number, others by text. `-i` counts for the others only, as in HAProxy.
 *
 * @dataplane
 */
import { methodNames } from '../../http/method.ts';
import type { PatternData } from '../../model/pattern.ts';
import type { Sample } from '../sample.ts';
import { createExact } from './exact.ts';
import type { Pattern, TextFinder } from './pattern.ts';
import { slicesOf } from './slices.ts';
import { createTexts } from './text-builder.ts';
import type { TextList } from './text-list.ts';

class Methods implements Pattern {
  private readonly known: Uint8Array;
  private readonly others: TextFinder;

  constructor(known: Uint8Array, others: TextFinder) {
    this.known = known;
    this.others = others;
  }

  matches(sample: Sample): boolean {
    return sample.num === 0 ? this.others.find(sample) >= 0 : this.known[sample.num] === 1;
  }
}

export function createMethodData(patterns: readonly string[], ignoreCase: boolean): PatternData {
  const known = new Uint8Array(methodNames.length);
  const others: string[] = [];
  for (const pattern of patterns) {
    const method = methodNames.indexOf(pattern as (typeof methodNames)[number]);
    if (method > 0) known[method] = 1;
    else others.push(pattern);
  }
  return { kind: 'meth', known, texts: createTexts(slicesOf(others), ignoreCase) };
}

export function createMethods(known: Uint8Array, others: TextList): Pattern {
  return new Methods(known, createExact(others));
}
