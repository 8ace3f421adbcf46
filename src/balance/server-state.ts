/**
 * The state of servers in shared memory (configuration.txt 5.2: check, disabled, weight, backup):
 * who may get a request, how many such servers a backend has, and what stands there at start.
 *
 * Readers are the workers, per request; the one writer is the control thread. A worker decides by
 * three loads and takes no lock: a server that goes down in between gives a failed connection,
 * which is retried elsewhere like any other.
 *
 * @dataplane
 */
import {
  type CheckConfig,
  type Configuration,
  type InitState,
  Option,
  type ProxyConfig,
  type ServerConfig,
} from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { isUsable } from '../model/server-health.ts';
import { AdminFlag, type EntityMap, Health, type SharedState, State } from '../model/shared.ts';

/**
 * Says whether the server may run streams that wait in its backend's queue. A backup server does
 * only while no active one is usable, and then the first alone unless `option allbackups` is set.
 */
export function takesFromBackend(shared: SharedState, server: Server): boolean {
  if (!isUsable(shared, server.entity)) return false;
  if (!server.config.backup) return true;
  const backend = server.backend;
  if (shared.get(backend.backend, State.ActiveServers) > 0) return false;
  if ((backend.config.options & Option.AllBackups) !== 0) return true;
  for (let i = 0; i < server.index; i++) {
    const other = backend.servers[i]!;
    if (other.config.backup && isUsable(shared, other.entity)) return false;
  }
  return true;
}

/**
 * Writes the state that servers and backends have before the first check: a server with `check`
 * is up and one failure away from down, one without is always usable, a `disabled` one is in
 * maintenance. The control thread calls it once, before any worker runs.
 * @param wallSeconds wall clock, seconds since 1970: the time of the last change.
 */
export function initServerState(
  config: Configuration,
  entities: EntityMap,
  shared: SharedState,
  wallSeconds: number,
): void {
  for (const proxy of config.proxies) {
    proxy.servers.forEach((srv, i) => {
      initServer(shared, entities.server[proxy.index]![i]!, srv, wallSeconds);
      if (tracksMaintenance(config, srv)) inheritMaintenance(shared, entities, proxy, i);
    });
    const backend = entities.backend[proxy.index]!;
    if (backend < 0) continue;
    shared.set(backend, State.LastChange, wallSeconds);
    shared.set(backend, State.Maxconn, proxy.fullconn);
    recountBackend(shared, proxy, backend, entities.server[proxy.index]!);
    const isDown = shared.get(backend, State.Health) === Health.Down;
    if (isDown && fellByName(proxy)) shared.set(backend, State.Downs, 1);
  }
}

function initServer(
  shared: SharedState,
  entity: number,
  srv: ServerConfig,
  wallSeconds: number,
): void {
  const check = srv.check;
  shared.set(entity, State.Admin, adminOf(srv));
  // Until its name was looked up it was up; a server with checks counts that as one failure.
  if (srv.unresolved && !srv.disabled && check !== null) shared.set(entity, State.Downs, 1);
  const isChecked = check !== null || srv.track !== null;
  const up = isChecked ? Health.Up : Health.NoCheck;
  shared.set(entity, State.Health, startsDown(srv.initState) ? Health.Down : up);
  shared.set(entity, State.Weight, srv.weight);
  shared.set(entity, State.CheckCounter, check === null ? 0 : initialCounter(check, srv.initState));
  // `minconn` alone is a fixed limit (5.2 minconn).
  shared.set(entity, State.Maxconn, Math.max(srv.maxconn, srv.minconn));
  shared.set(entity, State.LastChange, wallSeconds);
  shared.set(entity, State.CheckDuration, -1);
}

/** 5.2 init-state. */
export function startsDown(state: InitState): boolean {
  return state === 'down' || state === 'fully-down';
}

/** The counter of successes of a check before the first one: up from `rise` on. */
export function initialCounter(check: CheckConfig, state: InitState): number {
  switch (state) {
    case 'fully-up':
      return check.rise + check.fall - 1;
    case 'down':
      return check.rise - 1;
    case 'fully-down':
      return 0;
    default:
      return check.rise;
  }
}

/** Whether the server that it tracks, directly or not, starts in maintenance. */
function tracksMaintenance(config: Configuration, srv: ServerConfig): boolean {
  let { track } = srv;
  while (track !== null) {
    const leader: ServerConfig = config.proxies[track.proxyIndex]!.servers[track.serverIndex]!;
    if (adminOf(leader) !== 0) return true;
    track = leader.track;
  }
  return false;
}

function inheritMaintenance(
  shared: SharedState,
  entities: EntityMap,
  proxy: ProxyConfig,
  index: number,
): void {
  const entity = entities.server[proxy.index]![index]!;
  const admin = shared.get(entity, State.Admin);
  shared.set(entity, State.Admin, admin | AdminFlag.InheritedMaintenance);
}

function adminOf(srv: ServerConfig): number {
  if (srv.unresolved) return AdminFlag.Maintenance | AdminFlag.Unresolved;
  return srv.disabled ? AdminFlag.Maintenance : 0;
}

/** Whether a backend had a usable server until the names of its servers were looked up. */
function fellByName(proxy: ProxyConfig): boolean {
  for (let i = 0; i < proxy.servers.length; i++) {
    const srv = proxy.servers[i]!;
    if (srv.unresolved && !srv.disabled && srv.weight > 0) return true;
  }
  return false;
}

/**
 * Counts the usable servers of a backend again and writes the counts and the backend's health.
 * For the control thread, after any change of a server's health, weight or administrative state.
 * @returns the usable servers there were before, for finding that the last one has gone.
 */
export function recountBackend(
  shared: SharedState,
  proxy: ProxyConfig,
  backendEntity: number,
  serverEntities: number[],
): number {
  const before =
    shared.get(backendEntity, State.ActiveServers) + shared.get(backendEntity, State.BackupServers);
  let active = 0;
  let backup = 0;
  for (let i = 0; i < serverEntities.length; i++) {
    if (!isUsable(shared, serverEntities[i]!)) continue;
    if (proxy.servers[i]!.backup) backup++;
    else active++;
  }
  shared.set(backendEntity, State.ActiveServers, active);
  shared.set(backendEntity, State.BackupServers, backup);
  // A backend without servers (statistics, redirects) is up.
  const up = active + backup > 0 || serverEntities.length === 0;
  shared.set(backendEntity, State.Health, up ? Health.Up : Health.Down);
  return before;
}
