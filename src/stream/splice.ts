/**
 * Large bodies that nobody looks at move inside the kernel: socket → pipe → socket (splice(2)).
 * On this path a byte is never touched here. Measured on 64 KiB and 1 MiB bodies: about half the
 * CPU of receiving and sending (`bench/`). `nosplice` turns it off.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { mem32, reserve } from '../sys/arena.ts';
import { Errno, errno } from '../sys/errno.ts';
import { closePipe, openPipe, splice } from '../sys/pipe.ts';
import { Flow, noteSend } from './body.ts';
import { type Conn, Side } from './conn.ts';
import { engine } from './engine.ts';
import type { Stream } from './stream.ts';

/** Below this many bytes a pipe costs more than it saves. */
const SPLICE_MIN = 32 * 1024;
/** Pipe capacity asked for when tune.pipesize is not set. */
const PIPE_BYTES = 1 << 20;
/** Rounds per call, so that one fast transfer does not starve the others. */
const ROUNDS = 16;

export class Pipe {
  readFd: number;
  writeFd: number;
  /** Bytes in the pipe. */
  held: number;

  constructor(readFd: number, writeFd: number) {
    this.readFd = readFd;
    this.writeFd = writeFd;
    this.held = 0;
  }
}

const idlePipes: Pipe[] = [];
const pair = reserve(8);
let pipesOpen = 0;

/** Forgets the pipes of an engine before; there are none at the start of a thread. */
export function createPipes(): void {
  idlePipes.length = 0;
  pipesOpen = 0;
}

/** Whether the rest of the body should go through a pipe. */
export function isSpliceable(from: Conn): boolean {
  if (from.pipe !== null) return true;
  return from.body === BodyMode.Length && from.bodyLeft >= SPLICE_MIN && engine.pipesMax > 0;
}

function takePipe(): Pipe | null {
  const idle = idlePipes.pop();
  if (idle !== undefined) return idle;
  if (pipesOpen >= engine.pipesMax) return null;
  const size = engine.config.global.tune.pipesize;
  if (!openPipe(pair, size > 0 ? size : PIPE_BYTES)) return null;
  pipesOpen++;
  return createPipe();
}

function createPipe(): Pipe {
  return new Pipe(mem32[pair >> 2]!, mem32[(pair >> 2) + 1]!);
}

/** Gives the pipe back; one that still holds bytes of a dead stream is closed. */
export function dropPipe(conn: Conn): void {
  const pipe = conn.pipe;
  if (pipe === null) return;
  conn.pipe = null;
  if (pipe.held === 0) {
    idlePipes.push(pipe);
    return;
  }
  closePipe(pipe.readFd, pipe.writeFd);
  pipesOpen--;
}

/** Closes a pipe that nobody uses. @returns false when there is none. */
export function closeIdlePipe(): boolean {
  const pipe = idlePipes.pop();
  if (pipe === undefined) return false;
  closePipe(pipe.readFd, pipe.writeFd);
  pipesOpen--;
  return true;
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
    if (from.bodyLeft > 0 && from.readable && !from.eof) fill(from, pipe);
    if (pipe.held > 0) {
      const sent = drain(from, to, pipe);
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

function fill(from: Conn, pipe: Pipe): void {
  const n = splice(from.fd, pipe.writeFd, from.bodyLeft, false);
  if (n > 0) {
    pipe.held += n;
    from.bodyLeft -= n;
    from.activeMs = engine.nowMs;
    return;
  }
  if (n === 0) {
    from.eof = true;
    return;
  }
  const code = errno();
  if (code === Errno.EAGAIN) {
    // Either the socket is empty or the pipe is full; only an empty pipe tells which.
    if (pipe.held === 0) from.readable = false;
  } else if (code !== Errno.EINTR) {
    from.error = code;
    from.readable = false;
  }
}

/** `option http-no-delay` of either side: no segment waits for being full. */
function isHurried(strm: Stream): boolean {
  const options = strm.frontend!.config.options | strm.backend!.config.options;
  return (options & Option.HttpNoDelay) !== 0;
}

function drain(from: Conn, to: Conn, pipe: Pipe): Flow {
  if (!to.writable) return Flow.Blocked;
  noteSend(to);
  // A server may act on each piece of a request; for an answer full segments are worth a pause.
  const more = from.bodyLeft > 0 && to.side === Side.Client && !isHurried(from.stream!);
  const n = splice(pipe.readFd, to.fd, pipe.held, more);
  if (n > 0) {
    pipe.held -= n;
    from.carried += n;
    to.activeMs = engine.nowMs;
    return Flow.Done;
  }
  const code = n < 0 ? errno() : Errno.EPIPE;
  if (code === Errno.EINTR) return Flow.Done;
  if (code === Errno.EAGAIN) {
    to.writable = false;
    return Flow.Blocked;
  }
  to.error = code;
  return Flow.TargetError;
}
