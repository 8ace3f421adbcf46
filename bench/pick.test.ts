import { expect, test } from 'bun:test';
import { benchPicks, serverCounts } from './pick.ts';

test('the benchmark of picks runs', () => {
  const results = benchPicks(2_000);
  expect(results.map(({ name }) => name)).toContain('leastconn');
  for (const { name, ns } of results) {
    expect(ns.length, name).toBe(serverCounts.length);
    for (const value of ns) expect(value, name).toBeGreaterThan(0);
  }
});
