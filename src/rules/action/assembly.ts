/**
 * Text put together piece by piece at the end of a message's scratch area.
 *
 * @dataplane
 */
import type { HttpMessage } from '../../http/message.ts';
import { mem } from '../../sys/arena.ts';

export class Assembly {
  /** Arena offset of the first byte, of the next one, and of the end of the room. */
  start: number;
  to: number;
  limit: number;

  constructor() {
    this.start = 0;
    this.to = 0;
    this.limit = 0;
  }

  begin(msg: HttpMessage): void {
    this.start = msg.scratchOff + msg.scratchUsed;
    this.to = this.start;
    this.limit = msg.scratchOff + msg.scratchSize;
  }

  /** @returns false when it does not fit; the text is not to be used then. */
  put(off: number, len: number): boolean {
    if (this.to + len > this.limit) return false;
    mem.copyWithin(this.to, off, off + len);
    this.to += len;
    return true;
  }

  putByte(byte: number): boolean {
    if (this.to >= this.limit) return false;
    mem[this.to++] = byte;
    return true;
  }

  /** Keeps the text. @returns its length. */
  commit(msg: HttpMessage): number {
    const len = this.to - this.start;
    msg.scratchUsed += len;
    return len;
  }
}
