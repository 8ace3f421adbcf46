import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../base/config-error.ts';
import { createRegex } from './regex.ts';

describe('4.4 replace-header: PCRE expressions mean in JavaScript what they meant', () => {
  const matches: [string, string, string | null][] = [
    ['[[:alpha:]]+', '12ab3', 'ab'],
    ['[^[:digit:][:space:]]+', '1 \tab_', 'ab_'],
    ['[[:^digit:]]+', '12ab3', 'ab'],
    ['[]a]+', 'x]a]', ']a]'],
    ['[^]a]+', ']xa', 'x'],
    ['[a[]+', 'x[a', '[a'],
    ['[\\w-]+', '.a-b.', 'a-b'],
    ['\\Aab\\z', 'ab', 'ab'],
    ['\\Qa.b\\E+', 'a.bb', 'a.bb'],
    ['\\Qa.b\\E', 'axb', null],
    ['a\\x2eb', 'a.b', 'a.b'],
    ['a\\x{2e}b', 'a.b', 'a.b'],
    ['a\\056b', 'a.b', 'a.b'],
    ['[\\056]', '.', '.'],
    ['(?P<q>a)(?P=q)', 'aa', 'aa'],
    ["(?'q'a)\\k{q}", 'aa', 'aa'],
    ['(a)\\g{1}0', 'aa0', 'aa0'],
    ['(a)(?#note)b', 'ab', 'ab'],
    ['(?i)AB', 'xab', 'ab'],
    ['A(?i:B)', 'abAbAB', 'Ab'],
    ['\\s', '\xa0', null],
    ['\\S', '\xa0', '\xa0'],
    ['\\h', '\xa0', '\xa0'],
    ['a.b', 'a\rb', 'a\rb'],
    ['a.b', 'a\nb', null],
    ['(?s)a.b', 'a\nb', 'a\nb'],
    ['^b', 'a\nb', null],
    ['(?m)^b', 'a\nb', 'b'],
    ['a$', 'a\n', 'a'],
    ['a{2}', 'aa', 'aa'],
    ['a{,2}', 'a{,2}', 'a{,2}'],
    ['a{x', 'a{x', 'a{x'],
    ['a+?', 'aa', 'a'],
    ['(?<!x)a', 'xaa', 'a'],
    ['\\/\\-\\_\\"\\%', '/-_"%', '/-_"%'],
    ['\xe9', 'caf\xe9', '\xe9'],
    ['', 'x', ''],
  ];
  for (const [source, subject, expected] of matches) {
    test(`${source} on ${JSON.stringify(subject)}`, () => {
      expect(createRegex(source).exec(subject)?.[0] ?? null).toBe(expected);
    });
  }
  const refused: [string, string][] = [
    ['(', 'missing closing parenthesis'],
    ['a)', 'unmatched closing parenthesis'],
    ['[', 'missing terminating ] for character class'],
    ['[[:foo:]]', 'unknown POSIX class name'],
    ['*', 'is invalid'],
    ['a\\', '\\ at end of pattern'],
    ['a++', 'is not supported yet by sluice'],
    ['a{2}+', 'is not supported yet by sluice'],
    ['(?>a)', 'is not supported yet by sluice'],
    ['(?|a)', 'is not supported yet by sluice'],
    ['(?R)', 'is not supported yet by sluice'],
    ['(?(1)a)', 'is not supported yet by sluice'],
    ['(*ANY)a', 'is not supported yet by sluice'],
    ['a\\Kb', 'is not supported yet by sluice'],
    ['\\Ga', 'is not supported yet by sluice'],
    ['\\pL', 'is not supported yet by sluice'],
    ['a(?i)b', 'is not supported yet by sluice'],
    ['(?x)a', 'is not supported yet by sluice'],
    ['\\x{100}', 'is not supported yet by sluice'],
  ];
  for (const [source, reason] of refused) {
    test(`refused: ${source}`, () => {
      expect(() => createRegex(source)).toThrow(ConfigError);
      expect(() => createRegex(source)).toThrow(reason);
    });
  }
  test('-i ignores the case', () => {
    expect(createRegex('ab', true).test('AB')).toBe(true);
    expect(createRegex('ab').test('AB')).toBe(false);
  });
});
