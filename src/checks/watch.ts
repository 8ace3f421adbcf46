/**
 * Readiness of the sockets of health checks. They have an epoll descriptor of their own on the
 * control thread, whose loop is the runtime's and cannot watch a descriptor that it did not make. So
 * the descriptor is looked at after a pause, for all sockets at once: at once and then every
 * millisecond while something happens, later the longer nothing does. A look costs a few
 * microseconds whatever the number of sockets, and there is none without a check that waits. The
 * duration that is shown of a check is an eighth too long at most.
 */
import { assert } from '../base/assert.ts';
import { Poller } from '../loop/poller.ts';
import type { Clock } from './clock.ts';

const EVENTS_MAX = 256;
const PAUSE_MS_MIN = 1;
const PAUSE_MS_MAX = 100;

export class Watch {
  private readonly clock: Clock;
  /** Made with the first socket: a program without checks has none. */
  private poller: Poller | null = null;
  private readonly watched = new Map<number, () => void>();
  private lastId = 0;
  /** When something last happened, for the length of the pause. */
  private activeMs = 0;
  private isLooking = false;
  private cancelPause: (() => void) | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Calls `ready` whenever the socket may have become readable or writable, never before this
   * returns. @returns an id for `remove`, 0 when the kernel refuses.
   */
  add(fd: number, ready: () => void): number {
    this.poller ??= new Poller(EVENTS_MAX);
    const id = ++this.lastId;
    if (!this.poller.add(fd, id | 0, Math.floor(id / 2 ** 32))) return 0;
    this.watched.set(id, ready);
    this.stir();
    return id;
  }

  /** The caller closes the socket at once, which takes it out of the kernel's list too. */
  remove(id: number): void {
    this.watched.delete(id);
    if (this.watched.size > 0 || this.cancelPause === null) return;
    this.cancelPause();
    this.cancelPause = null;
  }

  /** Something happens: look again soon. */
  private stir(): void {
    this.activeMs = this.clock.nowMs();
    if (this.isLooking) return;
    this.cancelPause?.();
    this.pauseFor(0);
  }

  private pauseFor(ms: number): void {
    this.cancelPause = this.clock.after(ms, () => {
      this.cancelPause = null;
      this.look();
    });
  }

  private look(): void {
    const { poller } = this;
    assert(poller !== null && this.watched.size > 0, 'checks look at no socket');
    this.isLooking = true;
    const count = poller.wait(0);
    for (let i = 0; i < count; i++) {
      const id = poller.generation(i) * 2 ** 32 + (poller.id(i) >>> 0);
      // One that an earlier event of this look ended is gone.
      this.watched.get(id)?.();
    }
    this.isLooking = false;
    const nowMs = this.clock.nowMs();
    if (count > 0) this.activeMs = nowMs;
    if (this.watched.size === 0) return;
    const pauseMs = (nowMs - this.activeMs) / 8;
    this.pauseFor(Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, pauseMs)));
  }
}
