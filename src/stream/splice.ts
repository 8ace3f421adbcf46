/**
 * Plain bytes that nobody looks at move inside the kernel: socket → pipe → socket (splice(2)). On this
 * path a byte is never touched here. Measured on 64 KiB and 1 MiB bodies: about half the CPU of
 * receiving and sending (`bench/`). It is done for bodies whose length says that they are large, and for
 * bytes whose end is not known when they come faster than a buffer holds, or where
 * `option splice-request` or `splice-response` asks for it. `nosplice` turns it off.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { isPlain, pull, push } from '../transport/io.ts';
import { givePipe, hasPipes, type Pipe, takePipe } from '../transport/pipe.ts';
import { Side } from './conn.ts';
import { engine } from './engine.ts';
import { Flow } from './flow.ts';
import type { Conn, Stream } from './stream.ts';

/** Below this many bytes a pipe costs more than it saves. */
const SPLICE_MIN = 32 * 1024;
/** Rounds per call, so that one fast transfer does not starve the others. */
const ROUNDS = 16;

/** Asked for of a source whose end nobody knows. */
const ENDLESS = 1 << 30;

/** Whether the rest of the body should go through a pipe. */
export function isSpliceable(from: Conn, to: Conn): boolean {
  if (from.pipe !== null) return true;
  if (!hasPipes() || !isPlain(from) || !isPlain(to)) return false;
  if (from.body === BodyMode.Length) return from.bodyLeft >= SPLICE_MIN;
  if (from.body === BodyMode.Chunked) return false;
  if (from.filled) return true;
  const strm = from.stream!;
  const options = strm.plan.options | strm.backendPlan.options;
  const way = from.side === Side.Client ? Option.SpliceRequest : Option.SpliceResponse;
  return (options & way) !== 0;
}

/** Bytes that may still come. */
function leftOf(from: Conn): number {
  return from.body === BodyMode.Length ? from.bodyLeft : ENDLESS;
}

/** Gives the pipe of a connection back. */
export function dropPipe(conn: Conn): void {
  if (conn.pipe === null) return;
  givePipe(conn.pipe);
  conn.pipe = null;
}

/**
 * Moves body bytes from one socket to the other. Nothing of the source is in memory.
 * @returns as `forward`; NoBuffer = no pipe is to be had, use a buffer instead.
 */
export function spliceBody(from: Conn, to: Conn): Flow {
  if (from.pipe === null) from.pipe = takePipe();
  const pipe = from.pipe;
  if (pipe === null) return Flow.NoBuffer;
  for (let round = 0; round < ROUNDS; round++) {
    if (leftOf(from) > 0 && from.readable && !from.eof) fill(from, pipe);
    if (pipe.held > 0) {
      const sent = empty(from, to, pipe);
      if (sent !== Flow.Done) return sent;
    }
    if (pipe.held > 0) continue;
    if (leftOf(from) === 0) {
      from.body = BodyMode.None;
      dropPipe(from);
      return Flow.Done;
    }
    if (from.readable && !from.eof) continue;
    dropPipe(from);
    return starved(from);
  }
  // More is there: go on in the next turn.
  engine.resume(from);
  return Flow.Wait;
}

function fill(from: Conn, pipe: Pipe): void {
  const n = pull(from, pipe, leftOf(from));
  if (from.body === BodyMode.Length) from.bodyLeft -= n;
}

/** The source has no more for now, or has come to its end (as in body.ts). */
function starved(from: Conn): Flow {
  if (from.error !== 0) return Flow.SourceError;
  if (!from.eof) return Flow.Wait;
  if (from.body !== BodyMode.Close) return Flow.SourceEnd;
  from.body = BodyMode.None;
  return Flow.Done;
}

/** `option http-no-delay` of either side: no segment waits for being full. */
function isHurried(strm: Stream): boolean {
  return ((strm.plan.options | strm.backendPlan.options) & Option.HttpNoDelay) !== 0;
}

/** Sends what the pipe holds. */
function empty(from: Conn, to: Conn, pipe: Pipe): Flow {
  // A server may act on each piece of a request; for an answer full segments are worth a pause.
  const isPart = from.body === BodyMode.Length && from.bodyLeft > 0;
  const more = isPart && to.side === Side.Client && !isHurried(from.stream!);
  const n = push(to, pipe, more);
  from.carried += n;
  if (n > 0) return Flow.Done;
  return to.error !== 0 ? Flow.TargetError : Flow.Blocked;
}
