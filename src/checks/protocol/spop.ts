/**
 * `option spop-check` (configuration.txt 4.2): the HELLO handshake of the stream processing offload
 * protocol with the item `healthcheck`, which an agent answers with its own HELLO.
 *
 *   frame   length (4 bytes, big-endian), type, flags (4), stream id, frame id, items
 *   item    name, type and flags in one byte, value; names and strings have their length in front
 */
import type { CheckStepConfig } from '../../model/config.ts';
import { type MatchResult, wait } from '../outcome.ts';
import { CheckStatus } from '../result.ts';
import { answerStep, connectStep, mismatch, type ProtocolRow, sendStep } from './row.ts';

const PROXY_HELLO = 1;
const AGENT_HELLO = 101;
const AGENT_DISCONNECT = 102;
/** Type, flags, and the two ids. */
const FRAME_HEADER_BYTES = 7;
const STRING = 8;

/** Lengths below 240 take one byte, as all of these do. */
function text(value: string): string {
  return String.fromCharCode(value.length) + value;
}

export function spopSteps(): CheckStepConfig[] {
  // 16380, an integer of several bytes: the largest frame that fits a buffer.
  const frameSizeMax = '\x03\xfc\xf0\x06';
  const isTrue = '\x11';
  const items =
    `${text('supported-versions')}\x08${text('2.0')}${text('max-frame-size')}${frameSizeMax}` +
    `${text('capabilities')}\x08${text('')}${text('healthcheck')}${isTrue}`;
  // The flag says that the frame is whole.
  const frame = `${String.fromCharCode(PROXY_HELLO)}\0\0\0\x01\0\0${items}`;
  return [
    connectStep(1),
    sendStep(2, `\0\0\0${String.fromCharCode(frame.length)}${frame}`),
    answerStep(3, 'spop'),
  ];
}

/** The item's value when it is a short string. */
function stringItem(frame: string, name: string): string | null {
  const key = `${text(name)}${String.fromCharCode(STRING)}`;
  const at = frame.indexOf(key, FRAME_HEADER_BYTES);
  if (at < 0) return null;
  const from = at + key.length;
  return frame.slice(from + 1, from + 1 + frame.charCodeAt(from));
}

function failure(info: string): MatchResult {
  return mismatch(CheckStatus.Layer7Response, info);
}

export const spop: ProtocolRow = {
  name: 'spop',
  examine(bytes, isLast, number) {
    if (bytes.length === 0) return failure(`TCPCHK got an empty response at step ${number}`);
    if (bytes.length < 5) return isLast ? failure('invalid frame received') : wait;
    const type = bytes[4];
    if (type !== AGENT_HELLO && type !== AGENT_DISCONNECT) return failure('invalid frame received');
    const length = bytes[0]! * 2 ** 24 + ((bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!);
    if (bytes.length < 4 + length) return isLast ? failure('invalid frame received') : wait;
    const frame = Buffer.from(bytes.subarray(4, 4 + length)).toString('latin1');
    if (type === AGENT_DISCONNECT) {
      return failure(stringItem(frame, 'message') ?? 'disconnected by the agent');
    }
    const version = stringItem(frame, 'version');
    if (version === null) return failure('version value not found');
    if (!/^ *2\.\d+ *$/.test(version)) return failure('unsupported version');
    if (!frame.includes(text('max-frame-size'))) return failure('max-frame-size value not found');
    return { kind: 'match', info: 'SPOA server is ok' };
  },
};
