/**
 * Where the values of a stored type lie in the entries of a table, and how they are read and changed
 * (configuration.txt 11.1 store). The shard of the entry is locked meanwhile.
 *
 * @dataplane
 */
import { DataType, dataRows, Kind, kindWords } from './data-type.ts';
import { addRate, readRate, setRate } from './rate.ts';
import type { StickTable } from './table.ts';

const TWO32 = 4294967296;

/** `gpc0` and its like, in a table with the array: its elements. */
const inArrays: Readonly<Partial<Record<DataType, readonly [DataType, number]>>> = {
  [DataType.Gpt0]: [DataType.Gpt, 0],
  [DataType.Gpc0]: [DataType.Gpc, 0],
  [DataType.Gpc1]: [DataType.Gpc, 1],
  [DataType.Gpc0Rate]: [DataType.GpcRate, 0],
  [DataType.Gpc1Rate]: [DataType.GpcRate, 1],
};

export class Slot {
  /** Word within the entry; 0 = the table does not store it. */
  readonly offset: number;
  readonly kind: Kind;
  readonly periodMs: number;
  /** Bytes that a rate counts as one (11.1 brates-factor). */
  readonly factor: number;

  constructor(offset: number, kind: Kind, periodMs: number, factor: number) {
    this.offset = offset;
    this.kind = kind;
    this.periodMs = periodMs;
    this.factor = factor;
  }

  read(table: StickTable, entry: number, nowMs: number): number {
    const { words } = table;
    const at = entry + this.offset;
    if (this.kind === Kind.Rate) return readRate(words, at, this.periodMs, nowMs) * this.factor;
    const low = words[at]! >>> 0;
    return this.kind === Kind.Wide ? low + (words[at + 1]! >>> 0) * TWO32 : low;
  }

  /** @param amount of bytes or events, not negative */
  add(table: StickTable, entry: number, nowMs: number, amount: number): void {
    const { words } = table;
    const at = entry + this.offset;
    if (this.kind === Kind.Rate) {
      addRate(words, at, this.periodMs, nowMs, Math.ceil(amount / this.factor));
    } else if (this.kind === Kind.Wide) {
      this.set(table, entry, nowMs, this.read(table, entry, nowMs) + amount);
    } else {
      words[at] = (words[at]! + amount) | 0;
    }
  }

  set(table: StickTable, entry: number, nowMs: number, value: number): void {
    const { words } = table;
    const at = entry + this.offset;
    if (this.kind === Kind.Rate) return setRate(words, at, nowMs, value);
    words[at] = value | 0;
    if (this.kind === Kind.Wide) words[at + 1] = Math.floor(value / TWO32) | 0;
  }
}

const noSlot = new Slot(0, Kind.Number, 0, 1);

/** The values of one type in a table. @param position within an array, otherwise 0 */
export function createSlot(table: StickTable, type: DataType, position: number): Slot {
  const { offset, count, period } = table.layout;
  const at = offset[type]!;
  if (at === 0) {
    const inside = inArrays[type];
    return inside === undefined ? noSlot : createSlot(table, inside[0], inside[1]);
  }
  if (position >= count[type]!) return noSlot;
  const { kind } = dataRows[type]!;
  const isBytes = type === DataType.BytesInRate || type === DataType.BytesOutRate;
  const factor = isBytes ? table.config.bytesFactor : 1;
  return new Slot(at + position * kindWords[kind], kind, period[type]!, factor);
}

/** The values of one type, by the index of the table. */
export function createSlots(
  tables: readonly StickTable[],
  type: DataType,
  position = 0,
): readonly Slot[] {
  return tables.map((table) => createSlot(table, type, position));
}
