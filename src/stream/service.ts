/**
 * Answers that the control thread makes: the statistics page and its like. The stream waits in the step
 * Service while the other thread works. What comes back is sent as any local answer is (answer.ts), one
 * part at a time: the next one is asked for when the client has taken the last, so that a slow client
 * holds one part and no more. Such requests are few, so this is ordinary TypeScript.
 */
import { assert } from '../base/assert.ts';
import { FieldId, fieldId, fieldNameOff } from '../http/field.ts';
import { BodyMode, Col, ConnectionFlag, type HttpMessage, ROW } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { addContentLength, beginReply, endReply } from '../http/reply.ts';
import type { ServiceHead, ServicePart, ServiceRequest, ServiceTicket } from '../model/service.ts';
import { Cause } from '../model/stream.ts';
import { served } from '../rules/action/serve.ts';
import { mem, reserveBytes } from '../sys/arena.ts';
import { waitForBody } from './buffering.ts';
import { countIntercepted } from './count.ts';
import { engine } from './engine.ts';
import type { Plan } from './plan.ts';
import { replyError, replyPrepared } from './reply.ts';
import { Next, Step } from './step.ts';
import type { Stream } from './stream.ts';

const chunkedOff = reserveBytes('chunked');
const CHUNKED_LEN = 7;
const TRANSFER_ENCODING_LEN = 17;
const CRLF = '\r\n';

function text(off: number, len: number): string {
  return Buffer.from(mem.buffer, mem.byteOffset + off, len).toString('latin1');
}

function fieldsOf(msg: HttpMessage): [string, string][] {
  const fields: [string, string][] = [];
  for (let i = 0; i < msg.count; i++) {
    const r = i * ROW;
    const nameLen = msg.rows[r + Col.NameLen]!;
    // A removed field has no name.
    if (nameLen === 0) continue;
    const name = text(msg.rows[r + Col.NameOff]!, nameLen).toLowerCase();
    fields.push([name, text(msg.rows[r + Col.ValOff]!, msg.rows[r + Col.ValLen]!)]);
  }
  return fields;
}

/**
 * A rule has said that the control thread answers: `served` names the service. The request in
 * `engine.requestMsg` is kept as the rules have left it; the body of a POST is waited for.
 * @param plan the proxy whose rule it was
 */
export function serveByControl(strm: Stream, plan: Plan): Next {
  const msg = engine.requestMsg;
  strm.service = {
    workerIndex: engine.init.workerIndex,
    slot: strm.slot,
    id: strm.id,
    service: served.service,
    proxy: plan.proxy.index,
    admin: served.admin,
    method: text(msg.methodOff, msg.methodLen),
    target: text(msg.uriOff, msg.uriLen),
    fields: fieldsOf(msg),
    body: '',
  };
  countIntercepted(strm);
  if (strm.method === Method.Post && !strm.requestComplete) {
    return waitForBody(strm, Step.Service, -1, 0);
  }
  strm.step = Step.Service;
  return Next.Go;
}

/** The request with its body goes to the control thread, once. */
export function askControl(strm: Stream): Next {
  const request = strm.service;
  assert(request !== null, 'a stream in the step Service has a request');
  if (strm.serviceAsked) return Next.Wait;
  strm.serviceAsked = true;
  strm.queueMs = engine.nowMs - strm.startMs;
  strm.connectMs = strm.queueMs;
  request.body = strm.requestComplete ? bodyOf(strm) : null;
  engine.askControl({ type: 'serve', request });
  return Next.Wait;
}

/** The body in the buffer, without the framing of its chunks, which has been checked. */
function bodyOf(strm: Stream): string {
  const conn = strm.client!;
  const framed = text(strm.bodyOff, conn.outEnd - strm.bodyOff);
  if (!hasField(strm.service!, 'transfer-encoding')) return framed;
  let body = '';
  let at = 0;
  while (at < framed.length) {
    const end = framed.indexOf(CRLF, at);
    const size = Number.parseInt(framed.slice(at, end), 16);
    if (end < 0 || !(size > 0)) break;
    body += framed.slice(end + CRLF.length, end + CRLF.length + size);
    at = end + CRLF.length + size + CRLF.length;
  }
  return body;
}

function hasField(request: ServiceRequest, wanted: string): boolean {
  return request.fields.some(([name]) => name === wanted);
}

/** The last part is through: the next one, please. */
export function askForMore(strm: Stream): Next {
  if (!strm.serviceAsked) {
    strm.serviceAsked = true;
    engine.askControl({ type: 'more', ticket: ticketOf(strm) });
  }
  return Next.Wait;
}

/**
 * Bytes of the control thread that are through. Their memory lies outside of the heap of this thread,
 * whose collector would let hundreds of megabytes of it gather: it is given back now.
 */
export function releaseBytes(strm: Stream): void {
  (strm.replyBytes!.buffer as ArrayBuffer).transfer(0);
  strm.replyBytes = null;
}

/** The stream ends before its answer has. */
export function forgetService(strm: Stream): void {
  if (strm.serviceAsked || strm.responseStarted) {
    engine.askControl({ type: 'forget', ticket: ticketOf(strm) });
  }
  strm.service = null;
  if (strm.replyBytes !== null) releaseBytes(strm);
}

function ticketOf(strm: Stream): ServiceTicket {
  return { workerIndex: engine.init.workerIndex, slot: strm.slot, id: strm.id };
}

/** The stream that a part is for; null when it has ended meanwhile. */
export function servedStream(ticket: ServiceTicket): Stream | null {
  const strm = engine.streams[ticket.slot]!;
  return strm.id === ticket.id && strm.service !== null && strm.serviceAsked ? strm : null;
}

/** A part of the answer has come. */
export function takePart(strm: Stream, part: ServicePart): Next {
  strm.serviceAsked = false;
  const { head } = part;
  if (head === null) {
    assert(strm.step === Step.Answer, 'a part without a head follows one');
    if (part.body === null) return Next.Abort;
    strm.replyBytes = part.body;
    strm.replyBytesRd = 0;
    strm.replyMore = !part.last;
    if (part.last) strm.service = null;
    return Next.Answer;
  }
  assert(strm.step === Step.Service, 'an answer begins once');
  return beginAnswer(strm, head, part);
}

function beginAnswer(strm: Stream, head: ServiceHead, part: ServicePart): Next {
  const msg = engine.responseMsg;
  engine.attend(strm);
  engine.request = null;
  engine.response = msg;
  msg.begin();
  beginReply(msg, head.status);
  strm.blame(Cause.Local);
  if (strm.method === Method.Head || part.last) strm.service = null;
  let complete = true;
  for (const [name, value] of head.fields) complete &&= addField(msg, name, value);
  if (head.length !== null) complete &&= addContentLength(msg, head.length);
  if (!complete) return failService(strm);
  endReply(engine, msg, 0, 0, true);
  if (head.length === null && !frameEndless(strm, msg)) return failService(strm);
  strm.replyMore = strm.service !== null;
  strm.dataMs = engine.nowMs - strm.startMs;
  strm.replyBytes = part.body !== null && part.body.length > 0 ? part.body : null;
  return replyPrepared(strm);
}

/** RFC 9112 6.3: a body of unknown size comes in chunks, or ends with the connection. */
function frameEndless(strm: Stream, msg: HttpMessage): boolean {
  msg.hasLength = false;
  if (strm.version < 11) {
    msg.body = BodyMode.Close;
    msg.connection |= ConnectionFlag.Close;
    return true;
  }
  msg.body = BodyMode.Chunked;
  strm.replyChunked = true;
  const name = fieldNameOff[FieldId.TransferEncoding]!;
  const id = FieldId.TransferEncoding;
  return msg.add(id, name, TRANSFER_ENCODING_LEN, chunkedOff, CHUNKED_LEN);
}

function failService(strm: Stream): Next {
  if (strm.service !== null) forgetService(strm);
  return replyError(strm, 500);
}

function addField(msg: HttpMessage, name: string, value: string): boolean {
  const nameOff = msg.takeScratch(name.length);
  const valueOff = msg.takeScratch(value.length);
  if (nameOff === 0 || valueOff === 0) return false;
  assert(name === name.toLowerCase(), 'the name of a field of ours is in lower case');
  mem.set(Buffer.from(name, 'latin1'), nameOff);
  mem.set(Buffer.from(value, 'latin1'), valueOff);
  return msg.add(fieldId(nameOff, name.length), nameOff, name.length, valueOff, value.length);
}
