/**
 * The text that keeps the states of servers over a restart: format version 1 of `show servers state`
 * (management.txt 9.3), which `load-server-state-from-file` (configuration.txt 4.2) reads.
 */
import { isIP } from 'node:net';
import { assert } from '../base/assert.ts';
import type { Address } from '../base/value/address.ts';
import { CheckStatus } from './result.ts';

export const STATE_VERSION = '1';

/** Columns in their order. */
export const stateColumns = [
  'be_id',
  'be_name',
  'srv_id',
  'srv_name',
  'srv_addr',
  'srv_op_state',
  'srv_admin_state',
  'srv_uweight',
  'srv_iweight',
  'srv_time_since_last_change',
  'srv_check_status',
  'srv_check_result',
  'srv_check_health',
  'srv_check_state',
  'srv_agent_state',
  'bk_f_forced_id',
  'srv_f_forced_id',
  'srv_fqdn',
  'srv_port',
  'srvrecord',
  'srv_use_ssl',
  'srv_check_port',
  'srv_check_addr',
  'srv_agent_addr',
  'srv_agent_port',
] as const;

export type StateColumn = (typeof stateColumns)[number];
export type StateRow = Record<StateColumn, string>;

/** `srv_op_state`. */
export const enum Operation {
  Stopped = 0,
  Starting = 1,
  Running = 2,
  Stopping = 3,
}

/** Bits of `srv_admin_state`. */
export const enum AdminBit {
  ForcedMaintenance = 0x01,
  InheritedMaintenance = 0x02,
  /** The configuration says `disabled`. */
  Configured = 0x04,
  ForcedDrain = 0x08,
  InheritedDrain = 0x10,
  Unresolved = 0x20,
}

/** Those that keep every request away. */
export const MAINTENANCE_BITS =
  AdminBit.ForcedMaintenance | AdminBit.InheritedMaintenance | AdminBit.Unresolved;

/** Bits of `srv_check_state` and `srv_agent_state`. */
export const enum CheckBit {
  Running = 0x01,
  Configured = 0x02,
  Enabled = 0x04,
  Paused = 0x08,
  Agent = 0x10,
}

/** `srv_check_result`. */
export const enum CheckResultCode {
  Unknown = 0,
  Neutral = 1,
  Failed = 2,
  Passed = 3,
  Conditional = 4,
}

/** `srv_check_status` by our own number. */
const statusCodes: Readonly<Record<CheckStatus, number>> = {
  [CheckStatus.Unknown]: 0,
  [CheckStatus.Initializing]: 1,
  [CheckStatus.Checked]: 3,
  [CheckStatus.SocketError]: 5,
  [CheckStatus.Layer4Ok]: 6,
  [CheckStatus.Layer4Timeout]: 7,
  [CheckStatus.Layer4Connection]: 8,
  [CheckStatus.Layer6Ok]: 9,
  [CheckStatus.Layer6Timeout]: 10,
  [CheckStatus.Layer6Response]: 11,
  [CheckStatus.Layer7Timeout]: 12,
  [CheckStatus.Layer7Response]: 13,
  [CheckStatus.Layer7Ok]: 15,
  [CheckStatus.Layer7OkConditional]: 16,
  [CheckStatus.Layer7Status]: 17,
  [CheckStatus.ProcessError]: 18,
  [CheckStatus.ProcessTimeout]: 19,
  [CheckStatus.ProcessOk]: 20,
};

/** Highest `srv_check_status`. */
export const STATUS_CODE_MAX = 20;

export function statusCode(status: CheckStatus): number {
  return statusCodes[status];
}

/** @returns `Unknown` for a status that only HAProxy has. */
export function statusOfCode(code: number): CheckStatus {
  const found = Object.entries(statusCodes).find(([, known]) => known === code);
  return found === undefined ? CheckStatus.Unknown : Number(found[0]);
}

/** The name that an address was looked up by; `-` without one. */
export function nameOf({ family, text }: Address): string {
  if (family !== 'ipv4' && family !== 'ipv6') return '-';
  const host = text.slice(text.lastIndexOf('@') + 1).replace(/:[-+]?[0-9]*$/, '');
  const isName = host !== '' && host !== '*' && isIP(host.replace(/^\[(.*)\]$/, '$1')) === 0;
  return isName && !host.includes(':') ? host : '-';
}

/** The two lines that a dump begins with. */
export const stateHead = `${STATE_VERSION}\n# ${stateColumns.join(' ')}\n`;

export function stateLine(row: StateRow): string {
  return `${stateColumns.map((column) => row[column]).join(' ')}\n`;
}

/** What a file holds, or why it cannot be used. */
export type StateFile =
  | { kind: 'rows'; rows: { row: StateRow; line: number }[] }
  | { kind: 'empty' }
  | { kind: 'version' }
  | { kind: 'corrupted'; line: number };

/**
 * Reads a whole file. One line that is not a row makes the file useless, for it may have been cut or
 * mixed up anywhere. Columns that later versions add at the end are not looked at.
 */
export function parseStateFile(text: string): StateFile {
  if (text === '') return { kind: 'empty' };
  const lines = text.split('\n');
  if (lines[0] !== STATE_VERSION) return { kind: 'version' };
  // What is not ended by a line feed was cut.
  const isCut = lines.pop() !== '';
  const rows: { row: StateRow; line: number }[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.startsWith('#') || line.trim() === '') continue;
    const words = line.trim().split(/[ \t]+/);
    if (words.length < stateColumns.length) return { kind: 'corrupted', line: index + 1 };
    rows.push({ row: rowOf(words), line: index + 1 });
  }
  return isCut ? { kind: 'corrupted', line: lines.length + 1 } : { kind: 'rows', rows };
}

function rowOf(words: readonly string[]): StateRow {
  assert(words.length >= stateColumns.length, 'a row of server state is too short');
  const pairs = stateColumns.map((column, i) => [column, words[i]!]);
  return Object.fromEntries(pairs) as StateRow;
}
