/**
 * Both engines give a regular expression one meaning: what JavaScript's engine takes at all, it
 * matches as libpcre2-8 does, with the same groups.
 */
import { describe, expect, test } from 'bun:test';
import { mem, reserve } from '../../sys/arena.ts';
import { Pcre2Error, pcre2 } from '../../sys/pcre2.ts';
import { createJavaScriptRegex } from './javascript.ts';
import { createPcre2Regex } from './pcre2.ts';
import { RandomRegex } from './random-regex.ts';
import { found, type Regex, type RegexOptions } from './regex-type.ts';
import { BeyondJavaScript, SyntaxFault } from './syntax.ts';

const library = pcre2();
const area = reserve(4096);

function put(subject: string): number {
  mem.set(Buffer.from(subject, 'latin1'), area);
  return subject.length;
}

/** The places of the groups that took part, or null: no match. */
function search(regex: Regex, subject: string, isRest = false): string | null {
  const len = put(subject);
  expect(regex.test(area, len)).toBe(regex.find(area, len, false));
  if (!regex.find(area, len, isRest)) return null;
  return Array.from(found.starts, (from, group) => `${from}-${found.ends[group]}`).join(' ');
}

/** What the first match is, as text. */
function matched(regex: Regex, subject: string): string | null {
  return regex.find(area, put(subject), false)
    ? subject.slice(found.starts[0], found.ends[0])
    : null;
}

const plain: RegexOptions = { ignoreCase: false, plainGroups: false };

const engines: [string, (source: string, options: RegexOptions) => Regex][] = [
  ['javascript', createJavaScriptRegex],
];
if (library !== null) {
  engines.push(['pcre2', (source, options) => createPcre2Regex(library, source, options)]);
}

/** Expression, subject, what the first match is. */
const meanings: readonly (readonly [string, string, string | null])[] = [
  ['[[:alpha:]]+', '12ab3', 'ab'],
  ['[^[:digit:][:space:]]+', '1 \tab_', 'ab_'],
  ['[[:^digit:]]+', '12ab3', 'ab'],
  ['[]a]+', 'x]a]', ']a]'],
  ['[^]a]+', ']xa', 'x'],
  ['[a[]+', 'x[a', '[a'],
  ['[\\w-]+', '.a-b.', 'a-b'],
  ['[a-]+', '.a-b.', 'a-'],
  ['[\\Q]^\\E]+', 'a]^', ']^'],
  ['\\Aab\\z', 'ab', 'ab'],
  ['\\Qa.b\\E+', 'a.bb', 'a.bb'],
  ['\\Qa.b\\E', 'axb', null],
  ['\\Q\\Ea\\E', 'a', 'a'],
  ['\\Qa*', 'aa*', 'a*'],
  ['a\\x2eb', 'a.b', 'a.b'],
  ['a\\x{2e}b', 'a.b', 'a.b'],
  ['a\\o{56}b', 'a.b', 'a.b'],
  ['a\\056b', 'a.b', 'a.b'],
  ['[\\056]', '.', '.'],
  ['\\cA\\e\\a', '\x01\x1b\x07', '\x01\x1b\x07'],
  ['(?P<q>a)(?P=q)', 'aa', 'aa'],
  ["(?'q'a)\\k{q}", 'aa', 'aa'],
  ['(?<q>a)\\g{q}', 'aa', 'aa'],
  ['(a)\\g{1}0', 'aa0', 'aa0'],
  ['(a)(b)\\g{-2}', 'aba', 'aba'],
  ['(a)(?#note)b', 'ab', 'ab'],
  ['a(?#note)+', 'aa', 'aa'],
  ['(?i)AB', 'xab', 'ab'],
  ['A(?i:B)', 'abAbAB', 'Ab'],
  ['a(?i)b|c', 'C', 'C'],
  ['(a(?i)b)c', 'aBC', null],
  ['(?i)a(?-i)b', 'aBAb', 'Ab'],
  ['(?i)[^a]', 'Ab', 'b'],
  ['(?i)[b-d]+', 'BCD', 'BCD'],
  ['(?i)\xe9', '\xc9', null],
  ['(?x) a b # note\n c', 'abc', 'abc'],
  ['(?x)a +', 'aaa', 'aaa'],
  ['(?xx)[a b]+', 'a b', 'a'],
  ['(?s-i:a.)', 'a\n', 'a\n'],
  ['(?^i)A', 'a', 'a'],
  ['\\s', '\xa0', null],
  ['\\s', '\x0b', '\x0b'],
  ['\\S', '\xa0', '\xa0'],
  ['\\w', '\xe9', null],
  ['\\b\\w', '\xe9a', 'a'],
  ['\\h', '\xa0', '\xa0'],
  ['\\H', '\xa0b', 'b'],
  ['\\v', '\x85', '\x85'],
  ['\\N+', 'ab\nc', 'ab'],
  ['a.b', 'a\rb', 'a\rb'],
  ['a.b', 'a\nb', null],
  ['(?s)a.b', 'a\nb', 'a\nb'],
  ['^b', 'a\nb', null],
  ['(?m)^b', 'a\nb', 'b'],
  ['(?m)^$', 'a\n', null],
  ['(?m)a$', 'a\nb', 'a'],
  ['(?m)\\Ab', 'a\nb', null],
  ['a$', 'a\n', 'a'],
  ['a\\Z', 'a\n', 'a'],
  ['a\\z', 'a\n', null],
  ['a{2}', 'aa', 'aa'],
  ['a{x', 'a{x', 'a{x'],
  ['a{', 'a{', 'a{'],
  ['a+?', 'aa', 'a'],
  ['a{1,3}?', 'aa', 'a'],
  ['(?<!x)a', 'xaa', 'a'],
  ['(?<=ab|c)d', 'abd', 'd'],
  ['(?>a+)a', 'aaa', null],
  ['(?>a|ab)c', 'abc', null],
  ['a++b', 'aab', 'aab'],
  ['a++a', 'aab', null],
  ['a?+a', 'a', null],
  ['a{1,2}+a', 'aa', null],
  ['a\\Kb', 'ab', 'b'],
  ['a\\Kb|c', 'c', 'c'],
  ['a\\Kb\\Kc', 'abc', 'c'],
  ['(?|a(b)|c(d))e', 'cde', 'cde'],
  ['\\/\\-\\"\\%', '/-"%', '/-"%'],
  ['\xe9', 'caf\xe9', '\xe9'],
  ['', 'x', ''],
  ['|a', 'a', ''],
  ['[\\b]', '\b', '\b'],
];

/** Expression, subject, the text of \0 to the last group; `-` for one that took no part. */
const captures: readonly (readonly [string, string, string | null])[] = [
  ['(?|a(b)|c(d))(e)', 'cde', 'cde d e'],
  ['(?|a(b)(x)|c(d))(e)', 'cde', 'cde d - e'],
  ['(?|(a)|(b)(c))(d)\\3', 'add', 'add a - d'],
  ['(a)\\g{-1}(b)', 'aab', 'aab a b'],
  ['(a)(b)\\g-1', 'abb', 'abb a b'],
  ['(a)\\g1', 'aa', 'aa a'],
  ['(a(?<n>b))\\k<n>', 'abb', 'abb ab b'],
  ['(?n)(a)(?<n>b)', 'ab', 'ab b'],
  ['(?:(?n)(a))(b)', 'ab', 'ab b'],
  ['(a){3}', 'aaa', 'aaa a'],
  ['(a|b){2,3}?', 'abab', 'ab b'],
  ['((a)b)+', 'abab', 'abab ab a'],
  ['(?=(a)b)a', 'ab', 'a a'],
  ['(?>(a|ab))b', 'ab', 'ab a'],
  ['(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10', 'abcdefghijj', 'abcdefghijj a b c d e f g h i'],
  ['(a)(b)(c)(d)(e)(f)(g)(h)(i)\\9', 'abcdefghii', 'abcdefghii a b c d e f g h i'],
];

/** Classes, quotations and flags where they meet; as `meanings`. */
const odd: readonly (readonly [string, string, string | null])[] = [
  ['[\\Qa\\E-c]', 'b', 'b'],
  ['[a\\E]+', 'a-c', 'a'],
  ['[^\\n]', '\na', 'a'],
  ['[\\x41-\\x43]+', 'DBA', 'BA'],
  ['[\\101]', 'A', 'A'],
  ['[\\o{101}]', 'A', 'A'],
  ['[a\\]]+', 'a]', 'a]'],
  ['[a-a]+', 'baa', 'aa'],
  ['[\\a\\e\\f\\n\\r\\t]+', 'x\x07\x1b\f\n\r\t', '\x07\x1b\f\n\r\t'],
  ['[[:^digit:]x]+', '1ax', 'ax'],
  ['(?i)[[:upper:]]', 'a', 'a'],
  ['(?i)[[:^lower:]]', 'A1', '1'],
  ['(?xx)[a\tb ]+', 'a\tb', 'a'],
  ['(?x)[a b]+', 'a b', 'a b'],
  ['(?xx-x)a b', 'a b', 'a b'],
  ['(?x:a b)c d', 'abc d', 'abc d'],
  ['(?x)a#b\nc', 'ac', 'ac'],
  ['(?x)a\\ b', 'a b', 'a b'],
  ['(?x)\\Qa b\\E', 'a b', 'a b'],
  ['(?s)(?-s).', '\na', 'a'],
  ['(?m)(?-m)^a', 'b\na', null],
  ['(?i)(?^)A', 'a', null],
  ['(?i:a(?-i)b)C', 'AbC', 'AbC'],
  ['(?#)a', 'a', 'a'],
  ['a{0}b', 'ab', 'b'],
  ['a{0,1}b', 'aab', 'ab'],
  ['a{2,}', 'aaa', 'aaa'],
  ['a{65535}', 'a', null],
  ['a*?b', 'aab', 'aab'],
  ['}a]', '}a]', '}a]'],
  ['{', '{', '{'],
  ['\\.\\*\\?', '.*?', '.*?'],
  ['\\B', 'a', null],
  ['(?=a)(?!ab)a', 'abac', 'a'],
  ['(?<=a{2})b', 'ab aab', 'b'],
  ['(?<=^)a', 'ba', null],
  ['(?<=\\ba)b', 'aab ab', 'b'],
  ['(?<=[ab]c|de)f', 'cf bcf', 'f'],
  ['\\Qa\\Eb', 'ab', 'ab'],
  ['a\\Q\\Eb', 'ab', 'ab'],
  ['\\Qa(\\E(b)', 'a(b', 'a(b'],
  ['\\Qab', 'ab', 'ab'],
  ['a\\Q', 'a', 'a'],
  ['\\Q^\\E', 'a^', '^'],
  ['\\xff', '\xff', '\xff'],
  ['[\\xfe-\\xff]', '\xff', '\xff'],
  ['[\\x00-\\xff]', '\n', '\n'],
  ['[^a-y]', 'az', 'z'],
  ['(?:ab){2}c', 'ababc', 'ababc'],
  ['(?:a?){3}b', 'aab', 'aab'],
];

const captured = (regex: Regex, subject: string): string | null => {
  if (!regex.find(area, put(subject), false)) return null;
  const texts = Array.from(found.starts, (from, group) =>
    from < 0 ? '-' : subject.slice(from, found.ends[group]),
  );
  return texts.join(' ').replace(/( -)+$/, '');
};

for (const [name, create] of engines) {
  describe(`pcre2pattern(3): expressions mean on ${name} what they mean to PCRE2`, () => {
    for (const [source, subject, expected] of meanings) {
      test(`${JSON.stringify(source)} on ${JSON.stringify(subject)}`, () => {
        expect(matched(create(source, plain), subject)).toBe(expected);
      });
    }

    for (const [source, subject, expected] of captures) {
      test(`${JSON.stringify(source)} captures of ${JSON.stringify(subject)}`, () => {
        expect(captured(create(source, plain), subject)).toBe(expected);
      });
    }

    for (const [source, subject, expected] of odd) {
      test(`${JSON.stringify(source)} on ${JSON.stringify(subject)}`, () => {
        expect(matched(create(source, plain), subject)).toBe(expected);
      });
    }

    test('-i ignores the case of ASCII letters', () => {
      expect(matched(create('ab', { ...plain, ignoreCase: true }), 'xAB')).toBe('AB');
      expect(matched(create('\xe9', { ...plain, ignoreCase: true }), '\xc9')).toBeNull();
      expect(matched(create('ab', plain), 'AB')).toBeNull();
    });

    test('groups that are not read capture nothing and cannot be referred to', () => {
      expect(search(create('(a)(?<n>b)', { ...plain, plainGroups: true }), 'ab')).toStartWith(
        '0-2 1-2 -1--1',
      );
      expect(() => create('(a)\\1', { ...plain, plainGroups: true })).toThrow(
        'reference to non-existent subpattern',
      );
    });

    test('the rest of a text does not begin at ^, and does at \\A', () => {
      expect(search(create('^a', plain), 'a', true)).toBeNull();
      expect(search(create('(?m)^a', plain), 'a\na', true)).toStartWith('2-3 ');
      expect(search(create('\\Aa', plain), 'a', true)).toStartWith('0-1 ');
      expect(search(create('a', plain), 'a', true)).toStartWith('0-1 ');
    });

    test('ten groups are reported', () => {
      const regex = create('(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)', plain);
      expect(search(regex, 'abcdefghijk')).toBe('0-11 0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8 8-9');
      // Nothing stays of a match before.
      expect(search(create('(a)?b', plain), 'b')).toBe(`0-1${' -1--1'.repeat(9)}`);
    });

    for (const [source, reason] of [
      ['(', 'missing closing parenthesis'],
      ['(a', 'missing closing parenthesis'],
      ['a)', 'unmatched closing parenthesis'],
      ['[', 'missing terminating ] for character class'],
      ['[[:foo:]]', 'unknown POSIX class name'],
      ['[[.a.]]', 'POSIX collating elements are not supported'],
      ['*', 'quantifier does not follow a repeatable item'],
      ['a|+', 'quantifier does not follow a repeatable item'],
      ['a**', 'quantifier does not follow a repeatable item'],
      ['a\\', '\\ at end of pattern'],
      ['a{2,1}', 'numbers out of order in {} quantifier'],
      ['a{70000}', 'number too big in {} quantifier'],
      ['[b-a]', 'range out of order in character class'],
      ['(a)\\2', 'reference to non-existent subpattern'],
      ['\\x{100}', 'character code point value in \\x{} or \\o{} is too large'],
      ['(?#', 'missing ) after (?# comment'],
      ['a{1,70000}', 'number too big in {} quantifier'],
      ['{2}', 'quantifier does not follow a repeatable item'],
      ['a{2}{3}', 'quantifier does not follow a repeatable item'],
      ['(a)\\g{-2}', 'reference to non-existent subpattern'],
      ['(a)\\g{+1}', 'reference to non-existent subpattern'],
      [`${'('.repeat(251)}a${')'.repeat(251)}`, 'parentheses are too deeply nested'],
      ['[\\400]', 'octal value is greater than \\377'],
    ] as const) {
      test(`refused: ${source}`, () => {
        expect(() => create(source, plain)).toThrow(reason);
      });
    }
  });
}

test('what only PCRE2 can do is refused where it is missing, never approximated', () => {
  const beyond = [
    '(?R)',
    '(a)(?1)',
    '(?(?=a)b)',
    '(*ANY)a',
    '\\Ga',
    '\\X',
    '\\C',
    '\\R',
    '(?J)a',
    '\\x',
  ];
  beyond.push('(?:(a)|b)*', '(|a)*', '(a*)?b', '(?<=(a))b', '(?<=a+)b', '(a)?\\1', '(?i)(a)\\1');
  beyond.push('a{,2}', '\\p{L}', '[\\pL]', '(?=a)*', '(?:a\\Kb)*', '(?&n)', '(?U)a+');
  beyond.push(
    '(a)\\11',
    '\\g{0}',
    '\\k<n>(?<n>a)',
    '(?<n>a)(?<n>b)',
    '(?^-i)a',
    '[[:<:]]',
    '[:alpha:]',
  );
  beyond.push(
    '[\\d-z]',
    '[a-\\d]',
    '(?xx)[a- b]',
    '[a-\\Qb\\E]',
    '[a\\E-c]',
    '(?xx)[a -c]',
    '[\\d\\Q\\E-c]',
    'a{2}(?#c)+',
    '\\b+',
    '\\K+',
    '\\q',
  );
  beyond.push('(?=a\\K)', '(?<=\\1)(a)', '[[:alpha]', '\\N{U+41}', '(?<=(?>a))b', '\\l');
  beyond.push(
    '(?<=x(?:a|bc))d',
    '(?<=a{1,2})b',
    '(?<=a*)b',
    '(a)(?<=\\1)b',
    '(?:(?:(a)|b)c)+',
    '(a)?\\1',
  );
  beyond.push('(?:(?:(a)?b)c){2}', '(?:a?b?)*', '(?!(a))\\1', '(?|(a)|(b))\\1', '(?:(a)){0,1}\\1');
  for (const source of beyond) {
    expect(() => createJavaScriptRegex(source, plain), source).toThrow(BeyondJavaScript);
  }
});

/** Both engines on one expression; '' when they agree, or only PCRE2 can do it. */
function compareEngines(source: string, options: RegexOptions, subjects: string[]): string {
  let theirs: Regex | Error;
  let ours: Regex | Error;
  try {
    theirs = createPcre2Regex(library!, source, options);
  } catch (problem) {
    expect(problem).toBeInstanceOf(Pcre2Error);
    theirs = problem as Error;
  }
  try {
    ours = createJavaScriptRegex(source, options);
  } catch (problem) {
    if (problem instanceof BeyondJavaScript) return '';
    if (!(problem instanceof SyntaxFault)) throw problem;
    ours = problem;
  }
  if (theirs instanceof Error || ours instanceof Error) {
    if (theirs instanceof Error && ours instanceof Error) return '';
    return `pcre2: ${theirs instanceof Error ? theirs.message : 'valid'}, javascript: ${
      ours instanceof Error ? ours.message : 'valid'
    }`;
  }
  for (const subject of subjects) {
    for (const isRest of [false, true]) {
      const a = search(theirs, subject, isRest);
      const b = search(ours, subject, isRest);
      if (a !== b) return `on ${JSON.stringify(subject)} pcre2: ${a}, javascript: ${b}`;
    }
  }
  return 'same';
}

test.skipIf(library === null)('random expressions are the same on both engines', () => {
  const rounds = 4000 * Number(process.env['SLUICE_FUZZ_FACTOR'] ?? 1);
  const first = Number(process.env['SLUICE_FUZZ_SEED'] ?? 1);
  let same = 0;
  for (let seed = first; seed < first + rounds; seed++) {
    const random = new RandomRegex(seed);
    const source = random.expression();
    const options = { ignoreCase: random.below(3) === 0, plainGroups: random.below(3) === 0 };
    const subjects = Array.from({ length: 8 }, () => random.subject());
    const result = compareEngines(source, options, subjects);
    if (result === 'same') same++;
    else if (result !== '') {
      throw new Error(
        `seed ${seed}: ${JSON.stringify(source)} ${JSON.stringify(options)} ${result}`,
      );
    }
  }
  // Most of what is valid is in JavaScript's power: the comparison is about something.
  expect(same).toBeGreaterThan(rounds / 4);
});
