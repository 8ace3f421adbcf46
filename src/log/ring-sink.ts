/**
 * Lines into a ring (configuration.txt 12.5). A line is framed in a scratch area and pushed at
 * once: the ring is memory, there is nothing to batch.
 *
 * @dataplane
 */
import { reserve } from '../sys/arena.ts';
import type { Ring } from './ring.ts';
import type { Sink } from './sink.ts';

export class RingSink implements Sink {
  lost: number;
  private readonly ring: Ring;
  private readonly scratch: number;

  constructor(ring: Ring, lineMax: number) {
    this.lost = 0;
    this.ring = ring;
    this.scratch = reserve(lineMax);
  }

  room(_bytes: number): number {
    return this.scratch;
  }

  add(len: number): void {
    if (!this.ring.push(this.scratch, len)) this.lost++;
  }

  flush(): void {
    // Nothing waits here.
  }

  close(): void {
    // The ring belongs to the control thread.
  }
}
