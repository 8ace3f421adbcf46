/** A small run of the bench, so that it cannot rot. It asserts that it measures, not how fast. */
import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from './case.ts';
import { benchCases } from './cases.ts';
import { type Measurement, medianOf } from './load.ts';
import { checkOut, type OtherCommit } from './other-commit.ts';
import type { ProgramName } from './programs.ts';
import { durationText, estimateSeconds, missingPrograms, runCases } from './run.ts';
import { table } from './table.ts';

const programs: ProgramName[] = ['haproxy', 'nginx', 'sluice'];
const missing = missingPrograms(programs);

const usual: Options = {
  programs,
  seconds: 1,
  rounds: 1,
  idleConnections: 200,
  growthSeconds: 2,
  takeoverScale: 0.01,
  print: () => {},
};

const casesOf = (...names: string[]) => benchCases.filter((bench) => names.includes(bench.name));

async function small(
  names: string[],
  change: Partial<Options> = {},
  other: OtherCommit | null = null,
): Promise<{ text: string; cpu: number[] }> {
  const lines: string[] = [];
  const print = (text: string) => void lines.push(text);
  const results = await runCases(casesOf(...names), { ...usual, ...change, print }, other);
  const measured = [...results.values()].flatMap((result) => Object.values(result.measurements));
  expect(measured.map((m) => m.errors)).toEqual(measured.map(() => 0));
  return { text: lines.join('\n'), cpu: measured.map((m) => m.cpuUs) };
}

const title = (name: string) =>
  missing.length > 0 ? `${name} (skipped: ${missing.join(', ')} not installed)` : name;

test.skipIf(missing.length > 0)(
  title('the small case measures all programs and prints ratios'),
  async () => {
    const { text, cpu } = await small(['small']);
    expect(text).toMatch(/^this takes about \d+ s\nhaproxy: HAProxy version /);
    expect(text).toMatch(/sluice \/ haproxy +\d/);
    expect(text).toMatch(/sluice \/ nginx +\d/);
    expect(cpu.length).toBe(3);
    for (const us of cpu) expect(us).toBeGreaterThan(1);
  },
  60_000,
);

test.skipIf(missing.length > 0)(
  title('the other cases run'),
  async () => {
    const { text } = await small([
      ...['paced', 'connection', '64k', '1m', 'tls', 'tls-connection'],
      ...['idle', 'tls-idle', 'start', 'growth'],
    ]);
    expect(text).toContain('KiB each');
    expect(text).toContain('growth');
  },
  120_000,
);

test.skipIf(missing.length > 0)(
  title('a takeover under load loses no request, with any of the files'),
  async () => {
    const { text } = await small(['takeover']);
    for (const file of ['ordinary', 'servers', 'frontends', 'list']) {
      expect(text).toMatch(new RegExp(`^${file} haproxy +[1-9]`, 'm'));
      expect(text).toContain(`holds   ${file}: no request of sluice failed`);
    }
  },
  120_000,
);

test.skipIf(missing.length > 0 || Bun.which('git') === null)(
  title('another commit is one more program, and its tree is gone afterwards'),
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-against-'));
    const tree = join(dir, 'tree');
    try {
      expect(() => checkOut('no-such-commit', tree)).toThrow('no-such-commit');
      const other = checkOut('HEAD', tree);
      try {
        const { text } = await small(['start'], { programs: ['sluice', 'before'] }, other);
        expect(text).toContain(`before: ${other.title}`);
        expect(text).toMatch(/sluice \/ before +\d/);
      } finally {
        other.remove();
      }
      expect(existsSync(tree)).toBe(false);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  60_000,
);

test('a run says first how long it will take: the sum of what its cases do', () => {
  const seconds = (name: string, change: Partial<Options>) =>
    estimateSeconds(casesOf(name), { ...usual, ...change }) - estimateSeconds([], usual);
  // Two programs warm up for a second; two rounds measure them and the back end.
  const load = { programs: ['haproxy', 'sluice'] satisfies ProgramName[], rounds: 2 };
  expect(seconds('small', load)).toBeWithin(2 + 2 * 3, 9);
  expect(seconds('growth', { growthSeconds: 60 })).toBeWithin(3 * 60, 182);
  expect(seconds('start', { rounds: 9 })).toBeCloseTo(5 * seconds('start', { rounds: 1 }));
  expect(durationText(59.4)).toBe('59 s');
  expect(durationText(125)).toBe('2 min 5 s');
});

test('the median of rounds is taken per number, errors are added', () => {
  const round = (p50Us: number, errors: number) => ({ p50Us, errors }) as Measurement;
  expect(medianOf([round(5, 1), round(1, 0), round(3, 2)])).toEqual(round(3, 3));
  expect(medianOf([round(1, 0), round(4, 0)]).p50Us).toBe(2.5);
});

test('a table aligns names to the left and numbers to the right', () => {
  expect(table(['', 'n'], [['ab', '10']])).toBe('     n\n--  --\nab  10');
});
