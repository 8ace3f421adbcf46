/** The shape of a row of the statistics table. */
import type { Subject, SubjectKind } from './subject.ts';
import type { StatTags, StatType, StatValue } from './value.ts';

export type Compute = (s: Subject) => StatValue;

export interface StatField {
  name: string;
  tags: StatTags;
  type: StatType;
  meaning: string;
  /** How to compute it; a kind of object without a function has no value. */
  of: Partial<Record<SubjectKind, Compute>>;
}

const kindsByLetter: Record<string, SubjectKind> = {
  L: 'listener',
  F: 'frontend',
  B: 'backend',
  S: 'server',
};

/**
 * Makes a row.
 * @param compute functions by the letters that management.txt 9.1 puts in brackets: L listener,
 * F frontend, B backend, S server; `FB` is the same function for both
 */
export function field(
  name: string,
  tags: StatTags,
  type: StatType,
  meaning: string,
  compute: Record<string, Compute> = {},
): StatField {
  const of: Partial<Record<SubjectKind, Compute>> = {};
  for (const [letters, how] of Object.entries(compute)) {
    for (const letter of letters) of[kindsByLetter[letter]!] = how;
  }
  return { name, tags, type, meaning, of };
}

/** A value that is always the same: features that do not exist count nothing. */
export function zero(): StatValue {
  return 0;
}
