/**
 * JSON paths as `json_query` takes them (configuration.txt 7.3.1): `$`, then `.key` and `[index]`.
 * Made while the configuration is compiled; read by `json-scan.ts`.
 */

/** One step into an object by its key, or into an array. */
export interface JsonStep {
  /** The key as it is written between quotes; null = `index` counts. */
  readonly key: Uint8Array | null;
  readonly index: number;
}

/** @returns the steps; null for a path that matches nothing, as in HAProxy */
export function parseJsonPath(path: string): JsonStep[] | null {
  if (!path.startsWith('$')) return null;
  const steps: JsonStep[] = [];
  let rest = path.slice(1);
  while (rest !== '') {
    const index = /^\[([^\]]*)\]/.exec(rest);
    const key = /^\.((?:\\.|[^.[\\])*)/s.exec(rest);
    if (index) steps.push({ key: null, index: Number.parseInt(index[1]!, 10) || 0 });
    else if (key) steps.push({ key: keyBytes(key[1]!), index: -1 });
    else return null;
    rest = rest.slice((index ?? key)![0].length);
  }
  return steps;
}

/** A backslash takes the meaning from a dot or a bracket. */
function keyBytes(text: string): Uint8Array {
  return Buffer.from(text.replace(/\\([.[])/g, '$1'), 'latin1');
}
