/**
 * Timers of one worker: a hierarchical wheel of 1 ms ticks over small integer ids (one id per
 * connection and per stream).
 *
 *   level 0: 256 × 1 ms   level 1: 256 × 256 ms   level 2: 256 × 65 s   level 3: 256 × 4.6 h
 *
 * Nearly every timer is moved or cancelled before it fires, many times per request. So `set` and
 * `clear` only write the deadline when the entry already stands at an earlier tick, and the tick
 * looks again when it comes: one store instead of a list operation.
 *
 * @dataplane
 */
const SLOTS = 256;
const LEVELS = 4;
const NEVER = Number.POSITIVE_INFINITY;

export class Timers {
  /** Deadline per id, monotonic ms; Infinity = not armed. */
  private readonly deadline: Float64Array;
  /** Tick at which the id is listed, -1 = in no list. */
  private readonly listedAt: Float64Array;
  private readonly next: Int32Array;
  private readonly prev: Int32Array;
  /** First id per bucket, -1 = empty. */
  private readonly heads: Int32Array;
  private readonly bucketOf: Int32Array;
  private tick: number;
  private listed: number;
  private readonly fired: Int32Array;

  /** @param ids ids are 0..ids-1; @param nowMs monotonic clock at creation. */
  constructor(ids: number, nowMs: number) {
    this.deadline = new Float64Array(ids).fill(NEVER);
    this.listedAt = new Float64Array(ids).fill(-1);
    this.next = new Int32Array(ids);
    this.prev = new Int32Array(ids);
    this.heads = new Int32Array(SLOTS * LEVELS).fill(-1);
    this.bucketOf = new Int32Array(ids);
    this.tick = Math.floor(nowMs);
    this.listed = 0;
    this.fired = new Int32Array(1024);
  }

  /** Arms or moves a timer. A deadline that has passed fires with the next tick. */
  set(id: number, deadlineMs: number): void {
    this.deadline[id] = deadlineMs;
    const at = this.listedAt[id]!;
    if (at >= 0) {
      if (at <= deadlineMs) return;
      this.unlink(id);
    }
    this.link(id, Math.ceil(deadlineMs));
  }

  clear(id: number): void {
    this.deadline[id] = NEVER;
  }

  isSet(id: number): boolean {
    return this.deadline[id] !== NEVER;
  }

  /** Forgets the id at once; for an id that goes back to its pool. */
  drop(id: number): void {
    this.deadline[id] = NEVER;
    if (this.listedAt[id]! >= 0) this.unlink(id);
  }

  /** @returns ms until something may be due: 0 = now, -1 = nothing is listed. */
  wait(nowMs: number): number {
    if (this.listed === 0) return -1;
    const from = this.tick;
    // Up to the next turn of level 0, where the higher levels are looked at again.
    const until = (from & (SLOTS - 1)) === 0 ? from : from + SLOTS - (from & (SLOTS - 1));
    let at = from;
    while (at < until && this.heads[at & (SLOTS - 1)]! < 0) at++;
    const ms = Math.ceil(at - nowMs);
    return ms > 0 ? ms : 0;
  }

  /**
   * Advances to `nowMs` and collects up to 1024 due ids, cancelled ones left out.
   * @returns how many stand in `due(0..n-1)`; call again while it returns 1024.
   */
  expire(nowMs: number): number {
    const now = Math.floor(nowMs);
    let n = 0;
    if (this.listed === 0) {
      this.tick = now + 1 > this.tick ? now + 1 : this.tick;
      return 0;
    }
    while (this.tick <= now) {
      if ((this.tick & (SLOTS - 1)) === 0) this.cascade();
      const bucket = this.tick & (SLOTS - 1);
      let id = this.heads[bucket]!;
      while (id >= 0) {
        if (n === this.fired.length) return n;
        this.unlink(id);
        const when = this.deadline[id]!;
        if (when <= now) {
          this.deadline[id] = NEVER;
          this.fired[n++] = id;
        } else if (when !== NEVER) {
          this.link(id, Math.ceil(when));
        }
        id = this.heads[bucket]!;
      }
      this.tick++;
      if (this.listed === 0) this.tick = now + 1;
    }
    return n;
  }

  due(index: number): number {
    return this.fired[index]!;
  }

  private cascade(): void {
    const t = Math.floor(this.tick / SLOTS);
    this.spread(SLOTS + (t & (SLOTS - 1)));
    if ((t & (SLOTS - 1)) !== 0) return;
    const u = Math.floor(t / SLOTS);
    this.spread(2 * SLOTS + (u & (SLOTS - 1)));
    if ((u & (SLOTS - 1)) !== 0) return;
    const v = Math.floor(u / SLOTS);
    this.spread(3 * SLOTS + (v & (SLOTS - 1)));
  }

  private spread(bucket: number): void {
    let id = this.heads[bucket]!;
    this.heads[bucket] = -1;
    while (id >= 0) {
      const following = this.next[id]!;
      this.listed--;
      this.listedAt[id] = -1;
      const when = this.deadline[id]!;
      if (when !== NEVER) this.link(id, Math.ceil(when));
      id = following;
    }
  }

  private link(id: number, whenTick: number): void {
    const at = whenTick > this.tick ? whenTick : this.tick;
    const delta = at - this.tick;
    let bucket: number;
    if (delta < SLOTS) bucket = at & (SLOTS - 1);
    else if (delta < SLOTS * SLOTS) bucket = SLOTS + (Math.floor(at / SLOTS) & (SLOTS - 1));
    else if (delta < SLOTS * SLOTS * SLOTS)
      bucket = 2 * SLOTS + (Math.floor(at / (SLOTS * SLOTS)) & (SLOTS - 1));
    else bucket = 3 * SLOTS + (Math.floor(at / (SLOTS * SLOTS * SLOTS)) & (SLOTS - 1));
    const head = this.heads[bucket]!;
    this.next[id] = head;
    this.prev[id] = -1;
    if (head >= 0) this.prev[head] = id;
    this.heads[bucket] = id;
    this.bucketOf[id] = bucket;
    this.listedAt[id] = at;
    this.listed++;
  }

  private unlink(id: number): void {
    const next = this.next[id]!;
    const prev = this.prev[id]!;
    if (prev >= 0) this.next[prev] = next;
    else this.heads[this.bucketOf[id]!] = next;
    if (next >= 0) this.prev[next] = prev;
    this.listedAt[id] = -1;
    this.listed--;
  }
}
