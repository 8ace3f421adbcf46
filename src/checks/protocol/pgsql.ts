/**
 * `option pgsql-check` (configuration.txt 4.2): a StartupMessage of protocol 3.0 for a user, to which a
 * server answers with an authentication request (`R`) or an error (`E`).
 */
import type { CheckStepConfig } from '../../model/config.ts';
import { type MatchResult, wait } from '../outcome.ts';
import { CheckStatus } from '../result.ts';
import { answerStep, connectStep, mismatch, type ProtocolRow, sendStep } from './row.ts';

/** Of an answer: type, length, and the first word of what follows. */
const ANSWER_BYTES = 9;
/** Of an error: type, length, and the letter of its first field. */
const ERROR_HEADER_BYTES = 6;

export function pgsqlSteps(user: string): CheckStepConfig[] {
  const parameters = `\0\x03\0\0user\0${user}\0\0`;
  const length = parameters.length + 4;
  const message = String.fromCharCode(0, 0, length >> 8, length & 255) + parameters;
  return [connectStep(1), sendStep(2, message), answerStep(3, 'pgsql')];
}

export const pgsql: ProtocolRow = {
  name: 'pgsql',
  examine(bytes, isLast): MatchResult {
    if (bytes.length < ANSWER_BYTES && !isLast) return wait;
    const text = Buffer.from(bytes).toString('latin1');
    if (text.startsWith('E')) {
      // The first field of an error is its severity.
      const severity = text.slice(ERROR_HEADER_BYTES).split('\0', 1)[0]!;
      return mismatch(CheckStatus.Layer7Response, severity);
    }
    if (text.startsWith('R') && bytes.length >= ANSWER_BYTES) {
      return { kind: 'match', info: 'PostgreSQL server is ok' };
    }
    return mismatch(CheckStatus.Layer7Status, 'PostgreSQL unknown error');
  },
};
