/**
 * Results of health checks: the names of management.txt 9.1 (field 36, check_status) and the
 * descriptions that logs and `check_desc` show. `State.CheckStatus` holds the index of the row.
 */

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
}

export interface CheckResultRow {
  status: CheckStatus;
  /** As in the CSV's check_status. */
  name: string;
  /** As in logs and the CSV's check_desc. */
  description: string;
  /** Whether it counts for `rise`, for `fall`, or not at all. */
  verdict: 'passed' | 'failed' | 'none';
}

/** In the order of `CheckStatus`. */
export const checkResults = [
  { status: CheckStatus.Unknown, name: 'UNK', description: 'Unknown', verdict: 'none' },
  { status: CheckStatus.Initializing, name: 'INI', description: 'Initializing', verdict: 'none' },
  {
    status: CheckStatus.SocketError,
    name: 'SOCKERR',
    description: 'Socket error',
    verdict: 'failed',
  },
  {
    status: CheckStatus.Layer4Ok,
    name: 'L4OK',
    description: 'Layer4 check passed',
    verdict: 'passed',
  },
  {
    status: CheckStatus.Layer4Timeout,
    name: 'L4TOUT',
    description: 'Layer4 timeout',
    verdict: 'failed',
  },
  {
    status: CheckStatus.Layer4Connection,
    name: 'L4CON',
    description: 'Layer4 connection problem',
    verdict: 'failed',
  },
  {
    status: CheckStatus.Layer6Ok,
    name: 'L6OK',
    description: 'Layer6 check passed',
    verdict: 'passed',
  },
  {
    status: CheckStatus.Layer6Timeout,
    name: 'L6TOUT',
    description: 'Layer6 timeout',
    verdict: 'failed',
  },
  {
    status: CheckStatus.Layer6Response,
    name: 'L6RSP',
    description: 'Layer6 invalid response',
    verdict: 'failed',
  },
  {
    status: CheckStatus.Layer7Ok,
    name: 'L7OK',
    description: 'Layer7 check passed',
    verdict: 'passed',
  },
  {
    status: CheckStatus.Layer7OkConditional,
    name: 'L7OKC',
    description: 'Layer7 check conditionally passed',
    verdict: 'passed',
  },
  {
    status: CheckStatus.Layer7Timeout,
    name: 'L7TOUT',
    description: 'Layer7 timeout',
    verdict: 'failed',
  },
  {
    status: CheckStatus.Layer7Response,
    name: 'L7RSP',
    description: 'Layer7 invalid response',
    verdict: 'failed',
  },
  {
    status: CheckStatus.Layer7Status,
    name: 'L7STS',
    description: 'Layer7 wrong status',
    verdict: 'failed',
  },
] as const satisfies readonly CheckResultRow[];

/** The row of a status as it stands in shared memory. */
export function checkResult(status: number): CheckResultRow {
  return checkResults[status] ?? checkResults[CheckStatus.Unknown];
}
