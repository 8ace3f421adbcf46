/** `capture` lines (4.2 "capture cookie", "capture request header", 8.7, 8.8). */
import { ConfigError } from '../../base/config-error.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { leadingInteger, refuseExtra } from './words.ts';

export function parseCapture(draft: ProxyDraft, line: KeywordLine): void {
  const [, what, second] = line.words;
  if (what === 'cookie') parseCaptureCookie(draft, line);
  else if ((what === 'request' || what === 'response') && second === 'header') {
    parseCaptureHeader(draft, line, what);
  } else {
    throw new ConfigError("'capture' expects 'cookie' or 'request header' or 'response header'.");
  }
}

function captureLength(word: string, line: KeywordLine): number {
  const length = leadingInteger(word, 'len', line);
  if (length === null || length < 0) {
    throw new ConfigError(`'capture' expects a positive length after 'len' (got '${word}').`);
  }
  return length;
}

function parseCaptureHeader(
  draft: ProxyDraft,
  line: KeywordLine,
  what: 'request' | 'response',
): void {
  const [, , , name, len, size] = line.words;
  refuseInDefaults(draft, `capture ${what}`);
  if (name === undefined || len !== 'len' || size === undefined) {
    throw new ConfigError(`'capture ${what}' expects 'header' <header_name> 'len' <len>.`);
  }
  refuseExtra(line.words, 4, 2);
  const captures = what === 'request' ? draft.config.captureRequest : draft.config.captureResponse;
  captures.push({ name, length: captureLength(size, line) });
  draft.seen[`capture ${what} header`] ??= line.origin;
}

function parseCaptureCookie(draft: ProxyDraft, line: KeywordLine): void {
  const [, , name, len, size] = line.words;
  refuseInDefaults(draft, 'capture cookie');
  if (name === undefined || len !== 'len' || size === undefined) {
    throw new ConfigError("'capture' expects 'cookie' <cookie_name> 'len' <len>.");
  }
  refuseExtra(line.words, 3, 2);
  // 3.2 "tune.http.cookielen": larger lengths are truncated, silently.
  const length = Math.min(captureLength(size, line), line.state.global.tune.httpCookielen);
  draft.config.captureCookie = { name, length };
  draft.seen['capture cookie'] ??= line.origin;
}

function refuseInDefaults(draft: ProxyDraft, name: string): void {
  if (draft.section === 'defaults') {
    throw new ConfigError(`'${name}' not allowed in 'defaults' section.`);
  }
}
