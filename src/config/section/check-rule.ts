/** `http-check` and `tcp-check` lines (4.2) but for `expect`, and the order that they must have. */
import { ConfigError } from '../../base/config-error.ts';
import { parseAddress } from '../../base/value/address.ts';
import type {
  CheckConnectConfig,
  CheckRequestConfig,
  CheckSendConfig,
  CheckStepConfig,
} from '../../model/config.ts';
import { type CheckLines, emptyRequest, noLines } from './check-draft.ts';
import { parseExpect } from './check-expect.ts';
import {
  type CheckLine,
  checkLine,
  expression,
  fault,
  formatText,
  hexFault,
} from './check-text.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';

const httpWords =
  "'http-check' only supports 'disable-on-404', 'send-state', 'comment', 'connect', 'send', " +
  "'expect', 'set-var-fmt(*)', 'set-var(*)', 'unset-var(*)'. but got";
const tcpWords =
  "'tcp-check' only supports 'comment', 'connect', 'send', 'send-binary', 'expect', " +
  "'set-var-fmt(*)', 'set-var(*)', 'unset-var(*)'. but got";

/** `external-check command` and `path`. */
export function parseExternalCheck(draft: ProxyDraft, line: KeywordLine): void {
  const [name, what, value] = line.words;
  if (what === undefined) throw new ConfigError(`missing argument after '${name}'.`);
  if (what !== 'command' && what !== 'path') {
    throw new ConfigError(`'${name}' only supports 'command' and 'path'. but got '${what}'.`);
  }
  if (value === undefined) throw new ConfigError(`missing argument after '${what}'.`);
  const extra = line.words[3];
  if (extra !== undefined) {
    throw new ConfigError(`'${name}' cannot handle unexpected argument '${extra}'.`);
  }
  draft.checks[what] = value;
}

/** Lines about variables. */
const variable = /^(?:set-var|set-var-fmt|unset-var)\(/;

export function parseHttpCheck(draft: ProxyDraft, line: KeywordLine): void {
  const { words } = line;
  const word = words[1] ?? '';
  const { checks } = draft;
  if (word === 'disable-on-404' || word === 'send-state') {
    const extra = words[2];
    if (extra !== undefined) {
      throw new ConfigError(`'http-check' cannot handle unexpected argument '${extra}'.`);
    }
    if (word === 'send-state') checks.sendState = true;
    else checks.disableOn404 = true;
    return;
  }
  refuseVariable(line, word);
  const lines = ownLines(checks.http, line);
  const read = checkLine(draft, line);
  switch (word) {
    case 'comment':
      addComment(lines, read);
      break;
    case 'connect':
      addStep(lines, read, parseConnect(line, read));
      break;
    case 'send':
      addStep(lines, read, parseRequest(read));
      break;
    case 'expect':
      addStep(lines, read, parseExpect(read, lines.count + 1));
      break;
    default:
      throw new ConfigError(`${httpWords} '${word}'`);
  }
  checks.http = lines;
}

export function parseTcpCheck(draft: ProxyDraft, line: KeywordLine): void {
  const word = line.words[1] ?? '';
  refuseVariable(line, word);
  const lines = ownLines(draft.checks.tcp, line);
  const read = checkLine(draft, line);
  switch (word) {
    case 'comment':
      addComment(lines, read);
      break;
    case 'connect':
      addStep(lines, read, parseConnect(line, read));
      break;
    case 'send':
    case 'send-lf':
    case 'send-binary':
    case 'send-binary-lf':
      addStep(lines, read, parseSend(read, word));
      break;
    case 'expect':
      addStep(lines, read, parseExpect(read, lines.count + 1));
      break;
    default:
      throw new ConfigError(`${tcpWords} '${word}'`);
  }
  draft.checks.tcp = lines;
}

function refuseVariable(line: KeywordLine, word: string): void {
  if (!variable.test(word)) return;
  const name = word.slice(0, word.indexOf('('));
  throw new ConfigError(`'${line.words[0]} ${name}' is not supported yet by sluice`);
}

/** A copy of the lines to add one to; the first line of a section puts inherited ones aside. */
function ownLines(lines: CheckLines, line: KeywordLine): CheckLines {
  const own = lines.origin === null ? noLines() : lines;
  return { ...own, steps: [...own.steps], origin: own.origin ?? line.origin };
}

function addComment(lines: CheckLines, line: CheckLine): void {
  const text = line.words[2];
  if (text === undefined) throw fault(line, 'expects a string as argument.');
  if (lines.count === 0) lines.opensFirst = true;
  lines.count++;
  lines.comment = text;
}

function addStep(lines: CheckLines, line: CheckLine, step: CheckStepConfig): void {
  checkOrder(lines, line, step);
  if (lines.count === 0) lines.opensFirst = step.type === 'connect';
  lines.count++;
  const comment = step.comment || lines.comment;
  lines.steps.push({ ...step, number: lines.count, comment });
  lines.comment = '';
}

/** What a rule of an HTTP check must follow, when it follows anything. */
const follows = {
  connect: ['expect'],
  request: ['connect'],
  expect: ['request', 'expect'],
} as const;

function checkOrder(lines: CheckLines, line: CheckLine, step: CheckStepConfig): void {
  const first = lines.steps[0];
  if (step.type === 'connect' && first !== undefined && first.type !== 'connect') {
    throw fault(
      line,
      "first step MUST also be a 'connect', optionally preceded by a 'set-var', an 'unset-var' or " +
        "a 'comment', when there is a 'connect' step in the tcp-check ruleset.",
    );
  }
  const before = lines.steps.at(-1)?.type;
  if (line.words[0] !== 'http-check' || before === undefined || step.type === 'send') return;
  const wanted: readonly string[] = follows[step.type];
  if (wanted.includes(before)) return;
  const missing = wanted[0] === 'request' ? 'send' : wanted[0];
  throw fault(
    line,
    `unable to add ${line.name} rule at step ${lines.count + 1} (missing ${missing} rule)..`,
  );
}

function text(line: CheckLine, at: number, name: string): string {
  const word = line.words[at];
  if (word === undefined || word === '')
    throw fault(line, `'${name}' expects a string as argument..`);
  return word;
}

function parseRequest(line: CheckLine): CheckRequestConfig {
  const { words } = line;
  const request = emptyRequest();
  let at = 2;
  while (at < words.length) {
    const word = words[at]!;
    if (word === 'hdr') {
      const [name, value] = [words[at + 1], words[at + 2]];
      if (name === undefined || value === undefined) {
        throw fault(line, "'hdr' expects <name> and <value> as arguments.");
      }
      request.fields.push({ name, value: formatText(line, value) });
      at += 3;
      continue;
    }
    const set = requestWords[word];
    if (set === undefined) {
      throw fault(
        line,
        "expects 'comment', 'meth', 'uri', 'uri-lf', 'ver', 'hdr', 'body' or 'body-lf' but got " +
          `'${word}' as argument..`,
      );
    }
    set(request, text(line, at + 1, word), line);
    at += 2;
  }
  return request;
}

const requestWords: Record<
  string,
  (request: CheckRequestConfig, value: string, line: CheckLine) => void
> = {
  comment: (request, value) => {
    request.comment = value;
  },
  meth: (request, value) => {
    request.method = value;
  },
  uri: (request, value) => {
    request.uri = value;
  },
  'uri-lf': (request, value, line) => {
    request.uri = formatText(line, value);
  },
  ver: (request, value) => {
    request.version = value;
  },
  body: (request, value) => {
    request.body = value;
  },
  'body-lf': (request, value, line) => {
    request.body = formatText(line, value);
  },
};

function parseSend(line: CheckLine, kind: string): CheckSendConfig {
  const { words } = line;
  const value = words[2];
  const isBinary = kind.startsWith('send-binary');
  if (value === undefined || value === '') {
    throw fault(line, `'${isBinary ? 'binary string' : 'string'}' expects a ${kind} as argument.`);
  }
  const option = words[3];
  let comment = '';
  if (option === 'comment') comment = text(line, 4, 'comment');
  const extra = option === undefined || option === 'comment' ? words[5] : option;
  if (extra !== undefined) throw fault(line, `expects 'comment' but got '${extra}' as argument..`);
  const wrong = kind === 'send-binary' ? hexFault(value) : null;
  if (wrong !== null) throw fault(line, `'${value}' invalid binary string (${wrong}).`);
  const data = kind.endsWith('-lf') ? formatText(line, value) : value;
  return { type: 'send', number: 0, comment, data, hex: isBinary };
}

/** What belongs to layers that are not there yet. */
const missing = ['ssl', 'sni', 'alpn', 'send-proxy', 'via-socks4'];

function parseConnect(line: KeywordLine, read: CheckLine): CheckConnectConfig {
  const { words } = read;
  const step: CheckConnectConfig = {
    type: 'connect',
    number: 0,
    comment: '',
    address: null,
    port: 0,
    linger: false,
  };
  let at = 2;
  while (at < words.length) {
    const word = words[at++]!;
    switch (word) {
      case 'comment':
        step.comment = text(read, at++, word);
        break;
      case 'port':
        step.port = parsePort(read, words[at++]);
        break;
      case 'addr':
        step.address = parseConnectAddress(read, words[at++], line);
        break;
      case 'linger':
        step.linger = true;
        break;
      case 'default':
        // The settings of the server line that it asks for belong to TLS, the PROXY protocol and SOCKS.
        break;
      case 'proto':
        checkProtocol(read, words[at++]);
        break;
      default:
        if (missing.includes(word)) throw fault(read, `'${word}' is not supported yet by sluice`);
        throw fault(
          read,
          "expects 'comment', 'port', 'addr', 'send-proxy', 'ssl', 'sni', 'alpn' or 'via-socks4', " +
            `'linger', 'default' but got '${word}' as argument..`,
        );
    }
  }
  return step;
}

function parsePort(line: CheckLine, word: string | undefined): CheckConnectConfig['port'] {
  if (word === undefined || word === '') {
    throw fault(line, "'port' expects a port number or a sample expression as argument..");
  }
  if (!/^\d+$/.test(word)) return expression(line, word, 'port');
  const port = Number(word);
  if (port > 0 && port < 65536) return port;
  throw fault(
    line,
    `expects a valid TCP port (from range 1 to 65535) or a sample expression, got ${word}..`,
  );
}

function parseConnectAddress(
  line: CheckLine,
  word: string | undefined,
  { state }: KeywordLine,
): CheckConnectConfig['address'] {
  if (word === undefined || word === '') {
    throw fault(line, "'addr' expects <ipv4|ipv6> as argument..");
  }
  try {
    const [found] = parseAddress(word, { port: 'optional', range: false }, state.env);
    if (found === undefined) throw new ConfigError(`invalid address: '${word}'`);
    const { portOffset: _, ...address } = found;
    return address;
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw fault(line, `'addr' : ${problem.message}..`);
  }
}

/** 4.2: checks speak HTTP/1, or nothing but TCP. */
function checkProtocol(line: CheckLine, word: string | undefined): void {
  if (word === undefined || word === '') {
    throw fault(line, "'proto' expects a MUX protocol as argument..");
  }
  const keyword = line.words[0]!;
  if (word === (keyword === 'http-check' ? 'h1' : 'none')) return;
  if (word === 'h1' || word === 'none') {
    throw fault(line, `'proto' : invalid MUX protocol '${word}' for ${keyword}.`);
  }
  if (['h2', 'fcgi', 'quic', 'spop'].includes(word)) {
    throw fault(line, `'proto ${word}' is not supported yet by sluice`);
  }
  throw fault(line, `'proto' : unknown MUX protocol '${word}'..`);
}
