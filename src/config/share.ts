/**
 * Sections are mostly alike: the same timeouts, the same logs, the same empty lists. Parts of the
 * configuration that are equal become one object, so that thousands of sections do not hold, and
 * workers are not sent, thousands of copies. Nobody changes a part after the configuration is
 * complete; what may still change stands directly in a section.
 */
import type { Configuration } from '../model/config.ts';

/** Parts that are larger are hardly ever equal. */
const MEMBERS_MAX = 24;

export function shareEqualParts(config: Configuration): void {
  const known = new Map<string, object>();
  for (const proxy of config.proxies) {
    shareParts(proxy, known);
    for (const bind of proxy.binds) shareParts(bind, known);
    for (const server of proxy.servers) shareParts(server, known);
  }
}

/** Replaces the parts of an object by equal ones that were seen before. */
function shareParts(owner: object, known: Map<string, object>): void {
  const parts = owner as Record<string, unknown>;
  for (const key of Object.keys(parts)) {
    const part = parts[key];
    if (!isShareable(part)) continue;
    const text = JSON.stringify(part, exact);
    const first = known.get(text);
    if (first === undefined) known.set(text, part);
    else parts[key] = first;
  }
}

/** JSON writes numbers that are not finite as null. */
function exact(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? `${value}` : value;
}

/** Plain values and small objects of plain values: those are what sections inherit. */
function isShareable(part: unknown): part is object {
  if (typeof part !== 'object' || part === null) return false;
  const values = Object.values(part);
  return values.length <= MEMBERS_MAX && values.every(isPlain);
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every((inner) => typeof inner !== 'object' || inner === null);
}
