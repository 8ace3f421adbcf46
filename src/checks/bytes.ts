/**
 * Received bytes of a check in the arena, where regular expressions and the HTTP parser read them.
 * One area serves all checks: what lies in it is valid until the next call.
 */
import { mem, reserve } from '../sys/arena.ts';

/** Hexadecimal digits of a full buffer, and some room. */
let areaOff = 0;
let areaBytes = 0;

/** Copies bytes into the area. @returns their offset. */
export function place(bytes: Uint8Array): number {
  if (bytes.length > areaBytes) {
    areaBytes = Math.max(bytes.length, 2 * areaBytes, 1 << 15);
    areaOff = reserve(areaBytes);
  }
  mem.set(bytes, areaOff);
  return areaOff;
}

/** One byte per character, as the configuration is read. */
export function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** The bytes of hexadecimal digits, or null when they are not pairs of digits. */
export function fromHex(text: string): Uint8Array | null {
  return /^(?:[0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex') : null;
}
