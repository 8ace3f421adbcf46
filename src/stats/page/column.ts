/** The columns of the page's tables, and what stands behind "more" in a row. */
import { isChecked } from '../compute.ts';
import { fields } from '../fields.ts';
import type { Subject } from '../subject.ts';
import type { StatValue } from '../value.ts';
import { bytesText, durationText, escapeHtml, numberText } from './text.ts';

export interface Column {
  group: string;
  label: string;
  /** HTML of its cell. */
  html(subject: Subject): string;
}

const byName = new Map(fields.map((field) => [field.name, field]));

/** The value of a field of `show stat`; null where it does not apply. */
export function valueOf(subject: Subject, name: string): StatValue {
  return byName.get(name)!.of[subject.kind]?.(subject) ?? null;
}

const shown = new Set<string>();

/** A column of numbers from one field. */
function count(group: string, label: string, name: string): Column {
  shown.add(name);
  return { group, label, html: (subject) => numberText(valueOf(subject, name)) };
}

function bytes(label: string, name: string): Column {
  shown.add(name);
  return { group: 'Bytes', label, html: (subject) => bytesText(valueOf(subject, name)) };
}

function seconds(group: string, label: string, name: string): Column {
  shown.add(name);
  return { group, label, html: (subject) => durationText(valueOf(subject, name)) };
}

/** The limit of sessions per second; 0 is none. */
function rateLimit(subject: Subject): string {
  return numberText(valueOf(subject, 'rate_lim') || null);
}

/** `L4OK in 2ms`, with what it found. */
function lastCheck(subject: Subject): string {
  const status = valueOf(subject, 'check_status');
  if (status === null || status === '') return '';
  const code = valueOf(subject, 'check_code');
  const took = valueOf(subject, 'check_duration');
  return escapeHtml(
    `${status}${code === null ? '' : `/${code}`}${took === null ? '' : ` in ${took}ms`}`,
  );
}

function weight(subject: Subject): string {
  const effective = valueOf(subject, 'weight');
  if (effective === null) return '';
  return `${effective}/${valueOf(subject, 'uweight')}`;
}

function status(subject: Subject): string {
  const since = valueOf(subject, 'lastchg');
  const age =
    since === null || (subject.kind === 'server' && !isChecked(subject))
      ? ''
      : ` ${durationText(since)}`;
  return `${escapeHtml(String(valueOf(subject, 'status')))}${age}`;
}

for (const name of ['status', 'lastchg', 'check_status', 'check_code', 'check_duration']) {
  shown.add(name);
}
for (const name of ['pxname', 'svname', 'pid', 'iid', 'sid', 'type', 'rate_lim', 'weight']) {
  shown.add(name);
}
for (const name of ['uweight', 'mode', 'addr', 'cookie', 'algo', 'proto']) shown.add(name);

export const columns: readonly Column[] = [
  { group: '', label: 'Status', html: status },
  count('Queue', 'Cur', 'qcur'),
  count('Queue', 'Max', 'qmax'),
  count('Queue', 'Limit', 'qlimit'),
  count('Sessions per second', 'Cur', 'rate'),
  count('Sessions per second', 'Max', 'rate_max'),
  { group: 'Sessions per second', label: 'Limit', html: rateLimit },
  count('Sessions', 'Cur', 'scur'),
  count('Sessions', 'Max', 'smax'),
  count('Sessions', 'Limit', 'slim'),
  count('Sessions', 'Total', 'stot'),
  count('Sessions', 'LbTot', 'lbtot'),
  seconds('Sessions', 'Last', 'lastsess'),
  bytes('In', 'bin'),
  bytes('Out', 'bout'),
  count('Denied', 'Req', 'dreq'),
  count('Denied', 'Resp', 'dresp'),
  count('Errors', 'Req', 'ereq'),
  count('Errors', 'Conn', 'econ'),
  count('Errors', 'Resp', 'eresp'),
  count('Warnings', 'Retr', 'wretr'),
  count('Warnings', 'Redis', 'wredis'),
  { group: 'Server', label: 'Check', html: lastCheck },
  { group: 'Server', label: 'Weight', html: weight },
  count('Server', 'Act', 'act'),
  count('Server', 'Bck', 'bck'),
  count('Server', 'Chk', 'chkfail'),
  count('Server', 'Dwn', 'chkdown'),
  seconds('Server', 'Downtime', 'downtime'),
  count('Server', 'Thrtle', 'throttle'),
];

/** Fields of protocols and other modules, which `stats show-modules` adds. */
const modulesFrom = fields.findIndex((field) => field.name === 'sess_other');

/** What else is known of a row and is not nothing: meanings, and values as HTML. */
export function detailsOf(subject: Subject, modules: boolean): [meaning: string, value: string][] {
  const details: [string, string][] = [];
  fields.forEach((field, i) => {
    if (shown.has(field.name) || (i >= modulesFrom && !modules)) return;
    const value = field.of[subject.kind]?.(subject) ?? null;
    if (value === null || value === '' || value === 0) return;
    details.push([
      field.meaning,
      typeof value === 'number' ? numberText(value) : escapeHtml(value),
    ]);
  });
  return details;
}
