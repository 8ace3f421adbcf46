/** How commands name proxies and servers: by name, or by number after a `#` (management.txt 9.3). */
import type { ProxyConfig, ServerConfig } from '../model/config.ts';
import { hasBackend, hasFrontend } from '../model/entity.ts';
import type { RuntimeSource } from './command.ts';

/** Ends a command; its message is the answer. */
export class CommandError extends Error {}

export interface NamedServer {
  proxy: ProxyConfig;
  server: ServerConfig;
  entity: number;
}

function isNamed({ name, id }: { name: string; id: number }, word: string): boolean {
  return word.startsWith('#') ? String(id) === word.slice(1) : name === word;
}

export function findBackend(source: RuntimeSource, word: string): ProxyConfig | undefined {
  return source.config.proxies.find((proxy) => hasBackend(proxy) && isNamed(proxy, word));
}

export function findFrontend(source: RuntimeSource, word: string): ProxyConfig | undefined {
  return source.config.proxies.find((proxy) => hasFrontend(proxy) && isNamed(proxy, word));
}

/**
 * The server of `<backend>/<server>`.
 * @throws CommandError
 */
export function findServer(source: RuntimeSource, word = ''): NamedServer {
  const slash = word.indexOf('/');
  if (slash < 0) throw new CommandError("Require 'backend/server'.");
  const proxy = findBackend(source, word.slice(0, slash));
  if (proxy === undefined) throw new CommandError('No such backend.');
  const server = proxy.servers.find((candidate) => isNamed(candidate, word.slice(slash + 1)));
  if (server === undefined) throw new CommandError('No such server.');
  return { proxy, server, entity: source.stats.entities.server[proxy.index]![server.index]! };
}
