/**
 * Variables of the process (configuration.txt 2.8 `proc`): shared by all threads, each of which
 * reads and writes them. All words are read and written with Atomics, so their order is defined.
 *
 *   head     [ bytes of scope proc | bytes of all scopes | - | - ]
 *   then per variable
 *            [ begun | published | copy 0 | copy 1 ]
 *   copy     [ type | length | low word, high word of the number | text ]
 *
 * Generation g of a value is in copy g & 1. Who writes takes the turn by raising `begun`, fills the
 * copy that nobody reads and raises `published`. A reader waits for nobody: it copies the published
 * generation, and does so again only when two more writes have begun meanwhile, since the second of
 * them goes where it reads. Writers of one variable take turns.
 *
 * @dataplane
 */
import { VARIABLE_BYTES } from '../../model/variable.ts';
import { mem } from '../../sys/arena.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import { maySet, textLength } from './value.ts';

const HEAD_WORDS = 4;
const PROCESS_USED = 0;
const ALL_USED = 1;
/** Words of a variable. */
const BEGUN = 0;
const PUBLISHED = 1;
const COPIES = 2;
/** Words of a copy. */
const TYPE = 0;
const LENGTH = 1;
const LOW = 2;
const HIGH = 3;
const TEXT = 4;

/** Reads that collide with two writes each; more of them in a row wait for the turn. */
const READS_MAX = 64;
/** Looks at a turn that another thread has, before this one lets it run. */
const SPINS_MAX = 256;
/** How long it lets it run, in ms. */
const YIELD_MS = 1;

/** A double and its words. */
const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

function copyWords(valueMax: number): number {
  return TEXT + Math.ceil(valueMax / 4);
}

/** Bytes of shared memory for so many variables with values of up to `valueMax` bytes. */
export function processStoreBytes(variables: number, valueMax: number): number {
  return 4 * (HEAD_WORDS + variables * (COPIES + 2 * copyWords(valueMax)));
}

export class ProcessStore {
  private readonly words: Int32Array;
  private readonly valueMax: number;
  private readonly copyWords: number;
  private readonly stride: number;
  /** `tune.vars.proc-max-size` and `tune.vars.global-max-size`, 0 = no limit. */
  private readonly processMax: number;
  private readonly allMax: number;

  constructor(shared: SharedArrayBuffer, valueMax: number, processMax: number, allMax: number) {
    this.words = new Int32Array(shared);
    this.valueMax = valueMax;
    this.copyWords = copyWords(valueMax);
    this.stride = COPIES + 2 * this.copyWords;
    this.processMax = processMax;
    this.allMax = allMax;
  }

  /** How many variables there is room for. */
  get capacity(): number {
    return Math.max(0, Math.floor((this.words.length - HEAD_WORDS) / this.stride));
  }

  /** Reads a value; its text is copied to the scratch area. @returns false when there is none */
  read(index: number, sample: Sample): boolean {
    const words = this.words;
    const at = HEAD_WORDS + index * this.stride;
    for (let i = 0; i < READS_MAX; i++) {
      const generation = Atomics.load(words, at + PUBLISHED);
      const isSet = this.load(this.copyAt(at, generation), sample);
      if (((Atomics.load(words, at + BEGUN) - generation) | 0) < 2) return isSet;
    }
    const generation = this.takeTurn(at);
    const isSet = this.load(this.copyAt(at, generation), sample);
    Atomics.store(words, at + BEGUN, generation);
    return isSet;
  }

  /**
   * Sets a value.
   * @param conditions `SetIf` bits, judged with the turn to write
   * @returns false when a condition does not hold, or when it does not fit: no value is left then
   */
  write(index: number, sample: Sample, conditions: number): boolean {
    const words = this.words;
    const at = HEAD_WORDS + index * this.stride;
    const generation = this.takeTurn(at);
    const old = this.copyAt(at, generation);
    const type = Atomics.load(words, old + TYPE) as SampleType;
    if (!maySet(conditions, true, type, this.numberAt(old), sample)) {
      Atomics.store(words, at + BEGUN, generation);
      return false;
    }
    const len = textLength(sample);
    const fits = len <= this.valueMax && this.charge(len - this.textAt(old));
    if (!fits) this.charge(-this.textAt(old));
    const next = (generation + 1) | 0;
    if (fits) this.store(this.copyAt(at, next), sample, len);
    else Atomics.store(words, this.copyAt(at, next) + TYPE, SampleType.None);
    Atomics.store(words, at + PUBLISHED, next);
    return fits;
  }

  /** Takes the value away. */
  unset(index: number): void {
    const at = HEAD_WORDS + index * this.stride;
    const generation = this.takeTurn(at);
    this.charge(-this.textAt(this.copyAt(at, generation)));
    const next = (generation + 1) | 0;
    Atomics.store(this.words, this.copyAt(at, next) + TYPE, SampleType.None);
    Atomics.store(this.words, at + PUBLISHED, next);
  }

  /** A variable has been declared: from here on it counts. */
  declare(): void {
    Atomics.add(this.words, PROCESS_USED, VARIABLE_BYTES);
    Atomics.add(this.words, ALL_USED, VARIABLE_BYTES);
  }

  /**
   * Counts bytes of any scope; 3.2: the limit of `proc` includes those of sessions and streams.
   * @returns false when a limit forbids more; fewer are always taken
   */
  charge(bytes: number): boolean {
    const words = this.words;
    const used = Atomics.add(words, PROCESS_USED, bytes) + bytes;
    const all = Atomics.add(words, ALL_USED, bytes) + bytes;
    const isOver =
      (this.processMax > 0 && used > this.processMax) || (this.allMax > 0 && all > this.allMax);
    if (bytes <= 0 || !isOver) return true;
    Atomics.sub(words, PROCESS_USED, bytes);
    Atomics.sub(words, ALL_USED, bytes);
    return false;
  }

  private copyAt(at: number, generation: number): number {
    return at + COPIES + (generation & 1) * this.copyWords;
  }

  /** @returns the published generation; the next one is this thread's to write */
  private takeTurn(at: number): number {
    const words = this.words;
    for (let spins = 0; ; spins++) {
      const generation = Atomics.load(words, at + PUBLISHED);
      const begun = Atomics.compareExchange(words, at + BEGUN, generation, (generation + 1) | 0);
      if (begun === generation) return generation;
      // It only copies some bytes: when that takes long, it has lost its CPU.
      if (spins >= SPINS_MAX) Atomics.wait(words, at + BEGUN, begun, YIELD_MS);
    }
  }

  /** Bytes of the text of a copy. */
  private textAt(copy: number): number {
    const type = Atomics.load(this.words, copy + TYPE);
    if (type === SampleType.None || type === SampleType.Ipv6) return 0;
    return Atomics.load(this.words, copy + LENGTH);
  }

  private numberAt(copy: number): number {
    halves[0] = Atomics.load(this.words, copy + LOW);
    halves[1] = Atomics.load(this.words, copy + HIGH);
    return double[0]!;
  }

  private load(copy: number, sample: Sample): boolean {
    const words = this.words;
    const type = Atomics.load(words, copy + TYPE) as SampleType;
    if (type === SampleType.None) return false;
    const len = Atomics.load(words, copy + LENGTH);
    sample.type = type;
    sample.num = this.numberAt(copy);
    const off = takeScratch((len + 3) & ~3);
    if (off === 0) return false;
    sample.off = off;
    sample.len = len;
    const count = (len + 3) >> 2;
    for (let i = 0; i < count; i++) {
      const word = Atomics.load(words, copy + TEXT + i);
      const to = off + 4 * i;
      mem[to] = word;
      mem[to + 1] = word >> 8;
      mem[to + 2] = word >> 16;
      mem[to + 3] = word >> 24;
    }
    return true;
  }

  private store(copy: number, sample: Sample, len: number): void {
    const words = this.words;
    const bytes = sample.type === SampleType.Ipv6 ? 16 : len;
    Atomics.store(words, copy + TYPE, sample.type);
    Atomics.store(words, copy + LENGTH, bytes);
    double[0] = sample.num;
    Atomics.store(words, copy + LOW, halves[0]!);
    Atomics.store(words, copy + HIGH, halves[1]!);
    const count = (bytes + 3) >> 2;
    for (let i = 0; i < count; i++) {
      const from = sample.off + 4 * i;
      const word =
        mem[from]! | (mem[from + 1]! << 8) | (mem[from + 2]! << 16) | (mem[from + 3]! << 24);
      Atomics.store(words, copy + TEXT + i, word);
    }
  }
}
