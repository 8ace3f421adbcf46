/**
 * Networks as ranges of addresses, made while patterns are compiled (configuration.txt 7.1.6).
 *
 * Networks nest or are apart, they never overlap in part: sorted by their first address, and the
 * larger one first, those inside of others are the ones that begin before the last one kept has
 * ended. A million IPv4 networks are one sort of as many numbers.
 */
import type { AddressData } from '../../model/pattern.ts';
import type { Network } from '../inet-config.ts';
import { NetworkForm, plain, readPlain } from './plain-network.ts';
import { createBytes, createWords, type Slices, textOf } from './slices.ts';

/** An IPv4 network as one number that sorts as above: its address, then the length of its mask. */
const PREFIX_FACTOR = 64;

/** Rows of numbers that grow in number. */
class Rows<T extends Float64Array | Uint8Array> {
  items: T;
  count: number;
  readonly width: number;
  private readonly create: (length: number) => T;

  constructor(width: number, create: (length: number) => T) {
    this.width = width;
    this.create = create;
    this.items = create(width * 64);
    this.count = 0;
  }

  /** Makes room for a row. @returns where it begins. */
  add(): number {
    const at = this.count++ * this.width;
    if (at === this.items.length) {
      const larger = this.create(this.items.length * 2);
      larger.set(this.items);
      this.items = larger;
    }
    return at;
  }
}

function numbers(): Rows<Float64Array> {
  return new Rows(1, (length) => new Float64Array(length));
}

/** Rows of an IPv6 address and the length of its mask. */
const SIX_WIDTH = 17;

class NetworkLists {
  readonly four = numbers();
  readonly six = new Rows(SIX_WIDTH, (length) => new Uint8Array(length));
  readonly holes: Network[] = [];

  addFour(address: number, prefix: number): void {
    const at = this.four.add();
    this.four.items[at] = address * PREFIX_FACTOR + prefix;
  }

  addSix(bytes: ArrayLike<number>, prefix: number): void {
    const at = this.six.add();
    this.six.items.set(bytes, at);
    this.six.items[at + 16] = prefix;
  }

  add(net: Network): void {
    const prefix = prefixLength(net.mask);
    if (prefix < 0) this.holes.push(net);
    else if (net.bytes.length === 4) this.addFour(readNumber(net.bytes), prefix);
    else this.addSix(net.bytes, prefix);
  }
}

/**
 * Compiles networks.
 * @param parse reads those in unusual forms
 */
export function createAddressData(
  slices: Slices,
  parse: (text: string, index: number) => Network,
): AddressData {
  const lists = new NetworkLists();
  for (let i = 0; i < slices.count; i++) {
    switch (readPlain(slices.bytes, slices.from[i]!, slices.until[i]!)) {
      case NetworkForm.Four:
        lists.addFour(plain.address, plain.prefix);
        break;
      case NetworkForm.Six:
        lists.addSix(plain.bytes, plain.prefix);
        break;
      default:
        lists.add(parse(textOf(slices, i), i));
    }
  }
  return {
    ...mergeFour(lists.four.items.subarray(0, lists.four.count)),
    value4: Uint32Array.from(lists.holes, (net) => readNumber(net.bytes)),
    mask4: Uint32Array.from(lists.holes, (net) => readNumber(net.mask)),
    ...mergeSix(lists.six.items, lists.six.count),
  };
}

function mergeFour(keys: Float64Array): Pick<AddressData, 'low4' | 'high4'> {
  keys.sort();
  const low = numbers();
  const high = numbers();
  let last = -1;
  for (const key of keys) {
    const prefix = key % PREFIX_FACTOR;
    const address = (key - prefix) / PREFIX_FACTOR;
    if (address <= last) continue;
    last = address + 2 ** (32 - prefix) - 1;
    // Adding may replace `items`.
    const at = low.add();
    high.add();
    low.items[at] = address;
    high.items[at] = last;
  }
  const low4 = createWords(low.count);
  const high4 = createWords(high.count);
  low4.set(low.items.subarray(0, low.count));
  high4.set(high.items.subarray(0, high.count));
  return { low4, high4 };
}

function mergeSix(rows: Uint8Array, count: number): Pick<AddressData, 'low6' | 'high6'> {
  // Most comparisons are decided by the first six bytes, which fit a number.
  const heads = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const at = i * SIX_WIDTH;
    for (let k = 0; k < 6; k++) heads[i] = heads[i]! * 256 + rows[at + k]!;
  }
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  order.sort((a, b) => heads[a]! - heads[b]! || compareRows(rows, a * SIX_WIDTH, b * SIX_WIDTH));
  const low = new Uint8Array(count * 16);
  const high = new Uint8Array(count * 16);
  let kept = 0;
  for (const index of order) {
    const at = index * SIX_WIDTH;
    if (kept > 0 && compareBytes(rows, at, high, (kept - 1) * 16) <= 0) continue;
    for (let i = 0; i < 16; i++) {
      const ones = Math.min(8, Math.max(0, rows[at + 16]! - i * 8));
      low[kept * 16 + i] = rows[at + i]!;
      high[kept * 16 + i] = rows[at + i]! | (0xff >> ones);
    }
    kept++;
  }
  const low6 = createBytes(kept * 16);
  const high6 = createBytes(kept * 16);
  low6.set(low.subarray(0, kept * 16));
  high6.set(high.subarray(0, kept * 16));
  return { low6, high6 };
}

/** By address, then the shorter mask first: 17 bytes. */
function compareRows(rows: Uint8Array, a: number, b: number): number {
  return compareBytes(rows, a, rows, b) || rows[a + 16]! - rows[b + 16]!;
}

function compareBytes(one: Uint8Array, a: number, other: Uint8Array, b: number): number {
  for (let i = 0; i < 16; i++) if (one[a + i] !== other[b + i]) return one[a + i]! - other[b + i]!;
  return 0;
}

/** Bytes in network order as an unsigned number. */
export function readNumber(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** How many ones a mask begins with; -1 = there are more behind a zero. */
export function prefixLength(mask: readonly number[]): number {
  const bits = mask.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : -1;
}
