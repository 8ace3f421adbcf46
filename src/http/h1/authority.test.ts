import { expect, test } from 'bun:test';
import { mem, reserve } from '../../sys/arena.ts';
import { isAuthority } from './authority.ts';
import { Char } from './characters.ts';

const room = reserve(256);
const at = room + 32;

/** What stands around a slice must not change what it is. */
const surroundings = ['h', '8', ':', ']', '[', '%', '4', '\r', '@', '\0'];

function judge(text: string, kind: Char.Host | Char.LooseHost): boolean {
  const verdicts = surroundings.map((around) => {
    mem.fill(around.charCodeAt(0), room, room + 256);
    mem.set(Buffer.from(text, 'latin1'), at);
    return isAuthority(at, text.length, kind);
  });
  expect(new Set(verdicts).size, text).toBe(1);
  return verdicts[0]!;
}

const valid = ['', 'h', 'h:', 'h:80', 'h.i-j_k~', '1.2.3.4:0', '[::1]', '[::1]:80', '[]', ':80'];
const escaped = ['%41', 'h%aF', '%41%42:1'];
const loose = [
  '::1',
  'h:i',
  'h"i',
  'h<i>',
  '%',
  '%4',
  'h%4',
  'h%zz',
  '[h]:i',
  'h:80:80',
  'h|i^`{}',
];
const never = [
  'u@h',
  'h/',
  'h?',
  'h#',
  'h,',
  'h i',
  '[',
  '[::1',
  '::1]',
  '[h]i',
  'h[',
  '[[h]]',
  '[[]',
];
const bytes = ['\0', '\t', '\x1f', '\x7f', '\x80', '\xff', '\\'];

test('a host and a port by the book (RFC 3986 3.2.2, 3.2.3)', () => {
  for (const text of [...valid, ...escaped])
    expect([text, judge(text, Char.Host)]).toEqual([text, true]);
  for (const text of [...loose, ...never])
    expect([text, judge(text, Char.Host)]).toEqual([text, false]);
  for (const byte of bytes) expect(judge(`h${byte}i`, Char.Host)).toBe(false);
});

test('with violations accepted no byte may end an authority', () => {
  for (const text of [...valid, ...escaped, ...loose]) {
    expect([text, judge(text, Char.LooseHost)]).toEqual([text, true]);
  }
  for (const text of never) expect([text, judge(text, Char.LooseHost)]).toEqual([text, false]);
  for (const byte of bytes) expect(judge(`h${byte}i`, Char.LooseHost)).toBe(false);
});
