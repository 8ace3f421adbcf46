/**
 * The spelling of field names for peers that do not compare them without case (configuration.txt
 * 3.1 `h1-case-adjust`). Names are lower case inside the proxy; when a proxy asks for it, each name
 * about to be sent is looked up here.
 *
 * A table with open addressing over the bytes: one hash and, nearly always, one comparison.
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../sys/arena.ts';
import { sameBytes } from './message.ts';

/** FNV-1a: names are short and the table is small. */
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class CaseAdjuster {
  private readonly mask: number;
  /** Offset of the lower-case name, 0 = free slot. */
  private readonly from: Int32Array;
  private readonly to: Int32Array;
  private readonly len: Int32Array;

  constructor(map: Readonly<Record<string, string>>) {
    const names = Object.keys(map);
    let size = 8;
    while (size < names.length * 2) size *= 2;
    this.mask = size - 1;
    this.from = new Int32Array(size);
    this.to = new Int32Array(size);
    this.len = new Int32Array(size);
    for (const name of names) {
      const off = reserveBytes(name);
      const len = Buffer.byteLength(name);
      let slot = hash(off, len) & this.mask;
      while (this.from[slot] !== 0) slot = (slot + 1) & this.mask;
      this.from[slot] = off;
      this.to[slot] = reserveBytes(map[name]!);
      this.len[slot] = len;
    }
  }

  /** @returns the arena offset of the spelling to send (same length), or 0 to leave the name. */
  adjust(nameOff: number, nameLen: number): number {
    const from = this.from;
    for (let slot = hash(nameOff, nameLen) & this.mask; ; slot = (slot + 1) & this.mask) {
      const off = from[slot]!;
      if (off === 0) return 0;
      if (this.len[slot] === nameLen && sameBytes(off, nameOff, nameLen)) return this.to[slot]!;
    }
  }
}

function hash(off: number, len: number): number {
  let value = FNV_BASIS;
  for (let i = 0; i < len; i++) value = Math.imul(value ^ mem[off + i]!, FNV_PRIME);
  return (value ^ (value >>> 15)) & 0x7fffffff;
}

/** @param map `h1-case-adjust`: lower-case name → spelling; they differ in case only. */
export function createCaseAdjuster(map: Readonly<Record<string, string>>): CaseAdjuster {
  return new CaseAdjuster(map);
}
