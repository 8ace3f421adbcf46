import { describe, expect, test } from 'bun:test';
import { nearest } from './nearest.ts';

const names = [
  'maxconn',
  'mode',
  'option',
  'timeout',
  'default_backend',
  'use_backend',
  'acl',
  'log',
];

describe('did you mean', () => {
  test.each([
    ['maxcon', 'maxconn'],
    ['maxcnon', 'maxconn'],
    ['Mode', 'mode'],
    ['moed', 'mode'],
    ['timeuot', 'timeout'],
    ['default-backend', 'default_backend'],
    ['usebackend', 'use_backend'],
    ['alc', 'acl'],
    ['logs', 'log'],
  ])('%s is meant to be %s', (word, expected) => {
    expect(nearest(word, names)).toBe(expected);
  });

  test.each(['', 'x', 'zzzzzz', 'frontend', 'a'.repeat(100)])('%p is like none', (word) => {
    expect(nearest(word, names)).toBeNull();
  });

  test('the nearest wins, the first of equal ones', () => {
    expect(nearest('hdrs', ['hdr_sub', 'hdr', 'hdrx'])).toBe('hdr');
    expect(nearest('hdra', ['hdrx', 'hdry'])).toBe('hdrx');
    expect(nearest('mode', [])).toBeNull();
  });
});
