/**
 * Descriptor targets: `fd@<n>`, stdout, stderr (configuration.txt 4.2 `log`). Lines of a turn leave
 * in one write, a pipe's in chunks of whole lines up to PIPE_BUF, which the kernel takes whole or
 * not at all, so that lines of several threads never mix.
 *
 * A descriptor is shared with whoever started the process, and O_NONBLOCK would belong to all of
 * them. So it is not set; instead, by kind:
 *
 *   pipe, terminal   opened again through /proc/self/fd, which gives a file description of our own
 *                    that may be non-blocking; where that is not allowed, poll(2) with timeout 0
 *                    goes before each chunk of at most PIPE_BUF
 *   socket           send(2) with MSG_DONTWAIT
 *   file             write(2): a file is always ready
 *
 * What a full target does not take waits in the batch; when the batch is full, lines are lost.
 *
 * @dataplane
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { base, mem, mem32, reserve } from '../sys/arena.ts';
import { Errno, errno } from '../sys/errno.ts';
import { kernel } from '../sys/kernel.ts';
import type { Sink } from './sink.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLOUT = 4;
const PIPE_BUF = 4096;
const NEWLINE = 0x0a;
/** Bytes kept for a target that does not take them at once. */
const BATCH_BYTES = 65536;

const enum Kind {
  /** Ready at any time. */
  File = 0,
  /** A descriptor of our own, non-blocking. */
  Own = 1,
  /** A borrowed descriptor that may block: ask first. */
  Borrowed = 2,
  Socket = 3,
}

const pollFd = reserve(8);

export class StreamSink implements Sink {
  lost: number;
  private fd: number;
  private readonly kind: Kind;
  /** Longest chunk that keeps lines whole. */
  private readonly chunkMax: number;
  private readonly batch: number;
  private readonly batchBytes: number;
  private used: number;
  /** The target was full; it is not tried again in this turn. */
  private blocked: boolean;

  /** @param fd the descriptor of the configuration; @param lineMax longest line in bytes. */
  constructor(fd: number, lineMax: number) {
    this.lost = 0;
    this.used = 0;
    this.blocked = false;
    this.batchBytes = Math.max(BATCH_BYTES, lineMax * 2);
    this.batch = reserve(this.batchBytes);
    const [opened, kind, pipe] = createStream(fd);
    this.fd = opened;
    this.kind = kind;
    this.chunkMax = pipe ? PIPE_BUF : this.batchBytes;
  }

  room(bytes: number): number {
    if (this.used + bytes > this.batchBytes && !this.blocked) this.send();
    return this.used + bytes > this.batchBytes ? 0 : this.batch + this.used;
  }

  add(len: number): void {
    this.used += len;
  }

  flush(): void {
    this.send();
    this.blocked = false;
  }

  private send(): void {
    let from = 0;
    while (from < this.used) {
      const len = this.chunk(from);
      const written = this.write(this.batch + from, len);
      if (written > 0) {
        from += written;
        continue;
      }
      const code = written < 0 ? errno() : Errno.EAGAIN;
      if (code === Errno.EINTR) continue;
      this.blocked = code === Errno.EAGAIN;
      if (!this.blocked) {
        // Nobody reads any more, or the disk is full: these lines are gone.
        this.lost += this.lines(from);
        from = this.used;
      }
      break;
    }
    if (from > 0 && from < this.used) {
      mem.copyWithin(this.batch, this.batch + from, this.batch + this.used);
    }
    this.used -= from;
  }

  close(): void {
    if (this.kind === Kind.Own && this.fd >= 0) kernel.close(this.fd);
    this.fd = -1;
  }

  /** Bytes to write next: as many whole lines as fit, or one long line. */
  private chunk(from: number): number {
    const left = this.used - from;
    if (left <= this.chunkMax) return left;
    const start = this.batch + from;
    for (let i = this.chunkMax; i > 0; i--) if (mem[start + i - 1] === NEWLINE) return i;
    let len = this.chunkMax;
    while (len < left && mem[start + len - 1] !== NEWLINE) len++;
    return len;
  }

  /** One attempt; 0 = would block. */
  private write(off: number, len: number): number {
    const address = (base + off) as never;
    switch (this.kind) {
      case Kind.Socket:
        return kernel.send(this.fd, address, len, MSG_DONTWAIT | MSG_NOSIGNAL);
      case Kind.Borrowed: {
        mem32[pollFd >> 2] = this.fd;
        mem32[(pollFd >> 2) + 1] = POLLOUT;
        if (kernel.poll((base + pollFd) as never, 1, 0) <= 0) return 0;
        // A pipe that polls writable has room for PIPE_BUF.
        return kernel.write(this.fd, address, Math.min(len, PIPE_BUF));
      }
      default:
        return kernel.write(this.fd, address, len);
    }
  }

  private lines(from: number): number {
    let n = 0;
    for (let i = from; i < this.used; i++) if (mem[this.batch + i] === NEWLINE) n++;
    return n;
  }
}

/** The descriptor to use, its kind, and whether chunks are limited to PIPE_BUF. */
function createStream(fd: number): [number, Kind, boolean] {
  let stat: ReturnType<typeof fstatSync>;
  try {
    stat = fstatSync(fd);
  } catch {
    // A closed descriptor: every line is lost, and counted.
    return [-1, Kind.File, false];
  }
  if (stat.isSocket()) return [fd, Kind.Socket, false];
  if (stat.isFile()) return [fd, Kind.File, false];
  try {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return [openSync(`/proc/self/fd/${fd}`, flags), Kind.Own, stat.isFIFO()];
  } catch {
    return [fd, Kind.Borrowed, true];
  }
}
