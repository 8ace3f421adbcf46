/** `use-server` (configuration.txt 4.2): rules that send requests to one server of the backend. */
import { ConfigError } from '../../base/config-error.ts';
import type { ProxyConfig } from '../../model/config.ts';
import { parseCondition } from '../../rules/condition.ts';
import { parseLogFormat } from '../../rules/log-format.ts';
import { Place } from '../../rules/scope.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { scopeOf } from './rule.ts';
import { explained, sectionName } from './words.ts';

export function parseUseServer(draft: ProxyDraft, line: KeywordLine): void {
  const [, name = '', word] = line.words;
  if (draft.section === 'defaults') {
    throw new ConfigError("'use-server' not allowed in 'defaults' section.");
  }
  if (name === '') throw new ConfigError("'use-server' expects a server name.");
  if (word !== 'if' && word !== 'unless') {
    throw new ConfigError("'use-server' requires either 'if' or 'unless' followed by a condition.");
  }
  const scope = scopeOf(draft, line, Place.BackendContent);
  const condition = explained('error detected while parsing switching rule : ', () =>
    parseCondition(line.words.slice(2), scope),
  );
  const server = name.includes('%')
    ? explained(`failed to parse use-server rule '${name}' : `, () => parseLogFormat(name, scope))
    : name;
  draft.config.useServers.push({ ...line.origin, server, condition });
}

/** Fixed names must be those of servers; the section is complete. */
export function checkUseServers(
  proxy: ProxyConfig,
  draft: ProxyDraft,
  diagnostics: Diagnostics,
): void {
  for (const { server } of proxy.useServers) {
    if (typeof server !== 'string') continue;
    if (proxy.servers.some(({ name }) => name === server)) continue;
    const what = `unable to find server '${server}' referenced in a 'use-server' rule.`;
    diagnostics.error(null, `${sectionName(draft)} '${proxy.name}' : ${what}`);
  }
}
