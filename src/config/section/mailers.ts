/**
 * Mail about servers: the `mailers` section (configuration.txt 12.3) and `email-alert` lines of proxies
 * (4.2).
 */
import { ConfigError } from '../../base/config-error.ts';
import { parseAddress } from '../../base/value/address.ts';
import { logLevels } from '../../log/level.ts';
import type { MailersConfig, Origin, ProxyConfig } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import type { ParserState } from './state.ts';
import { badNameCharacter, delayMs, prefixed, refuseExtra, sectionName } from './words.ts';

/** 12.3 timeout mail. */
const TIMEOUT_MS = 10_000;

export function openMailers(words: string[], origin: Origin, state: ParserState): MailersConfig {
  const name = words[1] ?? '';
  const mailers: MailersConfig = { ...origin, name, timeoutMs: TIMEOUT_MS, mailers: [] };
  const bad = badNameCharacter(name);
  const other = state.mailers.find((candidate) => candidate.name === name);
  if (name === '') state.diagnostics.error(origin, 'missing name for mailers section.');
  else if (bad !== null) {
    const what = `character '${bad}' is not permitted in 'mailers' name '${name}'.`;
    state.diagnostics.error(origin, what);
  } else if (other !== undefined) {
    const what = `mailers section '${name}' already exists, declared at ${other.file}:${other.line}.`;
    state.diagnostics.error(origin, what);
  } else state.mailers.push(mailers);
  return mailers;
}

function parseMailer(section: MailersConfig, line: KeywordLine): void {
  const [, name, text] = line.words;
  if (name === undefined || text === undefined) {
    throw new ConfigError("'mailer' expects <name> and <addr>[:<port>] as arguments.");
  }
  const subject = `'mailer ${name}' : `;
  const syntax = { port: 'required', range: false } as const;
  const [found] = prefixed(subject, () => parseAddress(text, syntax, line.state.env));
  if (found === undefined || (found.family !== 'ipv4' && found.family !== 'ipv6')) {
    throw new ConfigError(`${subject}TCP not supported for this address family.`);
  }
  refuseExtra(line.words, 2);
  const { portOffset: _, ...address } = found;
  section.mailers.push({ name, address });
}

function parseMailTimeout(section: MailersConfig, line: KeywordLine): void {
  const [, what, word] = line.words;
  if (what === undefined)
    throw new ConfigError("'timeout' expects 'mail' and <time> as arguments.");
  if (what !== 'mail') {
    throw new ConfigError(`'timeout' expects 'mail' and <time> as arguments got '${what}'.`);
  }
  if (word === undefined) throw new ConfigError("'timeout mail' expects <time> as argument.");
  section.timeoutMs = delayMs(word, 'timeout mail', line);
  refuseExtra(line.words, 2);
}

export const mailersKeywords = [
  {
    name: 'mailer',
    args: '<name> <address>:<port>',
    doc: 'A server that takes mail over SMTP.',
    parse: parseMailer,
  },
  {
    name: 'timeout',
    args: 'mail <time>',
    doc: 'Longest dialogue with a mailer.',
    parse: parseMailTimeout,
  },
] as const satisfies readonly KeywordRow<MailersConfig>[] as readonly KeywordRow<MailersConfig>[];

/** 4.2 email-alert. */
export function parseEmailAlert(draft: ProxyDraft, line: KeywordLine): void {
  const [, what = '', value = ''] = line.words;
  if (what === '') throw new ConfigError("missing argument after 'email-alert'.");
  const alert = draft.config.emailAlert;
  if (what === 'level') {
    const level = logLevels.indexOf(value);
    if (level < 0) throw new ConfigError(`unknown log level '${value}' after 'level'`);
    alert.level = level;
  } else if (what === 'mailers' || what === 'from' || what === 'to' || what === 'myhostname') {
    if (value === '') throw new ConfigError(`missing argument after '${what}'.`);
    // They become lines of a dialogue.
    if (/[\x00-\x1f\x7f]/.test(value)) {
      throw new ConfigError(`a control character is not permitted after '${what}'.`);
    }
    alert[what] = value;
  } else throw new ConfigError(`email-alert: unknown argument '${what}'.`);
  refuseExtra(line.words, 2);
  draft.seen['email-alert'] = line.origin;
}

/** What mail needs must be there, else there is none; all sections have been read. */
export function checkEmailAlert(proxy: ProxyConfig, draft: ProxyDraft, state: ParserState): void {
  const { emailAlert } = proxy;
  if (draft.seen['email-alert'] === undefined) return;
  const { mailers, from, to } = emailAlert;
  const name = `${sectionName(draft)} '${proxy.name}'`;
  if (mailers === null || from === null || to === null) {
    state.diagnostics.warning(
      null,
      `'email-alert' will be ignored for ${name} (the presence any of 'email-alert from', ` +
        "'email-alert level' 'email-alert mailers', 'email-alert myhostname', or 'email-alert to' " +
        "requires each of 'email-alert from', 'email-alert mailers' and 'email-alert to' to be " +
        'present).',
    );
    emailAlert.mailers = null;
  } else if (!state.mailers.some((section) => section.name === mailers)) {
    state.diagnostics.error(null, `Proxy '${proxy.name}': unable to find mailers '${mailers}'.`);
  }
}
