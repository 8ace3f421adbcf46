/**
 * Spellings of HAProxy 1.3 to 2.0 for what the proxy sections do today. Where the meaning is the
 * same the line works and a warning shows what to write; where it is not, the message names the
 * modern keyword. None of them is listed by `-dK`.
 */
import { ConfigError } from '../../base/config-error.ts';
import { lineRows } from '../../rules/action/line.ts';
import type { ProxyDraft } from './draft.ts';
import { EVERYWHERE, type KeywordLine, type ProxyKeywordRow, Where } from './keyword.ts';
import { setRedispatch } from './option-argument.ts';
import { parseAddLine, parseBlock, parseLine } from './rule.ts';
import { parseOldTimeout } from './timeout.ts';
import { refuseExtra } from './words.ts';

const RULES = Where.NamedDefaults | Where.Frontend | Where.Backend;
const FRONTEND_RULES = Where.NamedDefaults | Where.Frontend;

/** Keywords that cannot work any more, with what to write instead. */
const removedKeywords: Record<string, string> = {
  cliexp:
    "Use 'http-request replace-path', 'http-request replace-uri' or 'http-request replace-header' " +
    'instead.',
  srvexp: "Use 'http-response replace-header' instead.",
};

function refuseRemoved(_draft: ProxyDraft, line: KeywordLine): void {
  const keyword = line.words[0]!;
  throw new ConfigError(
    `The '${keyword}' directive is not supported anymore since HAProxy 2.1. ` +
      `${removedKeywords[keyword]}`,
  );
}

function parseRedispatchKeyword(draft: ProxyDraft, line: KeywordLine): void {
  refuseExtra(line.words, 0);
  line.state.diagnostics.warning(
    line.origin,
    "the 'redispatch' directive is obsolete. Use 'option redispatch'.",
  );
  setRedispatch(draft, -1);
}

function refuseMonitorNet(_draft: ProxyDraft, line: KeywordLine): void {
  const network = line.words[1] ?? '<network>';
  throw new ConfigError(
    "'monitor-net' doesn't exist anymore. Please use " +
      `'http-request return status 200 if { src ${network} }' instead.`,
  );
}

function refuse(message: string) {
  return (_draft: ProxyDraft, line: KeywordLine): void => {
    throw new ConfigError(message.replaceAll('%', line.words[0]!));
  };
}

function warnNoEffect(message: string) {
  return (_draft: ProxyDraft, line: KeywordLine): void => {
    line.state.diagnostics.warning(line.origin, message);
  };
}

const removedRows = Object.keys(removedKeywords).map((name) => ({
  name,
  args: '...',
  where: EVERYWHERE,
  doc: 'Removed in HAProxy 2.1.',
  parse: refuseRemoved,
}));

/** `reqrep` and `reqirep`: each keyword and the one that ignores case. */
const lineKeywords = lineRows.flatMap((row) =>
  [false, true].map((ignoreCase) => ({
    name: ignoreCase ? row.name.replace(/^.../, '$&i') : row.name,
    args: `<search> ${row.second} [{ if | unless } <condition>]`.replace('  ', ' '),
    where: row.second === '<backend>' ? FRONTEND_RULES : RULES,
    doc: row.doc,
    parse: (draft: ProxyDraft, line: KeywordLine) => parseLine(draft, line, row, ignoreCase),
  })),
);

export const obsoleteKeywords: readonly ProxyKeywordRow<ProxyDraft>[] = [
  {
    name: 'clitimeout',
    args: '<timeout>',
    where: EVERYWHERE,
    doc: 'timeout client until HAProxy 2.0.',
    parse: (draft, line) => parseOldTimeout(draft, line, 'client'),
  },
  {
    name: 'contimeout',
    args: '<timeout>',
    where: EVERYWHERE,
    doc: 'timeout connect until HAProxy 2.0.',
    parse: (draft, line) => parseOldTimeout(draft, line, 'connect'),
  },
  {
    name: 'srvtimeout',
    args: '<timeout>',
    where: EVERYWHERE,
    doc: 'timeout server until HAProxy 2.0.',
    parse: (draft, line) => parseOldTimeout(draft, line, 'server'),
  },
  {
    name: 'redispatch',
    args: '',
    where: Where.Defaults | Where.Backend,
    doc: 'option redispatch until HAProxy 2.0.',
    parse: parseRedispatchKeyword,
  },
  {
    name: 'block',
    args: '{ if | unless } <condition>',
    where: RULES,
    doc: 'http-request deny until HAProxy 2.0.',
    parse: parseBlock,
  },
  {
    name: 'reqadd',
    args: '<header>:<value> [{ if | unless } <condition>]',
    where: RULES,
    doc: 'http-request add-header until HAProxy 2.0.',
    parse: (draft, line) => parseAddLine(draft, line, 'http-request'),
  },
  {
    name: 'rspadd',
    args: '<header>:<value> [{ if | unless } <condition>]',
    where: RULES,
    doc: 'http-response add-header until HAProxy 2.0.',
    parse: (draft, line) => parseAddLine(draft, line, 'http-response'),
  },
  {
    name: 'bind-process',
    args: '...',
    where: EVERYWHERE,
    doc: 'Had an effect with several processes.',
    parse: warnNoEffect("'bind-process' has no effect: there is one process."),
  },
  {
    name: 'monitor-net',
    args: '<network>',
    where: EVERYWHERE,
    doc: 'Removed in HAProxy 2.5.',
    parse: refuseMonitorNet,
  },
  {
    name: 'appsession',
    args: '...',
    where: EVERYWHERE,
    doc: 'Removed in HAProxy 1.6.',
    parse: refuse("'%' is not supported anymore since HAProxy 1.6."),
  },
  {
    name: 'grace',
    args: '<time>',
    where: EVERYWHERE,
    doc: 'Removed from proxies in HAProxy 2.5.',
    parse: refuse(": the '%' keyword is not supported any more since HAProxy version 2.5."),
  },
  {
    name: 'dispatch',
    args: '<address>:<port>',
    where: EVERYWHERE,
    doc: 'Removed in HAProxy 3.3.',
    parse: refuse("'%' is not supported any more. Use a 'server' line instead."),
  },
  {
    name: 'transparent',
    args: '',
    where: EVERYWHERE,
    doc: 'Removed in HAProxy 3.3.',
    parse: refuse("'%' is not supported yet by sluice"),
  },
  ...lineKeywords,
  ...removedRows,
];
