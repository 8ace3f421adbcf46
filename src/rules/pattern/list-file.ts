/**
 * Lists of patterns that have a name: files, files that need not exist, and names without a file
 * (configuration.txt 2.7). A list is compiled once for all tests and converters that use it alike.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { Columns, ListData } from '../../model/pattern.ts';
import type { RuleScope } from '../scope.ts';

/** The name that identifies a list. */
export function listName(name: string): string {
  return name.replace(/^(opt|file)@/, '');
}

/**
 * The compiled list of a name.
 * @param kind how it is compiled
 * @throws ConfigError when there is no such file, or it is used with another number of columns
 */
export function compiledList<T extends ListData>(
  name: string,
  columns: Columns,
  kind: string,
  compile: (bytes: Uint8Array) => T,
  scope: RuleScope,
): T {
  const id = listName(name);
  const before = scope.lists.get(id);
  if (before !== undefined && before !== columns) {
    throw new ConfigError(
      `The file "${id}" is already used as ${before} column file and cannot be used by as ` +
        `${columns} column file.`,
    );
  }
  scope.lists.set(id, columns);
  if (id.startsWith('virt@')) return compile(new Uint8Array(0));
  const data = scope.patternFile(id, `${columns} ${kind}`, compile);
  if (data !== null) return data;
  if (name.startsWith('opt@')) return compile(new Uint8Array(0));
  throw new ConfigError(`failed to open pattern file <${id}>`);
}
