/** `option smtpchk` (configuration.txt 4.2): greeting, HELO or EHLO, QUIT (RFC 5321). */
import type { CheckStepConfig } from '../../model/config.ts';
import { type MatchResult, wait } from '../outcome.ts';
import { CheckStatus } from '../result.ts';
import { answerStep, connectStep, firstLine, mismatch, type ProtocolRow, sendStep } from './row.ts';

/** @param hello the command with its domain */
export function smtpSteps(hello: string): CheckStepConfig[] {
  return [
    connectStep(1),
    answerStep(2, 'smtp-greeting'),
    sendStep(3, `${hello}\r\n`),
    answerStep(4, 'smtp-hello'),
    sendStep(5, 'QUIT\r\n'),
    answerStep(6, 'smtp-bye'),
  ];
}

/** A code and what separates it from its text. */
const REPLY_BYTES = 4;

function wrongStatus(line: string): MatchResult {
  const code = Number(/^[0-9]{3}/.exec(line)?.[0] ?? 0);
  return mismatch(CheckStatus.Layer7Status, line.slice(REPLY_BYTES), code);
}

function success(line: string): MatchResult {
  return { kind: 'match', code: Number(line.slice(0, 3)), info: line.slice(REPLY_BYTES) };
}

/** A reply of one line. */
function examineLine(bytes: Uint8Array, isLast: boolean): MatchResult {
  if (bytes.length < REPLY_BYTES && !isLast) return wait;
  const line = firstLine(bytes);
  return /^2[0-9]{2}(?: |$)/.test(line) ? success(line) : wrongStatus(line);
}

export const smtpAnswers: readonly ProtocolRow[] = [
  {
    name: 'smtp-greeting',
    examine(bytes, isLast) {
      if (bytes.length < REPLY_BYTES && !isLast) return wait;
      const line = firstLine(bytes);
      if (!/^[0-9]{3}(?: |$)/.test(line)) return mismatch(CheckStatus.Layer7Response, line);
      return examineLine(bytes, isLast);
    },
  },
  {
    // Lines with a dash after the code are followed by another one.
    name: 'smtp-hello',
    examine(bytes, isLast) {
      const text = Buffer.from(bytes).toString('latin1');
      if (/^(?:2[0-9]{2}-[^\r\n]*\r\n)*2[0-9]{2}[ \r]/.test(text)) return success(firstLine(bytes));
      return isLast ? wrongStatus(firstLine(bytes)) : wait;
    },
  },
  { name: 'smtp-bye', examine: examineLine },
];
