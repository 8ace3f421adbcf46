/** What several statistics fields have in common. */
import { isUsable } from '../model/server-health.ts';
import { AdminFlag, type Counter, Health, State } from '../model/shared.ts';
import { protocolName } from '../transport/listen.ts';
import type { Subject } from './subject.ts';
import type { StatValue } from './value.ts';

/** A counter that only HTTP proxies have. */
export function http(s: Subject, column: Counter): StatValue {
  return s.isHttp ? s.sum(column) : null;
}

/** Whether a server has checks that are not turned off. */
export function isChecked(s: Subject): boolean {
  return s.server!.check !== null && s.source.checks.isEnabled(s.entity, 'Health');
}

/** A value that only a server with checks has. */
export function checked(s: Subject, value: () => StatValue): StatValue {
  return isChecked(s) ? value() : null;
}

/** As `checked`, while checks run: not in maintenance. */
export function checkedNow(s: Subject, value: () => StatValue): StatValue {
  const inMaintenance = (s.state(State.Admin) & AdminFlag.AnyMaintenance) !== 0;
  return inMaintenance ? null : checked(s, value);
}

/** Whether a server has an agent that is asked. */
export function hasAgent(s: Subject): boolean {
  return s.server!.agent !== null && s.source.checks.isEnabled(s.entity, 'Agent');
}

/** A value that only a server with an agent has. */
export function asked(s: Subject, value: () => StatValue): StatValue {
  return hasAgent(s) ? value() : null;
}

/** -1 means that there was none. */
export function positive(value: number): StatValue {
  return value < 0 ? null : value;
}

/** `sock-N` is HAProxy's name for a bind line without one (5.1 name). */
export function listenerName(s: Subject): string {
  return s.bind!.name ?? `sock-${s.bind!.id}`;
}

export function listenerProtocol(s: Subject): string {
  return protocolName(s.bind!.address);
}

/** Seconds spent down, the present time of being down included. */
export function downtime(s: Subject): number {
  const past = s.state(State.Downtime);
  return isDown(s) ? past + Math.max(0, s.age(s.state(State.LastChange))) : past;
}

function isDown(s: Subject): boolean {
  if (s.kind === 'server') {
    const inMaintenance = (s.state(State.Admin) & AdminFlag.AnyMaintenance) !== 0;
    return inMaintenance || s.state(State.Health) === Health.Down;
  }
  return s.state(State.Health) === Health.Down;
}

/** Sum of the weights of the servers that get requests: the active ones, else the backup ones. */
export function backendWeight(s: Subject): number {
  const { entities, shared } = s.source;
  const useBackup = s.state(State.ActiveServers) === 0;
  let total = 0;
  for (const server of s.proxy.servers) {
    const entity = entities.server[s.proxy.index]![server.index]!;
    if (server.backup === useBackup && isUsable(shared, entity)) {
      total += shared.get(entity, State.Weight);
    }
  }
  return total;
}
