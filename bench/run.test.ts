/** A small run of the bench, so that it cannot rot. It asserts that it measures, not how fast. */
import { expect, test } from 'bun:test';
import { benchCases } from './cases.ts';
import { type Measurement, medianOf } from './load.ts';
import { type ProgramName, pathOf } from './programs.ts';
import { missingPrograms, runCases } from './run.ts';
import { table } from './table.ts';

const programs: ProgramName[] = ['haproxy', 'nginx', 'sluice'];
const missing = missingPrograms(programs);

async function small(names: string[], rounds = 1): Promise<{ text: string; cpu: number[] }> {
  const lines: string[] = [];
  const results = await runCases(
    benchCases.filter((bench) => names.includes(bench.name)),
    {
      programs: programs.filter((name) => pathOf(name) !== null),
      seconds: 1,
      rounds,
      idleConnections: 200,
      growthSeconds: 2,
      print: (text) => lines.push(text),
    },
  );
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
    const { text } = await small(['paced', 'connection', '64k', '1m', 'idle', 'start', 'growth']);
    expect(text).toContain('KiB each');
    expect(text).toContain('growth');
  },
  120_000,
);

test('the median of rounds is taken per number, errors are added', () => {
  const round = (p50Us: number, errors: number) => ({ p50Us, errors }) as Measurement;
  expect(medianOf([round(5, 1), round(1, 0), round(3, 2)])).toEqual(round(3, 3));
  expect(medianOf([round(1, 0), round(4, 0)]).p50Us).toBe(2.5);
});

test('a table aligns names to the left and numbers to the right', () => {
  expect(table(['', 'n'], [['ab', '10']])).toBe('     n\n--  --\nab  10');
});
