/**
 * `tcp-request` and `tcp-response` (4.2): rules on connections and on the bytes that they bring, and
 * how long those are waited for.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { parseTcpRuleLine } from './rule.ts';
import { delayProblem, durationMs, sectionName } from './words.ts';

export function parseTcpRequest(draft: ProxyDraft, line: KeywordLine): void {
  const kind = requireKind(draft, line);
  switch (kind) {
    case 'inspect-delay':
      return setDelay(draft, line, 'requestInspectMs');
    case 'content':
      return parseTcpRuleLine(draft, line, 'tcp-request content');
    case 'connection':
    case 'session':
      requireFrontend(draft, kind);
      return parseTcpRuleLine(draft, line, `tcp-request ${kind}`);
    default:
      throw new ConfigError(
        "'tcp-request' expects 'inspect-delay', 'connection', 'session' or 'content' in " +
          `${place(draft)} (got '${kind}')`,
      );
  }
}

export function parseTcpResponse(draft: ProxyDraft, line: KeywordLine): void {
  const kind = requireKind(draft, line);
  switch (kind) {
    case 'inspect-delay':
      return setDelay(draft, line, 'responseInspectMs');
    case 'content':
      return parseTcpRuleLine(draft, line, 'tcp-response content');
    default:
      throw new ConfigError(
        `'tcp-response' expects 'inspect-delay' or 'content' in ${place(draft)} (got '${kind}')`,
      );
  }
}

function place(draft: ProxyDraft): string {
  return `${sectionName(draft)} '${draft.name}'`;
}

function requireKind(draft: ProxyDraft, line: KeywordLine): string {
  const [keyword, kind] = line.words;
  if (kind) return kind;
  throw new ConfigError(`missing argument for '${keyword}' in ${place(draft)}`);
}

/** What happens before a stream exists is the frontend's alone. */
function requireFrontend(draft: ProxyDraft, kind: string): void {
  if (draft.section !== 'backend') return;
  throw new ConfigError(
    `tcp-request ${kind} is not allowed because backend ${draft.name} is not a frontend`,
  );
}

/** The first delay counts, those of `defaults` included. */
function setDelay(
  draft: ProxyDraft,
  line: KeywordLine,
  field: 'requestInspectMs' | 'responseInspectMs',
): void {
  const name = line.words.slice(0, 2).join(' ');
  const word = line.words[2];
  const expected = `'${name}' expects a positive delay in milliseconds, in ${place(draft)}`;
  if (!word) throw new ConfigError(expected);
  let delay: number;
  try {
    delay = durationMs(word, 'ms', line);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`${expected} (${delayProblem(word, problem)})`);
  }
  if (draft.config[field] > 0) {
    line.state.diagnostics.warning(
      line.origin,
      `ignoring ${name} (was already defined) in ${place(draft)}`,
    );
    return;
  }
  draft.config[field] = delay;
}
