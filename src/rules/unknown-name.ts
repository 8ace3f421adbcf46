/**
 * What is said about a sample fetch or converter that has no row: one of HAProxy's language is
 * missing here, any other is misspelt (configuration.txt 7.3).
 */
import { ConfigError } from '../base/config-error.ts';
import { isKnownConverter, isKnownFetch } from '../base/known-keywords.ts';
import { nearest } from '../base/nearest.ts';
import { converterNames } from './converter/registry.ts';
import { fetchNames } from './fetch/registry.ts';

function unknown(what: string, name: string, isKnown: boolean, here: readonly string[]) {
  if (isKnown) return new ConfigError(`${what} '${name}' is not supported yet`);
  const near = nearest(name, here);
  return new ConfigError(`unknown ${what} '${name}'${near ? `; did you mean '${near}'?` : ''}`);
}

/** The error for a fetch that has no row. */
export function unknownFetch(name: string): ConfigError {
  return unknown('fetch method', name, isKnownFetch(name), fetchNames());
}

/** The error for a converter that has no row. */
export function unknownConverter(name: string): ConfigError {
  return unknown('converter', name, isKnownConverter(name), converterNames());
}
