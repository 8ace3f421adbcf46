import { describe, expect, test } from 'bun:test';
import { splitCommands } from './words.ts';

describe('a line of the stats socket (management.txt 9.3)', () => {
  test('is split into words at blanks', () => {
    expect(splitCommands('show   stat\ttyped')).toEqual([['show', 'stat', 'typed']]);
  });

  test('holds several commands separated by semicolons', () => {
    expect(splitCommands('show info;show stat')).toEqual([
      ['show', 'info'],
      ['show', 'stat'],
    ]);
  });

  test('may end in a semicolon', () => {
    expect(splitCommands('show info; ')).toEqual([['show', 'info']]);
  });

  test('keeps what follows a backslash', () => {
    expect(splitCommands('show env a\\;b\\ c\\\\')).toEqual([['show', 'env', 'a;b c\\']]);
  });

  test('may be empty', () => {
    expect(splitCommands('')).toEqual([[]]);
  });

  test('may end in CR LF', () => {
    expect(splitCommands('quit\r')).toEqual([['quit']]);
  });
});
