/** The `status` column (management.txt 9.1, field 17). */
import { checkedStatus } from '../checks/health.ts';
import { AdminFlag, Health, State } from '../model/shared.ts';
import { hasAgent } from './compute.ts';
import type { Subject } from './subject.ts';

export function statusText(subject: Subject): string {
  switch (subject.kind) {
    case 'server':
      return serverStatus(subject);
    case 'backend': {
      const usable = subject.state(State.ActiveServers) + subject.state(State.BackupServers);
      return usable > 0 || subject.proxy.servers.length === 0 ? 'UP' : 'DOWN';
    }
    case 'listener':
      return listenerStatus(subject);
    case 'frontend': {
      // `State.Admin` of a proxy: 0 = running, 1 = paused, 2 = stopped.
      const admin = subject.state(State.Admin);
      return admin === 0 ? 'OPEN' : admin === 1 ? 'PAUSED' : 'STOP';
    }
  }
}

function listenerStatus(subject: Subject): string {
  const limit = subject.state(State.Maxconn);
  if (subject.state(State.AcceptPaused) !== 0) return 'WAITING';
  return limit > 0 && subject.state(State.Current) >= limit ? 'FULL' : 'OPEN';
}

function serverStatus(subject: Subject): string {
  const admin = subject.state(State.Admin);
  if ((admin & AdminFlag.Unresolved) !== 0) return 'MAINT (resolution)';
  if ((admin & AdminFlag.InheritedMaintenance) !== 0) return `MAINT (via ${subject.tracked})`;
  if ((admin & AdminFlag.Maintenance) !== 0) return 'MAINT';
  const health = subject.state(State.Health) as Health;
  const byAgent = hasAgent(subject) ? ' (agent)' : '';
  const drains = (admin & AdminFlag.AnyDrain) !== 0 && health !== Health.Down;
  if (byAgent !== '' && subject.state(State.AgentCounter) === 0) return `DOWN${byAgent}`;
  const { entity, config } = subject.leader;
  const { check } = config;
  const leads = check !== null && subject.source.checks.isEnabled(entity, 'Health');
  if (!leads) return drains ? `DRAIN${byAgent}` : unchecked(health);
  const counter = subject.source.shared.get(entity, State.CheckCounter);
  const status = checkedStatus(health, counter, check);
  return drains ? `${status.replace(/^\w+/, 'DRAIN')}${byAgent}` : status;
}

/** A server without checks, or with checks that are turned off. */
function unchecked(health: Health): string {
  if (health === Health.Down) return 'DOWN';
  return health === Health.Stopping ? 'NOLB' : 'no check';
}
