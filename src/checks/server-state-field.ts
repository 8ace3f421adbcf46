/** `X-Haproxy-Server-State` (configuration.txt 4.2 http-check send-state): a server as it is seen. */
import { hostname } from 'node:os';
import { formatAddress } from '../base/value/address.ts';
import type { CheckConfig, Configuration, ProxyConfig, ServerConfig } from '../model/config.ts';
import { isUsable } from '../model/server-health.ts';
import { type EntityMap, type Health, type SharedState, State } from '../model/shared.ts';
import { checkedStatus } from './health.ts';

export interface StateSource {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
}

export function serverState(
  { config, entities, shared }: StateSource,
  proxy: ProxyConfig,
  server: ServerConfig,
  check: CheckConfig,
): string {
  const servers = entities.server[proxy.index]!;
  const entity = servers[server.index]!;
  const backend = entities.backend[proxy.index]!;
  const state = (column: State): number => shared.get(entity, column);
  const status = checkedStatus(state(State.Health) as Health, state(State.CheckCounter), check);
  const isUnix = server.address.family === 'unix' || server.address.family === 'abns';
  // Only servers that may get requests count, and of these the kind that gets them now.
  const useBackup = shared.get(backend, State.ActiveServers) === 0;
  let total = 0;
  for (const other of proxy.servers) {
    const entityOfOther = servers[other.index]!;
    if (other.backup !== useBackup || !isUsable(shared, entityOfOther)) continue;
    total += shared.get(entityOfOther, State.Weight);
  }
  return [
    status,
    `address=${isUnix ? 'unix' : formatAddress({ ...server.address, port: 0 })}`,
    `port=${isUnix ? 'unix' : server.address.port}`,
    `name=${proxy.name}/${server.name}`,
    `node=${config.global.node || hostname()}`,
    `weight=${state(State.Weight)}/${total}`,
    `scur=${state(State.Current)}/${shared.get(backend, State.Current)}`,
    `qcur=${state(State.Queued)}`,
  ].join('; ');
}
