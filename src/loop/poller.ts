/**
 * The poller of one worker: epoll, edge-triggered. A descriptor is registered once for both
 * directions and never modified, so a request costs no epoll_ctl. Each event carries the owner's
 * id and generation: an event for a descriptor that was closed and reused in the same turn is told
 * apart from one for its successor.
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import { base, mem32, reserve } from '../sys/arena.ts';
import { kernel } from '../sys/kernel.ts';

export const enum Ready {
  In = 1,
  Out = 4,
  Err = 8,
  Hup = 16,
  RdHup = 0x2000,
}

const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EDGE = 0x80000000 | 0;

export class Poller {
  private readonly fd: number;
  private readonly events: number;
  private readonly scratch: number;
  private readonly eventsMax: number;

  /** @param eventsMax events taken per turn (tune.maxpollevents). */
  constructor(eventsMax: number) {
    this.fd = kernel.epoll_create1(EPOLL_CLOEXEC);
    assert(this.fd >= 0, 'epoll_create1 failed');
    this.eventsMax = eventsMax;
    // struct epoll_event is packed on x86-64 (12 bytes) and padded elsewhere (16 bytes).
    this.events = reserve(eventsMax * EVENT_BYTES);
    this.scratch = reserve(16);
  }

  /** Registers both directions, edge-triggered. @returns false when the kernel refuses. */
  add(fd: number, id: number, generation: number): boolean {
    return this.control(fd, Ready.In | Ready.Out | Ready.RdHup | EDGE, id, generation);
  }

  /** Registers for reading, level-triggered: listeners and wake-ups. */
  addLevel(fd: number, id: number, generation: number): boolean {
    return this.control(fd, Ready.In, id, generation);
  }

  remove(fd: number): void {
    kernel.epoll_ctl(this.fd, EPOLL_CTL_DEL, fd, (base + this.scratch) as never);
  }

  private control(fd: number, events: number, id: number, generation: number): boolean {
    const word = this.scratch >> 2;
    mem32[word] = events;
    mem32[word + DATA_WORD] = id;
    mem32[word + DATA_WORD + 1] = generation;
    return kernel.epoll_ctl(this.fd, EPOLL_CTL_ADD, fd, (base + this.scratch) as never) === 0;
  }

  /** Waits up to `timeoutMs` (-1 = for ever). @returns the number of events. */
  wait(timeoutMs: number): number {
    const n = kernel.epoll_wait(this.fd, (base + this.events) as never, this.eventsMax, timeoutMs);
    return n > 0 ? n : 0;
  }

  ready(index: number): number {
    return mem32[(this.events + index * EVENT_BYTES) >> 2]!;
  }

  id(index: number): number {
    return mem32[((this.events + index * EVENT_BYTES) >> 2) + DATA_WORD]!;
  }

  generation(index: number): number {
    return mem32[((this.events + index * EVENT_BYTES) >> 2) + DATA_WORD + 1]!;
  }
}

const PACKED = process.arch === 'x64';
const EVENT_BYTES = PACKED ? 12 : 16;
const DATA_WORD = PACKED ? 1 : 2;
