/** `show stat` of a running proxy, for what traffic leaves in its counters (management.txt 9.1). */
import type { Proxy } from './proxy.ts';

export type StatRow = Record<string, string>;

/** All rows by `proxy/name`. */
export async function statRows(proxy: Proxy): Promise<Record<string, StatRow>> {
  const [head = '', ...lines] = (await proxy.command('show stat')).trim().split('\n');
  const names = head.slice(2).split(',');
  return Object.fromEntries(
    lines.map((line) => {
      const values = line.split(',');
      const row = Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
      return [`${values[0]}/${values[1]}`, row];
    }),
  );
}

/** The columns of a row that are asked for. */
export function pick(row: StatRow | undefined, columns: string): StatRow {
  return Object.fromEntries(columns.split(' ').map((name) => [name, row?.[name] ?? 'no row']));
}
