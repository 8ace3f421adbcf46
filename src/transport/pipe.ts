/**
 * The pipes that bodies pass through inside the kernel (splice(2)): a bounded number, kept for reuse.
 *
 * @dataplane
 */
import { mem32, reserve } from '../sys/arena.ts';
import { closePipe, openPipe } from '../sys/pipe.ts';

/** Pipe capacity asked for when tune.pipesize is not set. */
const PIPE_BYTES = 1 << 20;

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

const idle: Pipe[] = [];
const pair = reserve(8);
let open = 0;
let openMax = 0;
let bytes = PIPE_BYTES;

/** Forgets the pipes of an engine before; there are none at the start of a thread. */
export function createPipes(max: number, size: number): void {
  idle.length = 0;
  open = 0;
  openMax = max;
  bytes = size > 0 ? size : PIPE_BYTES;
}

export function hasPipes(): boolean {
  return openMax > 0;
}

/** A pipe without a byte in it, or null when none is to be had. */
export function takePipe(): Pipe | null {
  const kept = idle.pop();
  if (kept !== undefined) return kept;
  if (open >= openMax || !openPipe(pair, bytes)) return null;
  open++;
  return createPipe();
}

function createPipe(): Pipe {
  return new Pipe(mem32[pair >> 2]!, mem32[(pair >> 2) + 1]!);
}

/** Gives the pipe back; one that still holds bytes of a dead stream is closed. */
export function givePipe(pipe: Pipe): void {
  if (pipe.held === 0) idle.push(pipe);
  else end(pipe);
}

/** Closes a pipe that nobody uses. @returns false when there is none. */
export function closeIdlePipe(): boolean {
  const pipe = idle.pop();
  if (pipe === undefined) return false;
  end(pipe);
  return true;
}

function end(pipe: Pipe): void {
  closePipe(pipe.readFd, pipe.writeFd);
  open--;
}
