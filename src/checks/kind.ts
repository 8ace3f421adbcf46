/**
 * A kind of health check (configuration.txt 5.2 check): how to ask a server once. Everything else
 * (when to ask, how often before the server changes state, what to log) is the runner's.
 */
import type { Address } from '../base/value/address.ts';
import type { Clock } from './clock.ts';
import type { Connect } from './connect.ts';
import type { CheckStatus } from './result.ts';

export interface CheckTarget {
  address: Address;
  /** Address to connect from (5.2 source), null = the system's choice. */
  source: Address | null;
  /** Longest time for the connection, ms. */
  connectMs: number;
  /** Longest time for the answer after it, ms; -1 = what is left of `connectMs`. */
  readMs: number;
}

export interface CheckOutcome {
  status: CheckStatus;
  /** Code of layer 5 to 7, such as an HTTP status; 0 = none. */
  code: number;
  /** What went wrong in words, '' = nothing to add (`last_chk`). */
  info: string;
}

export interface CheckEnvironment {
  clock: Clock;
  connect: Connect;
}

export interface CheckKind {
  /** As in `CheckConfig.kind`. */
  name: string;
  /** One line for the manual. */
  summary: string;
  /**
   * Starts one check. `done` is called once, never before `run` has returned.
   * @returns a function that gives the check up without a result.
   */
  run(
    target: CheckTarget,
    environment: CheckEnvironment,
    done: (outcome: CheckOutcome) => void,
  ): () => void;
}
