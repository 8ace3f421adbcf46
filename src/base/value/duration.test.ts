import { describe, expect, test } from 'bun:test';
import { DurationError, parseDuration } from './duration.ts';

function faultOf(text: string, unit: 'us' | 'ms' | 's' = 'ms', keyword = ''): DurationError {
  try {
    parseDuration(text, unit, keyword);
  } catch (error) {
    if (error instanceof DurationError) return error;
    throw error;
  }
  throw new Error(`'${text}' was accepted`);
}

describe('durations (2.5)', () => {
  test.each([
    ['10', 10],
    ['0', 0],
    ['010', 10],
    ['10ms', 10],
    ['5s', 5_000],
    ['3m', 180_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['24d', 2_073_600_000],
    ['2147483647', 2_147_483_647],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text, 'ms')).toBe(ms);
  });

  test.each([
    ['0us', 0],
    ['1us', 1],
    ['1000us', 1],
    ['1001us', 2],
  ])('microseconds round up: %s is %d ms', (text, ms) => {
    expect(parseDuration(text, 'ms')).toBe(ms);
  });

  test('a bare number has the unit of its keyword', () => {
    expect(parseDuration('7', 's')).toBe(7_000);
    expect(parseDuration('7000', 'us')).toBe(7);
    expect(parseDuration('7ms', 's')).toBe(7);
  });

  test.each([
    ['abc', 'a'],
    ['s', 's'],
    ['1.5s', '.'],
    ['-1', '-'],
    ['+5', '+'],
    ['10S', 'S'],
    ['1w', 'w'],
    ['0x10', 'x'],
    ['1m30s', '3'],
    ['10sec', 'e'],
    ['10u', 'u'],
    ['10 ', ' '],
  ])('%s is refused at its character %p', (text, character) => {
    const fault = faultOf(text, 'ms', 'timeout client');
    expect(fault.fault).toBe('character');
    expect(fault.character).toBe(character);
    expect(fault.message).toBe(`unexpected character '${character}' in 'timeout client'`);
  });

  test('an empty word is refused', () => {
    expect(faultOf('').fault).toBe('empty');
  });

  test.each(['25d', '2147483648', '2147484s', '597h', '18446744073709551616', '2147483648000us'])(
    '%s overflows a timer of milliseconds',
    (text) => {
      expect(faultOf(text, 'ms', 'timeout client').message).toBe(
        `timer overflow in argument '${text}' to 'timeout client' ` +
          '(maximum value is 2147483647 ms or ~24.8 days)',
      );
    },
  );

  test('a timer of seconds holds 2147483647 seconds', () => {
    expect(parseDuration('25d', 's')).toBe(2_160_000_000);
    expect(parseDuration('2147483647', 's')).toBe(2_147_483_647_000);
    expect(faultOf('2147483648', 's').fault).toBe('overflow');
  });
});
