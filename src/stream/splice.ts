/**
 * Large bodies that nobody looks at move inside the kernel: socket → pipe → socket (splice(2)).
 * On this path a byte is never touched here. Measured on 64 KiB and 1 MiB bodies: about half the
 * CPU of receiving and sending (`bench/`). `nosplice` turns it off.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { pull, push } from '../transport/io.ts';
import { givePipe, hasPipes, type Pipe, takePipe } from '../transport/pipe.ts';
import { type Conn, Side } from './conn.ts';
import { engine } from './engine.ts';
import { Flow } from './flow.ts';
import type { Stream } from './stream.ts';

/** Below this many bytes a pipe costs more than it saves. */
const SPLICE_MIN = 32 * 1024;
/** Rounds per call, so that one fast transfer does not starve the others. */
const ROUNDS = 16;

/** Whether the rest of the body should go through a pipe. */
export function isSpliceable(from: Conn): boolean {
  if (from.pipe !== null) return true;
  return from.body === BodyMode.Length && from.bodyLeft >= SPLICE_MIN && hasPipes();
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
    if (from.bodyLeft > 0 && from.readable && !from.eof) {
      from.bodyLeft -= pull(from, pipe, from.bodyLeft);
    }
    if (pipe.held > 0) {
      const sent = empty(from, to, pipe);
      if (sent !== Flow.Done) return sent;
    }
    if (pipe.held > 0) continue;
    if (from.bodyLeft === 0) {
      from.body = BodyMode.None;
      dropPipe(from);
      return Flow.Done;
    }
    if (from.readable && !from.eof) continue;
    dropPipe(from);
    if (from.error !== 0) return Flow.SourceError;
    return from.eof ? Flow.SourceEnd : Flow.Wait;
  }
  // More is there: go on in the next turn.
  engine.resume(from);
  return Flow.Wait;
}

/** `option http-no-delay` of either side: no segment waits for being full. */
function isHurried(strm: Stream): boolean {
  const options = strm.frontend!.config.options | strm.backend!.config.options;
  return (options & Option.HttpNoDelay) !== 0;
}

/** Sends what the pipe holds. */
function empty(from: Conn, to: Conn, pipe: Pipe): Flow {
  // A server may act on each piece of a request; for an answer full segments are worth a pause.
  const more = from.bodyLeft > 0 && to.side === Side.Client && !isHurried(from.stream!);
  const n = push(to, pipe, more);
  from.carried += n;
  if (n > 0) return Flow.Done;
  return to.error !== 0 ? Flow.TargetError : Flow.Blocked;
}
