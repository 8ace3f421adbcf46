/**
 * Reads docs/differences.md: each `##` heading is a difference, its text the reason, and its list
 * items the names of the cases that show it. An item that ends in "(not always)" may also agree:
 * haproxy itself does not do the same each time.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../harness/proxy.ts';

export interface Difference {
  title: string;
  reason: string;
  cases: { name: string; always: boolean }[];
}

export function parseDifferences(text: string): Difference[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const lines = section.split('\n');
      const items = lines.filter((line) => line.startsWith('- `'));
      return {
        title: lines[0]!.trim(),
        reason: lines
          .slice(1)
          .filter((line) => !line.startsWith('- `'))
          .join(' ')
          .trim(),
        cases: items.map((line) => ({
          name: line.slice(3, line.lastIndexOf('`')),
          always: !line.endsWith('(not always)'),
        })),
      };
    });
}

export function readDifferences(): Difference[] {
  return parseDifferences(readFileSync(join(root, 'docs', 'differences.md'), 'utf8'));
}
