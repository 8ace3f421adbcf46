/**
 * A local answer on its way to the client, of any size and as fast as the client takes it: first what
 * lies in its block, then the rest of its body, which may come from the control thread in parts.
 *
 * @dataplane
 */
import { putHex } from '../log/text.ts';
import { mem } from '../sys/arena.ts';
import { transmit } from '../transport/io.ts';
import { engine } from './engine.ts';
import { askForMore, releaseBytes } from './service.ts';
import { Next } from './step.ts';
import { End, type Stream } from './stream.ts';

/** Regions that one client is sent in one turn. */
const ROUNDS = 32;
/** Size and line ends around a chunk, and the chunk that ends a body. */
const CHUNK_ROOM = 24;
const ZERO = 0x30;
const CR = 0x0d;
const LF = 0x0a;

/** Sends the answer as far as the client takes it. */
export function sendAnswer(strm: Stream): Next {
  const conn = strm.client!;
  for (let round = 0; round < ROUNDS; round++) {
    if (strm.replyRd === strm.replyEnd && !refill(strm)) {
      if (strm.replyMore && conn.error === 0) return askForMore(strm);
      strm.responseComplete = !strm.replyMore;
      return Next.Done;
    }
    strm.replyRd += transmit(conn, strm.replyRd, strm.replyEnd - strm.replyRd, hasMore(strm));
    if (conn.error !== 0) {
      strm.clientEnds |= End.Failure;
      return Next.Done;
    }
    if (strm.replyRd < strm.replyEnd) return waitForClient(strm);
  }
  engine.resume(conn);
  return Next.Wait;
}

function hasMore(strm: Stream): boolean {
  return strm.replyRestRd < strm.replyRestEnd || strm.replyBytes !== null || endsInChunk(strm);
}

/** The last part has come; the chunk that says so is still to go. */
function endsInChunk(strm: Stream): boolean {
  return strm.replyChunked && !strm.replyMore;
}

/** The next region, counted when its turn comes. @returns false when there is none. */
function refill(strm: Stream): boolean {
  if (strm.replyRestRd < strm.replyRestEnd) {
    strm.replyRd = strm.replyRestRd;
    strm.replyEnd = strm.replyRestEnd;
    strm.replyRestRd = strm.replyRestEnd;
    strm.bytesOut += strm.replyEnd - strm.replyRd;
  } else if (strm.replyBytes !== null || endsInChunk(strm)) {
    strm.replyRd = strm.replyBlock;
    strm.replyEnd = putBytes(strm);
  }
  return strm.replyEnd > strm.replyRd;
}

/** Bytes of the control thread pass through the block; only they count, not what frames them. */
function putBytes(strm: Stream): number {
  const bytes = strm.replyBytes;
  let at = strm.replyBlock;
  if (bytes !== null) {
    const from = strm.replyBytesRd;
    const len = Math.min(bytes.length - from, engine.bufsize - CHUNK_ROOM);
    if (strm.replyChunked) at = putLineEnd(putHex(at, len, 1));
    for (let i = 0; i < len; i++) mem[at + i] = bytes[from + i]!;
    at += len;
    if (strm.replyChunked) at = putLineEnd(at);
    strm.bytesOut += len;
    strm.replyBytesRd = from + len;
    if (strm.replyBytesRd < bytes.length) return at;
    releaseBytes(strm);
  }
  if (!endsInChunk(strm)) return at;
  strm.replyChunked = false;
  mem[at] = ZERO;
  return putLineEnd(putLineEnd(at + 1));
}

function putLineEnd(at: number): number {
  mem[at] = CR;
  mem[at + 1] = LF;
  return at + 2;
}

function waitForClient(strm: Stream): Next {
  const ms = strm.frontend!.config.timeout.client;
  if (ms >= 0) engine.timers.set(strm.client!.id, strm.client!.activeMs + ms);
  return Next.Wait;
}
