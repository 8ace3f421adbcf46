/**
 * Checks of a configuration that has been read: names that must exist, contradictions between
 * modes, missing timeouts (configuration.txt 4, 4.2). Messages are HAProxy's.
 *
 * Errors are looked for even when lines were refused, so that one run shows them all; warnings
 * are not, because most of them would be consequences of the refused lines.
 */
import { nearest } from '../base/nearest.ts';
import type {
  AclTestConfig,
  BindConfig,
  ConditionConfig,
  Configuration,
  Origin,
  ProxyConfig,
  RingConfig,
} from '../model/config.ts';
import { resolveEntity } from '../rules/entity.ts';
import { readsBytes } from '../rules/fetch/registry.ts';
import type { Diagnostics } from './diagnostics.ts';
import { findRing } from './finish.ts';
import type { ProxyDraft } from './section/draft.ts';
import { Where } from './section/keyword.ts';
import { checkEmailAlert } from './section/mailers.ts';
import { flagOptions } from './section/option.ts';
import type { ParserState } from './section/state.ts';
import { checkTables } from './section/stick-table.ts';
import { checkUseServers } from './section/use-server.ts';
import { checkUserlists } from './section/userlist.ts';
import { sectionName } from './section/words.ts';
import { checkTls } from './tls/check.ts';

export function validate(config: Configuration, state: ParserState): void {
  const { diagnostics } = state;
  const complete = diagnostics.errors === 0;
  const backends = backendsByName(config);
  for (const [index, proxy] of config.proxies.entries()) {
    const draft = state.proxies[index]!;
    checkServerNames(proxy, draft, diagnostics);
    if (proxy.disabled) continue;
    const name = `${sectionName(draft)} '${proxy.name}'`;
    if (complete) warnNoBind(proxy, name, diagnostics);
    // A backend may be missing only because its section line was refused.
    checkUseServers(proxy, draft, diagnostics);
    checkEmailAlert(proxy, draft, state);
    if (!state.sectionLost) checkBackends(backends, proxy, draft, diagnostics);
    checkServers(proxy, draft, diagnostics);
    checkExternal(config, draft, diagnostics);
    if (complete) warnUnusedChecks(draft, name, diagnostics);
    checkStats(proxy, diagnostics);
    if (complete) warnAboutProxy(proxy, draft, name, diagnostics);
  }
  if (complete) for (const ring of config.rings) warnRingTimeouts(ring, diagnostics);
  if (!state.sectionLost) checkRings(config, diagnostics);
  checkTables(config, state);
  checkUserlists(state);
  checkSameAddress(config, diagnostics);
  checkTls(config, diagnostics);
  if (!state.sectionLost) checkReferences(config, state);
}

/** Proxies and servers that expressions name. */
function checkReferences(config: Configuration, { references, diagnostics }: ParserState): void {
  const said = new Set<string>();
  for (const reference of references) {
    const found = resolveEntity(reference, config.proxies);
    const key = `${reference.file} ${reference.line} ${found}`;
    if (typeof found !== 'string' || said.has(key)) continue;
    said.add(key);
    diagnostics.error(reference, found);
  }
}

function warnNoBind(proxy: ProxyConfig, name: string, diagnostics: Diagnostics): void {
  if (proxy.kind === 'backend' || proxy.binds.length > 0) return;
  diagnostics.warning(
    null,
    `${name} has no 'bind' directive. Please declare it as a backend if this was intended.`,
  );
}

function warnAboutProxy(
  proxy: ProxyConfig,
  draft: ProxyDraft,
  name: string,
  diagnostics: Diagnostics,
): void {
  warnLogFormat(proxy, draft, name, diagnostics);
  if (proxy.mode !== 'http') warnHttpOnly(draft, name, diagnostics);
  else warnBytes(proxy, diagnostics);
  if (proxy.kind !== 'backend' && proxy.uniqueIdHeader !== null && proxy.uniqueIdFormat === null) {
    diagnostics.warning(null, `unique-id-header ignored for ${name} without unique-id-format.`);
  }
  warnTimeouts(proxy, name, diagnostics);
}

/** Features of HTTP in a proxy that only sees TCP. */
function warnHttpOnly(draft: ProxyDraft, name: string, diagnostics: Diagnostics): void {
  const has = (keyword: string): boolean => draft.seen[keyword] !== undefined;
  const ignored = (what: string, require = 'it requires'): void =>
    diagnostics.warning(null, `${what} ignored for ${name} as ${require} HTTP mode.`);
  if (has('capture cookie') || has('capture request header') || has('capture response header')) {
    ignored("'capture' statement");
  }
  for (const ruleset of ['http-request', 'http-response', 'http-after-response', 'redirect']) {
    if (has(ruleset)) ignored(`'${ruleset}' rules`, 'they require');
  }
  if (has('stats')) ignored("'stats' statement");
  if (has('monitor-uri')) ignored("'monitor-uri' statement");
  for (const option of ['forwardfor', 'originalto', 'forwarded']) {
    if (has(`option ${option}`)) ignored(`'option ${option}'`);
  }
  for (const row of flagOptions) {
    if (row.http && sideOf(draft, row.where) && has(`option ${row.name}`))
      ignored(`'option ${row.name}'`);
  }
}

/** Conditions on bytes as they came, which HTTP mode does not have (7.3.5); each ACL once. */
function warnBytes(proxy: ProxyConfig, diagnostics: Diagnostics): void {
  const lines = new Set<string>();
  for (const { condition } of [...proxy.rules, ...proxy.useBackends]) {
    for (const { expr, file, line } of testsOf(condition)) {
      if (readsBytes(expr.fetch)) lines.add(`${file}:${line}`);
    }
  }
  for (const line of lines) {
    const what = `L6 sample fetches ignored on HTTP proxies (declared at ${line}).`;
    diagnostics.warning(null, `Proxy '${proxy.name}': ${what}`);
  }
}

function testsOf(condition: ConditionConfig | null): AclTestConfig[] {
  return condition?.any.flatMap((all) => all.flatMap(({ tests }) => tests)) ?? [];
}

/** Whether the proxy has one of the sides, `Where` bits. */
function sideOf(draft: ProxyDraft, where: number): boolean {
  const { section } = draft;
  return (
    (section !== 'backend' && (where & Where.Frontend) !== 0) ||
    (section !== 'frontend' && (where & Where.Backend) !== 0)
  );
}

function warnTimeouts(proxy: ProxyConfig, name: string, diagnostics: Diagnostics): void {
  const { timeout } = proxy;
  const clientMissing = proxy.kind !== 'backend' && timeout.client < 0;
  const serverMissing =
    proxy.kind !== 'frontend' &&
    proxy.servers.length > 0 &&
    (timeout.connect < 0 || timeout.server < 0);
  if (clientMissing || serverMissing) warnMissingTimeouts(name, diagnostics);
}

/** A ring sends its events over TCP as a backend does. */
function warnRingTimeouts(ring: RingConfig, diagnostics: Diagnostics): void {
  if (ring.servers.length === 0) return;
  if (ring.timeoutConnectMs > 0 && ring.timeoutServerMs > 0) return;
  warnMissingTimeouts(`backend '${ring.name}'`, diagnostics);
}

function warnMissingTimeouts(name: string, diagnostics: Diagnostics): void {
  diagnostics.warning(
    null,
    `missing timeouts for ${name}.\n` +
      '   | While not properly invalid, you will certainly encounter various problems\n' +
      '   | with such a configuration. To fix this, please ensure that all following\n' +
      "   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.",
  );
}

/** A format, written here or inherited, although nothing will be logged. */
function warnLogFormat(
  proxy: ProxyConfig,
  draft: ProxyDraft,
  name: string,
  diagnostics: Diagnostics,
): void {
  if (proxy.kind === 'backend' || proxy.logs.length > 0) return;
  if (draft.logFormat === null && draft.logFormatSd === null) return;
  diagnostics.warning(null, `log format ignored for ${name} since it has no log address.`);
}

type Backends = ReadonlyMap<string, ProxyConfig>;

function backendsByName(config: Configuration): Backends {
  const backends = new Map<string, ProxyConfig>();
  for (const proxy of config.proxies) {
    if (proxy.kind !== 'frontend' && !backends.has(proxy.name)) backends.set(proxy.name, proxy);
  }
  return backends;
}

function checkBackends(
  backends: Backends,
  proxy: ProxyConfig,
  draft: ProxyDraft,
  diagnostics: Diagnostics,
): void {
  if (proxy.kind === 'backend') return;
  const demand = (keyword: string, name: string, origin: Origin | null, how: string) => {
    const found = backends.get(name);
    if (found !== undefined) return checkMode(proxy, found, how, diagnostics);
    const near = nearest(name, backends.keys());
    const hint = near === null ? '.' : `; did you mean '${near}' maybe ?`;
    const text = `Proxy '${proxy.name}': unable to find required ${keyword}: '${name}'${hint}`;
    diagnostics.error(origin, text);
  };
  const { defaultBackend } = proxy;
  if (defaultBackend !== null) {
    const origin = draft.seen['default_backend'] ?? null;
    demand('default_backend', defaultBackend, origin, 'as its default backend');
  }
  for (const name of proxy.lineBackends) {
    const origin = draft.seen[`reqsetbe ${name}`] ?? null;
    demand('reqsetbe', name, origin, "in a 'reqsetbe' rule");
  }
  for (const { backend, file, line } of proxy.useBackends) {
    if (typeof backend !== 'string') continue;
    demand('use_backend', backend, { file, line }, "in a 'use_backend' rule");
  }
}

/** An HTTP frontend cannot hand a parsed request to a TCP backend (4). */
function checkMode(
  proxy: ProxyConfig,
  backend: ProxyConfig,
  where: string,
  diagnostics: Diagnostics,
): void {
  if (proxy.mode !== 'http' || backend.mode === 'http') return;
  diagnostics.error(
    null,
    `http ${sectionName({ section: proxy.kind })} '${proxy.name}' (${proxy.file}:${proxy.line}) tries to use ` +
      `incompatible tcp ${sectionName({ section: backend.kind })} '${backend.name}' (${backend.file}:${backend.line}) ` +
      `${where} (see 'mode').`,
  );
}

function checkServerNames(proxy: ProxyConfig, draft: ProxyDraft, diagnostics: Diagnostics): void {
  const lines = new Map<string, number>();
  for (const server of proxy.servers) {
    const first = lines.get(server.name);
    if (first === undefined) lines.set(server.name, server.line);
    if (first === undefined) continue;
    diagnostics.error(
      { file: server.file, line: server.line },
      `${sectionName(draft)} '${proxy.name}', another server named '${server.name}' was already ` +
        `defined at line ${first}, please use distinct names.`,
    );
  }
}

/** 4.2 option external-check: what else must be said. */
function checkExternal(config: Configuration, draft: ProxyDraft, diagnostics: Diagnostics): void {
  if (draft.checks.option !== 'external-check' || draft.section === 'frontend') return;
  const subject = `Proxy '${draft.name}' : `;
  const demand = (what: string): void =>
    diagnostics.error(null, `${subject}'option external-check' unable to find required '${what}'.`);
  if (config.global.externalCheck === 'off') demand('global.external-check');
  if (draft.checks.command === null) demand('external-check command');
  if (config.global.forkWanted) return;
  diagnostics.warning(
    null,
    `${subject}'insecure-fork-wanted' not enabled in the global section, 'option external-check' ` +
      'will likely fail.',
  );
}

/** Lines of a kind of check that no option asks for. */
function warnUnusedChecks(draft: ProxyDraft, name: string, diagnostics: Diagnostics): void {
  const { checks } = draft;
  const warn = (keyword: string, option: string): void =>
    diagnostics.warning(
      null,
      `${name} uses ${keyword} rules without 'option ${option}', so the rules are ignored.`,
    );
  if (checks.command !== null && checks.option !== 'external-check') {
    diagnostics.warning(
      null,
      `'external-check command' will be ignored for ${name} (requires 'option external-check').`,
    );
  }
  if (checks.http.origin !== null && checks.option !== 'httpchk') warn('http-check', 'httpchk');
  if (checks.tcp.origin !== null && checks.option !== 'tcp-check') warn('tcp-check', 'tcp-check');
}

/** A check needs a port: of the check, or of the server (5.2 "check", "port"). */
function checkServers(proxy: ProxyConfig, draft: ProxyDraft, diagnostics: Diagnostics): void {
  for (const server of proxy.servers) {
    const { address, check } = server;
    if (check === null || check.port !== 0) continue;
    const [connect] = proxy.check.steps;
    if (connect?.type === 'connect' && connect.port !== 0) continue;
    const target = check.address ?? address;
    // A server without an address (`-dr`) is not checked, so it needs no port.
    const isUnknown = server.unresolved && check.address === null;
    const isIp = !isUnknown && (target.family === 'ipv4' || target.family === 'ipv6');
    const port = check.address?.port || (server.portOffset ? 0 : address.port);
    if (isIp && port === 0) {
      diagnostics.error(
        { file: server.file, line: server.line },
        `${sectionName(draft)} '${proxy.name}': server '${server.name}' has neither service port ` +
          'nor check port.',
      );
    }
  }
}

/** Two ways to say who may see the page cannot be mixed. */
function checkStats(proxy: ProxyConfig, diagnostics: Diagnostics): void {
  const { stats } = proxy;
  if (stats === null || stats.rules.length === 0) return;
  if (stats.realm === null && stats.users.length === 0) return;
  diagnostics.error(
    null,
    `proxy '${proxy.name}': stats 'auth'/'realm' and 'http-request' can't be used at the same time.`,
  );
}

function checkRings(config: Configuration, diagnostics: Diagnostics): void {
  const seen = new Set<unknown>();
  for (const log of [...config.global.logs, ...config.proxies.flatMap((proxy) => proxy.logs)]) {
    if (log.target.kind !== 'ring' || seen.has(`${log.file}:${log.line}`)) continue;
    seen.add(`${log.file}:${log.line}`);
    if (findRing(config.rings, log.target.ring) !== undefined) continue;
    diagnostics.error(
      { file: log.file, line: log.line },
      `log : uses unknown ring named '${log.target.ring}'`,
    );
  }
}

/** With SO_REUSEPORT the kernel would accept two lines with one address: say so here. */
function checkSameAddress(config: Configuration, diagnostics: Diagnostics): void {
  const first = new Map<string, BindConfig>();
  for (const proxy of config.proxies) {
    if (proxy.disabled) continue;
    for (const bind of proxy.binds) {
      const key = addressKey(bind);
      const other = first.get(key);
      if (other === undefined) first.set(key, bind);
      else {
        diagnostics.diag(
          { file: bind.file, line: bind.line },
          `'bind ${bind.address.text}' : the same address is also bound at ` +
            `${other.file}:${other.line}.`,
        );
      }
    }
  }
}

function addressKey(bind: BindConfig): string {
  const { family, bytes, port, path, fd } = bind.address;
  return JSON.stringify([family, bytes, port, path, fd, bind.interface]);
}
