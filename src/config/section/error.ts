/**
 * Answers in place of errors (4.2 `errorfile`, `errorloc`, `errorfiles`, `http-error`; 12.4 `http-errors`).
 * Later lines replace what earlier ones said of a status; sections may stand behind their uses, so the
 * lines are kept in order until the whole configuration has been read.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { Origin, ProxyConfig, RuleConfig } from '../../model/config.ts';
import { parseReplyArgs, type ReplyArgs } from '../../rules/action/reply-args.ts';
import { Place } from '../../rules/scope.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { ErrorSource, HttpErrors, ProxyDraft } from './draft.ts';
import { errorStatuses, readErrorFile } from './errorfile.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import { scopeOf } from './rule.ts';
import type { ParserState } from './state.ts';
import { badNameCharacter, integer, prefixed } from './words.ts';

function statusOf(keyword: string, word: string): number {
  const status = integer(word) ?? 0;
  if (errorStatuses.includes(status)) return status;
  throw new ConfigError(`${keyword} : status code '${status}' not handled.`);
}

export function parseErrorFileLine(draft: ProxyDraft, line: KeywordLine): void {
  draft.errors.push({ kind: 'file', ...readErrorFile(line, 'errorfile : ') });
}

/** 4.2 `errorloc`, `errorloc302`, `errorloc303`: a redirection instead of the error. */
export function parseErrorLocation(draft: ProxyDraft, line: KeywordLine): void {
  const [keyword, code, url, extra] = line.words;
  if (code === undefined || url === undefined) {
    throw new ConfigError(`${keyword} : expects <status_code> and <url> as arguments.`);
  }
  if (extra !== undefined) throw new ConfigError(`${keyword} : expects exactly two arguments.`);
  const status = statusOf(keyword!, code);
  if (/[\x00-\x20\x7f]/.test(url)) {
    throw new ConfigError(`${keyword} : a location has no blanks and no control characters.`);
  }
  const first = keyword === 'errorloc303' ? '303 See Other' : '302 Found';
  const text =
    `HTTP/1.1 ${first}\r\nCache-Control: no-cache\r\nContent-Length: 0\r\n` +
    `Location: ${url}\r\n\r\n`;
  draft.errors.push({ kind: 'file', status, text });
}

export function parseErrorFiles(draft: ProxyDraft, line: KeywordLine): void {
  const [keyword, name, ...codes] = line.words;
  if (name === undefined) throw new ConfigError(`${keyword} : expects <name> as argument.`);
  const statuses = codes.length === 0 ? null : codes.map((code) => statusOf(keyword!, code));
  draft.errors.push({ kind: 'section', name, statuses, ...line.origin });
}

export function parseHttpError(draft: ProxyDraft, line: KeywordLine): void {
  const scope = scopeOf(draft, line, Place.FrontendRequestHeader);
  // Values may come from the response that the error replaces.
  const { args, rest } = prefixed('http-error : ', () =>
    parseReplyArgs(line.words.slice(1), scope, true, 0, false),
  );
  const { status } = args;
  if (rest.length > 0 && status !== 0) {
    throw new ConfigError(`http-error : unknown keyword '${rest[0]}'.`);
  }
  if (status === 0) throw new ConfigError('http-error : expects at least a <status> as arguments.');
  if (!errorStatuses.includes(status)) {
    throw new ConfigError(`http-error: status code '${status}' not handled.`);
  }
  if (args.section !== null) {
    const { section: name } = args;
    draft.errors.push({ kind: 'section', name, statuses: [status], ...line.origin });
  } else if (args.kind === 'page') {
    draft.errors.push({ kind: 'default', status });
  } else if (args.kind === 'complete') {
    const text = Buffer.from(args.bytes!).toString('latin1');
    draft.errors.push({ kind: 'file', status, text });
  } else {
    draft.errors.push({ kind: 'reply', status, args });
  }
}

export function openHttpErrors(
  words: readonly string[],
  origin: Origin,
  state: ParserState,
): HttpErrors {
  const name = words[1] ?? '';
  const section: HttpErrors = { ...origin, name, files: new Map() };
  const bad = badNameCharacter(name);
  const other = state.httpErrors.find((known) => known.name === name);
  let problem: string | null = null;
  if (name === '') problem = 'missing name for http-errors section.';
  else if (bad !== null)
    problem = `character '${bad}' is not permitted in 'http-errors' name '${name}'.`;
  else if (other !== undefined) {
    const place = `${other.file}:${other.line}`;
    problem = `: http-errors section '${name}' already exists (declared at ${place}).`;
  }
  if (problem === null) state.httpErrors.push(section);
  else state.diagnostics.error(origin, problem);
  return section;
}

/** Fills in the pages of a proxy from its lines, in order. */
export function resolveErrors(draft: ProxyDraft, state: ParserState): void {
  const { config } = draft;
  const set = (status: number, text: string | null, reply: ReplyArgs | null) => {
    delete config.errorFiles[status];
    delete config.errorReplies[status];
    if (text !== null) config.errorFiles[status] = text;
    if (reply !== null) config.errorReplies[status] = reply;
  };
  for (const source of draft.errors) {
    if (source.kind === 'file') set(source.status, source.text, null);
    else if (source.kind === 'reply') set(source.status, null, source.args);
    else if (source.kind === 'default') set(source.status, null, null);
    else importSection(source, config, state, (status, text) => set(status, text, null));
  }
  for (const rule of config.rules) resolveReply(rule, config, state);
}

function importSection(
  source: ErrorSource & { kind: 'section' },
  proxy: ProxyConfig,
  { httpErrors, diagnostics }: ParserState,
  set: (status: number, text: string) => void,
): void {
  const section = httpErrors.find(({ name }) => name === source.name);
  const place = `(at ${source.file}:${source.line})`;
  if (section === undefined) {
    const text = `proxy '${proxy.name}': unknown http-errors section '${source.name}' ${place}.`;
    return diagnostics.error(null, text);
  }
  for (const status of source.statuses ?? section.files.keys()) {
    const text = section.files.get(status);
    if (text !== undefined) set(status, text);
    else {
      diagnostics.warning(
        null,
        `proxy '${proxy.name}' : status '${status}' not declared in http-errors section ` +
          `'${section.name}' ${place}.`,
      );
    }
  }
}

/** `errorfiles` of `return`, `deny` and `tarpit` (4.4): nothing but the status where there is no file. */
function resolveReply(rule: RuleConfig, proxy: ProxyConfig, state: ParserState): void {
  const args = rule.args as Partial<ReplyArgs> | null;
  const name = args?.section ?? null;
  if (args === null || name === null || args.bytes !== null) return;
  const { diagnostics } = state;
  const section = state.httpErrors.find((known) => known.name === name);
  if (section === undefined) {
    const text = `Proxy '${proxy.name}': unknown http-errors section '${name}'`;
    return diagnostics.error(null, `${text} referenced by an http reply .`);
  }
  const file = section.files.get(args.status!);
  args.kind = file === undefined ? 'empty' : 'complete';
  args.bytes = Buffer.from(file ?? '', 'latin1');
  if (file === undefined) warnMissing(proxy, args.status!, name, diagnostics);
}

function warnMissing(
  proxy: ProxyConfig,
  status: number,
  section: string,
  diagnostics: Diagnostics,
): void {
  diagnostics.warning(
    null,
    `Proxy '${proxy.name}': status '${status}' referenced by an http reply not declared in ` +
      `http-errors section '${section}'.`,
  );
}

export const httpErrorsKeywords = [
  {
    name: 'errorfile',
    args: '<code> <file>',
    doc: 'File to answer with instead of a generated error.',
    parse: (section, line) => {
      const { status, text } = readErrorFile(line, 'errorfile: ');
      section.files.set(status, text);
    },
  },
] as const satisfies readonly KeywordRow<HttpErrors>[] as readonly KeywordRow<HttpErrors>[];
