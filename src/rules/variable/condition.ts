/** The conditions of `set-var` as words (configuration.txt 7.3.1 `set-var`). */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { SetIf } from './value.ts';

const bits: Readonly<Record<string, number>> = {
  ifexists: SetIf.Exists,
  ifnotexists: SetIf.NotExists,
  ifempty: SetIf.Empty,
  ifnotempty: SetIf.NotEmpty,
  ifset: SetIf.Set,
  ifnotset: SetIf.NotSet,
  ifgt: SetIf.Greater,
  iflt: SetIf.Less,
};

/**
 * Reads the words from `first` on; empty ones are none.
 * @returns `SetIf` bits
 * @throws ConfigError for an unknown word
 */
export function readConditions(words: readonly ArgConfig[], first: number): number {
  let conditions = SetIf.Always;
  for (const arg of words.slice(first)) {
    const word = String(arg);
    if (word === '') continue;
    if (!Object.hasOwn(bits, word)) throw new ConfigError(`unknown condition "${word}"`);
    conditions |= bits[word]!;
  }
  return conditions;
}
