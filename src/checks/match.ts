/**
 * What expect rules look for in the bytes that a server sent (configuration.txt 4.2 tcp-check expect,
 * http-check expect), and how they say that it is not there, in the words that operators know.
 */
import type {
  CheckExpectConfig,
  CheckMatchConfig,
  CheckText,
  FieldMatchConfig,
} from '../model/config.ts';
import { createRegex, type Regex } from '../rules/regex.ts';
import { Area, fromHex, latin1 } from './bytes.ts';
import { type MatchResult, match, wait } from './outcome.ts';
import { type CheckResponse, fieldsOf, reasonOf } from './response.ts';
import { CheckStatus } from './result.ts';

/** Makes the texts of this check. */
export type TextOf = (text: CheckText) => string;

const regexes = new Map<string, Regex>();
const area = new Area();

function test(source: string, bytes: Uint8Array, ignoreCase = false): boolean {
  const key = `${ignoreCase ? 'i' : ' '}${source}`;
  let regex = regexes.get(key);
  if (regex === undefined) {
    regex = createRegex(source, { ignoreCase, plainGroups: false });
    regexes.set(key, regex);
  }
  return regex.test(area.place(bytes), bytes.length);
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(part) >= 0;
}

function mismatch(status: CheckStatus, info: string): MatchResult {
  return { kind: 'mismatch', status, info };
}

/** How messages name what is looked for. */
function contentName(config: CheckMatchConfig): string {
  switch (config.kind) {
    case 'string':
      return ` '${config.text}'`;
    case 'binary':
      return ' (binary)';
    case 'regex':
    case 'status-regex':
      return ' (regex)';
    case 'binary-regex':
      return ' (binary regex)';
    case 'string-format':
      return ' (log-format string)';
    case 'binary-format':
      return ' (log-format binary)';
    case 'status':
      return '(status codes)';
    case 'field':
      return ' (header pattern)';
    case 'protocol':
      return ` (${config.name})`;
  }
}

/** The same where a message says how far a check has come. */
export function ruleName(config: CheckMatchConfig): string {
  switch (config.kind) {
    case 'string':
    case 'binary':
      return `${config.kind} '${config.text}'`;
    default:
      return contentName(config).replace(/^ ?\(|\)$/g, '');
  }
}

/** Bytes to wait for before the rule is tried at all. */
function bytesWanted(rule: CheckExpectConfig): number {
  const { match: config, minRecv } = rule;
  if (minRecv >= 0) return minRecv;
  if (config.kind === 'string') return config.text.length;
  return config.kind === 'binary' ? config.text.length / 2 : 0;
}

/** Whether the content is there; a text when the rule itself cannot be evaluated. */
function findContent(
  config: CheckMatchConfig,
  bytes: Uint8Array,
  textOf: TextOf,
): boolean | string {
  switch (config.kind) {
    case 'string':
      return contains(bytes, latin1(config.text));
    case 'binary':
      return contains(bytes, fromHex(config.text)!);
    case 'regex':
      return test(config.text, bytes);
    case 'binary-regex':
      return test(config.text, latin1(Buffer.from(bytes).toString('hex').toUpperCase()));
    case 'string-format': {
      const text = textOf(config.format);
      if (text === '') return 'log-format string evaluated to an empty string';
      return contains(bytes, latin1(text));
    }
    case 'binary-format': {
      const wanted = fromHex(textOf(config.format));
      if (wanted === null)
        return 'Failed to parse hexastring resulting of eval of a log-format string';
      return contains(bytes, wanted);
    }
    default:
      return `a rule about ${config.kind} has no content`;
  }
}

/** A rule about the bytes as they came. @param isLast no more of them can come */
export function matchBytes(
  rule: CheckExpectConfig,
  bytes: Uint8Array,
  isLast: boolean,
  textOf: TextOf,
): MatchResult {
  const { match: config, negate, number } = rule;
  if (!isLast && bytes.length < Math.max(1, bytesWanted(rule))) return wait;
  if (bytes.length === 0) {
    if (negate) return match;
    return emptyResponse(number);
  }
  const found = findContent(config, bytes, textOf);
  if (typeof found === 'string') return mismatch(CheckStatus.Layer7Response, found);
  const content = `${contentName(config)} at step ${number}`;
  if (found) {
    if (!negate) return match;
    return mismatch(CheckStatus.Layer7Response, `TCPCHK matched unwanted content${content}`);
  }
  if (!isLast && rule.minRecv < 0) return wait;
  if (negate) return match;
  return mismatch(CheckStatus.Layer7Response, `TCPCHK did not match content${content}`);
}

/** A server that ended the connection without a byte. */
export function emptyResponse(number: number, status = CheckStatus.Layer7Response): MatchResult {
  return mismatch(status, `TCPCHK got an empty response at step ${number}`);
}

/** A rule about an HTTP response whose head is there. @param isFull no more of it is received */
export function matchResponse(
  rule: CheckExpectConfig,
  response: CheckResponse,
  isFull: boolean,
  textOf: TextOf,
): MatchResult {
  const { match: config, negate, number } = rule;
  const code = response.status;
  const headFound = findInHead(config, response, textOf);
  if (headFound !== null) {
    if (headFound !== negate) return { kind: 'match', code };
    const generic = `TCPCHK did not match content${contentName(config)} at step ${number}`;
    const info = reasonOf(response.head) || generic;
    return { ...mismatch(CheckStatus.Layer7Status, info), code } as MatchResult;
  }
  return { ...matchBody(rule, response, isFull, textOf), code } as MatchResult;
}

function matchBody(
  rule: CheckExpectConfig,
  response: CheckResponse,
  isFull: boolean,
  textOf: TextOf,
): MatchResult {
  const { match: config, negate } = rule;
  const { body } = response;
  const isLast = response.isComplete || isFull;
  const status = CheckStatus.Layer7Response;
  if (body.length === 0 && isLast && !response.isBroken) {
    return mismatch(status, 'HTTP content check could not find a response body');
  }
  const found = body.length === 0 ? false : findContent(config, body, textOf);
  if (typeof found === 'string') return mismatch(status, found);
  if (!found && response.isBroken) {
    const content = `${contentName(config)} at step ${rule.number}`;
    return mismatch(status, `TCPCHK did not match content${content}`);
  }
  if (found && negate) return mismatch(status, 'HTTP check matched unwanted content');
  if (found) return match;
  if (!isLast) return wait;
  if (negate) return match;
  return mismatch(status, 'HTTP content check did not match');
}

/** Whether the rule matches the head; null when it is about the body. */
function findInHead(
  config: CheckMatchConfig,
  response: CheckResponse,
  textOf: TextOf,
): boolean | null {
  switch (config.kind) {
    case 'status':
      return config.ranges.some(
        ([from, until]) => from <= response.status && response.status <= until,
      );
    case 'status-regex':
      return test(config.text, latin1(String(response.status)));
    case 'field':
      return fieldsOf(response.head).some(({ name, value }) => {
        if (!matchField(config.name, name, textOf, true)) return false;
        const wanted = config.value;
        if (wanted === null) return true;
        const values = config.full ? [value] : listItems(value);
        return values.some((item) => matchField(wanted, item, textOf, false));
      });
    default:
      return null;
  }
}

/** The members of a field that is a list (RFC 9110 5.6.1); commas in quotes do not divide. */
function listItems(value: string): string[] {
  const items = value.match(/(?:"(?:\\.|[^"\\])*"?|[^,"])+/gs) ?? [''];
  return items.map((item) => item.trim());
}

function matchField(
  config: FieldMatchConfig,
  text: string,
  textOf: TextOf,
  ignoreCase: boolean,
): boolean {
  const pattern = textOf(config.text);
  if (config.how === 'reg') return test(pattern, latin1(text), ignoreCase);
  const wanted = ignoreCase ? pattern.toLowerCase() : pattern;
  switch (config.how) {
    case 'str':
      return text === wanted;
    case 'beg':
      return text.startsWith(wanted);
    case 'end':
      return text.endsWith(wanted);
    case 'sub':
      return text.includes(wanted);
  }
}
