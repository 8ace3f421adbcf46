/** Configurations for the tests of this folder and of `checks`: one backend `app` and its servers. */
import type { Address } from '../base/value/address.ts';
import type { CheckConfig, Configuration, ProxyConfig, ServerConfig } from '../model/config.ts';
import { numberEntities } from '../model/entity.ts';
import { Proxy } from '../model/runtime.ts';
import { type EntityMap, SharedState } from '../model/shared.ts';
import { initServerState } from './server-state.ts';

export function ipv4(port: number): Address {
  const bytes = [127, 0, 0, 1];
  return { family: 'ipv4', datagram: false, bytes, port, path: '', fd: -1, text: '127.0.0.1' };
}

export function tcpCheckConfig(changes: Partial<CheckConfig> = {}): CheckConfig {
  return {
    kind: 'tcp',
    interMs: 2000,
    fastinterMs: -1,
    downinterMs: -1,
    rise: 2,
    fall: 3,
    address: null,
    port: 0,
    ...changes,
  };
}

export function serverConfig(index: number, changes: Partial<ServerConfig> = {}): ServerConfig {
  return {
    file: 'test.cfg',
    line: index + 1,
    index,
    name: `s${index + 1}`,
    id: index + 1,
    address: ipv4(1),
    portOffset: false,
    weight: 1,
    backup: false,
    disabled: false,
    maxconn: 0,
    minconn: 0,
    maxqueue: 0,
    check: null,
    poolMaxConn: -1,
    poolPurgeDelayMs: 5000,
    maxReuse: -1,
    sourceAddress: null,
    tcpUserTimeout: -1,
    cookie: null,
    ...changes,
  };
}

/** Only what balancing and checks read; the rest of a proxy is not made up. */
export function backendConfig(
  servers: Partial<ServerConfig>[],
  changes: Partial<ProxyConfig> = {},
): ProxyConfig {
  const unset = -1;
  const some: Partial<ProxyConfig> = {
    index: 0,
    name: 'app',
    kind: 'backend',
    mode: 'http',
    disabled: false,
    fullconn: 0,
    options: 0,
    timeout: {
      client: unset,
      clientFin: unset,
      clientHs: unset,
      connect: unset,
      server: unset,
      serverFin: unset,
      tunnel: unset,
      httpRequest: unset,
      httpKeepAlive: unset,
      queue: unset,
      check: unset,
      tarpit: unset,
    },
    binds: [],
    servers: servers.map((srv, i) => serverConfig(i, srv)),
    balance: { algorithm: 'roundrobin', args: [] },
    ...changes,
  };
  return some as ProxyConfig;
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
  const global = { spreadChecksPercent: 0, maxSpreadChecksMs: 0 };
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
