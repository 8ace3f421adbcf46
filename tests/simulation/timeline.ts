/**
 * Virtual time: a list of things that will happen, in order. The clock moves by a few microseconds
 * with every system call and jumps to the next thing when the proxy sleeps. All randomness of a run
 * and its trace are here, so that one seed gives one run.
 */
import type { Random } from '../fuzz/random.ts';

interface Happening {
  atUs: number;
  order: number;
  run: () => void;
}

/** Lines of a trace that are kept for a report. */
const TAIL = 60;

export class Timeline {
  /** Microseconds since the machine started. */
  nowUs = 1_000_000_000;
  /** FNV-1a over everything that could be observed. */
  hash = 0x811c9dc5;
  readonly tail: string[] = [];
  /** Receives every line of the trace; null = only the last ones are kept. */
  print: ((line: string) => void) | null = null;
  readonly #heap: Happening[] = [];
  #order = 0;

  constructor(readonly random: Random) {}

  /** Runs something later; equal times run in the order they were asked for. */
  after(us: number, run: () => void): void {
    const entry = { atUs: this.nowUs + Math.max(0, Math.floor(us)), order: this.#order++, run };
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at]!, heap[parent]!)) break;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  /** When the next thing happens; Infinity = never. */
  get nextUs(): number {
    return this.#heap[0]?.atUs ?? Number.POSITIVE_INFINITY;
  }

  /** Lets time pass, and everything happen that falls into it. */
  advance(us: number): void {
    const until = this.nowUs + us;
    while (this.nextUs <= until) this.step();
    this.nowUs = until;
  }

  /** Jumps to the next thing. */
  step(): void {
    const next = this.#pop();
    if (next === null) return;
    this.nowUs = Math.max(this.nowUs, next.atUs);
    next.run();
  }

  #pop(): Happening | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    heap[0] = last;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === at) return first;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }

  /** Notes something observable: it becomes part of the hash. */
  note(what: string, a: number, b = 0): void {
    const line = `${this.nowUs} ${what} ${a} ${b}`;
    let hash = this.hash;
    for (let i = 0; i < line.length; i++) {
      hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    }
    this.hash = hash >>> 0;
    this.tail.push(line);
    if (this.tail.length > 2 * TAIL) this.tail.splice(0, TAIL);
    this.print?.(line);
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
