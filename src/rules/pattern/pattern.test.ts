import { describe, expect, test } from 'bun:test';
import { mem, reserve } from '../../sys/arena.ts';
import { Sample, SampleType } from '../sample.ts';
import type { Pattern } from './pattern.ts';
import { mergeRanges } from './range-text.ts';
import { compileFile, compilePatterns, createPattern } from './table.ts';

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

function create(match: string, patterns: readonly string[], ignoreCase = false): Pattern {
  return createPattern(compilePatterns(match, patterns, ignoreCase));
}

interface TextMatch {
  name: string;
  /** What the manual says, in the plainest way. */
  model: (value: string, pattern: string) => boolean;
}

function segmentModel(delimiters: string) {
  const isEdge = (char: string | undefined) => char === undefined || delimiters.includes(char);
  return (value: string, pattern: string) => {
    let inner = pattern;
    while (inner !== '' && delimiters.includes(inner[0]!)) inner = inner.slice(1);
    while (inner !== '' && delimiters.includes(inner.at(-1)!)) inner = inner.slice(0, -1);
    // As in HAProxy.
    if (inner === '') return isEdge(value.at(-1));
    for (let at = value.indexOf(inner); at >= 0; at = value.indexOf(inner, at + 1)) {
      if (isEdge(value[at - 1]) && isEdge(value[at + inner.length])) return true;
    }
    return false;
  };
}

const matches: TextMatch[] = [
  { name: 'str', model: (value, pattern) => value === pattern },
  { name: 'beg', model: (value, pattern) => value.startsWith(pattern) },
  { name: 'end', model: (value, pattern) => value.endsWith(pattern) },
  { name: 'sub', model: (value, pattern) => value.includes(pattern) },
  { name: 'dir', model: segmentModel('/?') },
  { name: 'dom', model: segmentModel('./:?') },
];

describe.each(matches)('7.1.3: -m $name', ({ name, model }) => {
  test.each([1, 2, 5, 30, 300])('agrees with its definition for %i patterns', (count) => {
    const seed = 7919 * count;
    const random = createRandom(seed);
    const word = (max: number) =>
      Array.from({ length: random(max) }, () => 'aAb./:?'[random(7)]!).join('');
    for (let round = 0; round < 20; round++) {
      const ignoreCase = round % 2 === 1;
      const fold = (value: string) => (ignoreCase ? value.toLowerCase() : value);
      const patterns = Array.from({ length: count }, () => word(count > 20 ? 9 : 4));
      const compiled = create(name, patterns, ignoreCase);
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
    const compiled = create('int', patterns);
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
  const one = (3 << 16) + 1;
  expect(mergeRanges(['3:3.1'], true)).toEqual([[3 << 16, one]]);
});

test('7.1.6: many networks are one search', () => {
  const patterns: string[] = [];
  for (let i = 0; i < 256; i++) patterns.push(`10.${i}.0.0/17`, `2001:db8:${i.toString(16)}::/48`);
  patterns.push('10.0.0.0/9');
  const compiled = create('ip', patterns);
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
  /** The best of some runs: other work on the machine only ever adds to one. */
  const fastest = (compiled: Pattern) => {
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 20; run++) {
      const start = Bun.nanoseconds();
      for (let i = 0; i < 200; i++) compiled.matches(sample);
      best = Math.min(best, Bun.nanoseconds() - start);
    }
    return best;
  };
  for (const match of ['str', 'beg', 'end', 'dom']) {
    const many = create(match, patterns);
    const some = create(match, patterns.slice(0, 100));
    expect(many.matches(text('host-699993.example.com'))).toBe(true);
    expect(many.matches(text('host-1.example.org'))).toBe(false);
    text('host-350001.example.com');
    // A scan would take a thousand times longer.
    expect(fastest(many) / fastest(some), match).toBeLessThan(50);
  }
});

test('7.1.6: random networks and addresses agree with their definition', () => {
  const seed = 4711;
  const random = createRandom(seed);
  const byte = () => [0, 10, 127, 128, 255, random(256)][random(6)]!;
  for (let round = 0; round < 40; round++) {
    const networks = Array.from({ length: 1 + random(60) }, () => {
      const address = [byte(), byte(), byte(), byte()];
      return { address, prefix: [0, 1, 8, 9, 24, 31, 32][random(7)]! || 32 };
    });
    const compiled = create(
      'ip',
      networks.map(({ address, prefix }) => `${address.join('.')}/${prefix}`),
    );
    const number = (bytes: number[]) => bytes.reduce((value, one) => value * 256 + one, 0);
    for (let i = 0; i < 100; i++) {
      const asked = number([byte(), byte(), byte(), byte()]);
      const cut = (value: number, prefix: number) => Math.floor(value / 2 ** (32 - prefix));
      const expected = networks.some(
        ({ address, prefix }) => cut(number(address), prefix) === cut(asked, prefix),
      );
      sample.reset();
      sample.type = SampleType.Ipv4;
      sample.num = asked;
      expect(compiled.matches(sample), `seed ${seed}, ${asked} in round ${round}`).toBe(expected);
    }
  }
});

test('7.1.6: random IPv6 networks in all forms agree with their definition', () => {
  const seed = 815;
  const random = createRandom(seed);
  const groups = () => Array.from({ length: 8 }, () => [0, 0, 1, 0xdb8, 0xffff][random(5)]!);
  const written = (value: number[]) => {
    const plain = value.map((one) => one.toString(16)).join(':');
    return random(2) === 0 ? plain : plain.replace(/(^|:)0(:0)+(:|$)/, '::').toUpperCase();
  };
  const bits = (value: number[]) => value.map((one) => one.toString(2).padStart(16, '0')).join('');
  for (let round = 0; round < 40; round++) {
    const networks = Array.from({ length: 1 + random(40) }, () => ({
      address: groups(),
      prefix: [0, 1, 16, 31, 64, 127, 128, 128][random(8)]!,
    }));
    const compiled = create(
      'ip',
      networks.map(({ address, prefix }) => `${written(address)}/${prefix}`),
    );
    for (let i = 0; i < 100; i++) {
      const asked = random(2) === 0 ? groups() : networks[random(networks.length)]!.address;
      const expected = networks.some(
        ({ address, prefix }) => bits(address).slice(0, prefix) === bits(asked).slice(0, prefix),
      );
      asked.forEach((one, k) => {
        mem[room + k * 2] = one >> 8;
        mem[room + k * 2 + 1] = one & 255;
      });
      sample.reset();
      sample.type = SampleType.Ipv6;
      sample.off = room;
      sample.len = 16;
      expect(compiled.matches(sample), `seed ${seed}, ${asked} in round ${round}`).toBe(expected);
    }
  }
});

test.each([
  '::1::',
  ':1',
  '1:',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '::/129',
  '1::2/',
  '12345::',
])('7.1.6: %s is no network', (word) => {
  expect(() => compileFile('ip', Buffer.from(word), 'list', false, false)).toThrow('not a valid');
});

describe('2.7: pattern files', () => {
  const file = (match: string, content: string) =>
    compileFile(match, Buffer.from(content, 'latin1'), 'list', false, false);

  test('blanks in front, comment lines, empty lines and CR do not count', () => {
    const compiled = createPattern(file('str', '# one\n\n one\r\n\t#two\nthree'));
    const found = ['one', '#two', 'three', '# one', ''].map((value) =>
      compiled.matches(text(value)),
    );
    expect(found).toEqual([true, true, true, false, false]);
  });

  test('a NUL ends a pattern, as in HAProxy', () => {
    const compiled = createPattern(file('str', 'one\0x\nt\0wo\0\n\0\nthree\n'));
    const found = ['one', 't', 'three', '', 'one\0x'].map((value) => compiled.matches(text(value)));
    expect(found).toEqual([true, true, true, false, false]);
  });

  test.each([
    ['ip', '10.0.0.0/8\n\n10.0.0.256\n', "'10.0.0.256' is not a valid IPv4 or IPv6 address"],
    ['int', '1\n# x\ngt\n', "'gt' is not a number"],
    ['reg', 'a\n\n(\n', 'regex'],
    ['bin', '61\n\n6\n', 'an even number of hex digit is expected'],
  ])('a wrong line of -m %s is named', (match, content, message) => {
    expect(() => file(match, content)).toThrow(message);
    expect(() => file(match, content)).toThrow("at line 3 of file 'list'");
  });

  test('a large list lies in memory that threads share', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1`).join('\n');
    const data = file('ip', lines);
    expect(data.kind === 'ip' && data.addresses.low4.buffer).toBeInstanceOf(SharedArrayBuffer);
    const texts = file('str', lines);
    expect(texts.kind === 'str' && texts.texts.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});
