/** Bytes on their way: appended at the end, taken from the front in pieces of any size. */
export class ByteQueue {
  length = 0;
  readonly #chunks: Buffer[] = [];

  /** Bytes of the first piece that was appended: what one write has made. */
  get firstLength(): number {
    return this.#chunks[0]?.length ?? 0;
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.length += bytes.length;
  }

  /** The first `count` bytes, or all when there are fewer. */
  take(count: number): Buffer {
    const taken: Buffer[] = [];
    let left = Math.min(count, this.length);
    this.length -= left;
    while (left > 0) {
      const first = this.#chunks[0]!;
      if (first.length <= left) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(left);
      taken.push(first.subarray(0, left));
      left -= Math.min(left, first.length);
    }
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken);
  }

  clear(): void {
    this.#chunks.length = 0;
    this.length = 0;
  }
}
