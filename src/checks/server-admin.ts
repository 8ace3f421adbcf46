/**
 * The administrative state of servers: maintenance and drain, forced by an agent or the Runtime API,
 * or inherited from the server that is tracked (configuration.txt 5.2 agent-check, disabled, track;
 * management.txt 9.3 set server), and the lines that say so, as HAProxy 3.2 writes them.
 */
import { AdminFlag } from '../model/shared.ts';
import { downText, Level, maintenanceText, upText } from './report.ts';
import type { ServerEntry, ServerStates } from './server-states.ts';

const FORCED = AdminFlag.Maintenance | AdminFlag.Drain;

interface Change {
  server: ServerEntry;
  before: number;
  after: number;
  /** ` via backend/server`, '' when it is the server's own. */
  via: string;
}

/**
 * Puts a server into maintenance, drains it, or ends both; those that track it follow.
 * @param forced `AdminFlag.Maintenance`, `AdminFlag.Drain` or both; 0 = neither. A server without an
 *   address stays where it is.
 */
export function setForcedAdmin(states: ServerStates, server: ServerEntry, forced: number): void {
  const before = states.adminOf(server);
  if ((before & AdminFlag.Unresolved) !== 0) return;
  change(states, { server, before, after: (before & ~FORCED) | forced, via: '' });
}

function inheritedFrom(admin: number): number {
  if ((admin & AdminFlag.AnyMaintenance) !== 0) return AdminFlag.InheritedMaintenance;
  return (admin & AdminFlag.AnyDrain) !== 0 ? AdminFlag.InheritedDrain : 0;
}

function change(states: ServerStates, changed: Change): void {
  const { server, before, after } = changed;
  if (before === after) return;
  const wasMaintained = (before & AdminFlag.AnyMaintenance) !== 0;
  const isMaintained = (after & AdminFlag.AnyMaintenance) !== 0;
  states.writeAdmin(server, after);
  if (wasMaintained && !isMaintained) states.restoreHealth(server);
  const lostLast = states.settleBackend(server);
  if (isMaintained) reportMaintenance(states, changed, wasMaintained, lostLast);
  else if (wasMaintained) reportEnd(states, changed);
  else reportDrain(states, changed);
  if (lostLast) states.reportNoServer(server);
  if (isMaintained && !wasMaintained) states.afterDown(server);
  if (wasMaintained && !isMaintained) states.afterUp(server);
  const { backend, server: name } = server.label;
  const inherited = inheritedFrom(after);
  for (const follower of server.followers) {
    const own = states.adminOf(follower);
    const rest = own & ~(AdminFlag.InheritedMaintenance | AdminFlag.InheritedDrain);
    const via = ` via ${backend}/${name}`;
    change(states, { server: follower, before: own, after: rest | inherited, via });
  }
}

function reportMaintenance(
  states: ServerStates,
  { server, before, after, via }: Change,
  wasMaintained: boolean,
  lostLast: boolean,
): void {
  const { label } = server;
  if (wasMaintained) {
    const lost = before & ~after & AdminFlag.AnyMaintenance;
    if (lost === 0) return;
    const text =
      lost === AdminFlag.Maintenance
        ? 'is leaving forced maintenance but remains in maintenance.'
        : 'remains in forced maintenance.';
    return states.report(server, Level.Notice, maintenanceText(label, text));
  }
  if (states.isDown(server)) {
    const text = `was DOWN and now enters maintenance${via}.`;
    return states.report(server, Level.Notice, maintenanceText(label, text));
  }
  const counts = states.countsOfLoss(server, lostLast);
  states.report(server, Level.Alert, downText(label, 'is going DOWN for maintenance', via, counts));
}

function reportEnd(states: ServerStates, { server, before, after, via }: Change): void {
  const { label } = server;
  const state = states.isDown(server) ? 'DOWN' : 'UP';
  const forced = (before & AdminFlag.Maintenance) !== 0 ? 'forced ' : '';
  const what = (after & AdminFlag.AnyDrain) === 0 ? 'READY' : 'DRAIN';
  const left = `is ${state}/${what} (leaving ${forced}maintenance).`;
  states.report(server, Level.Notice, maintenanceText(label, left));
  if (what === 'READY') return;
  const kind = (after & AdminFlag.Drain) !== 0 ? 'forced drain' : 'drain';
  states.report(server, Level.Notice, maintenanceText(label, `remains in ${kind} mode${via}.`));
}

function reportDrain(states: ServerStates, { server, before, after, via }: Change): void {
  const { label } = server;
  const isDown = states.isDown(server);
  const wasDrained = (before & AdminFlag.AnyDrain) !== 0;
  const isDrained = (after & AdminFlag.AnyDrain) !== 0;
  if (!isDrained) {
    const forced = (before & AdminFlag.Drain) !== 0 ? 'forced ' : '';
    const text = `is ${isDown ? 'DOWN' : 'UP'} (leaving ${forced}drain)${via}.`;
    return states.report(server, Level.Notice, maintenanceText(label, text));
  }
  if (wasDrained) return;
  const text = isDown
    ? downText(label, 'enters drain state', via, states.countsOfLoss(server, false))
    : upText(label, 'enters drain state', via, states.countsOfGain(server));
  states.report(server, Level.Notice, text, true);
}
