/**
 * What is said about a sample fetch or converter that has no row: one of HAProxy's language is
 * missing here, any other is misspelt (configuration.txt 7.3).
 */
import { ConfigError } from '../base/config-error.ts';
import { isKnownConverter, isKnownFetch } from '../base/known-keywords.ts';
import { nearest } from '../base/nearest.ts';
import { aclRows } from './acl-table.ts';
import { converterNames } from './converter/registry.ts';
import { fetchNames } from './fetch/registry.ts';

function unknown(
  what: string,
  name: string,
  isKnown: boolean,
  here: readonly string[],
  where = '',
): ConfigError {
  // What a Lua script registers has a name of its own behind `lua.`.
  if (isKnown || name.startsWith('lua.'))
    return new ConfigError(`${what} '${name}' is not supported yet by sluice${where}`);
  const near = nearest(name, here);
  const hint = near === null ? '' : `; did you mean '${near}' maybe ?`;
  return new ConfigError(`unknown ${what} '${name}'${where}${hint}`);
}

/** The error for a fetch that has no row. */
export function unknownFetch(name: string): ConfigError {
  return unknown('fetch method', name, isKnownFetch(name), fetchNames());
}

/**
 * The error for the criterion of an ACL, which is a fetch or a word such as `path_beg`.
 * @param text the whole expression
 */
export function unknownCriterion(name: string, text: string): ConfigError {
  const here = [...fetchNames(), ...aclRows.map((row) => row.name)];
  const where = ` in ACL expression '${text}'`;
  return unknown('fetch method', name, isKnownFetch(name), here, where);
}

/** The error for a converter that has no row. */
export function unknownConverter(name: string): ConfigError {
  return unknown('converter', name, isKnownConverter(name), converterNames());
}
