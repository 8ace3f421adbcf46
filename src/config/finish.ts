/**
 * What can be settled only when the whole configuration has been read: `log global`, log formats,
 * ids, the order of rules, `fullconn`.
 */
import type { Configuration, LogTargetConfig, ProxyConfig, RingConfig } from '../model/config.ts';
import { resolveBalance } from './section/balance.ts';
import { checkRuleset } from './section/check-draft.ts';
import { resolveCookie } from './section/cookie.ts';
import type { LogSource, ProxyDraft } from './section/draft.ts';
import { resolveErrors } from './section/error.ts';
import { resolveFormats } from './section/format.ts';
import { orderedRules } from './section/inherit.ts';
import { addMonitorRule } from './section/monitor.ts';
import type { ParserState } from './section/state.ts';
import { addStatsRules } from './section/stats.ts';
import { finishUserlist } from './section/userlist.ts';
import { resolveTracks } from './track.ts';
import { setVariables } from './variables.ts';

/** The first number of a proxy: 1 belongs to the proxy of the stats socket. */
const FIRST_PROXY_ID = 2;

export function finishConfiguration(state: ParserState): Configuration {
  const { global } = state;
  // 3.2 "tune.maxrewrite": at most half of a buffer.
  global.tune.maxrewrite = Math.min(global.tune.maxrewrite, Math.floor(global.tune.bufsize / 2));
  const rings = state.rings.map((ring) => {
    if (!ring.maxlenGiven) ring.config.maxlen = ring.config.size;
    return ring.config;
  });
  global.logs = resolveLogs(state.globalLogs, [], state);
  const proxies = state.proxies.map((draft, index) => finishProxy(draft, index, state));
  numberProxies(state.proxies);
  const { variables, maps } = state;
  for (const map of maps) map.isAcl = state.aclMaps.has(map.name);
  setVariables(state);
  resolveTracks(proxies, state);
  const userlists = state.userlists.map((list) => finishUserlist(list, state.diagnostics));
  for (const proxy of proxies) addStatsRules(proxy, userlists);
  const config: Configuration = {
    global,
    proxies,
    rings,
    variables,
    userlists,
    mailers: state.mailers,
    maps,
  };
  resolveFullconn(config, global.maxconn);
  return config;
}

function finishProxy(draft: ProxyDraft, index: number, state: ParserState): ProxyConfig {
  const config = draft.config;
  config.index = index;
  config.rules = orderedRules(draft);
  resolveErrors(draft, state);
  addMonitorRule(draft);
  config.check = checkRuleset(draft.checks);
  config.logs = resolveLogs(draft.logSources, state.global.logs, state);
  if (draft.section !== 'backend') resolveFormats(draft, state);
  if (draft.section !== 'frontend') {
    resolveBalance(draft, state);
    resolveCookie(draft, state);
  }
  numberMembers(config.binds, draft.bindIdGiven);
  numberMembers(config.servers, draft.serverIdGiven);
  return config;
}

/**
 * Expands `log global` and fills in formats: a ring's own format counts before that of the line,
 * and `log-send-hostname` makes rfc3164 the default (4.2 "log").
 */
function resolveLogs(
  sources: readonly LogSource[],
  globalLogs: readonly LogTargetConfig[],
  state: ParserState,
): LogTargetConfig[] {
  return sources.flatMap(({ target, formatGiven }) => {
    if (target === null) return globalLogs;
    const { target: place } = target;
    if (place.kind === 'ring') {
      const ring = state.rings.find(({ config }) => config.name === place.ring);
      if (ring !== undefined && (ring.formatGiven || !formatGiven)) {
        return [{ ...target, format: ring.config.format }];
      }
      return [formatGiven ? target : { ...target, format: 'raw' as const }];
    }
    if (formatGiven || state.global.logSendHostname === null) return [target];
    return [{ ...target, format: 'rfc3164' as const }];
  });
}

function numberProxies(drafts: readonly ProxyDraft[]): void {
  const taken = new Set(drafts.filter((draft) => draft.idGiven).map((draft) => draft.config.id));
  let next = FIRST_PROXY_ID;
  for (const draft of drafts) {
    draft.config.idGiven = draft.idGiven;
    if (draft.idGiven) continue;
    while (taken.has(next)) next++;
    draft.config.id = next++;
  }
}

/** Numbers listeners or servers from 1, around the ids that were given. */
function numberMembers(members: { id: number }[], given: readonly boolean[]): void {
  const taken = new Set(members.filter((_, index) => given[index]).map((member) => member.id));
  let next = 1;
  for (const [index, member] of members.entries()) {
    // A member with an id of its own uses up a number all the same, as in HAProxy.
    if (given[index]) {
      next++;
      continue;
    }
    while (taken.has(next)) next++;
    member.id = next++;
  }
}

/**
 * 4.2 "fullconn": 10% of the sum of the maxconns of all frontends that may branch to the backend
 * by a fixed name. Backends keep 0 as long as a limit is not known.
 *
 * @param globalMaxconn the process's limit, which frontends without their own have; 0 = unknown
 */
export function resolveFullconn(
  config: Pick<Configuration, 'proxies'>,
  globalMaxconn: number,
): void {
  /** By name of the backend; infinite when the limit of a frontend is not known. */
  const totals = new Map<string, number>();
  for (const frontend of config.proxies) {
    if (frontend.kind === 'backend') continue;
    const limit = frontend.maxconn || globalMaxconn || Number.POSITIVE_INFINITY;
    for (const name of branchesOf(frontend)) totals.set(name, (totals.get(name) ?? 0) + limit);
  }
  for (const backend of config.proxies) {
    if (backend.kind === 'frontend' || backend.fullconn !== 0) continue;
    const total = totals.get(backend.name) ?? 0;
    if (total === 0 || total === Number.POSITIVE_INFINITY) continue;
    // At least one connection, or servers would never reach their limit.
    backend.fullconn = Math.max(1, Math.floor((total + 9) / 10));
  }
}

/** Names of the backends that a frontend may branch to, itself included. */
function branchesOf(frontend: ProxyConfig): Set<string> {
  const names = new Set(frontend.lineBackends);
  if (frontend.kind === 'listen') names.add(frontend.name);
  if (frontend.defaultBackend !== null) names.add(frontend.defaultBackend);
  for (const { backend } of frontend.useBackends)
    if (typeof backend === 'string') names.add(backend);
  return names;
}

/** The ring of a name. */
export function findRing(rings: readonly RingConfig[], name: string): RingConfig | undefined {
  return rings.find((ring) => ring.name === name);
}
