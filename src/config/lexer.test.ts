// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax
import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../base/config-error.ts';
import { Environment } from './environment.ts';
import { LexerError, lineWordsMax, markedLine, splitLine } from './lexer.ts';

const env = new Environment({
  S: 'one',
  L: 'a b  c',
  E: '',
  Q: 'a"b c',
  D: 'a$b\\c',
  PAD: ' x\ty ',
});
env.file = 'dir/f.cfg';
env.line = 7;
env.section = 'web';

function words(text: string): string[] {
  return splitLine(text, env).words;
}

function failure(text: string): LexerError {
  try {
    splitLine(text, env);
  } catch (error) {
    if (error instanceof LexerError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('words (2.1)', () => {
  test.each([
    ['', []],
    ['   \t ', []],
    ['# a comment', []],
    ['\tbind  :80\tname x ', ['bind', ':80', 'name', 'x']],
    ['global#this is the global section', ['global']],
    ['mode http # or tcp', ['mode', 'http']],
    ['bind :80\r', ['bind', ':80']],
    ['a\vb\fc\rd', ['a', 'b', 'c', 'd']],
    ['a "" b', ['a', '', 'b']],
    ["''", ['']],
  ])('%p', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test.each([
    ['a "$NO" b', ['a', 'b']],
    ['a "$NO" "$NO$NO" b', ['a', 'b']],
    ['"$NO" a', ['a']],
    ['a"$NO" b', ['a', 'b']],
    ['a b"$E" c', ['a', 'b', 'c']],
  ])('a variable that does not exist is no word in front of another: %p', (text, expected) => {
    expect(splitLine(text, env)).toEqual({ words: expected, empty: null });
  });

  test.each([
    ['  a "$E" b', 1, 5],
    ['a "${NO-}" b', 1, 3],
    ['a "${E[*]}" b', 1, 3],
    ['a b "$NO"', 2, 5],
    ['a "$NO$E" b', 1, 3],
    ['a "$NO"\'\' b', 1, 3],
  ])('%p has an empty word', (text, index, position) => {
    expect(splitLine(text, env).empty).toEqual({ index, position });
  });

  test('64 words are a line, 65 are not', () => {
    const line = Array.from({ length: lineWordsMax }, (_, i) => `w${i + 1}`).join(' ');
    expect(words(`${line}  # comment`)).toHaveLength(64);
    expect(() => words(`${line} more`)).toThrow(
      new ConfigError('too many words, truncating after word 64, position 244: <w64>.'),
    );
  });
});

describe('quoting and escaping (2.2)', () => {
  const same = ['log-format', '%{+Q}o %t %s %{-Q}r'];
  test.each([
    'log-format %{+Q}o\\ %t\\ %s\\ %{-Q}r',
    'log-format "%{+Q}o %t %s %{-Q}r"',
    "log-format '%{+Q}o %t %s %{-Q}r'",
    `log-format "%{+Q}o %t"' %s %{-Q}r'`,
    `log-format "%{+Q}o %t"' %s'\\ %{-Q}r`,
  ])('the five spellings of the manual are the same: %s', (text) => {
    expect(words(text)).toEqual(same);
  });

  // The matrix: each character unquoted, weakly quoted and strongly quoted.
  test.each([
    ['\t', ['\\\t', '\\x09', '\\t', '"\t"', '"\\\t"', '"\\x09"', "'\t'"]],
    ['\n', ['\\n', '\\x0a', '"\\n"', '"\\x0A"']],
    ['\r', ['\\r', '\\x0d', '"\\r"', '"\\x0d"']],
    [' ', ['\\ ', '\\x20', '" "', '"\\ "', '"\\x20"', "' '"]],
    ['"', ['\\"', '\\x22', '"\\""', '"\\x22"', "'\"'"]],
    ['#', ['\\#', '\\x23', '"#"', '"\\#"', '"\\x23"', "'#'"]],
    ['$', ['$', '\\x24', '"\\$"', '"\\x24"', "'$'"]],
    ["'", ["\\'", '\\x27', '"\'"', '"\\\'"', '"\\x27"']],
    ['\\', ['\\\\', '\\x5c', '"\\\\"', '"\\x5c"', "'\\'"]],
  ])('%p has all the spellings of the matrix', (character, spellings) => {
    for (const spelling of spellings) {
      expect([spelling, words(`x a${spelling}b y`)]).toEqual([
        spelling,
        ['x', `a${character}b`, 'y'],
      ]);
    }
  });

  test('a backslash in front of any other character stays', () => {
    expect(words('\\.(gif|png)$ "\\d\\1" \\$S a\\')).toEqual([
      '\\.(gif|png)$',
      '\\d\\1',
      '\\$S',
      'a\\',
    ]);
  });

  test('nothing is interpreted in single quotes', () => {
    expect(words(`'$S "\\n" # \\x41'`)).toEqual(['$S "\\n" # \\x41']);
  });

  test("the manual's regsub examples keep their inner quotes", () => {
    expect(words('p %[path,regsub(\\"(foo|bar)\\",blah,g)]')[1]).toBe(
      '%[path,regsub("(foo|bar)",blah,g)]',
    );
    expect(words(`p '%[path,regsub("^/(here)(/|$)","my/\\1",g)]'`)[1]).toBe(
      '%[path,regsub("^/(here)(/|$)","my/\\1",g)]',
    );
    for (const spelling of [
      `str("\\\\'foo\\\\'")`,
      `str(\\"\\'foo\\'\\")`,
      `str(\\\\\\'foo\\\\\\')`,
    ]) {
      expect(words(spelling)).toHaveLength(1);
    }
  });

  test.each([
    ['  maxconn "abc', 'unmatched quote', 11],
    ["  maxconn 'abc", 'unmatched quote', 11],
    ['a "b\\', 'unmatched quote', 3],
    ['a "b\' c', 'unmatched quote', 3],
    ['  maxconn \\x4', 'truncated or invalid hexadecimal sequence', 11],
    ['  maxconn ok\\xzz', 'truncated or invalid hexadecimal sequence', 13],
    ['.notice "a\\x4"', 'truncated or invalid hexadecimal sequence', 11],
    ['a \\x', 'truncated or invalid hexadecimal sequence', 3],
    ['a b\\x00c', 'NUL character is not supported in a word', 4],
  ])('%p is refused: %s at position %d', (text, what, position) => {
    const error = failure(text);
    expect(error.position).toBe(position);
    expect(error.message).toStartWith(`${what} at position ${position}:\n`);
  });
});

describe('environment variables (2.3)', () => {
  test.each([
    ['"$S"', ['one']],
    ['"${S}"', ['one']],
    ['"x${S}y$S-z"', ['xoneyone-z']],
    ['"$S$S${S}"', ['oneoneone']],
    ['"$Sx"', ['']],
    ['"$_X"', ['']],
    ['"$S.a"', ['one.a']],
    ['$S ${S}', ['$S', '${S}']],
    ["'$S'", ['$S']],
    ['"\\$S"', ['$S']],
    ['"$L"', ['a b  c']],
    ['"$Q$D"', ['a"b ca$b\\c']],
    ['a"$E"b', ['ab']],
    ['"${NO-def}"', ['def']],
    ['"${NO-}"', ['']],
    ['"${NO-a b}c"', ['a bc']],
    ['"${NO-$S}"', ['$S']],
    ['"${NO-a}b}"', ['ab}']],
    ['"${NO-a b[*]}"', ['a b[*]']],
    ['"$NO-a"', ['-a']],
  ])('%s', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test('a default replaces a variable that does not exist, not one that is empty', () => {
    expect(words('"${E-def}"')).toEqual(['']);
  });

  test.each([
    ['"${L[*]}"', ['a', 'b', 'c']],
    ['"x${L[*]}y" z', ['xa', 'b', 'cy', 'z']],
    ['"${S[*]}"', ['one']],
    ['"${PAD[*]}"', ['x', 'y']],
    ['"${NO[*]-a b}"', ['a', 'b']],
    ['m "${E[*]}" n', ['m', '', 'n']],
    ['m "${NO[*]}" n', ['m', 'n']],
    ['m "${NO[*]}"', ['m', '']],
    ['m "x${E[*]}y"', ['m', 'xy']],
    ['m "${L[*]}${S[*]}"', ['m', 'a', 'b', 'cone']],
  ])('%s expands to words', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test('pseudo-variables tell the place', () => {
    expect(words('"$.FILE:${.LINE}" "${.SECTION}"')).toEqual(['dir/f.cfg:7', 'web']);
    expect(words('"${.FILE-x}"')).toEqual(['dir/f.cfg']);
  });

  test.each([
    ['  maxconn "${FOO"', 'unmatched brace in environment variable name', 13],
    ['.notice "${NO-abc', 'unmatched brace in environment variable name', 11],
    ['.notice "${S.a}"', 'unmatched brace in environment variable name', 11],
    ['.notice "${S+x}"', 'unmatched brace in environment variable name', 11],
    ['.notice "${S[*}"', 'truncated or invalid word expansion sequence', 13],
    ['.notice "${S[0]}"', 'truncated or invalid word expansion sequence', 13],
    ['.notice "${1F}"', 'forbidden first char in environment variable name', 12],
    ['.notice "${}"', 'forbidden first char in environment variable name', 12],
    ['.notice "$1"', 'forbidden first char in environment variable name', 11],
    ['.notice "$"', 'forbidden first char in environment variable name', 11],
    ['.notice "${.FOO}"', 'forbidden first char in environment variable name', 12],
  ])('%s is refused', (text, what, position) => {
    expect(failure(text).message).toBe(
      `${what} at position ${position}:\n${markedLine(text, position)}`,
    );
  });
});

describe('the marked line of a message', () => {
  test('it has no indentation, blanks for tabs and ? for what cannot be printed', () => {
    expect(markedLine('\t  maxconn\t\t"abc', 13)).toBe('  maxconn  "abc\n           ^');
    expect(markedLine('  a\x01b\xe9 "c', 8)).toBe('  a?b? "c\n       ^');
  });

  test('a long line is cut behind column 80', () => {
    const [shown, mark] = markedLine(`"${'x'.repeat(120)}`, 1).split('\n');
    expect(shown).toBe(`  "${'x'.repeat(79)}`);
    expect(mark).toBe('  ^');
  });

  test('a mark beyond column 80 is shown in the middle', () => {
    const [shown, mark] = markedLine(`${'a'.repeat(100)}"${'b'.repeat(60)}`, 101).split('\n');
    expect(shown).toBe(`  ...${'a'.repeat(37)}"${'b'.repeat(36)}...`);
    expect(mark).toBe(`  ${' '.repeat(40)}^`);
  });
});
