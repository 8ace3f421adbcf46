/**
 * Log formats of a proxy (4.2 "log-format", "error-log-format", "log-format-sd",
 * "unique-id-format"; 8.2). The lines only store the text: what an alias means depends on `mode`,
 * and a frontend in TCP mode that inherits `option httplog` falls back to the TCP format.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { LogFormatConfig } from '../../model/config.ts';
import {
  clfHttpLogFormat,
  clfTcpLogFormat,
  defaultHttpLogFormat,
  defaultHttpsLogFormat,
  defaultTcpLogFormat,
  parseLogFormat,
} from '../../rules/log-format.ts';
import { Place } from '../../rules/scope.ts';
import type { FormatSource, ProxyDraft } from './draft.ts';
import { type KeywordLine, Sign } from './keyword.ts';
import { warnFormatOverride } from './option-argument.ts';
import { scopeOf } from './rule.ts';
import type { ParserState } from './state.ts';
import { explained, sectionName } from './words.ts';

type FormatField = 'logFormat' | 'errorLogFormat' | 'logFormatSd' | 'uniqueIdFormat';

export function parseFormatLine(draft: ProxyDraft, line: KeywordLine, field: FormatField): void {
  const [keyword, text, extra] = line.words;
  if (text === undefined || text === '') throw new ConfigError(`${keyword} expects an argument.`);
  if (extra !== undefined) {
    throw new ConfigError(`${keyword} expects only one argument, don't forget to escape spaces!`);
  }
  if (draft.section === 'backend') {
    line.state.diagnostics.warning(
      line.origin,
      `backend '${draft.name}' : '${keyword}' directive is ignored in backends.`,
    );
    return;
  }
  if (field === 'logFormat') warnFormatOverride(draft, line, 'log-format');
  draft[field] = { origin: line.origin, text, kind: 'text' };
}

/** Parses the formats of a complete section into its ProxyConfig. */
export function resolveFormats(draft: ProxyDraft, state: ParserState): void {
  const config = draft.config;
  config.logFormat = resolve(draft, draft.logFormat, 'log-format', state);
  config.errorLogFormat = resolve(draft, draft.errorLogFormat, 'error-log-format', state);
  config.logFormatSd = resolve(draft, draft.logFormatSd, 'log-format-sd', state);
  config.uniqueIdFormat = resolve(draft, draft.uniqueIdFormat, 'unique-id', state);
}

function resolve(
  draft: ProxyDraft,
  source: FormatSource | null,
  keyword: string,
  state: ParserState,
): LogFormatConfig | null {
  if (source === null) return null;
  const line: KeywordLine = { words: [keyword], origin: source.origin, sign: Sign.Set, state };
  const place = keyword === 'unique-id' ? Place.FrontendRequestHeader : Place.Log;
  const text = formatText(draft, source, state);
  try {
    return explained(`failed to parse ${keyword} : `, () =>
      parseLogFormat(text, scopeOf(draft, line, place)),
    );
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    state.diagnostics.error(source.origin, problem.message);
    return null;
  }
}

function formatText(draft: ProxyDraft, source: FormatSource, state: ParserState): string {
  if (source.kind === 'text') return source.text;
  if (source.kind === 'tcplog') return defaultTcpLogFormat;
  if (source.kind === 'tcplog clf') return clfTcpLogFormat;
  if (draft.config.mode === 'http') {
    if (source.kind === 'httpslog') return defaultHttpsLogFormat;
    return source.kind === 'httplog' ? defaultHttpLogFormat : clfHttpLogFormat;
  }
  const isClf = source.kind === 'httplog clf';
  state.diagnostics.warning(
    source.origin,
    `'option ${source.kind}' not usable with ${sectionName(draft)} '${draft.name}' ` +
      `(needs 'mode http'). Falling back to 'option ${isClf ? 'tcplog clf' : 'tcplog'}'.`,
  );
  return isClf ? clfTcpLogFormat : defaultTcpLogFormat;
}
