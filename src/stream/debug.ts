/**
 * The trace of `-d` (management.txt 3): for every stream the lines that HAProxy shows on stdout, in
 * its order.
 *
 *   0000000a:web.accept(0004)=000c from [127.0.0.1:40000] ALPN=<none>
 *   0000000a:web.clireq[000c:ffffffff]: GET / HTTP/1.1
 *   0000000a:web.clihdr[000c:ffffffff]: host: h
 *   0000000a:app.srvrep[000c:000d]: HTTP/1.1 200 OK
 *   0000000a:app.srvhdr[000c:000d]: content-length: 2
 *   0000000a:app.clicls[000c:000d]
 *   0000000a:app.srvcls[000c:000d]
 *   0000000a:app.closed[000c:000d]
 *
 * Numbers are hexadecimal: the stream, then the descriptors of the client and the server. Heads are
 * shown as they came, before any rule. A request that is no HTTP never becomes a stream in HAProxy,
 * so it shows nothing. When a server closes together with its answer, `srvcls` comes first.
 *
 * `engine.debug` is null without `-d`, which is all that a stream then pays for. With it, the lines
 * of a turn leave together; what stdout does not take at once is lost rather than waited for.
 *
 * @dataplane
 */
import { BodyMode, Col, type HttpMessage, ROW } from '../http/message.ts';
import type { Sink } from '../log/sink.ts';
import { StreamSink } from '../log/stream-sink.ts';
import { putBytes, putDecimal } from '../log/text.ts';
import { Bytes, type Proxy } from '../model/runtime.ts';
import { Cause, Family, type Session, StreamFlag } from '../model/stream.ts';
import { IPV6_TEXT_MAX, putIpv4, putIpv6, readIpv4Bytes } from '../rules/inet.ts';
import { mem } from '../sys/arena.ts';
import { engine } from './engine.ts';
import type { Conn, Stream } from './stream.ts';

const STDOUT = 1;
/** Digits of a stream's number, and of a descriptor. */
const STREAM_DIGITS = 8;
const FD_DIGITS = 4;
/** A line's own text: numbers, brackets, the longest word, an address and a port. */
const FRAME_MAX = 128 + IPV6_TEXT_MAX;
/** What a start line holds besides its texts. */
const VERSION_LEN = 8;
const STATUS_LEN = 4;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const COLON = 58;
const CLOSED_FD = -1;

/** What is known of a stream until its end shows; 0 = none of its lines was shown. */
const enum Mark {
  Shown = 1,
  /** The request had no body. */
  Short = 2,
  /** The whole response came with its head. */
  Whole = 4,
  /** The client's side of a TCP stream was the last one to end. */
  ClientLast = 8,
  /** The server closed with its answer, which is shown before the answer. */
  ServerShown = 16,
}

const words = {
  accept: new Bytes('.accept('),
  accepted: new Bytes(')='),
  from: new Bytes(' from ['),
  unix: new Bytes('unix:'),
  alpn: new Bytes('] ALPN=<none>'),
  clientRequest: new Bytes('.clireq['),
  clientField: new Bytes('.clihdr['),
  noServer: new Bytes(':ffffffff]: '),
  serverReply: new Bytes('.srvrep['),
  serverField: new Bytes('.srvhdr['),
  colon: new Bytes(':'),
  places: new Bytes(']: '),
  clientClosed: new Bytes('.clicls['),
  serverClosed: new Bytes('.srvcls['),
  closed: new Bytes('.closed['),
  end: new Bytes(']'),
  value: new Bytes(': '),
} as const;

/** By slot of the stream. */
let marks: Uint8Array;
let sink: Sink;
/** The line that is being written. */
let start = 0;

/** @param bufsize the longest head; @param fd where lines go */
export function createDebug(streamsMax: number, bufsize: number, fd: number = STDOUT): Sink {
  marks = new Uint8Array(streamsMax);
  sink = new StreamSink(fd, bufsize + FRAME_MAX + 256);
  return sink;
}

/** @returns where the line goes on, 0 = it is dropped. */
function begin(strm: Stream, proxy: Proxy, word: Bytes, more: number): number {
  start = sink.room(FRAME_MAX + proxy.name.len + more);
  if (start === 0) {
    sink.lost++;
    return 0;
  }
  let at = putHex(start, strm.id, STREAM_DIGITS);
  mem[at++] = COLON;
  at = put(at, proxy.name);
  return put(at, word);
}

function finish(at: number): void {
  mem[at] = NEWLINE;
  sink.add(at + 1 - start);
}

function put(at: number, bytes: Bytes): number {
  return putBytes(at, bytes.off, bytes.len);
}

/** The low digits of a number; -1 is all `f`. */
function putHex(at: number, value: number, digits: number): number {
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const digit = rest & 15;
    mem[i] = digit < 10 ? 48 + digit : 87 + digit;
    rest >>= 4;
  }
  return at + digits;
}

/** A TCP stream begins, or a request has come. */
export function showAccept(strm: Stream, conn: Conn): void {
  const sess = conn.session;
  marks[strm.slot] = Mark.Shown;
  let at = begin(strm, sess.frontend!, words.accept, 0);
  if (at === 0) return;
  at = putHex(at, listenerFd(sess), FD_DIGITS);
  at = put(at, words.accepted);
  at = putHex(at, conn.fd, FD_DIGITS);
  at = put(at, words.from);
  at = putSource(at, sess);
  finish(put(at, words.alpn));
}

function listenerFd(sess: Session): number {
  const listeners = engine.init.listeners;
  for (let i = 0; i < listeners.length; i++) {
    const entry = listeners[i]!;
    if (entry.proxy === sess.frontend!.index && entry.bind === sess.bindIndex) return entry.fd;
  }
  return CLOSED_FD;
}

function putSource(from: number, sess: Session): number {
  let at = from;
  if (sess.sourceFamily === Family.Unix) {
    at = put(at, words.unix);
    return putDecimal(at, sess.frontend!.config.binds[sess.bindIndex]!.id);
  }
  if (sess.sourceFamily === Family.Inet) at += putIpv4(at, readIpv4Bytes(sess.addressOff));
  else at += putIpv6(at, sess.addressOff);
  mem[at++] = COLON;
  return putDecimal(at, sess.sourcePort);
}

/** A complete, valid request head. */
export function showRequest(strm: Stream, conn: Conn, msg: HttpMessage): void {
  showAccept(strm, conn);
  if (msg.body === BodyMode.None) marks[strm.slot] = Mark.Shown | Mark.Short;
  const frontend = strm.frontend!;
  const len = msg.methodLen + msg.uriLen + VERSION_LEN + 2;
  let at = begin(strm, frontend, words.clientRequest, len);
  if (at !== 0) {
    at = putHex(at, conn.fd, FD_DIGITS);
    at = putBytes(put(at, words.noServer), msg.methodOff, msg.methodLen);
    mem[at++] = SPACE;
    at = putBytes(at, msg.uriOff, msg.uriLen);
    mem[at++] = SPACE;
    finish(putBytes(at, versionOff(msg), VERSION_LEN));
  }
  for (let i = 0; i < msg.count; i++) {
    at = beginField(strm, frontend, words.clientField, msg, i);
    if (at === 0) continue;
    at = putHex(at, conn.fd, FD_DIGITS);
    at = put(at, words.noServer);
    finish(putField(at, msg, i));
  }
}

/** The version stands at the end of the first line; the target may have been moved elsewhere. */
function versionOff(msg: HttpMessage): number {
  let end = msg.headOff;
  while (mem[end] !== CARRIAGE_RETURN) end++;
  return end - VERSION_LEN;
}

/** A response head of the server, an interim one too. `conn` has been set up for its body. */
export function showResponse(strm: Stream, conn: Conn, msg: HttpMessage): void {
  const others = marks[strm.slot]! & ~Mark.Whole;
  marks[strm.slot] = conn.body === BodyMode.None ? others | Mark.Whole : others;
  const backend = strm.backend!;
  if (conn.hup && (others & Mark.ServerShown) === 0) {
    marks[strm.slot] = marks[strm.slot]! | Mark.ServerShown;
    showClose(strm, words.serverClosed, strm.client!.fd, conn.fd);
  }
  const len = VERSION_LEN + STATUS_LEN;
  let at = begin(strm, backend, words.serverReply, len + 1 + msg.reasonLen);
  if (at !== 0) {
    at = putPlaces(at, strm.client!.fd, conn.fd);
    at = put(at, words.places);
    at = putBytes(at, msg.headOff, len);
    mem[at++] = SPACE;
    finish(putBytes(at, msg.reasonOff, msg.reasonLen));
  }
  for (let i = 0; i < msg.count; i++) {
    at = beginField(strm, backend, words.serverField, msg, i);
    if (at === 0) continue;
    at = putPlaces(at, strm.client!.fd, conn.fd);
    at = put(at, words.places);
    finish(putField(at, msg, i));
  }
}

/** @returns 0 for a removed field too. */
function beginField(
  strm: Stream,
  proxy: Proxy,
  word: Bytes,
  msg: HttpMessage,
  index: number,
): number {
  const nameLen = msg.rows[index * ROW + Col.NameLen]!;
  if (nameLen === 0) return 0;
  return begin(strm, proxy, word, nameLen + msg.rows[index * ROW + Col.ValLen]!);
}

function putField(from: number, msg: HttpMessage, index: number): number {
  const r = index * ROW;
  let at = putBytes(from, msg.rows[r + Col.NameOff]!, msg.rows[r + Col.NameLen]!);
  at = put(at, words.value);
  return putBytes(at, msg.rows[r + Col.ValOff]!, msg.rows[r + Col.ValLen]!);
}

/** One direction of a tunnel has come to its end. */
export function noteHalfClose(strm: Stream, byClient: boolean): void {
  const others = marks[strm.slot]! & ~Mark.ClientLast;
  marks[strm.slot] = byClient ? others | Mark.ClientLast : others;
}

/** The stream has ended; its connections still have their descriptors. */
export function showEnd(strm: Stream): void {
  const mark = marks[strm.slot]!;
  marks[strm.slot] = 0;
  if (mark === 0) return;
  const isTunnel = (strm.flags & StreamFlag.Tunnel) !== 0;
  const isHttp = strm.plan.isHttp && !isTunnel;
  const client = strm.client!.fd;
  const server = strm.serverFd;
  const hasServerSide = strm.connectMs >= 0 && (mark & Mark.ServerShown) === 0;
  const isClientFirst = isHttp ? isClientServed(strm, mark) : isLastClient(strm, mark);
  if (hasServerSide && !isClientFirst) showClose(strm, words.serverClosed, client, server);
  showClose(strm, words.clientClosed, client, server);
  if (hasServerSide && isClientFirst) showClose(strm, words.serverClosed, client, server);
  showClose(strm, words.closed, client, server);
}

/** Messages: whether the client's side ends before the server's. */
function isClientServed(strm: Stream, mark: number): boolean {
  const isAnswered = (strm.flags & StreamFlag.FromServer) !== 0;
  switch (strm.cause) {
    case Cause.None:
      // Only an exchange that needs one step in each direction has its client served first.
      return (mark & Mark.Short) !== 0 && (mark & Mark.Whole) !== 0;
    case Cause.Client:
      return isAnswered || !strm.requestSent;
    case Cause.ClientTimeout:
      return isAnswered;
    default:
      return false;
  }
}

/** Tunnels: the side that ends last is shown first. */
function isLastClient(strm: Stream, mark: number): boolean {
  switch (strm.cause) {
    case Cause.None:
      return (mark & Mark.ClientLast) !== 0;
    case Cause.Client:
      return true;
    case Cause.ClientTimeout:
      return strm.serverDone;
    case Cause.ServerTimeout:
      return !strm.clientDone;
    default:
      return false;
  }
}

function showClose(strm: Stream, word: Bytes, client: number, server: number): void {
  let at = begin(strm, strm.backend!, word, 0);
  if (at === 0) return;
  at = putPlaces(at, client, server);
  finish(put(at, words.end));
}

function putPlaces(from: number, client: number, server: number): number {
  const at = putHex(from, client, FD_DIGITS);
  return putHex(put(at, words.colon), server, FD_DIGITS);
}
