/**
 * Received bytes of a check in the arena, where regular expressions and the HTTP parser read them.
 * Each reader has one area for all checks: what lies in it is valid until its next use.
 */
import { mem, reserve } from '../sys/arena.ts';

export class Area {
  private off = 0;
  private bytes = 0;

  /** Copies bytes into the area. @returns their offset. */
  place(bytes: Uint8Array): number {
    if (bytes.length > this.bytes) {
      this.bytes = Math.max(bytes.length, 2 * this.bytes, 1 << 14);
      this.off = reserve(this.bytes);
    }
    mem.set(bytes, this.off);
    return this.off;
  }
}

/** One byte per character, as the configuration is read. */
export function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** The bytes of hexadecimal digits, or null when they are not pairs of digits. */
export function fromHex(text: string): Uint8Array | null {
  return /^(?:[0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex') : null;
}
