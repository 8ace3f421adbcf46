/**
 * What health checks write to logs and, in the foreground, to stderr: the lines that dashboards and
 * alerting rules look for, byte for byte as HAProxy 3.2 writes them.
 */
import { healthText, type RiseFall } from './health.ts';
import type { CheckOutcome } from './kind.ts';
import { checkResult } from './result.ts';

/** Levels of syslog. */
export const enum Level {
  Emergency = 0,
  Alert = 1,
  Notice = 5,
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

/** `reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms` */
export function reasonText(outcome: CheckOutcome, durationMs: number): string {
  const code = outcome.code > 0 ? `, code: ${outcome.code}` : '';
  const info = outcome.info !== '' ? `, info: "${outcome.info}"` : '';
  const description = checkResult(outcome.status).description;
  return `reason: ${description}${code}${info}, check duration: ${durationMs}ms`;
}

/** The line of `option log-health-checks`. @param reason from `reasonText`. */
export function checkText(
  label: ServerLabel,
  passed: boolean,
  reason: string,
  counter: number,
  check: RiseFall,
): string {
  const backup = label.backup ? 'backup ' : '';
  const verdict = passed ? 'succeeded' : 'failed';
  return (
    `Health check for ${backup}server ${label.backend}/${label.server} ${verdict}, ` +
    `${reason}, status: ${healthText(counter, check)}.`
  );
}

function runningOn(counts: ServerCounts): string {
  return counts.active === 0 && counts.backup > 0 ? ' Running on backup.' : '';
}

function subject(label: ServerLabel): string {
  return `${label.backup ? 'Backup ' : ''}Server ${label.backend}/${label.server}`;
}

/** @param reason from `reasonText`, or '' when the line of the check has said it already. */
export function downText(label: ServerLabel, reason: string, counts: ServerCounts): string {
  return (
    `${subject(label)} is DOWN${reason === '' ? '' : `, ${reason}`}. ` +
    `${counts.active} active and ${counts.backup} backup servers left.${runningOn(counts)} ` +
    `${counts.sessions} sessions active, ${counts.requeued} requeued, ` +
    `${counts.queued} remaining in queue.`
  );
}

/** @param reason as for `downText`. */
export function upText(label: ServerLabel, reason: string, counts: ServerCounts): string {
  return (
    `${subject(label)} is UP${reason === '' ? '' : `, ${reason}`}. ` +
    `${counts.active} active and ${counts.backup} backup servers online.${runningOn(counts)} ` +
    `${counts.requeued} sessions requeued, ${counts.queued} total in queue.`
  );
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
export function stderrLine(severity: 'ALERT' | 'WARNING', pid: number, text: string): string {
  return `${`[${severity}]`.padEnd(10)} (${pid}) : ${text}`;
}
