/**
 * Gives servers the state that they had in a process before (configuration.txt 4.2
 * load-server-state-from-file): health, maintenance that an operator asked for, weight, port. What the
 * configuration has changed since counts more than the file.
 */

import type { Address } from '../base/value/address.ts';
import { parseIpv4, parseIpv6 } from '../base/value/ip.ts';
import { AdminFlag, Health, State } from '../model/shared.ts';
import { fullHealth } from './health.ts';
import type { ServerEntry, ServerStates } from './server-states.ts';
import {
  AdminBit,
  MAINTENANCE_BITS,
  nameOf,
  Operation,
  STATUS_CODE_MAX,
  type StateColumn,
  type StateRow,
  statusOfCode,
} from './state-file.ts';

const reason = (): string => ', changed from server-state after a reload';

/** Largest value per number column; the smallest is 0. */
const largest: Partial<Record<StateColumn, number>> = {
  srv_op_state: Operation.Stopping,
  srv_admin_state: 0x7f,
  srv_uweight: 256,
  srv_iweight: 256,
  srv_time_since_last_change: 4294967295,
  srv_check_status: STATUS_CODE_MAX,
  srv_check_result: 4,
  srv_check_health: 4294967295,
  srv_check_state: 0x1f,
  srv_agent_state: 0x1f,
  bk_f_forced_id: 1,
  srv_f_forced_id: 1,
  srv_port: 65535,
  srv_check_port: 65535,
  srv_agent_port: 65535,
};

/** The first column whose value cannot be; null = the row can be used. */
function wrongColumn(row: StateRow): StateColumn | null {
  for (const [name, most] of Object.entries(largest)) {
    const column = name as StateColumn;
    if (!/^[0-9]{1,10}$/.test(row[column]) || Number(row[column]) > most) return column;
  }
  return null;
}

/**
 * Applies a row to its server.
 * @param wallSeconds now
 * @returns what could not be applied, for a warning, or null
 */
export function restoreServer(
  states: ServerStates,
  server: ServerEntry,
  row: StateRow,
  wallSeconds: number,
): string | null {
  const wrong = wrongColumn(row);
  if (wrong !== null) {
    // HAProxy's message has a name of its own for this column.
    const name = wrong === 'srv_time_since_last_change' ? 'srv_last_time_change' : wrong;
    return `application failed for server '%', invalid ${name} value '${row[wrong]}'`;
  }
  restoreAddress(states, server, row);
  restoreAdmin(states, server, Number(row.srv_admin_state));
  if ((Number(row.srv_admin_state) & MAINTENANCE_BITS) === 0) restoreHealth(states, server, row);
  // A weight that the configuration has changed since is the newer word.
  if (Number(row.srv_iweight) === server.config.weight) {
    states.setWeight(server, Number(row.srv_uweight));
  }
  const since = wallSeconds - Number(row.srv_time_since_last_change);
  states.shared.set(server.entity, State.LastChange, Math.max(1, since));
  return restoreCheckPlace(server, row);
}

function restoreAddress(states: ServerStates, server: ServerEntry, row: StateRow): void {
  const { address } = server.config;
  if (address.family !== 'ipv4' && address.family !== 'ipv6') return;
  if (!server.config.portOffset && row.srv_port !== '0') address.port = Number(row.srv_port);
  // 5.2 init-addr last: the address that the same name had.
  if (!server.config.takesLastAddress || row.srv_fqdn !== nameOf(address)) return;
  const last = addressOf(row.srv_addr);
  if (last === null) return;
  server.config.address = { ...last, port: address.port, text: address.text };
  if (!server.config.unresolved) return;
  server.config.unresolved = false;
  const rest = AdminFlag.Maintenance | AdminFlag.Unresolved;
  const admin = states.adminOf(server) & ~rest;
  states.restoreAdmin(server, server.config.disabled ? admin | AdminFlag.Maintenance : admin, '');
}

/**
 * The configuration's `disabled` is no news when it was there before: then the operator's word
 * counts, who may have enabled the server since.
 */
function restoreAdmin(states: ServerStates, server: ServerEntry, bits: number): void {
  const before = states.adminOf(server);
  if ((before & AdminFlag.Unresolved) !== 0) return;
  let admin = before;
  const wasConfigured = (bits & AdminBit.Configured) !== 0;
  const wasForced = (bits & AdminBit.ForcedMaintenance) !== 0;
  if (wasForced && !wasConfigured) admin |= AdminFlag.Maintenance;
  if (wasConfigured && !wasForced) admin &= ~AdminFlag.Maintenance;
  if ((bits & AdminBit.ForcedDrain) !== 0) admin |= AdminFlag.Drain;
  states.restoreAdmin(server, admin, reason());
}

function restoreHealth(states: ServerStates, server: ServerEntry, row: StateRow): void {
  const { config, entity } = server;
  const { shared } = states;
  const { check, agent } = config;
  if (config.track !== null) return;
  const operation: Operation = Number(row.srv_op_state);
  const most = check === null ? 0 : fullHealth(check);
  const counter = Math.min(Number(row.srv_check_health), most);
  if (check !== null) {
    shared.set(entity, State.CheckStatus, statusOfCode(Number(row.srv_check_status)));
    shared.set(entity, State.CheckCounter, operation === Operation.Stopping ? counter : most);
  }
  if (operation === Operation.Stopping) return states.setChecked(server, Health.Stopping, reason);
  if (operation !== Operation.Stopped) return;
  if (check === null && agent !== null) {
    shared.set(entity, State.AgentCounter, 0);
    return states.setAgent(server, false, reason);
  }
  shared.set(entity, State.CheckCounter, 0);
  states.setChecked(server, Health.Down, reason);
}

/** Where the server is checked, as far as the Runtime API had changed it. */
function restoreCheckPlace(server: ServerEntry, row: StateRow): string | null {
  const { check, agent } = server.config;
  if (row.srv_check_port !== '0' || row.srv_check_addr !== '-') {
    if (check === null) {
      return "partially applied for server '%', health checks are not enabled on this server";
    }
    if (row.srv_check_port !== '0') check.port = Number(row.srv_check_port);
    check.address = addressOf(row.srv_check_addr) ?? check.address;
  }
  // Without an agent these are those of the check.
  if (agent === null) return null;
  agent.address = addressOf(row.srv_agent_addr) ?? agent.address;
  if (row.srv_agent_port !== '0') agent.port = Number(row.srv_agent_port);
  return null;
}

function addressOf(text: string): Address | null {
  const bytes = parseIpv4(text) ?? parseIpv6(text);
  if (bytes === null) return null;
  const family = bytes.length === 4 ? 'ipv4' : 'ipv6';
  return { family, datagram: false, bytes, port: 0, path: '', fd: -1, text };
}
