/**
 * A local answer on its way to the client, of any size and as fast as the client takes it: first what
 * lies in its block, then the rest of its body.
 *
 * @dataplane
 */
import { mem } from '../sys/arena.ts';
import { transmit } from '../transport/io.ts';
import { engine } from './engine.ts';
import { Next } from './step.ts';
import { End, type Stream } from './stream.ts';

/** Regions that one client is sent in one turn. */
const ROUNDS = 32;

/** Sends the answer as far as the client takes it. */
export function sendAnswer(strm: Stream): Next {
  const conn = strm.client!;
  for (let round = 0; round < ROUNDS; round++) {
    if (strm.replyRd === strm.replyEnd && !refill(strm)) {
      strm.responseComplete = true;
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
  return strm.replyRestRd < strm.replyRestEnd || strm.replyBytes !== null;
}

/** The next region, counted when its turn comes. @returns false at the end of the answer. */
function refill(strm: Stream): boolean {
  if (strm.replyRestRd < strm.replyRestEnd) {
    strm.replyRd = strm.replyRestRd;
    strm.replyEnd = strm.replyRestEnd;
    strm.replyRestRd = strm.replyRestEnd;
  } else if (strm.replyBytes !== null) {
    const bytes = strm.replyBytes;
    const len = Math.min(bytes.length - strm.replyBytesRd, engine.bufsize);
    for (let i = 0; i < len; i++) mem[strm.replyBlock + i] = bytes[strm.replyBytesRd + i]!;
    strm.replyBytesRd += len;
    if (strm.replyBytesRd === bytes.length) strm.replyBytes = null;
    strm.replyRd = strm.replyBlock;
    strm.replyEnd = strm.replyBlock + len;
  } else {
    return false;
  }
  strm.bytesOut += strm.replyEnd - strm.replyRd;
  return strm.replyEnd > strm.replyRd;
}

function waitForClient(strm: Stream): Next {
  const ms = strm.frontend!.config.timeout.client;
  if (ms >= 0) engine.timers.set(strm.client!.id, strm.client!.activeMs + ms);
  return Next.Wait;
}
