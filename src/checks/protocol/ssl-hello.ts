/**
 * `option ssl-hello-chk` (configuration.txt 4.2): a ClientHello of SSL 3.0 (RFC 6101 5.6.1.2), to which
 * a server of any version answers with a handshake or an alert record. It offers the ciphers of
 * SSL 3.0 and the first ones of TLS with AES; nothing is negotiated.
 */
import type { CheckStepConfig } from '../../model/config.ts';
import { match, wait } from '../outcome.ts';
import { CheckStatus } from '../result.ts';
import { answerStep, connectStep, mismatch, type ProtocolRow, sendStep } from './row.ts';

const ALERT = 0x15;
const HANDSHAKE = 0x16;
/** Of a record: type, version, length. */
const RECORD_HEADER_BYTES = 5;

/** Cipher suites 0x0001 to 0x001b and 0x002f to 0x003a. */
const ciphers = [...range(0x01, 0x1b), ...range(0x2f, 0x3a)];

function range(from: number, last: number): number[] {
  return Array.from({ length: last - from + 1 }, (_, i) => from + i);
}

function uint16(value: number): string {
  return String.fromCharCode(value >> 8, value & 255);
}

/** The record. Its random part is the same each time: no secret is made with it. */
export function clientHello(): string {
  const random = 'sluice health check, no data'.padEnd(32, '.');
  const suites = ciphers.map(uint16).join('');
  const noSession = '\0';
  const noCompression = '\x01\0';
  const hello = `\x03\0${random}${noSession}${uint16(suites.length)}${suites}${noCompression}`;
  const message = `\x01\0${uint16(hello.length)}${hello}`;
  return `${String.fromCharCode(HANDSHAKE)}\x03\0${uint16(message.length)}${message}`;
}

export function sslHelloSteps(): CheckStepConfig[] {
  const statuses = { okStatus: 'L6OK', timeoutStatus: 'L6TOUT' };
  return [connectStep(), sendStep(1, clientHello()), answerStep(2, 'ssl-hello', statuses)];
}

export const sslHello: ProtocolRow = {
  name: 'ssl-hello',
  examine(bytes, isLast, number) {
    if (bytes.length < RECORD_HEADER_BYTES && !isLast) return wait;
    if (bytes.length === 0) {
      const info = `TCPCHK got an empty response at step ${number}`;
      return mismatch(CheckStatus.Layer6Response, info);
    }
    const type = bytes[0];
    return type === HANDSHAKE || type === ALERT ? match : mismatch(CheckStatus.Layer6Response, '');
  },
};
