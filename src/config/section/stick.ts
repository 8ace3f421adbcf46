/** `stick match`, `stick on`, `stick store-request` and `stick store-response` (4.2). */
import { ConfigError } from '../../base/config-error.ts';
import { parseCondition } from '../../rules/condition.ts';
import { expressionType, missingAt, parseExpression } from '../../rules/expression.ts';
import { Place } from '../../rules/scope.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { scopeOf } from './rule.ts';
import { explained, prefixed } from './words.ts';

interface Form {
  matches: boolean;
  stores: 'request' | 'response' | null;
}

const forms: Readonly<Record<string, Form>> = {
  match: { matches: true, stores: null },
  on: { matches: true, stores: 'request' },
  store: { matches: false, stores: 'request' },
  'store-request': { matches: false, stores: 'request' },
  'store-response': { matches: false, stores: 'response' },
};

export function parseStick(draft: ProxyDraft, line: KeywordLine): void {
  const [, word = '', pattern, ...rest] = line.words;
  const form = Object.hasOwn(forms, word) ? forms[word]! : undefined;
  if (form === undefined) throw new ConfigError("'stick' expects 'on', 'match', or 'store'.");
  if (pattern === undefined) throw new ConfigError("'stick' expects a fetch method.");
  const onResponse = form.stores === 'response';
  const scope = scopeOf(draft, line, onResponse ? Place.StickStore : Place.Server);
  const need = missingAt(pattern, scope);
  if (need !== null) {
    throw new ConfigError(
      `'stick': fetch method '${/^[^(,]*/.exec(pattern)![0]}' extracts information from '${need}', ` +
        `none of which is available ${onResponse ? "for 'store-response'" : 'during request'}.`,
    );
  }
  const expr = prefixed("'stick': ", () => parseExpression(pattern, scope));
  let name = '';
  if (rest[0] === 'table') {
    name = rest[1] ?? '';
    if (name === '') throw new ConfigError(`Proxy '${draft.name}': unable to find stick-table ''.`);
    rest.splice(0, 2);
  }
  const [next] = rest;
  if (next !== undefined && next !== 'if' && next !== 'unless') {
    throw new ConfigError(`'stick': unknown keyword '${next}'.`);
  }
  const condition =
    next === undefined
      ? null
      : explained("'stick': error detected while parsing sticking condition : ", () =>
          parseCondition(rest, scope),
        );
  const table = scope.table!(name, {
    missing: `Proxy '${draft.name}': unable to find stick-table '%'.`,
    key: expressionType(expr),
    mismatch: `Proxy '${draft.name}': type of fetch not usable with type of stick-table '%'.`,
  });
  draft.config.stickRules.push({ ...line.origin, ...form, expr, table, condition });
}
