/**
 * The networks of a map as segments of addresses (configuration.txt 7.3.1 `map_ip`). Of networks
 * that nest the longest mask counts, of equal ones the first line.
 */
import type { MapEntries, NetworkData } from '../../model/pattern.ts';
import { parseNetwork } from '../inet-config.ts';
import { prefixLength, readNumber } from '../pattern/network-range.ts';
import { NetworkForm, plain, readPlain } from '../pattern/plain-network.ts';
import { createBytes, createInts, createWords, type Slices, textOf } from '../pattern/slices.ts';
import { keysOf, lineError } from './entries.ts';
import { createSegments, type Segments } from './segments.ts';

const SIX_BYTES = 16;
/** The first address that IPv4 does not have. */
const FOUR_END = 2 ** 32;

/** Networks of one family: lines, lengths of masks and first addresses. */
class NetworkList {
  readonly line: Uint32Array;
  readonly prefix: Uint8Array;
  count = 0;

  constructor(most: number) {
    this.line = new Uint32Array(most);
    this.prefix = new Uint8Array(most);
  }

  add(line: number, prefix: number): number {
    this.line[this.count] = line;
    this.prefix[this.count] = prefix;
    return this.count++;
  }

  /** The longest masks first, then by line. */
  order(): Uint32Array {
    const start = new Uint32Array(130);
    for (let i = 0; i < this.count; i++) start[129 - this.prefix[i]!]!++;
    for (let p = 1; p < start.length; p++) start[p] = start[p]! + start[p - 1]!;
    const order = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) order[start[128 - this.prefix[i]!]!++] = i;
    return order;
  }
}

class Networks {
  readonly four: NetworkList;
  readonly address: Float64Array;
  readonly six: NetworkList;
  /** First addresses, and those behind the last. */
  readonly rows: Uint8Array;
  readonly holes: { line: number; value: number; mask: number }[] = [];

  constructor(count: number, sixes: number) {
    this.four = new NetworkList(count);
    this.address = new Float64Array(count);
    this.six = new NetworkList(sixes);
    this.rows = new Uint8Array(sixes * 2 * SIX_BYTES);
  }

  addFour(line: number, address: number, prefix: number): void {
    this.address[this.four.add(line, prefix)] = address;
  }

  addSix(line: number, bytes: ArrayLike<number>, prefix: number): void {
    this.rows.set(bytes, this.six.add(line, prefix) * SIX_BYTES);
  }
}

/** @throws ConfigError naming the first line that is no network */
export function createNetworks(entries: MapEntries, name: string | null): NetworkData {
  const keys = keysOf(entries);
  const networks = new Networks(keys.count, countSixes(keys));
  for (let i = 0; i < keys.count; i++) addLine(networks, keys, i, name);
  return { ...fourData(networks), ...sixData(networks), ...holeData(networks) };
}

const COLON = 58;

/** How many keys may be IPv6: those with a colon. */
function countSixes({ bytes, from, until, count }: Slices): number {
  let sixes = 0;
  for (let i = 0; i < count; i++) {
    for (let at = from[i]!; at < until[i]!; at++) {
      if (bytes[at] !== COLON) continue;
      sixes++;
      break;
    }
  }
  return sixes;
}

function addLine(networks: Networks, keys: Slices, line: number, name: string | null): void {
  switch (readPlain(keys.bytes, keys.from[line]!, keys.until[line]!)) {
    case NetworkForm.Four:
      networks.addFour(line, plain.address, plain.prefix);
      return;
    case NetworkForm.Six:
      networks.addSix(line, plain.bytes, plain.prefix);
      return;
  }
  const text = textOf(keys, line);
  // Forms that a resolver would complete, such as `10.1`, are for ACLs.
  const isWhole = text.includes(':') || /^[0-9]+(\.[0-9]+){3}(\/|$)/.test(text);
  const net = isWhole ? parseNetwork(text) : null;
  if (net === null) {
    throw lineError(`'${text}' is not a valid IPv4 or IPv6 address`, keys, line, name);
  }
  const prefix = prefixLength(net.mask);
  if (net.bytes.length === SIX_BYTES) networks.addSix(line, net.bytes, prefix);
  else if (prefix >= 0) networks.addFour(line, readNumber(net.bytes), prefix);
  else networks.holes.push({ line, value: readNumber(net.bytes), mask: readNumber(net.mask) });
}

function linesOfOwners({ owner }: Segments, list: NetworkList): Int32Array {
  const lines = createInts(owner.length);
  for (let i = 0; i < owner.length; i++) lines[i] = owner[i]! < 0 ? -1 : list.line[owner[i]!]!;
  return lines;
}

function fourData({ four, address }: Networks): Pick<NetworkData, 'from4' | 'entry4'> {
  const low = address.subarray(0, four.count);
  const end = low.map((first, i) => first + 2 ** (32 - four.prefix[i]!));
  const segments = createSegments(low, end, four.order());
  // What would begin behind the last address cannot be asked for.
  const { from } = segments;
  const count = from.at(-1) === FOUR_END ? from.length - 1 : from.length;
  const from4 = createWords(count);
  from4.set(from.subarray(0, count));
  return { from4, entry4: linesOfOwners(segments, four).subarray(0, count) };
}

/** Bounds of 16 bytes are put in order, and their places stand for them. */
function sixData({ six, rows }: Networks): Pick<NetworkData, 'from6' | 'entry6'> {
  const { count } = six;
  const low = new Float64Array(count);
  const end = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const overflows = putEnd(rows, i * SIX_BYTES, (count + i) * SIX_BYTES, six.prefix[i]!);
    if (overflows) end[i] = Number.POSITIVE_INFINITY;
  }
  const order = orderRows(rows, count * 2);
  let rank = 0;
  const rowOfRank = new Uint32Array(count * 2);
  order.forEach((row, i) => {
    const before = order[i - 1];
    if (before !== undefined && compareRows(rows, before, row) !== 0) rank++;
    rowOfRank[rank] = row;
    if (row < count) low[row] = rank;
    else if (end[row - count] !== Number.POSITIVE_INFINITY) end[row - count] = rank;
  });
  const segments = createSegments(low, end, six.order());
  const kept = segments.from.filter((place) => place !== Number.POSITIVE_INFINITY);
  const from6 = createBytes(kept.length * SIX_BYTES);
  kept.forEach((place, i) => {
    const at = rowOfRank[place]! * SIX_BYTES;
    from6.set(rows.subarray(at, at + SIX_BYTES), i * SIX_BYTES);
  });
  return { from6, entry6: linesOfOwners(segments, six).subarray(0, kept.length) };
}

/** Writes the address behind the last one of a network. @returns whether there is none. */
function putEnd(rows: Uint8Array, from: number, to: number, prefix: number): boolean {
  rows.copyWithin(to, from, from + SIX_BYTES);
  if (prefix === 0) return true;
  let carry = 1 << ((128 - prefix) % 8);
  for (let at = to + ((prefix - 1) >> 3); at >= to && carry > 0; at--) {
    const sum = rows[at]! + carry;
    rows[at] = sum & 255;
    carry = sum >> 8;
  }
  return carry > 0;
}

function orderRows(rows: Uint8Array, count: number): Uint32Array {
  // Most comparisons are decided by the first six bytes, which fit a number.
  const heads = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 6; k++) heads[i] = heads[i]! * 256 + rows[i * SIX_BYTES + k]!;
  }
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  return order.sort((a, b) => heads[a]! - heads[b]! || compareRows(rows, a, b));
}

function compareRows(rows: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < SIX_BYTES; i++) {
    const difference = rows[a * SIX_BYTES + i]! - rows[b * SIX_BYTES + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function holeData({ holes }: Networks): Pick<NetworkData, 'value4' | 'mask4' | 'holeEntry'> {
  return {
    value4: Uint32Array.from(holes, (hole) => hole.value),
    mask4: Uint32Array.from(holes, (hole) => hole.mask),
    holeEntry: Uint32Array.from(holes, (hole) => hole.line),
  };
}
