/**
 * `option ldap-check` (configuration.txt 4.2): an anonymous bind of LDAPv3 (RFC 4511 4.2), answered by a
 * BindResponse with a result code.
 */
import type { CheckStepConfig } from '../../model/config.ts';
import { wait } from '../outcome.ts';
import { CheckStatus } from '../result.ts';
import { answerStep, connectStep, mismatch, type ProtocolRow, sendStep } from './row.ts';

/** A BindResponse without texts: shorter ones do not exist. */
const RESPONSE_BYTES = 14;
const SEQUENCE = 0x30;
const BIND_RESPONSE = 0x61;

export function ldapSteps(): CheckStepConfig[] {
  // SEQUENCE { messageID 1, BindRequest { version 3, name "", simple "" } }
  const bind = '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0';
  return [connectStep(1), sendStep(2, bind), answerStep(3, 'ldap')];
}

/** The position after a BER length at `at`; it may have a long form. */
function afterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  return at + 1 + ((first & 0x80) !== 0 ? first & 0x7f : 0);
}

/** The result code; null when the bytes are no BindResponse to message 1. */
function resultOf(bytes: Uint8Array): number | null {
  if (bytes[0] !== SEQUENCE) return null;
  const id = afterLength(bytes, 1);
  if (bytes[id] !== 2 || bytes[id + 1] !== 1 || bytes[id + 2] !== 1) return null;
  if (bytes[id + 3] !== BIND_RESPONSE) return null;
  const result = afterLength(bytes, id + 4);
  if (bytes[result] !== 0x0a || bytes[result + 1] !== 1) return null;
  return bytes[result + 2] ?? null;
}

export const ldap: ProtocolRow = {
  name: 'ldap',
  examine(bytes, isLast) {
    if (bytes.length < RESPONSE_BYTES && !isLast) return wait;
    const isStart = bytes.length < RESPONSE_BYTES && bytes[0] === SEQUENCE;
    if (isStart) return mismatch(CheckStatus.Layer7Response, '');
    const result = resultOf(bytes);
    if (result === null) return mismatch(CheckStatus.Layer7Response, 'Not LDAPv3 protocol');
    if (result === 0) return { kind: 'match', info: 'Success' };
    const info = 'See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9';
    return mismatch(CheckStatus.Layer7Status, info, result);
  },
};
