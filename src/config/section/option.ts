/**
 * `option` lines of the proxy sections (4.2), those that are a single flag in one table and those
 * with arguments in another (option-argument.ts).
 */
import { ConfigError } from '../../base/config-error.ts';
import { isKnownKeyword } from '../../base/known-keywords.ts';
import { nearest } from '../../base/nearest.ts';
import { Option } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import { type Effect, type KeywordLine, Sign, Where } from './keyword.ts';
import { argumentOptions } from './option-argument.ts';
import { refuseExtra, tightError } from './words.ts';

export interface FlagOptionRow extends Effect {
  name: string;
  /** Absent for an option that asks for what is. */
  flag?: Option;
  /** `Where` bits of the sides that use it. */
  where: number;
  /** Has no effect outside of `mode http`. */
  http: boolean;
  doc: string;
  /** An older spelling: the one to write today. Not listed by `-dK`. */
  modern?: string;
}

const FE = Where.Frontend;
const BE = Where.Backend;

export const flagOptions = [
  {
    name: 'abortonclose',
    flag: Option.AbortOnClose,
    where: FE | BE,
    http: false,
    doc: 'Abort waiting requests whose client has closed.',
  },
  {
    name: 'accept-unsafe-violations-in-http-request',
    flag: Option.AcceptUnsafeRequest,
    where: FE,
    http: true,
    doc: 'Relax the strict parsing of requests.',
  },
  {
    name: 'accept-invalid-http-request',
    flag: Option.AcceptUnsafeRequest,
    where: FE,
    http: true,
    doc: 'Older spelling of accept-unsafe-violations-in-http-request.',
    modern: 'accept-unsafe-violations-in-http-request',
  },
  {
    name: 'accept-unsafe-violations-in-http-response',
    flag: Option.AcceptUnsafeResponse,
    where: BE,
    http: true,
    doc: 'Relax the strict parsing of responses.',
  },
  {
    name: 'accept-invalid-http-response',
    flag: Option.AcceptUnsafeResponse,
    where: BE,
    http: true,
    doc: 'Older spelling of accept-unsafe-violations-in-http-response.',
    modern: 'accept-unsafe-violations-in-http-response',
  },
  {
    name: 'allbackups',
    flag: Option.AllBackups,
    where: BE,
    http: false,
    doc: 'Use all backup servers at a time instead of the first.',
  },
  {
    name: 'clitcpka',
    flag: Option.ClientTcpKeepalive,
    where: FE,
    http: false,
    doc: 'TCP keep-alive probes to clients.',
  },
  {
    name: 'contstats',
    flag: Option.Contstats,
    where: FE,
    http: false,
    doc: 'Update the traffic counters while streams run.',
  },
  {
    name: 'disable-h2-upgrade',
    flag: Option.DisableH2Upgrade,
    waitsFor: 'HTTP/2',
    where: FE,
    http: true,
    doc: 'Do not upgrade an HTTP/1 connection to HTTP/2 on its preface.',
  },
  {
    name: 'dontlog-normal',
    flag: Option.DontLogNormal,
    where: FE,
    http: false,
    doc: 'Log only what failed.',
  },
  {
    name: 'dontlognull',
    flag: Option.DontLogNull,
    where: FE,
    http: false,
    doc: 'Do not log connections without any byte.',
  },
  {
    name: 'h1-case-adjust-bogus-client',
    flag: Option.H1CaseAdjustBogusClient,
    where: FE,
    http: false,
    doc: 'Adjust the case of field names sent to clients.',
  },
  {
    name: 'h1-case-adjust-bogus-server',
    flag: Option.H1CaseAdjustBogusServer,
    where: BE,
    http: false,
    doc: 'Adjust the case of field names sent to servers.',
  },
  {
    name: 'http-buffer-request',
    flag: Option.HttpBufferRequest,
    where: FE | BE,
    http: true,
    doc: 'Wait for the body, or a full buffer, before processing the request.',
  },
  {
    name: 'http-ignore-probes',
    flag: Option.HttpIgnoreProbes,
    where: FE,
    http: true,
    doc: 'Neither log nor answer connections that end before a request.',
  },
  {
    name: 'http-no-delay',
    flag: Option.HttpNoDelay,
    where: FE | BE,
    http: true,
    doc: 'Never delay small segments of a message.',
  },
  {
    name: 'http-pretend-keepalive',
    flag: Option.HttpPretendKeepalive,
    where: BE,
    http: true,
    doc: 'Announce keep-alive to servers although the connection will be closed.',
  },
  {
    name: 'http-use-proxy-header',
    flag: Option.HttpUseProxyHeader,
    where: FE,
    http: true,
    doc: 'Use Proxy-Connection instead of Connection.',
  },
  {
    name: 'idle-close-on-response',
    flag: Option.IdleCloseOnResponse,
    where: FE,
    http: true,
    doc: 'A soft stop leaves idle client connections open until their next request.',
  },
  {
    name: 'log-health-checks',
    flag: Option.LogHealthChecks,
    where: BE,
    http: false,
    doc: 'Log every change of the result of a health check.',
  },
  {
    name: 'log-separate-errors',
    flag: Option.LogSeparateErrors,
    where: FE,
    http: false,
    doc: 'Raise the level of errors to err.',
  },
  {
    name: 'logasap',
    flag: Option.LogAsap,
    where: FE,
    http: false,
    doc: 'Log as soon as possible instead of at the end.',
  },
  {
    name: 'nolinger',
    flag: Option.NoLinger,
    where: FE | BE,
    http: false,
    doc: 'Reset connections instead of closing them.',
  },
  {
    name: 'persist',
    flag: Option.Persist,
    where: BE,
    http: false,
    doc: 'Send clients with a cookie to their server even when it is down.',
  },
  {
    name: 'prefer-last-server',
    flag: Option.PreferLastServer,
    where: BE,
    http: false,
    doc: "Send a client's next request to the server of its last one.",
  },
  {
    name: 'socket-stats',
    flag: Option.SocketStats,
    where: FE,
    http: false,
    doc: 'Count per listening socket.',
  },
  {
    name: 'splice-auto',
    asItIs: 'bytes that come fast are always forwarded by the kernel',
    where: FE | BE,
    http: false,
    doc: 'Let the kernel forward bytes that come fast: so it is without this option.',
  },
  {
    name: 'splice-request',
    flag: Option.SpliceRequest,
    where: FE | BE,
    http: false,
    doc: 'Let the kernel forward what clients send.',
  },
  {
    name: 'splice-response',
    flag: Option.SpliceResponse,
    where: FE | BE,
    http: false,
    doc: 'Let the kernel forward what servers send.',
  },
  {
    name: 'srvtcpka',
    flag: Option.ServerTcpKeepalive,
    where: BE,
    http: false,
    doc: 'TCP keep-alive probes to servers.',
  },
  {
    name: 'tcp-smart-accept',
    flag: Option.TcpSmartAccept,
    where: FE,
    http: false,
    doc: 'Save the acknowledgement of the first segment.',
  },
  {
    name: 'tcp-smart-connect',
    flag: Option.TcpSmartConnect,
    where: BE,
    http: false,
    doc: 'Save the acknowledgement when the request can be sent at once.',
  },
] as const satisfies readonly FlagOptionRow[] as readonly FlagOptionRow[];

/** Options that HAProxy removed, with what it says about them. */
const removedOptions: Record<string, string> = {
  'http-tunnel':
    "option 'http-tunnel' is not supported any more since HAProxy 2.1, please just remove it, " +
    "it shouldn't be needed.",
  http_proxy:
    "option 'http_proxy' is not supported any more since HAProxy 2.5. It can be more reliably " +
    "implemented with combinations of 'http-request set-dst' and 'http-request set-uri'.",
  'http-use-htx':
    "option 'http-use-htx' is not supported any more since HAProxy 2.1, please just remove it.",
  tcpsplice: "option 'tcpsplice' is not supported any more. Use 'option splice-auto' instead.",
};

export function parseOption(draft: ProxyDraft, line: KeywordLine): void {
  const name = line.words[1];
  if (name === undefined) throw tightError("'option' expects an option name.");
  const flag = flagOptions.find((row) => row.name === name);
  if (flag !== undefined) {
    refuseExtra(line.words, 0, 2);
    setFlag(draft, line, flag);
    return;
  }
  const row = argumentOptions.find((candidate) => candidate.name === name);
  if (row === undefined) throw unknownOption(name, line.sign);
  if (line.sign !== Sign.Set && row.negatable !== true) throw noNegation(name);
  if (!sideFits(draft, line, name, row.where)) return;
  if (row.modern !== undefined) warnOlder(line, name, row.modern);
  row.parse(draft, line);
}

function setFlag(draft: ProxyDraft, line: KeywordLine, row: FlagOptionRow): void {
  if (row.modern !== undefined) warnOlder(line, row.name, row.modern);
  if (!sideFits(draft, line, row.name, row.where) || row.flag === undefined) return;
  if (line.sign === Sign.Set) {
    draft.config.options |= row.flag;
    draft.seen[`option ${row.name}`] = line.origin;
  } else {
    // `default` asks for the built-in value, and every flag is off when nothing is written.
    draft.config.options &= ~row.flag;
    delete draft.seen[`option ${row.name}`];
  }
}

function warnOlder(line: KeywordLine, name: string, modern: string): void {
  line.state.diagnostics.warning(
    line.origin,
    `option '${name}' is an older spelling. Use 'option ${modern}' instead.`,
  );
}

/** Warns when the proxy lacks the side that the option is for; a wrong option is ignored. */
function sideFits(draft: ProxyDraft, line: KeywordLine, name: string, where: number): boolean {
  const side = draft.section;
  if (side === 'frontend' && (where & Where.Frontend) === 0) {
    warnIgnored(draft, line, name, 'backend');
    return false;
  }
  if (side === 'backend' && (where & Where.Backend) === 0) {
    warnIgnored(draft, line, name, 'frontend');
    return false;
  }
  return true;
}

function warnIgnored(draft: ProxyDraft, line: KeywordLine, name: string, lacks: string): void {
  const isFormat = ['httplog', 'httpslog', 'tcplog'].includes(name);
  line.state.diagnostics.warning(
    line.origin,
    isFormat
      ? `${draft.section} '${draft.name}' : 'option ${name}' directive is ignored in backends.`
      : `'${name}' ignored because ${draft.section} '${draft.name}' has no ${lacks} capability.`,
  );
}

function noNegation(name: string): ConfigError {
  return tightError(`negation/default is not supported for option '${name}'.`);
}

function unknownOption(name: string, sign: Sign): ConfigError {
  const removed = removedOptions[name];
  if (removed !== undefined) return tightError(removed);
  if (isKnownKeyword('listen', ['option', name])) {
    return new ConfigError(`'option ${name}' is not supported yet by sluice`);
  }
  if (sign !== Sign.Set) return noNegation(name);
  const near = nearest(name, [
    ...flagOptions.filter((row) => row.modern === undefined).map((row) => row.name),
    ...argumentOptions.filter((row) => row.modern === undefined).map((row) => row.name),
  ]);
  const hint = near === null ? '.' : `; did you mean '${near}' maybe ?`;
  return new ConfigError(`unknown option '${name}'${hint}`);
}
