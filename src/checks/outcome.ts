/** What one check finds. */
import type { CheckStatus } from './result.ts';

export interface CheckOutcome {
  status: CheckStatus;
  /** Code of layer 5 to 7, such as an HTTP status; shown where `CheckResultRow.hasCode`. */
  code: number;
  /** What went wrong in words, '' = nothing to add (`last_chk`). */
  info: string;
}

/** What an expect rule says about the bytes that came so far. */
export type MatchResult =
  /** More bytes may change the answer. */
  | { kind: 'wait' }
  | { kind: 'match'; code?: number; info?: string }
  /** `status` unless the rule says another one. */
  | { kind: 'mismatch'; status: CheckStatus; code?: number; info: string };

export const wait: MatchResult = { kind: 'wait' };
export const match: MatchResult = { kind: 'match' };
