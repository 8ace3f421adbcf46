/** Numbers the entities of a configuration: the process, then every side, listener and server. */
import type { Configuration, ProxyConfig } from './config.ts';
import { type EntityMap, PROCESS_ENTITY } from './shared.ts';

export function hasFrontend(proxy: ProxyConfig): boolean {
  return proxy.kind !== 'backend';
}

export function hasBackend(proxy: ProxyConfig): boolean {
  return proxy.kind !== 'frontend';
}

export function numberEntities(config: Configuration): EntityMap {
  let next = PROCESS_ENTITY + 1;
  const map: EntityMap = { count: 0, frontend: [], backend: [], server: [], listener: [] };
  for (const proxy of config.proxies) {
    map.frontend.push(hasFrontend(proxy) ? next++ : -1);
    map.backend.push(hasBackend(proxy) ? next++ : -1);
    map.listener.push(proxy.binds.map(() => next++));
    map.server.push(proxy.servers.map(() => next++));
  }
  map.count = next;
  return map;
}
