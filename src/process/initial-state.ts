/**
 * The columns of shared state as the configuration has them before the first connection: limits
 * and states of the process, frontends and listeners here, of servers and backends by `balance`
 * (configuration.txt 3.2 maxconn, maxconnrate and maxsessrate, 4.2 maxconn, rate-limit and fullconn,
 * 5.1 maxconn).
 */
import { initServerState } from '../balance/server-state.ts';
import type { Configuration } from '../model/config.ts';
import { type EntityMap, PROCESS_ENTITY, type SharedState, State } from '../model/shared.ts';

/** `State.Admin` of a proxy. */
export const enum ProxyState {
  Running = 0,
  Paused = 1,
  Stopped = 2,
}

/**
 * @param maxconn effective limit of the process
 * @param wallSeconds wall clock, seconds since 1970
 */
export function writeInitialState(
  config: Configuration,
  entities: EntityMap,
  shared: SharedState,
  maxconn: number,
  wallSeconds: number,
): void {
  shared.set(PROCESS_ENTITY, State.Maxconn, maxconn);
  shared.set(PROCESS_ENTITY, State.LastChange, wallSeconds);
  shared.set(PROCESS_ENTITY, State.SessionRateMax, config.global.maxsessrate);
  shared.set(PROCESS_ENTITY, State.ConnectionRateMax, config.global.maxconnrate);
  for (const proxy of config.proxies) {
    const admin = proxy.disabled ? ProxyState.Stopped : ProxyState.Running;
    const fe = entities.frontend[proxy.index]!;
    if (fe >= 0) {
      shared.set(fe, State.Admin, admin);
      // 4.2 maxconn: without one, the limit of the process.
      shared.set(fe, State.Maxconn, proxy.maxconn || maxconn);
      shared.set(fe, State.SessionRateMax, proxy.sessionRateMax);
      shared.set(fe, State.LastChange, wallSeconds);
    }
    for (const bind of proxy.binds) {
      const listener = entities.listener[proxy.index]![bind.index]!;
      shared.set(listener, State.Maxconn, bind.maxconn);
    }
    const be = entities.backend[proxy.index]!;
    if (be >= 0) {
      shared.set(be, State.Admin, admin);
    }
  }
  initServerState(config, entities, shared, wallSeconds);
}
