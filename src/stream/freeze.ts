/**
 * The head of a request while its stream waits in the middle of rules. Meanwhile other streams use the
 * message, so the head is written down in front of its body in the client's buffer, with what rules
 * have made of it, and read again when the stream goes on.
 *
 * @dataplane
 */
import { parseRequest } from '../http/h1/parse.ts';
import { serializeHead } from '../http/h1/serialize.ts';
import { mem } from '../sys/arena.ts';
import { engine } from './engine.ts';
import type { Stream } from './stream.ts';

/** Writes the head down. @returns false when there is no room for it. */
export function freezeRequest(strm: Stream): boolean {
  const conn = strm.client!;
  const len = serializeHead(engine.requestMsg, engine.assembly, engine.assemblyMax, null);
  const dst = strm.bodyOff - len;
  if (len === 0 || dst < conn.buf) return false;
  mem.copyWithin(dst, engine.assembly, engine.assembly + len);
  strm.headOff = dst;
  strm.headLen = len;
  strm.isFrozen = true;
  return true;
}

/** Makes the message and the context the stream's again. @returns false when that fails. */
export function thawRequest(strm: Stream): boolean {
  strm.isFrozen = false;
  engine.attend(strm);
  const msg = engine.requestMsg;
  engine.request = msg;
  engine.response = engine.responseMsg;
  return parseRequest(msg, strm.headOff, strm.headLen, engine.httpMaxhdr, true) > 0;
}
