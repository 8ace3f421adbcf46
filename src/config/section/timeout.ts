/** `timeout` of the proxy sections (4.2), and the obsolete words for three of them. */
import { ConfigError } from '../../base/config-error.ts';
import { parseDuration } from '../../base/value/duration.ts';
import type { TimeoutConfig } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import { type KeywordLine, Where } from './keyword.ts';
import { delayProblem, smallDelay } from './words.ts';

export interface TimeoutRow {
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
    doc: 'Handshakes of the client: TLS, PROXY protocol.',
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
    delay = parseDuration(value, 'ms');
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
  if (!warnWrongSide(draft, line, row))
    warnSmall(draft, line, `timeout ${row.name} ${value}`, delay);
  // Zero is written by those who want no limit at all.
  draft.config.timeout[row.field] = delay === 0 ? -1 : delay;
}

function warnSmall(draft: ProxyDraft, line: KeywordLine, setting: string, delay: number): void {
  const section = draft.section === 'listen' ? 'proxy' : draft.section;
  const warning = smallDelay(setting, delay, `${section} '${draft.name}'`);
  if (warning !== null) line.state.diagnostics.warning(line.origin, warning);
}

/** @returns whether the timeout is of no use in this section. */
function warnWrongSide(draft: ProxyDraft, line: KeywordLine, row: TimeoutRow): boolean {
  if (draft.section === 'frontend' && (row.where & Where.Frontend) === 0) {
    line.state.diagnostics.warning(
      line.origin,
      `'timeout ${row.name}' will be ignored because frontend '${draft.name}' ` +
        'has no backend capability',
    );
    return true;
  }
  if (draft.section === 'backend' && (row.where & Where.Backend) === 0) {
    line.state.diagnostics.warning(
      line.origin,
      `'timeout ${row.name}' will be ignored because backend '${draft.name}' ` +
        'has no frontend capability',
    );
    return true;
  }
  return false;
}
