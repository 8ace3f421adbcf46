/**
 * `option mysql-check` (configuration.txt 4.2). A server greets with a handshake packet or an error;
 * with a user, it is asked to log that user in without a password, and told to forget it at once.
 *
 *   packet   length (3 bytes, little-endian), sequence, payload
 *   greeting protocol version, server version up to a NUL, ...
 *   error    0xff, code (2 bytes, little-endian), text
 */
import type { CheckStepConfig } from '../../model/config.ts';
import { type MatchResult, match, wait } from '../outcome.ts';
import { CheckStatus } from '../result.ts';
import { answerStep, connectStep, mismatch, type ProtocolRow, sendStep } from './row.ts';

const HEADER_BYTES = 4;
const ERROR = 0xff;
/** COM_QUIT, the first packet of its own exchange. */
const quit = packet(0, '\x01');

function packet(sequence: number, payload: string): string {
  const { length } = payload;
  return String.fromCharCode(length & 255, (length >> 8) & 255, length >> 16, sequence) + payload;
}

/** Client authentication without a password; `isOld` in the form of servers before 4.1. */
function login(user: string, isOld: boolean): string {
  // CLIENT_SECURE_CONNECTION, and with it CLIENT_PROTOCOL_41.
  if (isOld) return packet(1, `\0\x80\0\0\x01${user}\0\0`);
  const capabilities = '\0\x82\0\0';
  const packetMax = '\0\x80\0\x01';
  const utf8 = '\x21';
  return packet(1, `${capabilities}${packetMax}${utf8}${'\0'.repeat(23)}${user}\0\0`);
}

/** @param user null = only the greeting is looked at */
export function mysqlSteps(user: string | null, isOld: boolean): CheckStepConfig[] {
  if (user === null) return [connectStep(1), answerStep(2, 'mysql-greeting')];
  return [
    connectStep(1),
    sendStep(2, login(user, isOld) + quit),
    answerStep(3, 'mysql-greeting'),
    answerStep(4, 'mysql-result'),
  ];
}

/** The payload of the packet at `from`, or null when it is not all there. */
function payloadAt(bytes: Uint8Array, from: number): Uint8Array | null {
  if (bytes.length < from + HEADER_BYTES) return null;
  const length = bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16);
  const start = from + HEADER_BYTES;
  return bytes.length < start + length ? null : bytes.subarray(start, start + length);
}

/** What is wrong with a packet; null = nothing. */
function problemOf(payload: Uint8Array): MatchResult | null {
  if (payload.length === 0) return mismatch(CheckStatus.Layer7Response, '');
  if (payload[0] !== ERROR) return null;
  const code = (payload[1] ?? 0) | ((payload[2] ?? 0) << 8);
  return mismatch(
    CheckStatus.Layer7Status,
    Buffer.from(payload.subarray(3)).toString('latin1'),
    code,
  );
}

function versionOf(payload: Uint8Array): string {
  return Buffer.from(payload.subarray(1)).toString('latin1').split('\0', 1)[0]!;
}

function incomplete(isLast: boolean): MatchResult {
  return isLast ? mismatch(CheckStatus.Layer7Response, '') : wait;
}

export const mysqlAnswers: readonly ProtocolRow[] = [
  {
    name: 'mysql-greeting',
    examine(bytes, isLast, number) {
      if (bytes.length === 0) {
        const info = `TCPCHK got an empty response at step ${number}`;
        return mismatch(CheckStatus.Layer7Response, info);
      }
      const greeting = payloadAt(bytes, 0);
      if (greeting === null) return incomplete(isLast);
      return problemOf(greeting) ?? { ...match, info: versionOf(greeting) };
    },
  },
  {
    name: 'mysql-result',
    examine(bytes, isLast) {
      const greeting = payloadAt(bytes, 0)!;
      const result = payloadAt(bytes, HEADER_BYTES + greeting.length);
      if (result === null) return incomplete(isLast);
      return problemOf(result) ?? { ...match, info: versionOf(greeting) };
    },
  },
];
