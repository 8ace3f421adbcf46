/** `timeout` of the proxy sections (4.2), and the obsolete words for three of them. */
import { ConfigError } from '../../base/config-error.ts';
import type { TimeoutConfig } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import { type Effect, type KeywordLine, Where } from './keyword.ts';
import { delayProblem, durationMs, sectionName, smallDelay } from './words.ts';

export interface TimeoutRow extends Effect {
  name: string;
  field: keyof TimeoutConfig;
  /** `Where` bits of the sides that use it. */
  where: number;
  doc: string;
}

const BOTH = Where.Frontend | Where.Backend;

export const timeouts = [
  { name: 'check', field: 'check', where: Where.Backend, doc: 'Answer to a health check.' },
  { name: 'client', field: 'client', where: Where.Frontend, doc: 'Inactivity of the client.' },
  {
    name: 'client-fin',
    field: 'clientFin',
    where: Where.Frontend,
    doc: 'Inactivity of the client after one direction was closed.',
  },
  {
    name: 'client-hs',
    field: 'clientHs',
    where: Where.Frontend,
    doc: 'Handshake of the client: TLS.',
  },
  { name: 'connect', field: 'connect', where: Where.Backend, doc: 'Connection to a server.' },
  {
    name: 'http-keep-alive',
    field: 'httpKeepAlive',
    where: BOTH,
    doc: 'Wait for another request on a connection.',
  },
  { name: 'http-request', field: 'httpRequest', where: BOTH, doc: 'Complete head of a request.' },
  { name: 'queue', field: 'queue', where: Where.Backend, doc: 'Time in the queue for a server.' },
  { name: 'server', field: 'server', where: Where.Backend, doc: 'Inactivity of the server.' },
  {
    name: 'server-fin',
    field: 'serverFin',
    where: Where.Backend,
    doc: 'Inactivity of the server after one direction was closed.',
  },
  { name: 'tarpit', field: 'tarpit', where: BOTH, doc: 'Time a tarpitted client waits.' },
  {
    name: 'tunnel',
    field: 'tunnel',
    where: Where.Backend,
    doc: 'Inactivity of both sides of a tunnel.',
  },
] as const satisfies readonly TimeoutRow[] as readonly TimeoutRow[];

/** The list of the manual, in the words of the message. */
const SUPPORTED =
  "'timeout' supports 'client', 'server', 'connect', 'check', 'queue', 'http-keep-alive', " +
  "'http-request', 'tunnel', 'tarpit', 'client-fin', 'server-fin' and 'client-hs'";

export function parseTimeout(draft: ProxyDraft, line: KeywordLine): void {
  const name = line.words[1] ?? '';
  const row = timeouts.find((candidate) => candidate.name === name);
  if (row === undefined) throw new ConfigError(`${SUPPORTED} (got '${name}')`);
  setTimeoutOf(draft, line, row, line.words.slice(2));
}

/** 1.3 to 2.0 wrote `clitimeout`, `contimeout` and `srvtimeout`. */
export function parseOldTimeout(draft: ProxyDraft, line: KeywordLine, modern: string): void {
  const row = timeouts.find((candidate) => candidate.name === modern)!;
  line.state.diagnostics.warning(
    line.origin,
    `the '${line.words[0]}' directive is obsolete. Use 'timeout ${modern} ${line.words[1] ?? ''}'.`,
  );
  setTimeoutOf(draft, line, row, line.words.slice(1));
}

function setTimeoutOf(
  draft: ProxyDraft,
  line: KeywordLine,
  row: TimeoutRow,
  values: readonly string[],
): void {
  const [value, extra] = values;
  if (value === undefined || value === '') {
    throw new ConfigError(`'timeout ${row.name}' expects an integer value (in milliseconds)`);
  }
  let delay: number;
  try {
    delay = durationMs(value, 'ms', line);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    const what = delayProblem(value, problem);
    throw new ConfigError(
      what.startsWith('timer')
        ? `${what.replace(` '${value}'`, '')} in argument '${value}' to 'timeout ${row.name}' ` +
            '(maximum value is 2147483647 ms or ~24.8 days)'
        : `${what} in 'timeout ${row.name}'`,
    );
  }
  if (extra !== undefined) {
    throw new ConfigError(
      `'timeout ${row.name}' : unexpected extra argument '${extra}' after value '${value}'.`,
    );
  }
  if (!warnWrongSide(draft, line, row) && !warnOverwritten(draft, line, row)) {
    const place = `${sectionName(draft)} '${draft.name}'`;
    const warning = smallDelay(`timeout ${row.name}`, value, delay, place);
    if (warning !== null) line.state.diagnostics.warning(line.origin, warning);
  }
  // Zero is written by those who want no limit at all.
  draft.config.timeout[row.field] = delay === 0 ? -1 : delay;
}

/**
 * Warns of a second line in one section, seen by a value that is not the inherited one.
 * @returns whether it did
 */
function warnOverwritten(draft: ProxyDraft, line: KeywordLine, row: TimeoutRow): boolean {
  const before = draft.config.timeout[row.field];
  const inherited = draft.parent?.config.timeout[row.field] ?? -1;
  if (draft.section === 'defaults' || before <= 0 || before === inherited) return false;
  line.state.diagnostics.warning(
    line.origin,
    `overwriting 'timeout ${row.name}' which was already specified`,
  );
  return true;
}

/** @returns whether the section has no use for it. */
function warnWrongSide(draft: ProxyDraft, line: KeywordLine, row: TimeoutRow): boolean {
  const { section } = draft;
  if (section !== 'frontend' && section !== 'backend') return false;
  const [side, lacks] =
    section === 'frontend' ? [Where.Frontend, 'backend'] : [Where.Backend, 'frontend'];
  if ((row.where & side) !== 0) return false;
  line.state.diagnostics.warning(
    line.origin,
    `'timeout ${row.name}' will be ignored because ${section} '${draft.name}' has no ${lacks} ` +
      'capability',
  );
  return true;
}
