/** What `show table` says (management.txt 9.3), taken apart. */

export interface ShownTable {
  /** The line about the table. */
  head: string;
  /** By key: the values by name, without the pointer. */
  entries: Map<string, Record<string, string>>;
  /** By key: what stands for the entry in `ptr`. */
  pointers: Map<string, string>;
}

/** Reads the answer to `show table <name>`. */
export function parseTable(text: string): ShownTable {
  const lines = text.split('\n').filter((line) => line !== '');
  const shown: ShownTable = {
    head: lines.find((line) => line.startsWith('# ')) ?? '',
    entries: new Map(),
    pointers: new Map(),
  };
  for (const line of lines) {
    const found = /^(0x[0-9a-f]+): key=((?:[^\\ ]|\\.)*) (.*)$/.exec(line);
    if (found === null) continue;
    const [, pointer, key, values] = found;
    const pairs = values!.split(' ').map((word) => {
      const at = word.indexOf('=');
      return [word.slice(0, at), word.slice(at + 1)];
    });
    shown.entries.set(key!, Object.fromEntries(pairs));
    shown.pointers.set(key!, pointer!);
  }
  return shown;
}

/** An answer of the Runtime API without what differs from run to run. */
export function withoutTimes(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/^0x[0-9a-f]+:/, '@:'));
  const shown = lines.map((line) => line.replace(/ exp=[1-9][0-9]*/, ' exp=+'));
  return [
    ...shown.filter((line) => !line.startsWith('@')),
    ...shown.filter((line) => line.startsWith('@')).sort(),
  ].join('\n');
}
