/**
 * `cpu-map` (configuration.txt 3.1): which CPUs each thread may run on. There is one thread group,
 * so the group is 1, or a range that holds it (`all`, `odd`).
 */
import { ConfigError } from '../../base/config-error.ts';
import type { GlobalConfig } from '../../model/config.ts';
import type { KeywordLine } from './keyword.ts';

/** Threads of a group, and the highest number of a group or thread. */
const THREADS_MAX = 64;
/** CPUs are numbered from 0; the affinity mask has this many bits. */
export const CPUS_MAX = 1024;

/** A set of 1-based numbers as 4.2 `thread` writes it: `all`, `odd`, `even`, `n`, `n-m`, `n-`. */
function numberSet(text: string): number[] {
  const all = Array.from({ length: THREADS_MAX }, (_, i) => i + 1);
  if (text === 'all') return all;
  if (text === 'odd') return all.filter((n) => n % 2 === 1);
  if (text === 'even') return all.filter((n) => n % 2 === 0);
  const found = /^([0-9]{1,4})(-([0-9]{1,4})?)?$/.exec(text);
  if (found === null) throw new ConfigError(`cpu-map : '${text}' is not a valid number/range.`);
  const first = Number(found[1]);
  const last = found[2] === undefined ? first : Number(found[3] ?? THREADS_MAX);
  const [from, to] = [Math.min(first, last), Math.max(first, last)];
  if (from < 1 || to > THREADS_MAX) {
    throw new ConfigError(
      `cpu-map : '${text}' is not a valid number/range. It supports numbers from 1 to ${THREADS_MAX}.`,
    );
  }
  return all.slice(from - 1, to);
}

/** CPUs of all words, ascending and each once: `0-3`, `1,5`, `4-`. */
export function cpuSet(words: readonly string[]): number[] {
  const cpus = new Set<number>();
  for (const range of words.flatMap((word) => word.split(','))) {
    const found = /^([0-9]{1,6})(-([0-9]{1,6})?)?$/.exec(range);
    if (found === null) throw new ConfigError(`cpu-map : '${range}' is not a CPU range.`);
    const first = Number(found[1]);
    const last = found[2] === undefined ? first : Number(found[3] ?? THREADS_MAX - 1);
    if (Math.max(first, last) >= CPUS_MAX) {
      throw new ConfigError(`cpu-map : supports CPU numbers from 0 to ${CPUS_MAX - 1}.`);
    }
    for (let cpu = Math.min(first, last); cpu <= Math.max(first, last); cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

export function parseCpuMap(global: GlobalConfig, line: KeywordLine): void {
  const [, target, ...sets] = line.words;
  if (target === undefined || sets.length === 0) {
    throw new ConfigError(
      "cpu-map expects a thread group number  ('all', 'odd', 'even', a number from 1 to " +
        `${THREADS_MAX} or a range),  followed by a list of CPU ranges with numbers from 0 to ` +
        `${CPUS_MAX - 1}.`,
    );
  }
  const isAuto = target.startsWith('auto:');
  const [group = '', ...rest] = target.slice(isAuto ? 5 : 0).split('/');
  if (rest.length > 1) throw new ConfigError(`cpu-map : '${target}' is not a valid number/range.`);
  if (!numberSet(group).includes(1)) {
    throw new ConfigError(`cpu-map : there is one thread group, '${group}' does not hold it.`);
  }
  const threads = numberSet(rest[0] ?? 'all');
  const cpus = cpuSet(sets);
  if (isAuto && threads.length !== cpus.length) {
    throw new ConfigError(
      'cpu-map : TGROUP/THREAD range and CPU sets must have the same size to be automatically bound',
    );
  }
  threads.forEach((thread, i) => {
    global.cpuMap[thread - 1] = isAuto ? [cpus[i]!] : cpus;
  });
}
