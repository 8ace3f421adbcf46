/**
 * The head of a message while its stream waits in the middle of rules. Meanwhile other streams use the
 * message, so the head is written down in front of its body in the buffer of its connection, with what
 * rules have made of it, and read again when the stream goes on.
 *
 * @dataplane
 */
import { parseRequest, parseResponse } from '../http/h1/parse.ts';
import { serializeHead } from '../http/h1/serialize.ts';
import { BodyMode, type HttpMessage } from '../http/message.ts';
import { mem } from '../sys/arena.ts';
import { engine } from './engine.ts';
import type { Conn, Stream } from './stream.ts';

/** Writes a head so that it ends where its body starts. @returns its length, 0 = there is no room. */
function writeDown(msg: HttpMessage, conn: Conn, bodyOff: number): number {
  const len = serializeHead(msg, engine.assembly, engine.assemblyMax, null);
  const dst = bodyOff - len;
  if (len === 0 || dst < conn.buf) return 0;
  mem.copyWithin(dst, engine.assembly, engine.assembly + len);
  return len;
}

/** Writes the head of the request down. @returns false when there is no room for it. */
export function freezeRequest(strm: Stream): boolean {
  const len = writeDown(engine.requestMsg, strm.client!, strm.bodyOff);
  strm.headOff = strm.bodyOff - len;
  strm.headLen = len;
  strm.isFrozen = true;
  return len > 0;
}

/** Makes the message and the context the stream's again. @returns false when that fails. */
export function thawRequest(strm: Stream): boolean {
  strm.isFrozen = false;
  engine.attend(strm);
  const msg = engine.requestMsg;
  engine.request = msg;
  engine.response = engine.responseMsg;
  const used = parseRequest(msg, strm.headOff, strm.headLen, engine.httpMaxhdr, true);
  noteBody(msg, strm.client!, strm.bodyOff);
  return used > 0;
}

/** As `freezeRequest`, of the response. */
export function freezeResponse(strm: Stream): boolean {
  const len = writeDown(engine.responseMsg, strm.serverConn!, strm.responseBodyOff);
  strm.responseHeadLen = len;
  return len > 0;
}

/** As `thawRequest`, of the response. */
export function thawResponse(strm: Stream): boolean {
  engine.attend(strm);
  const msg = engine.responseMsg;
  engine.request = null;
  engine.response = msg;
  const len = strm.responseHeadLen;
  const off = strm.responseBodyOff - len;
  const used = parseResponse(msg, off, len, engine.httpMaxhdr, true, strm.sentMethod);
  noteBody(msg, strm.serverConn!, strm.responseBodyOff);
  return used > 0;
}

/** Says where the body of a message lies, as far as it has come. */
export function noteBody(msg: HttpMessage, conn: Conn, bodyOff: number): void {
  msg.bodyOff = bodyOff;
  msg.bodyLen = conn.outEnd - bodyOff;
  msg.isBodyFramed = msg.body === BodyMode.Chunked && !conn.dechunk;
}
