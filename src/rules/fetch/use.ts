/** What rules read: which fetches stand in them, and what those need. */
import { readsBytes, readsHead } from './registry.ts';

export { readsBytes, readsHead };

/** The names of the fetches in rules, conditions or formats, which are plain data, once each. */
export function fetchesIn(data: unknown): string[] {
  const names = new Set<string>();
  collect(data, names);
  return [...names];
}

function collect(data: unknown, names: Set<string>): void {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return;
  if ('fetch' in data && typeof data.fetch === 'string') names.add(data.fetch);
  for (const value of Object.values(data)) collect(value, names);
}
