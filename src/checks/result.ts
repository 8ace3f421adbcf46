/**
 * Results of health checks: the names of management.txt 9.1 (field 36, check_status) and the
 * descriptions that logs and `check_desc` show. `State.CheckStatus` holds the index of the row.
 */
import { assert } from '../base/assert.ts';

export const enum CheckStatus {
  Unknown = 0,
  Initializing = 1,
  SocketError = 2,
  Layer4Ok = 3,
  Layer4Timeout = 4,
  Layer4Connection = 5,
  Layer6Ok = 6,
  Layer6Timeout = 7,
  Layer6Response = 8,
  Layer7Ok = 9,
  Layer7OkConditional = 10,
  Layer7Timeout = 11,
  Layer7Response = 12,
  Layer7Status = 13,
  ProcessError = 14,
  ProcessTimeout = 15,
  ProcessOk = 16,
  /** An agent that says nothing about its server's operating state. */
  Checked = 17,
}

export interface CheckResultRow {
  status: CheckStatus;
  /** As in the CSV's check_status. */
  name: string;
  /** As in logs and the CSV's check_desc. */
  description: string;
  /** Whether it counts for `rise`, for `fall`, or not at all; `conditional`: no new clients. */
  verdict: 'passed' | 'conditional' | 'failed' | 'none';
  /** Whether a code belongs to it (`check_code`), 0 included. */
  hasCode: boolean;
}

function row(
  status: CheckStatus,
  name: string,
  description: string,
  verdict: CheckResultRow['verdict'],
  hasCode = false,
): CheckResultRow {
  return { status, name, description, verdict, hasCode };
}

/** In the order of `CheckStatus`. */
export const checkResults: readonly CheckResultRow[] = [
  row(CheckStatus.Unknown, 'UNK', 'Unknown', 'none'),
  row(CheckStatus.Initializing, 'INI', 'Initializing', 'none'),
  row(CheckStatus.SocketError, 'SOCKERR', 'Socket error', 'failed'),
  row(CheckStatus.Layer4Ok, 'L4OK', 'Layer4 check passed', 'passed'),
  row(CheckStatus.Layer4Timeout, 'L4TOUT', 'Layer4 timeout', 'failed'),
  row(CheckStatus.Layer4Connection, 'L4CON', 'Layer4 connection problem', 'failed'),
  row(CheckStatus.Layer6Ok, 'L6OK', 'Layer6 check passed', 'passed'),
  row(CheckStatus.Layer6Timeout, 'L6TOUT', 'Layer6 timeout', 'failed'),
  row(CheckStatus.Layer6Response, 'L6RSP', 'Layer6 invalid response', 'failed'),
  row(CheckStatus.Layer7Ok, 'L7OK', 'Layer7 check passed', 'passed', true),
  row(
    CheckStatus.Layer7OkConditional,
    'L7OKC',
    'Layer7 check conditionally passed',
    'conditional',
    true,
  ),
  row(CheckStatus.Layer7Timeout, 'L7TOUT', 'Layer7 timeout', 'failed'),
  row(CheckStatus.Layer7Response, 'L7RSP', 'Layer7 invalid response', 'failed'),
  row(CheckStatus.Layer7Status, 'L7STS', 'Layer7 wrong status', 'failed', true),
  row(CheckStatus.ProcessError, 'PROCERR', 'External check error', 'failed', true),
  row(CheckStatus.ProcessTimeout, 'PROCTOUT', 'External check timeout', 'failed', true),
  row(CheckStatus.ProcessOk, 'PROCOK', 'External check passed', 'passed', true),
  row(CheckStatus.Checked, 'CHECKED', 'No status change', 'none'),
];

/** The row of a status as it stands in shared memory. */
export function checkResult(status: number): CheckResultRow {
  return checkResults[status] ?? checkResults[CheckStatus.Unknown]!;
}

/** The status of a name such as `L7OK`. */
export function statusNamed(name: string): CheckStatus {
  const found = checkResults.find((row) => row.name === name);
  assert(found !== undefined, `no result of checks is named ${name}`);
  return found.status;
}
