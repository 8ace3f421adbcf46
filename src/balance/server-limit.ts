/**
 * How many connections a server takes (configuration.txt 5.2 maxconn and minconn, 4.2 fullconn).
 * With `minconn` the limit follows the load of the backend:
 *
 *   limit = clamp(sessions of the backend × maxconn / fullconn, minconn, maxconn)
 *
 * @dataplane
 */
import type { Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';

/** Connections the server may have now; 0 = no limit. */
export function connectionLimit(shared: SharedState, server: Server): number {
  const most = shared.get(server.entity, State.Maxconn);
  const least = server.config.minconn;
  if (most === 0 || least === 0 || least >= most) return most;
  const full = shared.get(server.backend.backend, State.Maxconn);
  const load = shared.get(server.backend.backend, State.Current);
  if (full <= 0 || load >= full) return most;
  return Math.max(least, Math.floor((load * most) / full));
}

/** Says whether a new request may go straight there: below the limit and nobody waits for it. */
export function hasRoom(shared: SharedState, server: Server): boolean {
  const limit = connectionLimit(shared, server);
  if (limit === 0) return true;
  if (shared.get(server.entity, State.Queued) > 0) return false;
  return shared.get(server.entity, State.Current) < limit;
}
