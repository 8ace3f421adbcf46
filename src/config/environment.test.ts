import { describe, expect, test } from 'bun:test';
import { Environment } from './environment.ts';

describe('environment variables of the configuration (2.3, 3.1)', () => {
  test('setenv replaces, presetenv does not, not even an empty value', () => {
    const env = new Environment({ A: '1', EMPTY: '' });
    env.set('A', '2');
    env.preset('A', '3');
    env.preset('B', '4');
    env.preset('EMPTY', '5');
    expect([env.get('A'), env.get('B'), env.get('EMPTY')]).toEqual(['2', '4', '']);
  });

  test('unsetenv forgets and ignores unknown names', () => {
    const env = new Environment({ A: '1' });
    env.unset('A');
    env.unset('NEVER');
    expect(env.get('A')).toBeNull();
  });

  test('resetenv keeps only the names given and what cannot be modified', () => {
    const env = new Environment(
      { A: '1', B: '2' },
      { HAPROXY_BRANCH: '3.4', HAPROXY_TCP_LOG_FMT: 'x' },
    );
    env.reset(['B']);
    expect(env.entries()).toEqual([
      ['B', '2'],
      ['HAPROXY_BRANCH', '3.4'],
    ]);
  });

  test('predefined variables win over inherited ones; only formats may be modified', () => {
    const env = new Environment(
      { HAPROXY_BRANCH: 'old', HAPROXY_TCP_LOG_FMT: 'old' },
      { HAPROXY_BRANCH: '3.4', HAPROXY_TCP_LOG_FMT: '%ci' },
    );
    expect(env.get('HAPROXY_BRANCH')).toBe('3.4');
    env.set('HAPROXY_TCP_LOG_FMT', '%cp');
    expect(env.get('HAPROXY_TCP_LOG_FMT')).toBe('%cp');
    expect(() => env.set('HAPROXY_BRANCH', '1')).toThrow(
      "'setenv' failed on variable 'HAPROXY_BRANCH' : it cannot be modified.",
    );
  });

  test('a name that the system would refuse is refused', () => {
    const env = new Environment();
    expect(() => env.set('A=B', 'x')).toThrow(
      "'setenv' failed on variable 'A=B' : Invalid argument.",
    );
    expect(() => env.preset('', 'x')).toThrow(
      "'presetenv' failed on variable '' : Invalid argument.",
    );
    expect(() => env.unset('A=B')).toThrow(
      "'unsetenv' failed on variable 'A=B' : Invalid argument.",
    );
  });

  test('values are bytes', () => {
    expect(new Environment({ A: 'é' }).get('A')).toBe('\xc3\xa9');
  });

  test('a clone does not share changes', () => {
    const env = new Environment({ A: '1' });
    env.section = 's';
    const copy = env.clone();
    env.set('A', '2');
    env.section = 't';
    expect([copy.get('A'), copy.get('.SECTION')]).toEqual(['1', 's']);
  });
});
