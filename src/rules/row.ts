/**
 * Rows of the tables of sample fetches, converters and ACL keywords (configuration.txt 7.1, 7.3).
 * A keyword is one row next to its code; parsing, error messages and the dump of `-dK` come from
 * the rows, so that adding a keyword touches one file.
 */
import type { ArgConfig } from '../model/config.ts';
import type { Convert, Fetch } from './context.ts';
import type { RuleScope } from './scope.ts';
import type { TypeName } from './type-name.ts';

export type { TypeName };

/**
 * A check of arguments beyond their types. Throws `ConfigError`. May replace elements of `args`
 * by what the compile step wants to read.
 */
export type ArgumentCheck = (args: ArgConfig[], scope: RuleScope) => void;

export interface FetchRow {
  readonly name: string;
  /** Argument grammar as the dump prints it: `string[,integer]`; '' = none. */
  readonly args: string;
  readonly out: TypeName;
  /** One character per `Place`, `Y` where the value exists. */
  readonly valid: string;
  /** What is missing elsewhere, where `valid` alone does not say it (see `placeNeed`). */
  readonly needs?: string;
  /** One line of documentation. */
  readonly doc: string;
  readonly check?: ArgumentCheck;
  /**
   * @param every the caller iterates over all occurrences (ACLs): without an explicit occurrence
   *   the fetch yields the first and goes on; otherwise it yields what the manual calls the value,
   *   for header fields the last one.
   */
  readonly compile: (args: readonly ArgConfig[], every: boolean) => Fetch;
}

export interface ConverterRow {
  readonly name: string;
  readonly args: string;
  /** The input is cast to this type before the step runs. */
  readonly in: TypeName;
  readonly out: TypeName;
  readonly doc: string;
  readonly check?: ArgumentCheck;
  readonly compile: (args: readonly ArgConfig[]) => Convert;
}

/** A criterion that implies a match method: `path_beg` is `path -m beg`. */
export interface AclRow {
  readonly name: string;
  readonly fetch: string;
  readonly match: string;
  /** Patterns are decimal numbers such as 3.1: two integers, the first in the upper 16 bits. */
  readonly dotted?: boolean;
}
