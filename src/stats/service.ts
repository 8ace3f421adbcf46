/**
 * What a service is: a function of the control thread that answers requests in the name of streams
 * (configuration.txt 4.2 `stats`, 4.4 `use-service`). The body is made while it is sent, text by text,
 * so that it never lies in memory as a whole. Its characters are bytes, as the configuration's are.
 */
import { PART_BYTES, type ServicePart, type ServiceRequest } from '../model/service.ts';

export interface ServiceReply {
  status: number;
  fields: [name: string, value: string][];
  /** Its size in bytes is said before it, or its end tells. */
  sized: boolean;
  body: Iterable<string>;
}

export type Service = (request: ServiceRequest) => ServiceReply;

/** An answer without a body, or with a short one. */
export function shortReply(
  status: number,
  fields: ServiceReply['fields'],
  text = '',
): ServiceReply {
  return { status, fields, sized: true, body: text === '' ? [] : [text] };
}

/** Bytes in a buffer of their own, which may be handed to another thread. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  Buffer.from(bytes.buffer).write(text, 'latin1');
  return bytes;
}

/** The parts of an answer, each made when it is asked for. */
export function* partsOf(reply: ServiceReply, isHead: boolean): Generator<ServicePart, void> {
  const { status, fields } = reply;
  if (reply.sized) {
    const body = bytesOf([...reply.body].join(''));
    yield { head: { status, fields, length: body.length }, body, last: true };
    return;
  }
  let head: ServicePart['head'] = { status, fields, length: null };
  if (isHead) {
    yield { head, body: new Uint8Array(0), last: true };
    return;
  }
  let text = '';
  for (const piece of reply.body) {
    text += piece;
    if (text.length < PART_BYTES) continue;
    yield { head, body: bytesOf(text), last: false };
    head = null;
    text = '';
  }
  yield { head, body: bytesOf(text), last: true };
}
