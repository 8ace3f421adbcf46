import { describe, expect, test } from 'bun:test';
import { mem, reserve } from '../../sys/arena.ts';
import { Sample, SampleType } from '../sample.ts';
import { createAddresses } from './address.ts';
import { createPrefixes, createSuffixes } from './affix.ts';
import { createExact } from './exact.ts';
import { createIntegers } from './integer.ts';
import type { Pattern } from './pattern.ts';
import { createDirectories, createDomains } from './segment.ts';
import { createSubstrings } from './substring.ts';

const room = reserve(4096);
const sample = new Sample();

function text(value: string): Sample {
  const bytes = Buffer.from(value, 'latin1');
  mem.set(bytes, room);
  sample.reset();
  sample.setStr(room, bytes.length);
  return sample;
}

// Words over a small alphabet collide, nest and repeat; the seed is printed on failure.
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

interface TextMatch {
  name: string;
  create: (patterns: readonly string[], ignoreCase: boolean) => Pattern;
  /** What the manual says, in the plainest way. */
  model: (value: string, pattern: string) => boolean;
}

function segmentModel(delimiters: string) {
  const isEdge = (char: string | undefined) => char === undefined || delimiters.includes(char);
  return (value: string, pattern: string) => {
    let inner = pattern;
    while (inner !== '' && delimiters.includes(inner[0]!)) inner = inner.slice(1);
    while (inner !== '' && delimiters.includes(inner.at(-1)!)) inner = inner.slice(0, -1);
    if (inner === '') return false;
    for (let at = value.indexOf(inner); at >= 0; at = value.indexOf(inner, at + 1)) {
      if (isEdge(value[at - 1]) && isEdge(value[at + inner.length])) return true;
    }
    return false;
  };
}

const matches: TextMatch[] = [
  { name: 'str', create: createExact, model: (value, pattern) => value === pattern },
  { name: 'beg', create: createPrefixes, model: (value, pattern) => value.startsWith(pattern) },
  { name: 'end', create: createSuffixes, model: (value, pattern) => value.endsWith(pattern) },
  { name: 'sub', create: createSubstrings, model: (value, pattern) => value.includes(pattern) },
  { name: 'dir', create: createDirectories, model: segmentModel('/?') },
  { name: 'dom', create: createDomains, model: segmentModel('./:?') },
];

describe.each(matches)('7.1.3: -m $name', ({ create, model }) => {
  test.each([1, 2, 5, 30, 300])('agrees with its definition for %i patterns', (count) => {
    const seed = 7919 * count;
    const random = createRandom(seed);
    const word = (max: number) =>
      Array.from({ length: random(max) }, () => 'aAb./:?'[random(7)]!).join('');
    for (let round = 0; round < 20; round++) {
      const ignoreCase = round % 2 === 1;
      const fold = (value: string) => (ignoreCase ? value.toLowerCase() : value);
      const patterns = Array.from({ length: count }, () => word(count > 20 ? 9 : 4));
      const compiled = create(patterns, ignoreCase);
      for (let i = 0; i < 50; i++) {
        const value = word(12);
        const expected = patterns.some((pattern) => model(fold(value), fold(pattern)));
        expect(
          compiled.matches(text(value)),
          `seed ${seed}, "${value}" in ${JSON.stringify(patterns)}`,
        ).toBe(expected);
      }
    }
  });
});

test('7.1.2: integers, ranges and operators in any number', () => {
  const check = (patterns: string[], inside: number[], outside: number[]) => {
    const compiled = createIntegers(patterns, false, false);
    const holds = (value: number) => {
      sample.reset();
      sample.setInt(value);
      return compiled.matches(sample);
    };
    for (const value of inside) expect(holds(value), `${value} in ${patterns}`).toBe(true);
    for (const value of outside) expect(holds(value), `${value} in ${patterns}`).toBe(false);
  };
  check(['5'], [5], [4, 6, -5]);
  check(['1:3', '10:', '5'], [1, 3, 5, 10, 1e12], [0, 4, 9]);
  check([':-1', '7'], [-1, -1e12, 7], [0, 6]);
  check(['gt', '5', '9'], [6, 9, 10], [5]);
  check(['ge', '5', 'lt', '2'], [5, 1, -7], [2, 4]);
  check(['eq', '3', 'le', '1'], [3, 1, 0], [2, 4]);
  check(
    Array.from({ length: 1000 }, (_, i) => String(i * 2)),
    [0, 500, 1998],
    [1, 999, 2000],
  );
});

test('7.1.2: dotted numbers are two integers', () => {
  const compiled = createIntegers(['3:3.1'], false, true);
  const holds = (major: number, minor: number) => {
    sample.reset();
    sample.setInt(major * 65536 + minor);
    return compiled.matches(sample);
  };
  expect([holds(3, 0), holds(3, 1), holds(3, 2), holds(2, 9)]).toEqual([true, true, false, false]);
});

test('7.1.6: many networks are one search', () => {
  const patterns: string[] = [];
  for (let i = 0; i < 256; i++) patterns.push(`10.${i}.0.0/17`, `2001:db8:${i.toString(16)}::/48`);
  patterns.push('10.0.0.0/9');
  const compiled = createAddresses(patterns);
  const v4 = (a: number, b: number, c: number, d: number) => {
    sample.reset();
    sample.type = SampleType.Ipv4;
    sample.num = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    return compiled.matches(sample);
  };
  expect(v4(10, 5, 127, 255)).toBe(true);
  expect(v4(10, 5, 128, 0)).toBe(true);
  expect(v4(10, 200, 127, 255)).toBe(true);
  expect(v4(10, 200, 128, 0)).toBe(false);
  expect(v4(9, 255, 255, 255)).toBe(false);
  const v6 = (last: number, third: number) => {
    mem.fill(0, room, room + 16);
    mem.set([0x20, 0x01, 0x0d, 0xb8, third >> 8, third & 255], room);
    mem[room + 15] = last;
    sample.reset();
    sample.type = SampleType.Ipv6;
    sample.off = room;
    sample.len = 16;
    return compiled.matches(sample);
  };
  expect(v6(1, 0x7f)).toBe(true);
  expect(v6(1, 0x100)).toBe(false);
});

test('7.1: a list of a hundred thousand patterns is searched, not scanned', () => {
  const patterns = Array.from({ length: 100_000 }, (_, i) => `host-${i * 7}.example.com`);
  for (const create of [createExact, createPrefixes, createSuffixes, createDomains]) {
    const compiled = create(patterns, false);
    expect(compiled.matches(text('host-699993.example.com'))).toBe(true);
    expect(compiled.matches(text('host-1.example.org'))).toBe(false);
    text('host-350001.example.com');
    const start = Bun.nanoseconds();
    for (let i = 0; i < 2000; i++) compiled.matches(sample);
    // A scan would take a hundred times longer than this generous bound.
    expect((Bun.nanoseconds() - start) / 2000).toBeLessThan(20_000);
  }
});
