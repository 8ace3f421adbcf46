/**
 * `server` and `default-server` lines (4.2 "server", "default-server"; 5.2).
 *
 * `default-server` fills the same settings that a `server` line starts from, so one table of
 * options serves both; a row says when it belongs to `server` alone.
 */
import { ConfigError } from '../../base/config-error.ts';
import { isKnownServerOption, knownKeywords } from '../../base/known-keywords.ts';
import { nearest } from '../../base/nearest.ts';
import {
  expandVariables,
  type ParsedAddress,
  parseAddress,
  type Variables,
} from '../../base/value/address.ts';
import { parseIpv4 } from '../../base/value/ip.ts';
import type { Origin, ServerConfig } from '../../model/config.ts';
import { defaultServer } from '../../model/defaults.ts';
import { parseExpression } from '../../rules/expression.ts';
import { Place } from '../../rules/scope.ts';
import { noTrust } from '../tls/trust.ts';
import type { ProxyDraft, ServerSettings } from './draft.ts';
import { scopeOf } from './rule.ts';
import { type ServerOptionLine, type ServerOptionRow, serverOptions } from './server-option.ts';
import { serverStateOptions } from './server-state-option.ts';
import type { ParserState } from './state.ts';
import { finishTlsServer, tlsServerOptions } from './tls-server.ts';
import { badNameCharacter } from './words.ts';

/** All options of `server` and `default-server` lines. */
export const serverKeywords: readonly ServerOptionRow[] = [
  ...serverOptions,
  ...serverStateOptions,
  ...tlsServerOptions,
];

/** 5.2: inter 2000 ms, rise 2, fall 3. */
export function defaultServerSettings(origin: Origin): ServerSettings {
  return {
    server: defaultServer(origin),
    checkEnabled: false,
    checkSendsProxy: false,
    interMs: 2000,
    fastinterMs: -1,
    downinterMs: -1,
    rise: 2,
    fall: 3,
    checkAddress: null,
    checkPort: 0,
    agentEnabled: false,
    agentInterMs: 2000,
    agentAddress: null,
    agentPort: 0,
    agentSend: null,
    track: null,
    trust: noTrust(),
    sni: null,
    initAddr: null,
  };
}

/**
 * Parses a `server` line into the draft.
 *
 * @throws ConfigError with the complete message
 */
export function parseServer(
  draft: ProxyDraft,
  words: readonly string[],
  origin: Origin,
  state: ParserState,
): void {
  const [, name, address] = words;
  if (name === undefined || address === undefined) {
    throw new ConfigError("'server' expects <name> and <addr>[:<port>] as arguments.");
  }
  const bad = badNameCharacter(name);
  if (bad !== null) {
    throw new ConfigError(`character '${bad}' is not permitted in server name '${name}'.`);
  }
  const subject = `'server ${draft.name}/${name}'`;
  const settings = structuredClone(draft.defaultServer);
  Object.assign(settings.server, origin, { name, index: draft.config.servers.length });
  const host = setServerAddress(settings.server, address, subject, state);
  const line: ServerOptionLine = {
    settings,
    origin,
    state,
    subject,
    name,
    isDefault: false,
    idGiven: false,
  };
  parseServerOptions(words, 3, line);
  if (host !== null) resolveServer(settings, address, host, subject, state);
  if (line.idGiven) refuseSameId(draft, settings.server);
  finishServer(settings, subject);
  settings.server.idGiven = line.idGiven;
  settings.server.sni = parseSni(draft, line);
  draft.config.servers.push(settings.server);
  draft.tracks.push(settings.track);
  draft.serverIdGiven.push(line.idGiven);
}

export function parseDefaultServer(
  draft: ProxyDraft,
  words: readonly string[],
  origin: Origin,
  state: ParserState,
): void {
  // On a copy: a line with an error leaves the settings as they were.
  const settings = structuredClone(draft.defaultServer);
  const subject = "'default-server'";
  const line: ServerOptionLine = {
    settings,
    origin,
    state,
    subject,
    name: 'default-server',
    isDefault: true,
    idGiven: false,
  };
  parseServerOptions(words, 1, line);
  draft.defaultServer = settings;
}

/** Takes an address that needs no look-up. @returns the name that does, null = all is done */
function setServerAddress(
  server: ServerConfig,
  text: string,
  subject: string,
  state: ParserState,
): string | null {
  const host = hostOf(text, state.env);
  if (host !== null) return host;
  takeAddress(server, text, serverAddress(text, subject, state.env), subject);
  return null;
}

/** The name in an address; null when there is none to look up. */
function hostOf(text: string, variables: Variables): string | null {
  const written = expandVariables(text, variables);
  const [, family, host = ''] = /^(?:(.*)@)?(.*?)(?::[-+]?[0-9]*)?$/s.exec(written)!;
  const isIp = family === undefined || family === 'ipv4' || family === 'ipv6';
  const isName = /^[^/*:[\]]+$/.test(host) && parseIpv4(host) === null;
  return isIp && isName ? host : null;
}

/** Looks a name up in the ways of `init-addr` (5.2), the first that succeeds. */
function resolveServer(
  settings: ServerSettings,
  text: string,
  host: string,
  subject: string,
  state: ParserState,
): void {
  const { server } = settings;
  const where = `[${server.file}:${server.line}] : ${subject}`;
  const problem = `could not resolve address '${host}'`;
  const written = expandVariables(text, state.env);
  const at = written.lastIndexOf(host);
  const withHost = (other: string) =>
    `${written.slice(0, at)}${other}${written.slice(at + host.length)}`;
  const methods = settings.initAddr ?? ['last', 'libc'];
  let failed = false;
  for (const method of methods) {
    // The file of server states is read later (checks/restore.ts).
    if (method === 'last') server.takesLastAddress = true;
    else if (method === 'none') {
      // HAProxy looks names up after it has read all files, and so names the line in its own way.
      if (failed) state.diagnostics.notice(null, `${where} : ${problem}, disabling server.`);
      server.unresolved = true;
      return takeAddress(server, text, oneAddress(withHost('*'), state.env), subject);
    } else if (method === 'libc') {
      const found = lookUp(text, subject, state.env);
      if (found !== null) return takeAddress(server, text, found, subject);
      failed = true;
    } else {
      const ip = method.includes(':') ? `[${method}]` : method;
      if (failed) {
        state.diagnostics.notice(
          null,
          `${where} : ${problem}, falling back to configured address.`,
        );
      }
      return takeAddress(server, text, oneAddress(withHost(ip), state.env), subject);
    }
  }
  if (!failed && methods.length > 0) {
    throw new ConfigError(`${subject} : no method found to resolve address '${host}'.`);
  }
  if (failed && !state.allowsUnresolved) throw new ConfigError(`${subject} : ${problem}.`);
  if (failed) state.diagnostics.notice(null, `${where} : ${problem}, disabling server.`);
  server.unresolved = true;
  takeAddress(server, text, oneAddress(withHost('*'), state.env), subject);
}

/** @returns null when the system finds no address for the name. */
function lookUp(text: string, subject: string, variables: Variables): ParsedAddress | null {
  try {
    return oneAddress(text, variables);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    if (/^invalid address: '(.*)' in /s.test(problem.message)) return null;
    throw new ConfigError(`${subject} : ${problem.message}`);
  }
}

function takeAddress(
  server: ServerConfig,
  text: string,
  found: ParsedAddress,
  subject: string,
): void {
  const { portOffset, ...address } = found;
  if (address.family === 'fd') {
    throw new ConfigError(`${subject} : a file descriptor is not acceptable here in '${text}'`);
  }
  server.address = { ...address, text };
  // Without a port the client's destination port is used as it is: an offset of zero.
  const ip = address.family === 'ipv4' || address.family === 'ipv6';
  server.portOffset = portOffset || (ip && address.port === 0);
}

function serverAddress(text: string, subject: string, variables: Variables): ParsedAddress {
  const found = lookUp(text, subject, variables);
  if (found !== null) return found;
  throw new ConfigError(`${subject} : could not resolve address '${text}'.`);
}

function oneAddress(text: string, variables: Variables): ParsedAddress {
  const found = parseAddress(text, { port: 'offset', range: false }, variables);
  if (found.length !== 1) throw new ConfigError(`expects one address in '${text}'`);
  return found[0]!;
}

function parseServerOptions(words: readonly string[], from: number, line: ServerOptionLine): void {
  const { subject } = line;
  let at = from;
  while (at < words.length) {
    const word = words[at]!;
    const row = serverKeywords.find((candidate) => candidate.name === word);
    if (row === undefined) throw unknownServerOption(word, subject);
    const takes = row.args === '' ? 0 : 1;
    try {
      row.parse(line, takes === 1 ? (words[at + 1] ?? '') : '');
    } catch (problem) {
      if (!(problem instanceof ConfigError)) throw problem;
      // The one message that HAProxy prints without the server's name.
      if (line.isDefault && word === 'id') throw problem;
      throw new ConfigError(`${subject} : ${problem.message}.`);
    }
    at += 1 + takes;
  }
  finishTlsServer(line);
}

function unknownServerOption(word: string, subject: string): ConfigError {
  if (isKnownServerOption(word)) {
    return new ConfigError(`${subject} : '${word}' is not supported yet by sluice`);
  }
  const near = nearest(word, knownKeywords('server'));
  const hint = near === null ? '.' : `; did you mean '${near}' maybe ?`;
  return new ConfigError(`${subject} : unknown keyword '${word}'${hint}`);
}

/** 5.2 "sni": of a server that speaks TLS. */
function parseSni(draft: ProxyDraft, line: ServerOptionLine): ServerConfig['sni'] {
  const { server, sni } = line.settings;
  if (sni === null) return null;
  try {
    const expr = parseExpression(sni, scopeOf(draft, line, Place.Source));
    return server.ssl ? expr : null;
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(
      `${line.subject} : error detected while parsing sni or pool-conn-name expressions : ` +
        `${problem.message}.`,
    );
  }
}

function refuseSameId(draft: ProxyDraft, server: ServerConfig): void {
  const other = draft.config.servers.find(
    (candidate, index) => candidate.id === server.id && draft.serverIdGiven[index],
  );
  if (other === undefined) return;
  throw new ConfigError(
    `'server ${draft.name}/${server.name}' : 'id' : custom id ${server.id} already used at ` +
      `${other.file}:${other.line} ('server ${other.name}').`,
  );
}

/** 5.2 agent-check needs a port of its own. */
function finishAgent(settings: ServerSettings, subject: string): void {
  const { server } = settings;
  server.agent = null;
  if (!settings.agentEnabled) return;
  if (settings.agentPort === 0) {
    throw new ConfigError(
      `${subject} : server ${server.name} does not have agent port. Agent check has been disabled.`,
    );
  }
  server.agent = {
    interMs: settings.agentInterMs,
    address: settings.agentAddress,
    port: settings.agentPort,
    send: settings.agentSend,
  };
}

/** Settles what depends on several options of one line (5.2 "check", "minconn"). */
function finishServer(settings: ServerSettings, subject: string): void {
  const server = settings.server;
  finishAgent(settings, subject);
  if (settings.checkEnabled && settings.track !== null) {
    throw new ConfigError(`${subject} : unable to enable checks and tracking at the same time!`);
  }
  if (settings.track !== null && server.initState !== 'none') {
    const what = 'unable to set init-state and tracking at the same time!';
    throw new ConfigError(`${subject} : ${what}`);
  }
  // 5.2 "minconn" alone is a static limit; a limit below it is raised to it.
  if (server.minconn > server.maxconn) server.maxconn = server.minconn;
  if (!settings.checkEnabled) {
    server.check = null;
    return;
  }
  server.check = {
    interMs: settings.interMs,
    fastinterMs: settings.fastinterMs,
    downinterMs: settings.downinterMs,
    rise: settings.rise,
    fall: settings.fall,
    address: settings.checkAddress,
    port: settings.checkPort || (settings.checkAddress?.port ?? 0),
    sendsProxy: settings.checkSendsProxy,
  };
}
