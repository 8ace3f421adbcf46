import { expect, test } from 'bun:test';
import { benchTable, benchThreads } from './stick-table.ts';

test('the benchmark of stick tables runs', async () => {
  const result = benchTable(50, 500);
  for (const ns of Object.values(result)) expect(ns).toBeGreaterThan(0);
  expect(await benchThreads(2, 50, 500)).toBeGreaterThan(0);
});
