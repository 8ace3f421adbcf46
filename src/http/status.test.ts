import { expect, test } from 'bun:test';
import { text } from '../sys/arena.ts';
import { reasonLen, reasonOff, reasonText } from './status.ts';

test('every status from 100 to 999 has a phrase, in the arena too', () => {
  for (let status = 100; status < 1000; status++) {
    expect(text(reasonOff(status), reasonLen(status))).toBe(reasonText(status));
    expect(reasonLen(status)).toBeGreaterThan(0);
  }
});

test('a status without a name takes that of its class', () => {
  const phrases = [199, 299, 399, 499, 498, 599, 600, 999].map(reasonText);
  expect(phrases).toEqual([
    'Informational',
    'Success',
    'Redirection',
    'client has closed connection',
    'Client Error',
    'Server Error',
    'Other',
    'Other',
  ]);
});
