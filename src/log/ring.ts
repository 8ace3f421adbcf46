/**
 * Ring buffers (configuration.txt 12.5): memory that all threads push lines into and that the
 * control thread reads, for `show events` and to forward to servers.
 *
 *   words (Int32)     lock, dropped, attached readers
 *   positions (f64)   tail, head, one per reader: bytes since the start, never wrapping
 *   data              records: 4 bytes of length, then the line; they wrap around the end
 *
 * A push takes a lock for the time of one copy (about 100 ns). A worker never waits long for it:
 * after a bounded number of tries the line is dropped and counted. New lines replace the oldest
 * ones, except that a line which an attached reader (a forwarder) has not taken yet is kept, and
 * the new one is dropped instead: the ring goes at the pace of its slowest server (12.5 `server`).
 *
 * @dataplane
 */
import { mem } from '../sys/arena.ts';

const enum Word {
  Lock = 0,
  Dropped = 1,
  /** Bit per attached reader. */
  Readers = 2,
  Count = 4,
}

const enum Position {
  Tail = 0,
  Head = 1,
  /** First of `READERS_MAX` reader positions. */
  Reader = 2,
}

/** Forwarders and waiting `show events` sessions at the same time. */
export const READERS_MAX = 30;
const WORD_BYTES = Word.Count * 4;
const HEADER_BYTES = WORD_BYTES + (Position.Reader + READERS_MAX) * 8;
const LENGTH_BYTES = 4;
const LOCK_TRIES = 2000;

export class Ring {
  private readonly words: Int32Array;
  private readonly positions: Float64Array;
  private readonly data: Uint8Array;
  private readonly size: number;

  /** @param buffer from `Ring.createBuffer`, shared by all threads. */
  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, Word.Count);
    this.positions = new Float64Array(buffer, WORD_BYTES, Position.Reader + READERS_MAX);
    this.data = new Uint8Array(buffer, HEADER_BYTES);
    this.size = this.data.length;
  }

  /** @param size bytes of storage (12.5 `size`). */
  static createBuffer(size: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + Math.max(size, 64));
  }

  /** Lines that could not be stored. */
  get dropped(): number {
    return Atomics.load(this.words, Word.Dropped);
  }

  /**
   * Appends a line from the arena, at the cost of the oldest ones.
   * @returns false when it was dropped.
   */
  push(off: number, len: number): boolean {
    const need = LENGTH_BYTES + len;
    if (need > this.size || !this.lock(LOCK_TRIES)) return this.drop();
    const positions = this.positions;
    const head = positions[Position.Head]!;
    const limit = head + need - this.size;
    if (limit > this.slowest(head)) {
      this.unlock();
      return this.drop();
    }
    while (positions[Position.Tail]! < limit) {
      const tail = positions[Position.Tail]!;
      positions[Position.Tail] = tail + LENGTH_BYTES + this.lengthAt(tail);
    }
    let at = head % this.size;
    for (let i = 0; i < LENGTH_BYTES; i++) {
      this.data[at] = (len >>> (i * 8)) & 255;
      at = at + 1 === this.size ? 0 : at + 1;
    }
    for (let i = 0; i < len; i++) {
      this.data[at] = mem[off + i]!;
      at = at + 1 === this.size ? 0 : at + 1;
    }
    positions[Position.Head] = head + need;
    this.unlock();
    return true;
  }

  /**
   * Registers a reader that holds lines back until it has taken them.
   * @param fromEnd start after the newest line instead of at the oldest.
   * @returns the number of the reader, -1 when there are too many.
   */
  attach(fromEnd: boolean): number {
    this.lockFully();
    const used = this.words[Word.Readers]!;
    let reader = 0;
    while (reader < READERS_MAX && (used & (1 << reader)) !== 0) reader++;
    if (reader < READERS_MAX) {
      this.words[Word.Readers] = used | (1 << reader);
      this.positions[Position.Reader + reader] =
        this.positions[fromEnd ? Position.Head : Position.Tail]!;
    }
    this.unlock();
    return reader < READERS_MAX ? reader : -1;
  }

  detach(reader: number): void {
    this.lockFully();
    this.words[Word.Readers] = this.words[Word.Readers]! & ~(1 << reader);
    this.unlock();
  }

  /**
   * The next line of an attached reader, which stays in the ring until `advance`. Control thread.
   */
  peek(reader: number): Uint8Array | null {
    this.lockFully();
    const at = this.positions[Position.Reader + reader]!;
    const line = at < this.positions[Position.Head]! ? this.copyAt(at) : null;
    this.unlock();
    return line;
  }

  /** The reader has taken the line that `peek` returned. */
  advance(reader: number): void {
    this.lockFully();
    const at = this.positions[Position.Reader + reader]!;
    this.positions[Position.Reader + reader] = at + LENGTH_BYTES + this.lengthAt(at);
    this.unlock();
  }

  /** All lines now in the ring, oldest first (`show events`). Control thread. */
  createSnapshot(): Uint8Array[] {
    const all: Uint8Array[] = [];
    this.lockFully();
    const head = this.positions[Position.Head]!;
    for (let at = this.positions[Position.Tail]!; at < head; ) {
      const line = this.copyAt(at);
      all.push(line);
      at += LENGTH_BYTES + line.length;
    }
    this.unlock();
    return all;
  }

  private drop(): false {
    Atomics.add(this.words, Word.Dropped, 1);
    return false;
  }

  /** Position up to which no attached reader needs the data. */
  private slowest(head: number): number {
    const used = this.words[Word.Readers]!;
    let least = head;
    for (let reader = 0; reader < READERS_MAX; reader++) {
      if ((used & (1 << reader)) === 0) continue;
      const at = this.positions[Position.Reader + reader]!;
      if (at < least) least = at;
    }
    return least;
  }

  private lengthAt(position: number): number {
    let at = position % this.size;
    let len = 0;
    for (let i = 0; i < LENGTH_BYTES; i++) {
      len |= this.data[at]! << (i * 8);
      at = at + 1 === this.size ? 0 : at + 1;
    }
    return len;
  }

  private copyAt(position: number): Uint8Array {
    const line = createBytes(this.lengthAt(position));
    let at = (position + LENGTH_BYTES) % this.size;
    for (let i = 0; i < line.length; i++) {
      line[i] = this.data[at]!;
      at = at + 1 === this.size ? 0 : at + 1;
    }
    return line;
  }

  private lock(tries: number): boolean {
    for (let i = 0; i < tries; i++) {
      if (Atomics.compareExchange(this.words, Word.Lock, 0, 1) === 0) return true;
    }
    return false;
  }

  /** For the control thread: holders keep the lock for microseconds only. */
  private lockFully(): void {
    while (!this.lock(LOCK_TRIES)) Atomics.wait(this.words, Word.Lock, 1, 1);
  }

  private unlock(): void {
    Atomics.store(this.words, Word.Lock, 0);
  }
}

function createBytes(len: number): Uint8Array {
  return new Uint8Array(len);
}
