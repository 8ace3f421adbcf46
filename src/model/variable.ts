/**
 * Variables (configuration.txt 2.8) as the configuration knows them: their names, by the store that
 * keeps their values, and the values of the process, which all threads share.
 *
 * The names are collected while the configuration is read, so that a variable is a small integer
 * when traffic runs: its place in one of these lists. Names made at run time (`set var`) take the
 * spare places of the process's store.
 */

/** What keeps a variable. */
export const enum Store {
  Process = 0,
  Session = 1,
  Transaction = 2,
  /** `req` and `res`: one store, which is emptied where the request's part ends. */
  Message = 3,
  /** Scopes that traffic never has: `check`, and those of a parent stream. */
  None = 4,
}

export interface VariablesConfig {
  /** Names without their scope; the position is the variable's number. */
  process: string[];
  session: string[];
  transaction: string[];
  message: string[];
  /** Values of the process, laid out by `rules/variable/process-store.ts`; empty = none. */
  shared: SharedArrayBuffer;
}

export function noVariables(): VariablesConfig {
  return {
    process: [],
    session: [],
    transaction: [],
    message: [],
    shared: new SharedArrayBuffer(0),
  };
}

/** Bytes that a variable counts for beside its text, as HAProxy counts them (3.2 `tune.vars.*`). */
export const VARIABLE_BYTES = 80;

/** Bytes of a cell: type, length, text, a number (see `rules/variable/local-store.ts`). */
export const CELL_BYTES = 24;
/** And of what stands in front of the cells of a session or a stream. */
export const CELLS_HEAD_BYTES = 8;
