/**
 * The order of weighted round robin (configuration.txt 4.2 balance roundrobin): one period, as
 * server indices, in which every server stands as often as its weight says.
 *
 * A server of weight w among a total of T is due every T/w turns. A turn goes to the server that
 * is due; when none is, to the heaviest server that has not been used in this period yet; when
 * there is none of those either, to the one due next. Servers due at the same turn go by the
 * fraction of a turn they are owed, less their weight, and then by who has waited longer. No server
 * goes beyond its weight within a period. The result is smooth and depends on nothing but weights
 * and order. For equal weights, and for most others, it is the order in which HAProxy 3.2 is seen
 * to send (`sequence.test.ts` asks it again); where HAProxy lets a server's turn slip from one
 * period into the next, this order keeps it.
 *
 * The period is computed once per change of weight or health, never per request: T steps on a heap
 * of the servers used before, so 4095 servers of any weights take some tens of milliseconds.
 *
 * @dataplane
 */

function commonDivisor(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}

/** Greatest common divisor of the weights above zero, 0 when there is none. */
export function weightDivisor(weights: Int32Array, count: number): number {
  let divisor = 0;
  for (let i = 0; i < count; i++) {
    if (weights[i]! > 0) divisor = commonDivisor(weights[i]!, divisor);
  }
  return divisor;
}

/** Sorts after every key of a server that takes part. */
const NO_KEY = 0x7fffffff;
const INDEX_BITS = 16;
const INDEX_MASK = (1 << INDEX_BITS) - 1;

/** Builds periods into memory that it owns, so that a rebuild allocates nothing. */
export class SequenceBuilder {
  private readonly serverCount: number;
  /** Weight in lowest terms; 0 = takes no part. */
  private readonly share: Int32Array;
  /** Turn at which a server is due again. */
  private readonly due: Int32Array;
  /** Fraction of a turn owed, in units of 1/share. */
  private readonly owed: Int32Array;
  /** Turns left in this period. */
  private readonly left: Int32Array;
  /** Turn of the last use. */
  private readonly used: Int32Array;
  /** Servers not used in this period yet, heaviest first, then in order: sort keys. */
  private readonly fresh: Int32Array;
  /** Servers used before that have turns left; a binary heap, the next one due on top. */
  private readonly heap: Int32Array;
  private heapSize: number;

  constructor(serverCount: number) {
    this.serverCount = serverCount;
    this.share = new Int32Array(serverCount);
    this.due = new Int32Array(serverCount);
    this.owed = new Int32Array(serverCount);
    this.left = new Int32Array(serverCount);
    this.used = new Int32Array(serverCount);
    this.fresh = new Int32Array(serverCount);
    this.heap = new Int32Array(serverCount);
    this.heapSize = 0;
  }

  /**
   * Writes one period to `out`.
   * @param weights weight per server, 0..256; 0 = takes no part.
   * @returns its length in turns; 0 when no server has a weight.
   */
  build(weights: Int32Array, out: Uint16Array): number {
    const divisor = weightDivisor(weights, this.serverCount);
    if (divisor === 0) return 0;
    const total = this.reset(weights, divisor);
    let freshAt = 0;
    for (let turn = 0; turn < total; turn++) {
      const top = this.heapSize > 0 ? this.heap[0]! : -1;
      let chosen = top;
      const freshKey = freshAt < this.serverCount ? this.fresh[freshAt]! : NO_KEY;
      if (freshKey !== NO_KEY && (top < 0 || this.due[top]! > turn)) {
        chosen = freshKey & INDEX_MASK;
        freshAt++;
        this.due[chosen] = turn;
        this.advance(chosen, turn, total);
        if (this.left[chosen]! > 0) {
          this.heap[this.heapSize++] = chosen;
          this.siftUp(this.heapSize - 1);
        }
      } else {
        this.advance(chosen, turn, total);
        if (this.left[chosen] === 0) this.heap[0] = this.heap[--this.heapSize]!;
        this.siftDown(0);
      }
      out[turn] = chosen;
    }
    return total;
  }

  private reset(weights: Int32Array, divisor: number): number {
    let total = 0;
    this.heapSize = 0;
    for (let i = 0; i < this.serverCount; i++) {
      const share = weights[i]! / divisor;
      this.share[i] = share;
      this.owed[i] = 0;
      this.left[i] = share;
      this.fresh[i] = share > 0 ? ((256 - share) << INDEX_BITS) | i : NO_KEY;
      total += share;
    }
    this.fresh.sort();
    return total;
  }

  private advance(server: number, turn: number, total: number): void {
    const share = this.share[server]!;
    const owed = this.owed[server]! + (total % share);
    const carry = owed >= share ? 1 : 0;
    this.due[server]! += Math.floor(total / share) + carry;
    this.owed[server] = owed - carry * share;
    this.used[server] = turn;
    this.left[server]!--;
  }

  private isBefore(a: number, b: number): boolean {
    if (this.due[a] !== this.due[b]) return this.due[a]! < this.due[b]!;
    const rankA = this.owed[a]! - this.share[a]!;
    const rankB = this.owed[b]! - this.share[b]!;
    return rankA !== rankB ? rankA < rankB : this.used[a]! < this.used[b]!;
  }

  private siftUp(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(this.heap[at]!, this.heap[parent]!)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private siftDown(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= this.heapSize) return;
      const right = left + 1;
      let first = left;
      if (right < this.heapSize && this.isBefore(this.heap[right]!, this.heap[left]!)) {
        first = right;
      }
      if (!this.isBefore(this.heap[first]!, this.heap[at]!)) return;
      this.swap(at, first);
      at = first;
    }
  }

  private swap(a: number, b: number): void {
    const kept = this.heap[a]!;
    this.heap[a] = this.heap[b]!;
    this.heap[b] = kept;
  }
}
