/** What `npm run mutate` changes; the runs themselves take too long for every day. */
import { describe, expect, test } from 'bun:test';
import { applyMutation, mutationsOf } from '../../scripts/mutations.ts';
import { parseSource } from '../tidy/source.ts';

function changesOf(text: string): string[] {
  const source = parseSource('one.ts', text);
  return mutationsOf(source).map((mutation) => applyMutation(text, mutation));
}

describe('changes that tests must notice', () => {
  test('a condition holds always and never', () => {
    expect(changesOf('if (a) b;')).toEqual(['if (false) b;', 'if (true) b;']);
  });

  test('a loop runs not at all', () => {
    expect(changesOf('while (a) b;')).toEqual(['while (false) b;']);
  });

  test('the border of a comparison moves', () => {
    expect(changesOf('const x = a < 1;')).toEqual(['const x = a <= 1;']);
  });

  test('each side of a logical expression decides alone', () => {
    expect(changesOf('const x = a && b;')).toEqual(['const x = a;', 'const x = b;']);
  });

  test('a return comes back otherwise', () => {
    expect(changesOf('function f() { return true; }')).toEqual(['function f() { return false; }']);
    expect(changesOf('function f() { return -1; }')).toEqual(['function f() { return 0; }']);
  });

  test('a call and an assignment are left out, assertions are not', () => {
    expect(changesOf('f();')).toEqual([';']);
    expect(changesOf('x.a = 1;')).toEqual([';']);
    expect(changesOf("assert(a, 'b');")).toEqual([]);
  });

  test('a line with its reason is left alone', () => {
    expect(changesOf('f(); // mutate: saves a system call only')).toEqual([]);
    expect(changesOf('// mutate: saves a system call only\nf();\ng();')).toHaveLength(1);
  });
});
