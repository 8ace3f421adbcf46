/**
 * Host names of certificates: which entry a name of a ClientHello has. Open addressing over typed
 * arrays; the names stand in the arena in lower case.
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../../sys/arena.ts';

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

function hashOf(off: number, len: number): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < len; i++) hash = Math.imul(hash ^ mem[off + i]!, FNV_PRIME);
  return hash ^ (hash >>> 15);
}

export class NameTable {
  private readonly mask: number;
  /** Per place: offset and length of the name, and its entry; offset 0 = free. */
  private readonly places: Int32Array;

  /** @param names each of them once; its position is its entry */
  constructor(names: readonly string[]) {
    let size = 4;
    while (size < names.length * 2) size *= 2;
    this.mask = size - 1;
    this.places = new Int32Array(size * 3);
    for (let entry = 0; entry < names.length; entry++) {
      const name = names[entry]!;
      const off = reserveBytes(name);
      let place = hashOf(off, name.length) & this.mask;
      while (this.places[place * 3] !== 0) place = (place + 1) & this.mask;
      this.places[place * 3] = off;
      this.places[place * 3 + 1] = name.length;
      this.places[place * 3 + 2] = entry;
    }
  }

  /** @returns the entry of a name in lower case, or -1. */
  find(off: number, len: number): number {
    const { places, mask } = this;
    let place = hashOf(off, len) & mask;
    for (;;) {
      const known = places[place * 3]!;
      if (known === 0) return -1;
      if (places[place * 3 + 1] === len && isEqual(known, off, len)) return places[place * 3 + 2]!;
      place = (place + 1) & mask;
    }
  }
}

function isEqual(a: number, b: number, len: number): boolean {
  for (let i = 0; i < len; i++) if (mem[a + i] !== mem[b + i]) return false;
  return true;
}
