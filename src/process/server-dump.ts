/** The states of a proxy's servers as SIGHUP logs them (configuration.txt 8.9). */

import type { ProxyConfig } from '../model/config.ts';
import { isReachable } from '../model/server-health.ts';
import { Counter, type EntityMap, type SharedState, State } from '../model/shared.ts';

/** @returns one line per server and one for the proxy, without a prefix. */
export function serverDump(proxy: ProxyConfig, entities: EntityMap, shared: SharedState): string[] {
  const lines: string[] = [];
  for (const server of proxy.servers) {
    const entity = entities.server[proxy.index]![server.index]!;
    const state = isReachable(shared, entity) ? 'UP' : 'DOWN';
    const current = shared.get(entity, State.Current);
    const queued = shared.get(entity, State.Queued);
    const total = shared.sum(entity, Counter.Sessions);
    lines.push(
      `SIGHUP: Server ${proxy.name}/${server.name} is ${state}. ` +
        `Conn: ${current} act, ${queued} pend, ${total} tot.`,
    );
  }
  lines.push(`SIGHUP: Proxy ${proxy.name} ${summary(proxy, entities, shared)}`);
  return lines;
}

function summary(proxy: ProxyConfig, entities: EntityMap, shared: SharedState): string {
  const fe = entities.frontend[proxy.index]!;
  const be = entities.backend[proxy.index]!;
  const state = (entity: number, column: State) => (entity < 0 ? 0 : shared.get(entity, column));
  const total = (entity: number, column: Counter) => (entity < 0 ? 0 : shared.sum(entity, column));
  const unassigned = state(be, State.Queued);
  let pending = unassigned;
  for (const entity of entities.server[proxy.index]!) pending += state(entity, State.Queued);
  const connections =
    `Conn: act(FE+BE): ${state(fe, State.Current)}+${state(be, State.Current)}, ` +
    `${pending} pend (${unassigned} unass), ` +
    `tot(FE+BE): ${total(fe, Counter.Connections)}+${total(be, Counter.Sessions)}.`;
  const active = state(be, State.ActiveServers);
  const backup = state(be, State.BackupServers);
  if (proxy.servers.length === 0) return `has no servers. ${connections}`;
  if (active > 0) {
    return `has ${active} active servers and ${backup} backup servers available. ${connections}`;
  }
  const what = backup > 0 ? 'is running on backup servers !' : 'has no server available !';
  return `${what} ${connections}`;
}
