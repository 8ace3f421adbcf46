/** `option forwarded` (4.2, RFC 7239): the parts of the header. */
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig, ForwardedConfig } from '../../model/config.ts';
import { parseExpression } from '../../rules/expression.ts';
import type { RuleScope } from '../../rules/scope.ts';
import { prefixed } from './words.ts';

type Part = 'host' | 'by' | 'byPort' | 'for' | 'forPort';

/** The words of the option and the part that each one fills. */
const parts: Record<string, Part> = {
  host: 'host',
  by: 'by',
  by_port: 'byPort',
  for: 'for',
  for_port: 'forPort',
};

/**
 * Parses the words after `option forwarded`; none of them means `proto for`.
 *
 * @throws ConfigError for an unknown word, a missing expression or a part given twice
 */
export function parseForwarded(words: readonly string[], scope: RuleScope): ForwardedConfig {
  const config: ForwardedConfig = {
    proto: false,
    host: null,
    by: null,
    byPort: null,
    for: null,
    forPort: null,
  };
  if (words.length === 0) return { ...config, proto: true, for: true };
  let at = 0;
  while (at < words.length) {
    const word = words[at++]!;
    if (word === 'proto') {
      config.proto = true;
      continue;
    }
    const isExpression = word.endsWith('-expr');
    const part = parts[isExpression ? word.slice(0, -'-expr'.length) : word];
    if (part === undefined) {
      throw new ConfigError(
        `'option forwarded' : unknown argument '${word}'; expects 'proto', 'host', 'host-expr', ` +
          "'by', 'by-expr', 'by_port', 'by_port-expr', 'for', 'for-expr', 'for_port' " +
          "or 'for_port-expr'.",
      );
    }
    if (config[part] !== null) {
      throw new ConfigError(`'option forwarded' : '${word}' was already given on this line.`);
    }
    config[part] = isExpression ? parseOperand(word, words[at++], scope) : true;
  }
  dropPortAlone(config);
  return config;
}

function parseOperand(word: string, text: string | undefined, scope: RuleScope): ExprConfig {
  if (text === undefined) {
    throw new ConfigError(`'option forwarded' : '${word}' expects an expression as argument.`);
  }
  return prefixed(`'option forwarded' : '${word}' : `, () => parseExpression(text, scope));
}

/** A port without its node is ignored (4.2). */
function dropPortAlone(config: ForwardedConfig): void {
  if (config.by === null) config.byPort = null;
  if (config.for === null) config.forPort = null;
}
