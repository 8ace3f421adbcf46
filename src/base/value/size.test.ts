import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../config-error.ts';
import { parseSize } from './size.ts';

describe('sizes (2.6)', () => {
  test.each([
    ['0', 0],
    ['16384', 16_384],
    ['1k', 1_024],
    ['1K', 1_024],
    ['3m', 3_145_728],
    ['3M', 3_145_728],
    ['2g', 2_147_483_648],
    ['8G', 8_589_934_592],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    ['10x', 'x'],
    ['1.5k', '.'],
    ['1kb', 'b'],
    ['-1', '-'],
    ['k', 'k'],
    ['1t', 't'],
    ['1 ', ' '],
  ])('%s is refused at its character %p', (text, character) => {
    expect(() => parseSize(text, 'size')).toThrow(
      new ConfigError(`unexpected character '${character}' in argument of 'size'`),
    );
  });

  test('an empty word and a size beyond exact integers are refused', () => {
    expect(() => parseSize('')).toThrow('missing size');
    expect(() => parseSize('9007199254740992')).toThrow('size overflow');
    expect(() => parseSize('99999999999g')).toThrow('size overflow');
  });
});
