/**
 * The same crafted bytes through haproxy and through sluice: what the client received, what
 * the back end received and what the log says must agree, apart from docs/differences.md. The list
 * must be exact: an unlisted difference fails, and so does a listed one that is gone.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import { programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';
import { allCases } from './cases/all.ts';
import { parseDifferences, readDifferences } from './differences.ts';
import { type Observation, Runner } from './observe.ts';

const absent = programPath('haproxy') === null;

async function observeAll(program: 'haproxy' | 'sluice'): Promise<Map<string, Observation>> {
  const world = new World(program);
  try {
    return await (await Runner.start(world, program, 4)).run(allCases);
  } finally {
    await world.end();
  }
}

const listed = new Map(
  readDifferences().flatMap((difference) =>
    difference.cases.map((item) => [item.name, { ...item, difference }] as const),
  ),
);

test('there are at least 220 cases and no two have one name', () => {
  const names = allCases.map((kase) => kase.name);
  expect(names.length).toBeGreaterThanOrEqual(220);
  expect(new Set(names).size).toBe(names.length);
});

test('every listed difference has a reason and names cases that exist, once', () => {
  const names = new Set(allCases.map((kase) => kase.name));
  const seen: string[] = [];
  for (const difference of readDifferences()) {
    expect(difference.reason.length, difference.title).toBeGreaterThan(40);
    expect(difference.cases.length, difference.title).toBeGreaterThan(0);
    for (const { name } of difference.cases) {
      expect(names.has(name), `${difference.title}: ${name}`).toBe(true);
      seen.push(name);
    }
  }
  expect(new Set(seen).size).toBe(seen.length);
});

test('the list is read as headings, reasons and cases', () => {
  const text = '# T\n\nintro\n\n## A\n\nBecause\nof this.\n\n- `one: x`\n- `two` (not always)\n';
  expect(parseDifferences(text)).toEqual([
    {
      title: 'A',
      reason: 'Because of this.',
      cases: [
        { name: 'one: x', always: true },
        { name: 'two', always: false },
      ],
    },
  ]);
});

describe.skipIf(absent)('the same bytes through haproxy and sluice', () => {
  let haproxy = new Map<string, Observation>();
  let sluice = new Map<string, Observation>();

  beforeAll(async () => {
    [haproxy, sluice] = await Promise.all([observeAll('haproxy'), observeAll('sluice')]);
  }, 180_000);

  for (const kase of allCases) {
    const item = listed.get(kase.name);
    test(item ? `${kase.name} (differs: ${item.difference.title})` : kase.name, () => {
      const theirs = haproxy.get(kase.name);
      const ours = sluice.get(kase.name);
      expect(theirs).toBeDefined();
      expect(ours).toBeDefined();
      if (item === undefined) expect(ours).toEqual(theirs!);
      else if (item.always) expect(ours, 'this difference is gone').not.toEqual(theirs!);
    });
  }
});
