/**
 * Generated answers of back ends through haproxy and through sluice. What haproxy refuses is refused;
 * every other difference has a trait that docs/differences.md explains, and every explanation is of use.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import { printable } from '../harness/bytes.ts';
import { programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';
import { readDifferences } from './differences.ts';
import { generateAnswers, reasons, reasonsFor } from './generated-answers.ts';
import { type Observation, Runner } from './observe.ts';

const answers = generateAnswers();
const absent = programPath('haproxy') === null;

async function observe(program: 'haproxy' | 'sluice'): Promise<Map<string, Observation>> {
  const world = new World(program);
  try {
    return await (await Runner.start(world, program, 4)).run(answers);
  } finally {
    await world.end();
  }
}

/** Whether the client was told that the answer cannot be used. */
function isRefused(seen: Observation): boolean {
  return seen.client.some((line) => line.startsWith('HTTP/1.1 502 Bad Gateway'));
}

/** What must agree: everything but the sum of bytes, which counts what was refused in another way. */
function comparable(seen: Observation): unknown {
  const log = seen.log.map((line) => line.replace(/ \d+ - - /, ' bytes - - '));
  // A tunnel ends, and is logged, when both sides have ended: behind the observation.
  const isTunnel =
    seen.server.some((line) => line.startsWith('CONNECT')) ||
    seen.client.some((line) => line.startsWith('HTTP/1.1 101'));
  return { client: seen.client, server: seen.server, log: isTunnel ? [] : log };
}

test('there are at least 600 answers, all different, and every run makes the same', () => {
  expect(answers.length).toBeGreaterThanOrEqual(600);
  expect(new Set(answers.map((made) => made.name)).size).toBe(answers.length);
  expect(generateAnswers()).toEqual(answers);
});

test('the reasons are headings of docs/differences.md', () => {
  const titles = new Set(readDifferences().map((difference) => difference.title));
  for (const [, title] of reasons) expect(titles).toContain(title);
});

describe.skipIf(absent)('the same answers through haproxy and sluice', () => {
  let haproxy = new Map<string, Observation>();
  let sluice = new Map<string, Observation>();

  beforeAll(async () => {
    [haproxy, sluice] = await Promise.all([observe('haproxy'), observe('sluice')]);
  }, 120_000);

  test('nothing that haproxy refuses is forwarded', () => {
    const forwarded = answers.filter(
      ({ name }) => isRefused(haproxy.get(name)!) && !isRefused(sluice.get(name)!),
    );
    expect(forwarded.map(show)).toEqual([]);
  });

  test('every difference has a reason, and every reason explains one', () => {
    const used = new Set<string>();
    const unexplained: string[] = [];
    for (const made of answers) {
      const theirs = comparable(haproxy.get(made.name)!);
      const ours = comparable(sluice.get(made.name)!);
      if (Bun.deepEquals(ours, theirs)) continue;
      const titles = reasonsFor(made);
      if (titles.length === 0) unexplained.push(show(made));
      for (const title of titles) used.add(title);
    }
    expect(unexplained).toEqual([]);
    expect(reasons.map(([, title]) => title).filter((title) => !used.has(title))).toEqual([]);
  });
});

function show(made: { name: string; answer?: unknown }): string {
  return `${made.name}: ${printable(String(made.answer))}`;
}
