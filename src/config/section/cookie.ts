/** Cookie persistence: `cookie`, `dynamic-cookie-key`, `force-persist`, `ignore-persist` (4.2). */
import { ConfigError } from '../../base/config-error.ts';
import type { CookieConfig } from '../../model/config.ts';
import { parseCondition } from '../../rules/condition.ts';
import { Place } from '../../rules/scope.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { scopeOf } from './rule.ts';
import type { ParserState } from './state.ts';
import { delayMs, explained, sectionName, tightError } from './words.ts';

const OPTIONS =
  "'cookie' supports 'rewrite', 'insert', 'prefix', 'indirect', 'nocache', 'postonly', 'domain', " +
  "'maxidle', 'dynamic', 'maxlife' and 'attr' options.";

type FlagName =
  | 'indirect'
  | 'nocache'
  | 'postonly'
  | 'preserve'
  | 'httponly'
  | 'secure'
  | 'dynamic';

const flags: readonly FlagName[] = [
  'indirect',
  'nocache',
  'postonly',
  'preserve',
  'httponly',
  'secure',
  'dynamic',
];
const modes = ['rewrite', 'insert', 'prefix'] as const;

export function parseCookie(draft: ProxyDraft, line: KeywordLine): void {
  const [, name = '', ...words] = line.words;
  if (name === '') throw new ConfigError("'cookie' expects <cookie_name> as argument.");
  const cookie = createCookie(name);
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const flag = flags.find((known) => known === word);
    const mode = modes.find((known) => known === word);
    if (flag !== undefined) {
      cookie[flag] = true;
    } else if (mode !== undefined) {
      if (cookie.mode !== 'passive' && cookie.mode !== mode) throw incompatible();
      cookie.mode = mode;
    } else {
      parseValue(cookie, word, words[++at] ?? '', line);
    }
  }
  checkModes(cookie);
  draft.config.cookie = cookie;
}

function createCookie(name: string): CookieConfig {
  return {
    name,
    mode: 'passive',
    indirect: false,
    nocache: false,
    postonly: false,
    preserve: false,
    httponly: false,
    secure: false,
    dynamic: false,
    domains: [],
    attributes: [],
    maxidleMs: 0,
    maxlifeMs: 0,
  };
}

function incompatible(): ConfigError {
  return new ConfigError("cookie 'rewrite', 'insert' and 'prefix' modes are incompatible.");
}

function checkModes(cookie: CookieConfig): void {
  if (cookie.mode === 'rewrite' && cookie.indirect) {
    throw new ConfigError("cookie 'rewrite' and 'indirect' modes are incompatible.");
  }
  if (cookie.preserve && cookie.mode !== 'insert' && !cookie.indirect) {
    throw new ConfigError("cookie 'preserve' requires at least 'insert' or 'indirect'.");
  }
}

/** An option that has a value. */
function parseValue(cookie: CookieConfig, word: string, value: string, line: KeywordLine): void {
  switch (word) {
    case 'domain':
      if (value === '') throw tightError("'domain' expects <domain> as argument.");
      checkDomain(value, line);
      cookie.domains.push(value);
      return;
    case 'attr':
      if (value === '') throw tightError("'attr' expects <value> as argument.");
      checkAttribute(value);
      cookie.attributes.push(value);
      return;
    case 'maxidle':
      cookie.maxidleMs = parseDelay(word, '<idletime>', value, line);
      return;
    case 'maxlife':
      cookie.maxlifeMs = parseDelay(word, '<lifetime>', value, line);
      return;
    default:
      throw new ConfigError(OPTIONS);
  }
}

/** Whole seconds, as dates count. */
function parseDelay(word: string, what: string, value: string, line: KeywordLine): number {
  if (value === '') throw tightError(`'${word}' expects ${what} in seconds as argument.`);
  try {
    return Math.floor(delayMs(value, word, line, 's') / 1000) * 1000;
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw tightError(problem.message);
  }
}

function checkDomain(domain: string, line: KeywordLine): void {
  if (!domain.slice(1).includes('.')) {
    line.state.diagnostics.warning(
      line.origin,
      `: domain '${domain}' contains no embedded dot, this configuration may not work properly ` +
        '(see RFC6265#5.2.3).',
    );
  }
  const wrong = [...domain].find((char) => !/[a-zA-Z0-9.:-]/.test(char));
  if (wrong !== undefined) {
    throw tightError(`character '${wrong}' is not permitted in domain name '${domain}'.`);
  }
}

function checkAttribute(value: string): void {
  const wrong = [...value].find((char) => char < ' ' || char === ';' || char === '\x7f');
  if (wrong === undefined) return;
  const hex = wrong.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
  throw tightError(`character '%x${hex}' is not permitted in attribute value.`);
}

export function parseDynamicKey(draft: ProxyDraft, line: KeywordLine): void {
  const [, key = ''] = line.words;
  if (key === '') {
    throw new ConfigError("'dynamic-cookie-key' expects <secret_key> as argument.");
  }
  draft.config.dynamicCookieKey = key;
}

export function parsePersistRule(draft: ProxyDraft, line: KeywordLine): void {
  const [name = '', word] = line.words;
  if (draft.section === 'defaults') {
    throw new ConfigError(`'${name}' not allowed in 'defaults' section.`);
  }
  if (word !== 'if' && word !== 'unless') {
    throw new ConfigError(`'${name}' requires either 'if' or 'unless' followed by a condition.`);
  }
  const scope = scopeOf(draft, line, Place.BackendContent);
  const condition = explained(`error detected while parsing a '${name}' rule : `, () =>
    parseCondition(line.words.slice(1), scope),
  );
  draft.config.persistRules.push({ ...line.origin, force: name === 'force-persist', condition });
}

/** What depends on the mode, which may come behind: once the section is complete. */
export function resolveCookie(draft: ProxyDraft, state: ParserState): void {
  const { config } = draft;
  if (config.mode === 'http') return;
  const name = `${sectionName(draft)} '${draft.name}'`;
  if (config.cookie !== null) {
    const text = `cookie will be ignored for ${name} (needs 'mode http').`;
    state.diagnostics.warning(null, text);
    config.cookie = null;
  }
  for (const server of config.servers) {
    if (server.cookie === null) continue;
    const what = `ignoring cookie for server '${server.name}' as HTTP mode is disabled.`;
    state.diagnostics.warning(null, `${name} : ${what}`);
  }
}
