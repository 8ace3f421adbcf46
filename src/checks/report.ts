/**
 * What health checks write to logs and, in the foreground, to stderr: the lines that dashboards and
 * alerting rules look for, byte for byte as HAProxy 3.2 writes them.
 */
import { healthText, type RiseFall } from './health.ts';
import type { CheckOutcome } from './outcome.ts';
import { type CheckResultRow, checkResult } from './result.ts';

/** Levels of syslog. */
export const enum Level {
  Emergency = 0,
  Alert = 1,
  Notice = 5,
  Info = 6,
}

export interface ServerLabel {
  backend: string;
  server: string;
  backup: boolean;
}

export interface ServerCounts {
  active: number;
  backup: number;
  /** Sessions that the server has now. */
  sessions: number;
  /** Streams that leave or come from a queue because of the change. */
  requeued: number;
  /** Streams that stay in the server's queue. */
  queued: number;
}

/** `, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms` */
export function reasonText(outcome: CheckOutcome, durationMs: number): string {
  const { description, hasCode } = checkResult(outcome.status);
  const code = hasCode ? `, code: ${outcome.code}` : '';
  const info = outcome.info !== '' ? `, info: "${encoded(outcome.info)}"` : '';
  return `, reason: ${description}${code}${info}, check duration: ${durationMs}ms`;
}

/** A server's words in a line: what would break the line or its quotes is `<22>`. */
function encoded(text: string): string {
  return text.replace(/[^\x20-\x7e]|"/g, (char) => {
    return `<${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}>`;
  });
}

const verdicts = {
  passed: 'succeeded',
  conditional: 'conditionally succeeded',
  failed: 'failed',
  none: 'failed',
} as const;

/** The line of `option log-health-checks`. @param reason from `reasonText`. */
export function checkText(
  kind: 'Health' | 'Agent',
  label: ServerLabel,
  verdict: CheckResultRow['verdict'],
  reason: string,
  counter: number,
  check: RiseFall,
): string {
  const backup = label.backup ? 'backup ' : '';
  return (
    `${kind} check for ${backup}server ${label.backend}/${label.server} ${verdicts[verdict]}` +
    `${reason}, status: ${healthText(counter, check)}.`
  );
}

function runningOn(counts: ServerCounts): string {
  return counts.active === 0 && counts.backup > 0 ? ' Running on backup.' : '';
}

function subject(label: ServerLabel): string {
  return `${label.backup ? 'Backup ' : ''}Server ${label.backend}/${label.server}`;
}

/**
 * A server that is lost. @param what `is DOWN`; @param reason from `reasonText`, ` via b/s`, or ''
 * when another line has said it already.
 */
export function downText(
  label: ServerLabel,
  what: string,
  reason: string,
  counts: ServerCounts,
): string {
  return (
    `${subject(label)} ${what}${reason}. ` +
    `${counts.active} active and ${counts.backup} backup servers left.${runningOn(counts)} ` +
    `${counts.sessions} sessions active, ${counts.requeued} requeued, ` +
    `${counts.queued} remaining in queue.`
  );
}

/** A server that can be used, if perhaps not by everyone; parameters as those of `downText`. */
export function upText(
  label: ServerLabel,
  what: string,
  reason: string,
  counts: ServerCounts,
): string {
  return (
    `${subject(label)} ${what}${reason}. ` +
    `${counts.active} active and ${counts.backup} backup servers online.${runningOn(counts)} ` +
    `${counts.requeued} sessions requeued, ${counts.queued} total in queue.`
  );
}

/** What becomes of a server without a word about the others. */
export function maintenanceText(label: ServerLabel, what: string): string {
  return `${subject(label)} ${what}`;
}

/** `listen` sections are called proxies. */
export function noServerText(kind: 'proxy' | 'backend', name: string): string {
  return `${kind} ${name} has no server available!`;
}

/** The same on stderr, where the name stands in quotes. */
export function noServerAlert(kind: 'proxy' | 'backend', name: string): string {
  return `${kind} '${name}' has no server available!`;
}

/** A line of stderr as HAProxy prints it. */
export function stderrLine(
  severity: 'ALERT' | 'WARNING' | 'NOTICE',
  pid: number,
  text: string,
): string {
  return `${`[${severity}]`.padEnd(10)} (${pid}) : ${text}`;
}
