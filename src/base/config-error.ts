/**
 * The configuration is wrong at the line being parsed. Parsers of words throw it; the reader of the
 * line catches it, records a diagnostic with the location and goes on with the next line.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
