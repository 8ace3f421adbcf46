/**
 * Keywords of the proxy sections `defaults`, `frontend`, `backend` and `listen` (4.2), in the
 * manual's order. Obsolete spellings have a table of their own (obsolete.ts).
 */
import { parseBalance } from '../../balance/registry.ts';
import { parseCapture } from './capture.ts';
import type { ProxyDraft } from './draft.ts';
import { parseErrorFile } from './errorfile.ts';
import { parseFormatLine } from './format.ts';
import { EVERYWHERE, type ProxyKeywordRow, Where } from './keyword.ts';
import { parseOption } from './option.ts';
import {
  parseBind,
  parseDescription,
  parseHttpReuse,
  parseId,
  parseKeepaliveCount,
  parseKeepaliveDelay,
  parseLog,
  parseMode,
  parseRateLimit,
  parseRetries,
  parseServerState,
  setCount,
  setDisabled,
  setText,
} from './proxy-setting.ts';
import {
  parseAclLine,
  parseDefaultBackend,
  parseRedirect,
  parseRuleLine,
  parseUseBackend,
} from './rule.ts';
import { parseDefaultServer, parseServer } from './server.ts';
import { parseTimeout } from './timeout.ts';

const { Defaults, NamedDefaults, Frontend, Backend } = {
  Defaults: Where.Defaults,
  NamedDefaults: Where.NamedDefaults,
  Frontend: Where.Frontend,
  Backend: Where.Backend,
};

/** Sections that evaluate rules, and `defaults` that have a name. */
const RULES = NamedDefaults | Frontend | Backend;

export const proxyKeywords = [
  {
    name: 'acl',
    args: '<aclname> <criterion> [flags] [operator] <value> ...',
    where: RULES,
    doc: 'Declare or complete an access list.',
    parse: parseAclLine,
  },
  {
    name: 'backlog',
    args: '<conns>',
    where: Defaults | Frontend,
    doc: 'Length of the queue of connections that the system holds.',
    parse: setCount('backlog'),
  },
  {
    name: 'balance',
    args: '<algorithm> [ <arguments> ]',
    where: Defaults | Backend,
    doc: 'Load balancing algorithm.',
    parse: (draft, line) => {
      draft.config.balance = parseBalance(line.words.slice(1));
    },
  },
  {
    name: 'bind',
    args: '[<address>]:<port_range> [, ...] [param*]',
    where: Frontend,
    doc: 'Addresses and ports to listen on.',
    parse: parseBind,
  },
  {
    name: 'capture',
    args: '{ cookie <name> | request header <name> | response header <name> } len <length>',
    where: Defaults | Frontend,
    doc: 'Keep a cookie or a header field for the logs.',
    parse: parseCapture,
  },
  {
    name: 'clitcpka-cnt',
    args: '<count>',
    where: Defaults | Frontend,
    doc: 'Keep-alive probes to clients before the connection is dropped.',
    parse: parseKeepaliveCount('clitcpkaCnt'),
  },
  {
    name: 'clitcpka-idle',
    args: '<timeout>',
    where: Defaults | Frontend,
    doc: 'Idle time of a client before the first keep-alive probe.',
    parse: parseKeepaliveDelay('clitcpkaIdleMs'),
  },
  {
    name: 'clitcpka-intvl',
    args: '<timeout>',
    where: Defaults | Frontend,
    doc: 'Time between keep-alive probes to clients.',
    parse: parseKeepaliveDelay('clitcpkaIntvlMs'),
  },
  {
    name: 'default-server',
    args: '[param*]',
    where: Defaults | Backend,
    strict: true,
    doc: 'Settings that following servers start from.',
    parse: (draft, line) => parseDefaultServer(draft, line.words, line.origin, line.state),
  },
  {
    name: 'default_backend',
    args: '<backend>',
    where: Defaults | Frontend,
    doc: 'Backend when no use_backend rule matches.',
    parse: parseDefaultBackend,
  },
  {
    name: 'description',
    args: '<string>',
    where: Frontend | Backend,
    tight: true,
    doc: 'Text for people.',
    waitsFor: 'the statistics page',
    parse: parseDescription,
  },
  {
    name: 'disabled',
    args: '',
    where: EVERYWHERE,
    doc: 'Do not start the proxy.',
    parse: setDisabled(true),
  },
  {
    name: 'enabled',
    args: '',
    where: EVERYWHERE,
    doc: 'Start the proxy although defaults say disabled.',
    parse: setDisabled(false),
  },
  {
    name: 'errorfile',
    args: '<code> <file>',
    where: EVERYWHERE,
    doc: 'File to answer with instead of a generated error.',
    parse: parseErrorFile,
  },
  {
    name: 'error-log-format',
    args: '<fmt>',
    where: Defaults | Frontend | Backend,
    doc: 'Log format of connections that failed.',
    parse: (draft, line) => parseFormatLine(draft, line, 'errorLogFormat'),
  },
  {
    name: 'fullconn',
    args: '<conns>',
    where: Defaults | Backend,
    hint: " Maybe you want 'maxconn' instead ?",
    doc: 'Load of the backend at which servers reach their maxconn.',
    parse: setCount('fullconn'),
  },
  {
    name: 'http-after-response',
    args: '<action> [ { if | unless } <condition> ]',
    where: RULES,
    doc: 'Rules on every response, those of the proxy itself included.',
    parse: (draft, line) => parseRuleLine(draft, line, 'http-after-response'),
  },
  {
    name: 'http-request',
    args: '<action> [options...] [ { if | unless } <condition> ]',
    where: RULES,
    doc: 'Rules on requests.',
    parse: (draft, line) => parseRuleLine(draft, line, 'http-request'),
  },
  {
    name: 'http-response',
    args: '<action> [ { if | unless } <condition> ]',
    where: RULES,
    doc: 'Rules on responses of servers.',
    parse: (draft, line) => parseRuleLine(draft, line, 'http-response'),
  },
  {
    name: 'http-reuse',
    args: '{ never | safe | aggressive | always }',
    where: Defaults | Backend,
    doc: 'How idle connections to servers are shared.',
    parse: parseHttpReuse,
  },
  {
    name: 'id',
    args: '<value>',
    where: Frontend | Backend,
    tight: true,
    doc: 'Number of the proxy in statistics.',
    parse: parseId,
  },
  {
    name: 'load-server-state-from-file',
    args: 'none',
    where: Defaults | Backend,
    doc: 'Accepted; servers start as configured.',
    asItIs: 'servers start in the state that the configuration gives them',
    parse: parseServerState,
  },
  {
    name: 'log',
    args: '{ global | <target> [len <length>] [format <format>] [sample <ranges>:<size>] <facility> [<level> [<minlevel>]] }',
    where: EVERYWHERE,
    negatable: true,
    doc: 'Where logs go.',
    parse: parseLog,
  },
  {
    name: 'log-format',
    args: '<fmt>',
    where: Defaults | Frontend | Backend,
    doc: 'Custom log format.',
    parse: (draft, line) => parseFormatLine(draft, line, 'logFormat'),
  },
  {
    name: 'log-format-sd',
    args: '<fmt>',
    where: Defaults | Frontend | Backend,
    doc: 'Structured data of RFC 5424 logs.',
    parse: (draft, line) => parseFormatLine(draft, line, 'logFormatSd'),
  },
  {
    name: 'log-tag',
    args: '<string>',
    where: EVERYWHERE,
    doc: 'Tag field of the syslog header.',
    parse: setText('logTag', "'log-tag' expects a tag for use in syslog."),
  },
  {
    name: 'maxconn',
    args: '<conns>',
    where: Defaults | Frontend,
    hint: " Maybe you want 'fullconn' instead ?",
    doc: 'Most concurrent connections of the frontend.',
    parse: setCount('maxconn'),
  },
  {
    name: 'mode',
    args: '{ tcp | http }',
    where: EVERYWHERE,
    doc: 'Protocol of the proxy.',
    parse: parseMode,
  },
  {
    name: 'option',
    args: '<name> [ <arguments> ]',
    where: EVERYWHERE,
    negatable: true,
    doc: 'Switches; see the list of options.',
    parse: parseOption,
  },
  {
    name: 'rate-limit',
    args: 'sessions <rate>',
    where: Defaults | Frontend,
    doc: 'Most new sessions per second.',
    parse: parseRateLimit,
  },
  {
    name: 'redirect',
    args: '{ location <loc> | prefix <pfx> | scheme <sch> } [code <code>] <option> [{ if | unless } <condition>]',
    where: Frontend | Backend,
    doc: 'Redirect the client; older form of http-request redirect.',
    parse: parseRedirect,
  },
  {
    name: 'retries',
    args: '<value>',
    where: Defaults | Backend,
    doc: 'Attempts to reach a server after a failure.',
    parse: parseRetries,
  },
  {
    name: 'server',
    args: '<name> <address>[:[port]] [param*]',
    where: Backend,
    strict: true,
    doc: 'A server of the backend.',
    parse: (draft, line) => parseServer(draft, line.words, line.origin, line.state),
  },
  {
    name: 'srvtcpka-cnt',
    args: '<count>',
    where: Defaults | Backend,
    doc: 'Keep-alive probes to servers before the connection is dropped.',
    parse: parseKeepaliveCount('srvtcpkaCnt'),
  },
  {
    name: 'srvtcpka-idle',
    args: '<timeout>',
    where: Defaults | Backend,
    doc: 'Idle time of a server connection before the first keep-alive probe.',
    parse: parseKeepaliveDelay('srvtcpkaIdleMs'),
  },
  {
    name: 'srvtcpka-intvl',
    args: '<timeout>',
    where: Defaults | Backend,
    doc: 'Time between keep-alive probes to servers.',
    parse: parseKeepaliveDelay('srvtcpkaIntvlMs'),
  },
  {
    name: 'timeout',
    args: '<name> <timeout>',
    where: EVERYWHERE,
    doc: 'Limits of time; see the list of timeouts.',
    parse: parseTimeout,
  },
  {
    name: 'unique-id-format',
    args: '<fmt>',
    where: EVERYWHERE,
    doc: 'Format of the unique id of requests.',
    parse: (draft, line) => parseFormatLine(draft, line, 'uniqueIdFormat'),
  },
  {
    name: 'unique-id-header',
    args: '<name>',
    where: Defaults | Frontend | Backend,
    doc: 'Header that carries the unique id to servers.',
    parse: setText('uniqueIdHeader', 'unique-id-header expects an argument.'),
  },
  {
    name: 'use_backend',
    args: '<backend> [{ if | unless } <condition>]',
    where: Frontend,
    doc: 'Choose a backend by a condition.',
    parse: parseUseBackend,
  },
] as const satisfies readonly ProxyKeywordRow<ProxyDraft>[] as readonly ProxyKeywordRow<ProxyDraft>[];
