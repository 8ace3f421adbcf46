/** What a case is, and what all cases share: running programs, limits, ratios. */
import type { Measurement } from './load.ts';
import { stopProcess } from './process.ts';
import {
  type ProgramName,
  type Running,
  type Setting,
  startProgram,
  type Variation,
} from './programs.ts';
import { ratio, table } from './table.ts';

export interface Options {
  programs: ProgramName[];
  seconds: number;
  rounds: number;
  idleConnections: number;
  growthSeconds: number;
  /** Share of the size that files of the takeover case have, 1 = all. */
  takeoverScale: number;
  print(text: string): void;
}

/** A limit that a case sets, and whether it held. */
export interface Limit {
  text: string;
  held: boolean;
}

export interface CaseResult {
  limits: Limit[];
  measurements: Partial<Record<ProgramName, Measurement>>;
}

export interface BenchCase {
  name: string;
  title: string;
  /** How long it takes, in seconds. */
  estimate(options: Options): number;
  run(setting: Setting, options: Options): Promise<CaseResult>;
}

/** Seconds that a start and a stop take, of any of the programs. */
export const startSeconds = 0.15;

export async function withPrograms<T>(
  setting: Setting,
  options: Options,
  variation: Variation,
  body: (running: Running[]) => Promise<T>,
): Promise<T> {
  const running: Running[] = [];
  try {
    for (const name of options.programs) running.push(await startProgram(name, setting, variation));
    return await body(running);
  } finally {
    await Promise.all(running.map((program) => stopProcess(program.child)));
  }
}

export function atMost(
  text: string,
  value: number | undefined,
  bound: number | undefined,
): Limit[] {
  if (value === undefined || bound === undefined) return [];
  return [
    { text: `${text}: ${value.toFixed(2)}, at most ${bound.toFixed(2)}`, held: value <= bound },
  ];
}

/** Prints sluice's numbers over those of each other program; `values` has a number per title. */
export function printRatios(
  options: Options,
  titles: string[],
  values: ReadonlyMap<ProgramName, number[]>,
): void {
  const ours = values.get('sluice');
  const others = options.programs.filter((name) => name !== 'sluice' && values.has(name));
  if (ours === undefined || others.length === 0) return;
  const rows = others.map((name) => [
    `sluice / ${name}`,
    ...ours.map((value, i) => ratio(value, values.get(name)![i])),
  ]);
  options.print('');
  options.print(table(['ratio', ...titles], rows));
}
