import { describe, expect, test } from 'bun:test';
import { afterFailure, afterSuccess, fullHealth, healthText, isUp } from './health.ts';

const check = { rise: 2, fall: 3 };

function run(from: number, events: string, settings = check): string {
  let counter = from;
  return [...events]
    .map((event) => {
      const next = event === '+' ? afterSuccess : afterFailure;
      counter = next(counter, settings);
      return healthText(counter, settings);
    })
    .join(', ');
}

describe('rise and fall (5.2)', () => {
  test('an unchecked server is up, and its first failure takes it down', () => {
    expect(healthText(check.rise, check)).toBe('1/3 UP');
    expect(run(check.rise, '-')).toBe('0/2 DOWN');
    expect(run(check.rise, '+')).toBe('3/3 UP');
  });

  test('fall failures in a row take a server down, rise successes bring it back', () => {
    expect(run(fullHealth(check), '---')).toBe('2/3 UP, 1/3 UP, 0/2 DOWN');
    expect(run(0, '++')).toBe('1/2 DOWN, 3/3 UP');
  });

  test('one success makes a failing server whole, one failure starts the rise again', () => {
    expect(run(fullHealth(check), '--+')).toBe('2/3 UP, 1/3 UP, 3/3 UP');
    expect(run(0, '+-')).toBe('1/2 DOWN, 0/2 DOWN');
  });

  test('counts of one change the state at once', () => {
    const quick = { rise: 1, fall: 1 };
    expect(fullHealth(quick)).toBe(1);
    expect(isUp(1, quick)).toBe(true);
    expect(run(1, '-+', quick)).toBe('0/1 DOWN, 1/1 UP');
  });
});
