/**
 * A protocol that has a check of its own (configuration.txt 4.2 `option redis-check` and its like): a
 * fixed ruleset, and what the answers mean.
 */
import type { CheckExpectConfig, CheckStepConfig } from '../../model/config.ts';
import type { MatchResult } from '../outcome.ts';
import type { CheckStatus } from '../result.ts';

/** How one answer of a protocol is read. */
export interface ProtocolRow {
  /** Of the answer, as in `CheckMatchConfig`. */
  name: string;
  /**
   * @param bytes what came since the last thing was sent
   * @param isLast no more can come; `bytes` may be empty then
   * @param number the step's, for messages
   */
  examine(bytes: Uint8Array, isLast: boolean, number: number): MatchResult;
}

/** A step that connects as the server line says; `number` 0 = not written. */
export function connectStep(number = 0): CheckStepConfig {
  return { type: 'connect', number, comment: '', address: null, port: 0, linger: false };
}

/** A step that sends bytes, given as one character per byte. */
export function sendStep(number: number, data: string): CheckStepConfig {
  return { type: 'send', number, comment: '', data, hex: false };
}

/** A step that waits for an answer of a protocol. */
export function answerStep(
  number: number,
  name: string,
  statuses: Partial<Pick<CheckExpectConfig, 'okStatus' | 'timeoutStatus'>> = {},
): CheckStepConfig {
  return {
    type: 'expect',
    number,
    comment: '',
    match: { kind: 'protocol', name },
    negate: false,
    minRecv: -1,
    okStatus: null,
    errorStatus: null,
    timeoutStatus: null,
    onSuccess: null,
    onError: null,
    statusCode: null,
    ...statuses,
  };
}

export function mismatch(status: CheckStatus, info: string, code?: number): MatchResult {
  return { kind: 'mismatch', status, info, ...(code === undefined ? {} : { code }) };
}

/** The first line of an answer, without its end. */
export function firstLine(bytes: Uint8Array): string {
  return /^[^\r\n]*/.exec(Buffer.from(bytes).toString('latin1'))![0];
}
