/**
 * `tcp-request connection` and `tcp-request session` (configuration.txt 4.2): rules on a connection
 * that is not a stream yet. They never wait, and who is refused leaves a counter but no log line.
 *
 * @dataplane
 */
import { Counter, PROCESS_ENTITY, State } from '../model/shared.ts';
import { Verdict } from '../rules/context.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { vanish } from '../sys/socket.ts';
import { closeConn, resetConn } from './close.ts';
import { countSession } from './count.ts';
import { engine } from './engine.ts';
import { giveRate } from './rate-limit.ts';
import type { Conn } from './stream.ts';
import { noteSessionTracked } from './tracked.ts';

/** Rules on what the kernel says of a new connection. @returns false when it is gone */
export function admitConnection(conn: Conn): boolean {
  const { connectionRules } = conn.plan!;
  return connectionRules.empty || admit(conn, connectionRules, Counter.DeniedConnections);
}

/** Rules once all handshakes are over. @returns false when it is gone */
function admitSession(conn: Conn): boolean {
  const { sessionRules } = conn.plan!;
  return sessionRules.empty || admit(conn, sessionRules, Counter.DeniedSessions);
}

/** Bytes may come: the rules of the session, and its counts. @returns false when it is gone */
export function beginSession(conn: Conn): boolean {
  const { frontend } = conn.session.frontend!;
  if (!admitSession(conn)) {
    giveSessionRates(frontend);
    return false;
  }
  countSession(conn);
  noteSessionTracked(conn.session);
  return true;
}

/** The connection has not become a session. */
export function giveSessionRates(frontend: number): void {
  const { state } = engine.shared;
  const now = engine.nowDateMs;
  giveRate(state, PROCESS_ENTITY * State.WIDTH + State.SessionRateMax, now);
  giveRate(state, frontend * State.WIDTH + State.SessionRateMax, now);
}

function admit(conn: Conn, rules: Ruleset, denied: Counter): boolean {
  engine.attendSession(conn.session);
  if (rules.run(engine, 0) !== Verdict.Drop) return true;
  const isSilent = engine.dropSilently;
  const column = isSilent ? Counter.DeniedRequests : denied;
  engine.count(conn.session.frontend!.frontend, column, 1);
  engine.count(conn.listenerEntity, column, 1);
  if (isSilent) vanish(conn.fd, engine.dropTtl);
  // The system keeps nothing of a connection that was refused at once.
  if (!isSilent && denied === Counter.DeniedConnections) resetConn(conn);
  else closeConn(conn);
  return false;
}
