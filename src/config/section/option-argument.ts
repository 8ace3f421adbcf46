/** `option` lines that are more than a flag (4.2), in the manual's order. */
import { ConfigError } from '../../base/config-error.ts';
import { parseCidr } from '../../base/value/address.ts';
import { type ForwardConfig, HttpMode, Option } from '../../model/config.ts';
import { Place } from '../../rules/scope.ts';
import { checkOptions } from './check-option.ts';
import type { ProxyDraft } from './draft.ts';
import { parseForwarded } from './forwarded.ts';
import { type ArgumentOptionRow, type KeywordLine, Sign, Where } from './keyword.ts';
import { scopeOf } from './rule.ts';
import { leadingInteger, refuseExtra } from './words.ts';

const FE = Where.Frontend;
const BE = Where.Backend;

/**
 * `option forwardfor` and `option originalto`: what follows the option's name.
 *
 * @param ifNone whether `if-none` is a word of this option
 */
function parseForward(line: KeywordLine, header: string, ifNone: boolean): ForwardConfig {
  const [, option] = line.words;
  const config: ForwardConfig = { header, except: [], ifNone: false };
  let at = 2;
  while (at < line.words.length) {
    const word = line.words[at]!;
    const value = line.words[at + 1];
    if (word === 'except') {
      if (value === undefined) {
        throw new ConfigError(`'option ${option} except' expects <address>[/mask] as argument.`);
      }
      config.except.push(exceptNetwork(option!, value));
      at += 2;
    } else if (word === 'header') {
      if (value === undefined) {
        throw new ConfigError(`'option ${option} header' expects <header_name> as argument.`);
      }
      config.header = value;
      at += 2;
    } else if (word === 'if-none' && ifNone) {
      config.ifNone = true;
      at += 1;
    } else {
      const values = ifNone ? "'except', 'header' and 'if-none'" : "'except' and 'header'";
      throw new ConfigError(`'option ${option}' only supports optional values: ${values}.`);
    }
  }
  return config;
}

function exceptNetwork(option: string, text: string): ForwardConfig['except'][0] {
  try {
    const { bytes, prefix } = parseCidr(text);
    return { bytes: Array.from(bytes), prefix };
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(
      `'option ${option} except' expects <address>[/mask] as argument, not '${text}'.`,
    );
  }
}

function setHttpMode(draft: ProxyDraft, line: KeywordLine, mode: HttpMode): void {
  refuseExtra(line.words, 0, 2);
  if (line.sign === Sign.Set) draft.config.httpMode = mode;
  // `no` and `default` only undo the mode that they name.
  else if (draft.config.httpMode === mode) draft.config.httpMode = HttpMode.KeepAlive;
}

function parseRedispatch(draft: ProxyDraft, line: KeywordLine): void {
  refuseExtra(line.words, line.sign === Sign.Set ? 1 : 0, 2);
  const word = line.words[2];
  let interval = -1;
  if (word !== undefined) {
    const found = leadingInteger(word, 'option redispatch', line);
    if (found === null) {
      throw new ConfigError(
        `'redispatch' expects a redispatch interval as an integer argument, found '${word}'.`,
      );
    }
    interval = found;
  }
  setRedispatch(draft, line.sign === Sign.Set ? interval : 0);
}

/** An interval of 0 turns redispatching off (4.2 "option redispatch"). */
export function setRedispatch(draft: ProxyDraft, interval: number): void {
  if (interval === 0) {
    draft.config.options &= ~Option.Redispatch;
    draft.config.redispatchInterval = -1;
    return;
  }
  draft.config.options |= Option.Redispatch;
  draft.config.redispatchInterval = interval;
}

/** Warns when a log format of a `defaults` section replaces another, its own or an inherited one. */
export function warnFormatOverride(draft: ProxyDraft, line: KeywordLine, spelled: string): void {
  const before = draft.logFormat;
  if (before === null || draft.section !== 'defaults') return;
  const old = before.kind === 'text' ? 'log-format' : `option ${before.kind}`;
  line.state.diagnostics.warning(
    line.origin,
    `: '${spelled}' overrides previous '${old}' in '${draft.section}' section.`,
  );
}

function setLogOption(draft: ProxyDraft, line: KeywordLine): void {
  const [, name, flag] = line.words;
  if (flag !== undefined && flag !== 'clf') {
    throw new ConfigError(`keyword '${name}' only supports option 'clf'.`);
  }
  refuseExtra(line.words, 1, 2);
  const base = name === 'tcplog' ? 'tcplog' : 'httplog';
  const kind = flag === 'clf' ? (`${base} clf` as const) : base;
  warnFormatOverride(draft, line, `option ${kind}`);
  draft.logFormat = { origin: line.origin, text: '', kind };
}

const plainOptions = [
  {
    name: 'forwardfor',
    args: '[ except <network> ] [ header <name> ] [ if-none ]',
    where: FE | BE,
    doc: "Add the client's address in X-Forwarded-For.",
    parse: (draft, line) => {
      draft.config.forwardFor = parseForward(line, 'X-Forwarded-For', true);
      draft.seen['option forwardfor'] = line.origin;
    },
  },
  {
    name: 'forwarded',
    args: '[ proto ] [ host | host-expr <expr> ] [ by | by-expr <expr> ] …',
    where: BE,
    negatable: true,
    doc: 'Add the Forwarded header of RFC 7239.',
    parse: (draft, line) => {
      if (line.sign !== Sign.Set) {
        draft.config.forwarded = null;
        return;
      }
      const scope = scopeOf(draft, line, Place.BackendRequestHeader);
      draft.config.forwarded = parseForwarded(line.words.slice(2), scope);
      draft.seen['option forwarded'] = line.origin;
    },
  },
  {
    name: 'http-keep-alive',
    args: '',
    where: FE | BE,
    negatable: true,
    doc: 'Keep connections on both sides.',
    parse: (draft, line) => setHttpMode(draft, line, HttpMode.KeepAlive),
  },
  {
    name: 'http-server-close',
    args: '',
    where: FE | BE,
    negatable: true,
    doc: 'Close the connection to the server after the response.',
    parse: (draft, line) => setHttpMode(draft, line, HttpMode.ServerClose),
  },
  {
    name: 'httpclose',
    args: '',
    where: FE | BE,
    negatable: true,
    doc: 'Close both connections after the response.',
    parse: (draft, line) => setHttpMode(draft, line, HttpMode.Close),
  },
  {
    name: 'forceclose',
    args: '',
    where: FE | BE,
    negatable: true,
    doc: 'Spelling of httpclose until HAProxy 1.9.',
    modern: 'httpclose',
    parse: (draft, line) => setHttpMode(draft, line, HttpMode.Close),
  },
  {
    name: 'httplog',
    args: '[ clf ]',
    where: FE,
    doc: 'Log requests in the HTTP format.',
    parse: setLogOption,
  },
  {
    name: 'httpslog',
    args: '',
    where: FE,
    doc: 'As httplog, with what is known of TLS.',
    parse: (draft, line) => {
      refuseExtra(line.words, 0, 2);
      warnFormatOverride(draft, line, 'option httpslog');
      draft.logFormat = { origin: line.origin, text: '', kind: 'httpslog' };
    },
  },
  {
    name: 'originalto',
    args: '[ except <network> ] [ header <name> ]',
    where: FE | BE,
    doc: 'Add the original destination in X-Original-To.',
    parse: (draft, line) => {
      draft.config.originalTo = parseForward(line, 'X-Original-To', false);
      draft.seen['option originalto'] = line.origin;
    },
  },
  {
    name: 'redispatch',
    args: '[ <interval> ]',
    where: BE,
    negatable: true,
    doc: 'Send retries to another server.',
    parse: parseRedispatch,
  },
  {
    name: 'tcpka',
    args: '',
    where: FE | BE,
    doc: 'TCP keep-alive probes on both sides.',
    parse: (draft, line) => {
      refuseExtra(line.words, 0, 2);
      if (draft.section !== 'backend') draft.config.options |= Option.ClientTcpKeepalive;
      if (draft.section !== 'frontend') draft.config.options |= Option.ServerTcpKeepalive;
    },
  },
  {
    name: 'tcplog',
    args: '[ clf ]',
    where: FE,
    doc: 'Log connections in the TCP format.',
    parse: setLogOption,
  },
] as const satisfies readonly ArgumentOptionRow[];

export const argumentOptions: readonly ArgumentOptionRow[] = [...plainOptions, ...checkOptions];
