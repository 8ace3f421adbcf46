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
    expect(parseSize(text, 'size')).toBe(bytes);
  });

  test.each([
    ['10xy', 'xy'],
    ['1.5k', '.5k'],
    ['1kb', 'b'],
    ['-1', '-1'],
    ['k', 'k'],
    ['1t', 't'],
    ['1 ', ' '],
    ['', ''],
  ])('%s is refused because of %p', (text, rest) => {
    expect(() => parseSize(text, 'size')).toThrow(
      new ConfigError(`unexpected '${rest}' after size passed to 'size'`),
    );
  });

  test('a size beyond exact integers is refused', () => {
    for (const text of ['9007199254740992', '99999999999g']) {
      expect(() => parseSize(text, 'size')).toThrow(
        "'size' expects a size of less than 2^53 bytes",
      );
    }
  });
});
