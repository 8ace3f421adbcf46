/**
 * `tcp-request connection` and `tcp-request session` (configuration.txt 4.2): rules on a connection
 * that is not a stream yet. They never wait, and who is refused leaves a counter but no log line.
 *
 * @dataplane
 */
import { Counter } from '../model/shared.ts';
import { Verdict } from '../rules/context.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { vanish } from '../sys/socket.ts';
import { closeConn, resetConn } from './close.ts';
import { engine } from './engine.ts';
import type { Conn } from './stream.ts';

/** Rules on what the kernel says of a new connection. @returns false when it is gone */
export function admitConnection(conn: Conn): boolean {
  const { connectionRules } = conn.plan!;
  return connectionRules.empty || admit(conn, connectionRules, Counter.DeniedConnections);
}

/** Rules once all handshakes are over. @returns false when it is gone */
export function admitSession(conn: Conn): boolean {
  const { sessionRules } = conn.plan!;
  return sessionRules.empty || admit(conn, sessionRules, Counter.DeniedSessions);
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
