/**
 * The service behind `stats` lines (configuration.txt 4.2): the page, its exports, and the actions that
 * it offers to administrators.
 */
import type { ProxyConfig, StatsConfig } from '../../model/config.ts';
import type { ServiceRequest } from '../../model/service.ts';
import type { InfoSource } from '../info.ts';
import { type Service, type ServiceReply, shortReply } from '../service.ts';
import { csvHeader, csvLine, subjectJson, typedLines } from '../stat-format.ts';
import { listedProxies, type StatsSource, type SubjectFilter, subjectsOf } from '../subject.ts';
import { type PageFacts, pageEnd, pageHead, row, sectionEnd, sectionHead } from './html.ts';
import { carryOut, type ServerActions } from './post.ts';
import { type Format, type PageQuery, readQuery, targetOf } from './query.ts';
import { jsonSchema } from './schema.ts';

export interface PageSource {
  stats: StatsSource;
  info: InfoSource;
  actions: ServerActions;
  nowMs(): number;
}

const contentTypes: Readonly<Record<Format, string>> = {
  html: 'text/html',
  csv: 'text/plain',
  json: 'application/json',
  typed: 'text/plain',
  'json-schema': 'application/json',
};

/** One request, with the settings of the proxy that it came to. */
interface Visit {
  source: PageSource;
  proxy: ProxyConfig;
  stats: StatsConfig;
  query: PageQuery;
  admin: boolean;
  nowMs: number;
}

export function createStatsPage(source: PageSource): Service {
  return (request) => {
    const proxy = source.stats.config.proxies[request.proxy]!;
    const stats = proxy.stats!;
    const query = readQuery(restOf(request.target, stats.uri));
    const { admin } = request;
    const visit: Visit = { source, proxy, stats, query, admin, nowMs: source.nowMs() };
    return request.method === 'POST' ? post(visit, request) : show(visit);
  };
}

/** What stands behind the prefix; a target with a host in front has it before the prefix. */
function restOf(target: string, uri: string): string {
  const path = uri.startsWith('/')
    ? target.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*/, '')
    : target;
  return path.slice(uri.length);
}

function show(visit: Visit): ServiceReply {
  const { query, stats } = visit;
  const fields: ServiceReply['fields'] = [
    ['cache-control', 'no-cache'],
    ['content-type', contentTypes[query.format]],
  ];
  if (stats.refreshSeconds > 0 && !query.noRefresh) {
    fields.push(['refresh', String(stats.refreshSeconds)]);
  }
  return { status: 200, fields, sized: false, body: body(visit) };
}

function body(visit: Visit): Iterable<string> {
  switch (visit.query.format) {
    case 'csv':
      return csv(visit);
    case 'typed':
      return typed(visit);
    case 'json':
      return json(visit);
    case 'json-schema':
      return [jsonSchema()];
    default:
      return html(visit);
  }
}

/** The proxies that this page is about: `stats scope`, and what the reader looks for. */
function proxiesOf({ source, proxy, stats, query }: Visit): ProxyConfig[] {
  return listedProxies(source.stats, everything).filter((candidate) => {
    return isInScope(stats, proxy, candidate) && candidate.name.includes(query.scope);
  });
}

function isInScope(stats: StatsConfig, own: ProxyConfig, candidate: ProxyConfig): boolean {
  if (stats.scope.length === 0 || stats.scope.includes(candidate.name)) return true;
  return candidate === own && stats.scope.includes('.');
}

const everything: SubjectFilter = {
  proxyId: -1,
  types: -1,
  objectId: -1,
  up: false,
  noMaintenance: false,
};

function* rowsOf(visit: Visit, proxy: ProxyConfig) {
  const { source, query, stats, nowMs } = visit;
  const filter = { ...everything, up: query.up, noMaintenance: query.noMaintenance };
  // Addresses and algorithms are for readers whom the configuration trusts with them.
  const common = { source: source.stats, nowMs, showsDetails: stats.showsLegends };
  yield* subjectsOf(proxy, common, filter);
}

function* csv(visit: Visit): Generator<string> {
  yield csvHeader();
  for (const proxy of proxiesOf(visit)) {
    for (const subject of rowsOf(visit, proxy)) yield csvLine(subject);
  }
}

function* typed(visit: Visit): Generator<string> {
  for (const proxy of proxiesOf(visit)) {
    for (const subject of rowsOf(visit, proxy)) yield typedLines(subject, false);
  }
}

function* json(visit: Visit): Generator<string> {
  let separator = '[';
  for (const proxy of proxiesOf(visit)) {
    for (const subject of rowsOf(visit, proxy)) {
      yield separator + subjectJson(subject);
      separator = ',';
    }
  }
  yield separator === '[' ? '[]' : ']';
}

function* html(visit: Visit): Generator<string> {
  const { source, stats, query, nowMs, admin } = visit;
  const { names } = source.actions;
  const facts: PageFacts = { stats, query, info: source.info, nowMs, admin, actions: names };
  yield pageHead(facts);
  for (const proxy of proxiesOf(visit)) {
    const form = admin && proxy.servers.length > 0;
    yield sectionHead(proxy, facts, form);
    for (const subject of rowsOf(visit, proxy)) yield row(subject, facts, form);
    yield sectionEnd(proxy, facts, form);
  }
  yield pageEnd(nowMs, source.info.startMs);
}

/** Tells the browser to show the page again, with what has become of its wish. */
function post(visit: Visit, request: ServiceRequest): ServiceReply {
  const { stats, query } = visit;
  const all = visit.source.stats.config.proxies;
  const own = all.filter((proxy) => !proxy.disabled && isInScope(stats, visit.proxy, proxy));
  const state = carryOut(request, own, all, visit.source.actions);
  const { up, scope } = query;
  const noRefresh = query.noRefresh && stats.refreshSeconds > 0;
  const location = targetOf(stats.uri, { state, up, noRefresh, scope });
  return shortReply(303, [
    ['cache-control', 'no-cache'],
    ['content-type', 'text/plain'],
    ['location', location],
  ]);
}
