/** Configurations for the tests of this folder and of `checks`: one backend `app` and its servers. */
import type { CheckConfig, Configuration, ProxyConfig, ServerConfig } from '../model/config.ts';
import { proxyConfig, serverConfig } from '../model/config-fixture.ts';
import { defaultTune } from '../model/defaults.ts';
import { numberEntities } from '../model/entity.ts';
import { Proxy } from '../model/runtime.ts';
import { type EntityMap, SharedState } from '../model/shared.ts';
import { initServerState } from './server-state.ts';

export function tcpCheckConfig(changes: Partial<CheckConfig> = {}): CheckConfig {
  return {
    interMs: 2000,
    fastinterMs: -1,
    downinterMs: -1,
    sendsProxy: false,
    rise: 2,
    fall: 3,
    address: null,
    port: 0,
    ...changes,
  };
}

export function backendConfig(
  servers: Partial<ServerConfig>[],
  changes: Partial<ProxyConfig> = {},
): ProxyConfig {
  return proxyConfig({
    name: 'app',
    kind: 'backend',
    servers: servers.map((srv, i) => serverConfig(i, srv)),
    ...changes,
  });
}

export interface Fixture {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  /** The backend's entity. */
  backend: number;
  /** Entity per server. */
  servers: number[];
  createProxy(): Proxy;
}

export function createFixture(
  servers: Partial<ServerConfig>[],
  changes: Partial<ProxyConfig> = {},
  workerCount = 1,
): Fixture {
  const proxy = backendConfig(servers, changes);
  const global = { spreadChecksPercent: 0, maxSpreadChecksMs: 0, tune: defaultTune() };
  const config = { global, proxies: [proxy], rings: [] } as unknown as Configuration;
  const entities = numberEntities(config);
  const shared = new SharedState(SharedState.allocate(entities.count, workerCount));
  initServerState(config, entities, shared, 1000);
  const backend = entities.backend[0]!;
  const serverEntities = entities.server[0]!;
  return {
    config,
    entities,
    shared,
    backend,
    servers: serverEntities,
    createProxy: () => new Proxy(proxy, entities.frontend[0]!, backend, serverEntities),
  };
}
