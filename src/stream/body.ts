/**
 * Moving bytes from one connection to the other: receive, take off and put back the framing where
 * the bytes lie, send. The receiver is read only when what it brought has been sent, so a slow
 * peer holds back the other one and a stream never owns more than one buffer per direction.
 *
 * @dataplane
 */
import { ChunkResult, chunkSizeLen, putChunkSize } from '../http/h1/chunked.ts';
import { BodyMode, type HttpMessage } from '../http/message.ts';
import { mem } from '../sys/arena.ts';
import { receive, transmit } from '../transport/io.ts';
import { Side } from './conn.ts';
import { engine } from './engine.ts';
import { Flow } from './flow.ts';
import { isSpliceable, spliceBody } from './splice.ts';
import type { Conn, Stream } from './stream.ts';

/** Buffers that one call moves at most. */
const ROUNDS = 32;

/** Headroom before body data: the longest chunk header is written in front of it. */
const BODY_HEADROOM = 32;

/**
 * Size of a message head in the statistics and logs (`%B`, `bin`): HAProxy counts the start line's
 * parts, names and values without punctuation, and its own description of the start line.
 */
export function headSize(startLine: number, msg: HttpMessage): number {
  return START_LINE_BYTES + startLine + msg.fieldBytes() + END_OF_HEAD_BYTES;
}

const START_LINE_BYTES = 20;
const END_OF_HEAD_BYTES = 1;

/** Pause before asking again for a receive buffer when the worker has none, in ms. */
export const NO_BUFFER_PAUSE_MS = 5;

/** Lets a stream that found no receive buffer go on a little later. */
export function retryForBuffer(strm: Stream): void {
  engine.timers.set(engine.streamTimer(strm), engine.nowMs + NO_BUFFER_PAUSE_MS);
}

/** Makes sure that the connection has a receive buffer. @returns false when none is free. */
export function takeBuffer(conn: Conn, headroom: number): boolean {
  if (conn.buf !== 0) return true;
  const block = engine.buffers.take();
  if (block === 0) return false;
  conn.buf = block;
  const start = block + headroom;
  conn.inRd = start;
  conn.inWr = start;
  conn.outRd = start;
  conn.outEnd = start;
  return true;
}

export function dropBuffer(conn: Conn): void {
  if (conn.buf === 0) return;
  engine.buffers.give(conn.buf);
  conn.buf = 0;
  conn.inRd = 0;
  conn.inWr = 0;
  conn.outRd = 0;
  conn.outEnd = 0;
}

/** Sends what `from` has ready. @returns Done when all of it went. */
export function flush(from: Conn, to: Conn): Flow {
  const len = from.outEnd - from.outRd;
  if (len === 0) return Flow.Done;
  const n = transmit(to, from.outRd, len, false);
  from.outRd += n;
  if (n === len) return Flow.Done;
  return to.error !== 0 ? Flow.TargetError : Flow.Blocked;
}

/**
 * Forwards the rest of the message that `from` brings, as far as both sides go now.
 * The caller has put the head (if any) into [outRd, outEnd).
 */
export function forward(from: Conn, to: Conn): Flow {
  for (let round = 0; round < ROUNDS; round++) {
    const sent = flush(from, to);
    if (sent !== Flow.Done) return sent;
    if (from.body === BodyMode.None) return Flow.Done;
    if (from.inRd === from.inWr) {
      if (isSpliceable(from, to)) {
        const moved = spliceBody(from, to);
        if (moved !== Flow.NoBuffer) {
          if (from.outRd === from.outEnd && from.inRd === from.inWr) dropBuffer(from);
          return moved;
        }
      }
      if (!from.readable || from.eof || from.error !== 0) return starved(from);
      rewind(from);
      if (!takeBuffer(from, BODY_HEADROOM)) return Flow.NoBuffer;
      if (receive(from, bodyLimit(from)) === 0) continue;
    }
    const step = transform(from);
    if (step === Flow.Wait) {
      // An incomplete chunk header: more bytes are needed behind it.
      if (!from.readable || from.eof || from.error !== 0) return starved(from);
      rewind(from);
      const limit = bodyLimit(from);
      if (from.inWr >= from.buf + limit) return Flow.Invalid;
      receive(from, limit);
    } else if (step === Flow.Invalid) {
      return step;
    }
  }
  // Both sides are faster than we are: the others have their turn before this goes on.
  engine.resume(from);
  return Flow.Wait;
}

/**
 * Reads on in the message that `from` brings and throws it away.
 * @returns Done = its end has been reached; Wait with `readable` still set = more is there for a
 *   later turn; the rest as `forward`.
 */
export function discard(from: Conn): Flow {
  from.dechunk = true;
  const limit = bodyLimit(from);
  for (let round = 0; round < ROUNDS; round++) {
    if (from.inRd < from.inWr && transform(from) === Flow.Invalid) return Flow.Invalid;
    from.outRd = from.outEnd;
    if (from.body === BodyMode.None) return Flow.Done;
    if (!from.readable || from.eof || from.error !== 0) return starved(from);
    rewind(from);
    if (!takeBuffer(from, BODY_HEADROOM)) return Flow.NoBuffer;
    if (from.inWr >= from.buf + limit) return Flow.Invalid;
    receive(from, limit);
  }
  return Flow.Wait;
}

/**
 * How far a body may fill the buffer. Behind a client's body may stand its next request, which will
 * need room in front of it to be rewritten: what is read here must fit behind that room.
 */
function bodyLimit(from: Conn): number {
  if (from.side !== Side.Client || from.body === BodyMode.Tunnel) return engine.bufsize;
  return engine.bufsize - Math.max(engine.maxrewrite - BODY_HEADROOM, 0);
}

function starved(from: Conn): Flow {
  if (from.error !== 0) return Flow.SourceError;
  if (from.eof) return endOfSource(from);
  if (from.inRd === from.inWr && from.outRd === from.outEnd) dropBuffer(from);
  return Flow.Wait;
}

/** The source has closed: right for a body that ends so, wrong for any other. */
function endOfSource(from: Conn): Flow {
  if (from.body !== BodyMode.Close) return Flow.SourceEnd;
  from.body = BodyMode.None;
  return Flow.Done;
}

/** Moves unread bytes to the front of the buffer, behind the headroom. All output has gone. */
function rewind(conn: Conn): void {
  if (conn.buf === 0) return;
  const start = conn.buf + BODY_HEADROOM;
  if (conn.inRd !== start) {
    const len = conn.inWr - conn.inRd;
    if (len > 0) mem.copyWithin(start, conn.inRd, conn.inWr);
    conn.inRd = start;
    conn.inWr = start + len;
  }
  conn.outRd = start;
  conn.outEnd = start;
}

/**
 * Turns received bytes into bytes to send, behind whatever head stands at [outRd, outEnd).
 * Wait = nothing could be turned yet.
 */
function transform(from: Conn): Flow {
  if (from.body === BodyMode.Chunked) return transformChunks(from);
  takePlain(from);
  return Flow.Done;
}

/** Plain bytes: [inRd, inWr) up to the length become output as they are. */
function takePlain(from: Conn): void {
  let n = from.inWr - from.inRd;
  if (from.body === BodyMode.Length) {
    if (n >= from.bodyLeft) {
      n = from.bodyLeft;
      from.body = BodyMode.None;
      from.bodyLeft = 0;
    } else {
      from.bodyLeft -= n;
    }
  }
  from.carried += n;
  from.outRd = from.inRd;
  from.outEnd = from.inRd + n;
  from.inRd = from.outEnd;
}

function transformChunks(from: Conn): Flow {
  // What stood in front of the input has been sent: the size may be written over it.
  const result = takeChunks(from, 0);
  if (result < 0) return Flow.Invalid;
  return from.outEnd > from.outRd || from.body === BodyMode.None ? Flow.Done : Flow.Wait;
}

/**
 * Decodes chunks in [inRd, inWr) and leaves the bytes to send in [outRd, outEnd).
 * @param floor nothing may be written in front of this offset
 * @returns the decoder's result.
 */
export function takeChunks(from: Conn, floor: number): ChunkResult {
  const decoder = from.chunks;
  const start = from.inRd;
  const result = decoder.decode(start, from.inWr);
  if (result === ChunkResult.Invalid) return result;
  const n = decoder.dataEnd - decoder.dataOff;
  let end = start;
  from.carried += n;
  from.outRd = start;
  if (n > 0) {
    if (from.dechunk) {
      end = decoder.dataEnd;
      from.outRd = decoder.dataOff;
    } else {
      makeSizeRoom(from, floor);
      end = decoder.dataEnd;
      from.outRd = putChunkSize(decoder.dataOff, n);
      // The rest of the input may begin right here: move it before the chunk's end is written.
      makeRoom(from, end + 2);
      mem[end] = 13;
      mem[end + 1] = 10;
      end += 2;
    }
  }
  if (result === ChunkResult.Done) {
    // The end of the trailer section counts as one byte (see headSize).
    from.carried += decoder.trailerBytes + 1;
    if (!from.dechunk) end = putLastChunk(from, end);
    from.body = BodyMode.None;
  }
  from.outEnd = end;
  from.inRd = decoder.used;
  return result;
}

/**
 * The size of joined chunks can have more digits than that of the first one had: the data moves up
 * when its new chunk header would begin in front of `floor`.
 */
function makeSizeRoom(from: Conn, floor: number): void {
  const decoder = from.chunks;
  const lack = floor + chunkSizeLen(decoder.dataEnd - decoder.dataOff) - decoder.dataOff;
  if (lack <= 0) return;
  mem.copyWithin(decoder.dataOff + lack, decoder.dataOff, from.inWr);
  from.inWr += lack;
  decoder.dataOff += lack;
  decoder.dataEnd += lack;
  decoder.used += lack;
  decoder.trailerOff += lack;
  decoder.trailerEnd += lack;
}

/**
 * Unframes received body bytes behind those that wait already (`option http-buffer-request`), so
 * that all lie in one piece. @returns false when the framing is broken.
 */
export function appendBody(from: Conn): boolean {
  const start = from.outRd;
  const end = from.outEnd;
  if (from.body === BodyMode.Chunked) {
    // A chunk header may be written in front of the data, but not over what waits.
    if (takeChunks(from, end) === ChunkResult.Invalid) return false;
  } else {
    takePlain(from);
  }
  const len = from.outEnd - from.outRd;
  if (len > 0 && from.outRd !== end) mem.copyWithin(end, from.outRd, from.outEnd);
  from.outRd = start;
  from.outEnd = end + len;
  return true;
}

/** Makes the unread input start at `at` or later, keeping decoder positions in step. */
function makeRoom(from: Conn, at: number): void {
  const decoder = from.chunks;
  const used = decoder.used;
  if (used >= at) return;
  const shift = at - used;
  if (from.inWr > used) mem.copyWithin(at, used, from.inWr);
  from.inWr += shift;
  decoder.used = at;
  decoder.trailerOff += shift;
  decoder.trailerEnd += shift;
}

/** `0 CRLF trailer CRLF`: never longer than what was received, so it fits before `used`. */
function putLastChunk(from: Conn, at: number): number {
  const decoder = from.chunks;
  const trailerLen = decoder.trailerEnd - decoder.trailerOff;
  let p = at;
  mem[p] = 48;
  mem[p + 1] = 13;
  mem[p + 2] = 10;
  p += 3;
  mem.copyWithin(p, decoder.trailerOff, decoder.trailerEnd);
  p += trailerLen;
  mem[p] = 13;
  mem[p + 1] = 10;
  return p + 2;
}

/**
 * Puts the part of the body that came with the head behind it. The head ends at `headEnd` in the
 * buffer; [inRd, inWr) starts there.
 * @returns where the body's bytes start: the new head must end exactly there; 0 = broken framing.
 */
export function takeFirst(from: Conn): number {
  switch (from.body) {
    case BodyMode.None:
      from.outRd = from.inRd;
      from.outEnd = from.inRd;
      return from.inRd;
    case BodyMode.Chunked:
      from.chunks.reset();
      // The message's head is still to be copied from where it lies.
      if (takeChunks(from, from.inRd) === ChunkResult.Invalid) return 0;
      return from.outRd;
    default:
      takePlain(from);
      return from.outRd;
  }
}
