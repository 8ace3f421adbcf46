/**
 * From the value of a cookie to the servers that have it (configuration.txt 5.2 cookie). Several servers
 * may share one, such as a server and its backup: then they stand in the order of their lines.
 *
 * @dataplane
 */
import { Bytes, type Server } from '../model/runtime.ts';
import { mem } from '../sys/arena.ts';

const FNV_BASIS = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

function hash(off: number, len: number): number {
  let h = FNV_BASIS;
  for (let i = 0; i < len; i++) h = Math.imul(h ^ mem[off + i]!, FNV_PRIME);
  return h;
}

export class ServerValues {
  /** By index of the server; null = it has none. */
  private readonly values: (Bytes | null)[];
  private readonly mask: number;
  /** First server with a hash, and the next one with the same: 1 + index, 0 = none. */
  private readonly first: Int32Array;
  private readonly next: Int32Array;

  /** @param values by index of the server, null = none */
  constructor(values: readonly (string | null)[]) {
    let size = 8;
    while (size < values.length * 2) size *= 2;
    this.values = values.map((value) => (value === null ? null : new Bytes(value)));
    this.mask = size - 1;
    this.first = new Int32Array(size);
    this.next = new Int32Array(values.length);
    for (let i = values.length - 1; i >= 0; i--) {
      const value = this.values[i]!;
      if (value === null) continue;
      const slot = hash(value.off, value.len) & this.mask;
      this.next[i] = this.first[slot]!;
      this.first[slot] = i + 1;
    }
  }

  of(server: Server): Bytes | null {
    return this.values[server.index]!;
  }

  /** The first server behind `after` (-1 = the first of all) with this value; -1 = none. */
  find(off: number, len: number, after: number): number {
    const start = after < 0 ? this.first[hash(off, len) & this.mask]! : this.next[after]!;
    for (let i = start; i > 0; i = this.next[i - 1]!) {
      const value = this.values[i - 1]!;
      if (value.len === len && same(value.off, off, len)) return i - 1;
    }
    return -1;
  }
}

function same(a: number, b: number, len: number): boolean {
  for (let i = 0; i < len; i++) if (mem[a + i] !== mem[b + i]) return false;
  return true;
}
