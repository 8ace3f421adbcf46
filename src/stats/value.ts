/**
 * Values of statistics with what the typed and JSON formats say about them (management.txt 9.2).
 */

/** A number, a text, or nothing: the field does not apply to the object. */
export type StatValue = number | string | null;

export type StatType = 's32' | 's64' | 'u32' | 'u64' | 'str';

/** The four letters of 9.2: origin, nature, scope, persistence. */
export type StatTags = string;

const origins: Record<string, string> = {
  M: 'Metric',
  S: 'Status',
  K: 'Key',
  C: 'Config',
  P: 'Product',
};

const natures: Record<string, string> = {
  A: 'Age',
  a: 'Avg',
  C: 'Counter',
  D: 'Duration',
  G: 'Gauge',
  L: 'Limit',
  M: 'Max',
  m: 'Min',
  N: 'Name',
  O: 'Output',
  R: 'Rate',
  T: 'Time',
};

const scopes: Record<string, string> = { C: 'Cluster', P: 'Process', S: 'Service', s: 'System' };

const persistences: Record<string, string> = { V: 'Volatile', P: 'Persistent' };

/** The tags as the JSON formats spell them out. */
export function tagObject(tags: StatTags): Record<string, string> {
  return {
    origin: origins[tags[0]!] ?? 'Unknown',
    nature: natures[tags[1]!] ?? 'Unknown',
    scope: scopes[tags[2]!] ?? 'Unknown',
    persistence: persistences[tags[3]!] ?? 'Unknown',
  };
}

/** A text that a CSV column may hold: quoted only when it must be (9.1). */
export function csvText(value: string): string {
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
