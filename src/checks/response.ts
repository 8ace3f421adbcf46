/**
 * The HTTP response of a check: the head by the parser of the data plane, the body as far as it has
 * come (RFC 9112 6).
 */
import { HeadError, parseResponse } from '../http/h1/parse.ts';
import { BodyMode, Col, HttpMessage, ROW } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { text } from '../sys/arena.ts';
import { Area } from './bytes.ts';

export interface CheckResponse {
  status: number;
  body: Uint8Array;
  /** No more of the body can come. */
  isComplete: boolean;
  /** The chunks of the body are not well-formed. */
  isBroken: boolean;
  /** Valid until the next response is read. */
  head: HttpMessage;
}

export type ResponseState = CheckResponse | 'incomplete' | 'invalid';

/** One message serves all checks. */
let message: HttpMessage | null = null;
const area = new Area();

/**
 * @param isLast nothing comes after these bytes
 * @param method of the request: a response to HEAD has no body
 * @param fieldsMax tune.http.maxhdr
 */
export function readResponse(
  bytes: Uint8Array,
  isLast: boolean,
  method: string,
  fieldsMax: number,
): ResponseState {
  message ??= new HttpMessage(true, fieldsMax, 64);
  const off = area.place(bytes);
  const asked = method === 'HEAD' ? Method.Head : Method.Get;
  const used = parseResponse(message, off, bytes.length, fieldsMax, false, asked);
  if (used === HeadError.Incomplete) return isLast ? 'invalid' : 'incomplete';
  if (used <= 0) return 'invalid';
  const rest = bytes.subarray(used);
  return { status: message.status, head: message, ...bodyOf(message, rest, isLast) };
}

export function reasonOf(head: HttpMessage): string {
  return text(head.reasonOff, head.reasonLen);
}

export interface CheckField {
  /** In lower case. */
  name: string;
  value: string;
}

export function fieldsOf(head: HttpMessage): CheckField[] {
  const fields: CheckField[] = [];
  for (let i = 0; i < head.count; i++) {
    const at = i * ROW;
    const { rows } = head;
    if (rows[at + Col.NameLen] === 0) continue;
    fields.push({
      name: text(rows[at + Col.NameOff]!, rows[at + Col.NameLen]!),
      value: text(rows[at + Col.ValOff]!, rows[at + Col.ValLen]!),
    });
  }
  return fields;
}

type Body = Pick<CheckResponse, 'body' | 'isComplete' | 'isBroken'>;

function bodyOf(head: HttpMessage, rest: Uint8Array, isLast: boolean): Body {
  switch (head.body) {
    case BodyMode.Length: {
      const body = rest.subarray(0, head.contentLength);
      return { body, isComplete: isLast || body.length === head.contentLength, isBroken: false };
    }
    case BodyMode.Chunked: {
      const body = readChunks(rest);
      return { ...body, isComplete: isLast || body.isComplete };
    }
    case BodyMode.Close:
      return { body: rest, isComplete: isLast, isBroken: false };
    default:
      return { body: rest.subarray(0, 0), isComplete: true, isBroken: false };
  }
}

/** RFC 9112 7.1; the trailer section is not waited for. */
function readChunks(bytes: Uint8Array): Body {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = data.indexOf('\r\n', at, 'latin1');
    const line = data.toString('latin1', at, lineEnd < 0 ? data.length : lineEnd);
    const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/s.exec(line)?.[1];
    const isBroken = size === undefined && line !== '';
    if (isBroken || lineEnd < 0 || size === undefined) return part(parts, false, isBroken);
    const length = Number.parseInt(size, 16);
    if (length === 0) return part(parts, true, false);
    at = lineEnd + 2;
    parts.push(data.subarray(at, at + length));
    at += length;
    if (data.length < at + 2) return part(parts, false, false);
    if (data[at] !== 13 || data[at + 1] !== 10) return part(parts, false, true);
    at += 2;
  }
}

function part(parts: Uint8Array[], isComplete: boolean, isBroken: boolean): Body {
  return { body: Buffer.concat(parts), isComplete: isComplete || isBroken, isBroken };
}
