/**
 * `http-request use-service prometheus-exporter` (configuration.txt 4.4): the statistics in Prometheus'
 * text format, metric by metric. The query chooses: `scope=` (global, frontend, backend, server, listener,
 * `*`), `metrics=` (names, with `-` in front to leave one out), `no-maint`.
 */
import { fields } from '../fields.ts';
import { type InfoSource, infoValues } from '../info.ts';
import { type Service, shortReply } from '../service.ts';
import {
  listedProxies,
  type StatsSource,
  type Subject,
  type SubjectFilter,
  type SubjectKind,
  subjectsOf,
} from '../subject.ts';
import type { StatValue } from '../value.ts';
import { type MetricShape, type MetricType, objectMetrics, processMetrics } from './metric.ts';

export interface ExporterSource {
  stats: StatsSource;
  info: InfoSource;
  nowMs(): number;
}

type Scope = 'global' | SubjectKind;

/** In the order of the answer. */
const scopes: readonly Scope[] = ['global', 'frontend', 'listener', 'backend', 'server'];

/** Scopes that HAProxy has and that there is nothing of. */
const emptyScopes: readonly string[] = ['', 'sticktable', 'resolver'];

interface Wish {
  scopes: ReadonlySet<Scope>;
  /** Names of metrics to show, empty = all but those of `without`. */
  only: ReadonlySet<string>;
  without: ReadonlySet<string>;
  noMaintenance: boolean;
}

/** The sum of the bits of `SubjectFilter.types`. */
const typeBits: Readonly<Record<SubjectKind, number>> = {
  frontend: 1,
  backend: 2,
  server: 4,
  listener: 8,
};

/** @returns null when the query asks for what there is not */
function readWish(target: string): Wish | null {
  const mark = target.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
  const chosen = new Set<Scope>();
  const asked = query.getAll('scope');
  for (const name of asked) {
    if (name === '*') for (const scope of scopes) chosen.add(scope);
    else if (scopes.includes(name as Scope)) chosen.add(name as Scope);
    else if (emptyScopes.includes(name)) chosen.clear();
    else return null;
  }
  const names = query.getAll('metrics').flatMap((list) => list.split(','));
  const only = names.filter((name) => name !== '' && !name.startsWith('-'));
  const without = names.filter((name) => name.startsWith('-')).map((name) => name.slice(1));
  return {
    scopes: asked.length === 0 ? new Set(scopes) : chosen,
    only: new Set(only),
    without: new Set(without),
    noMaintenance: query.has('no-maint'),
  };
}

function isWanted(name: string, wish: Wish): boolean {
  if (wish.without.has(name)) return false;
  return wish.only.size === 0 || wish.only.has(name);
}

export function createExporter(source: ExporterSource): Service {
  return (request) => {
    const wish = readWish(request.target);
    const type: [string, string] = ['content-type', 'text/plain; version=0.0.4'];
    if (wish === null) {
      return shortReply(400, [['cache-control', 'no-cache'], type], 'unknown scope\n');
    }
    const body = samples(source, wish, source.nowMs());
    return { status: 200, fields: [['cache-control', 'no-cache'], type], sized: false, body };
  };
}

function* samples(source: ExporterSource, wish: Wish, nowMs: number): Generator<string> {
  for (const scope of scopes) {
    if (!wish.scopes.has(scope)) continue;
    if (scope === 'global') yield* processSamples(source, wish, nowMs);
    else yield* objectSamples(source, scope, wish, nowMs);
  }
}

function head(name: string, type: MetricType, meaning: string): string {
  return `# HELP ${name} ${meaning}\n# TYPE ${name} ${type}\n`;
}

function* processSamples(source: ExporterSource, wish: Wish, nowMs: number): Generator<string> {
  const values = infoValues({ source: source.info, nowMs, float: false });
  for (const { name: short, type, from, label } of processMetrics) {
    const name = `haproxy_process_${short}`;
    if (!isWanted(name, wish)) continue;
    const value = values.get(from);
    const sample =
      label === '' ? ` ${value ?? 'NaN'}` : `{${label}="${escapeLabel(String(value ?? ''))}"} 1`;
    yield `${head(name, type, from)}${name}${sample}\n`;
  }
}

const fieldsByName = new Map(fields.map((field) => [field.name, field]));

function valueOf(subject: Subject, name: string): StatValue {
  return fieldsByName.get(name)?.of[subject.kind]?.(subject) ?? null;
}

function* objectSamples(
  source: ExporterSource,
  kind: SubjectKind,
  wish: Wish,
  nowMs: number,
): Generator<string> {
  const filter: SubjectFilter = {
    proxyId: -1,
    types: typeBits[kind],
    objectId: -1,
    up: false,
    noMaintenance: wish.noMaintenance,
  };
  const common = { source: source.stats, nowMs, showsDetails: false };
  for (const metric of objectMetrics) {
    const name = `haproxy_${kind}_${metric.name}`;
    if (!metric.kinds.includes(kind) || !isWanted(name, wish)) continue;
    yield head(name, metric.type, fieldsByName.get(metric.from)?.meaning ?? metric.from);
    for (const proxy of listedProxies(source.stats, filter)) {
      if (metric.http && proxy.mode !== 'http') continue;
      for (const subject of subjectsOf(proxy, common, filter)) {
        for (const [label, value] of shapes[metric.shape](subject, metric.from)) {
          yield `${name}{${labels(subject)}${label}} ${value}\n`;
        }
      }
    }
  }
}

function labels(subject: Subject): string {
  const proxy = `proxy="${escapeLabel(subject.proxy.name)}"`;
  if (subject.kind !== 'server' && subject.kind !== 'listener') return proxy;
  return `${proxy},${subject.kind}="${escapeLabel(String(valueOf(subject, 'svname')))}"`;
}

function escapeLabel(text: string): string {
  return text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n');
}

/** A label to add, and a value, per sample. */
type Samples = Iterable<readonly [label: string, value: string | number]>;

const state = (name: string): string => `,state="${name}"`;

const serverStates = ['DOWN', 'UP', 'MAINT', 'DRAIN', 'NOLB'];

/** Results of a check that is over, in the exporter's order. */
const checkStates =
  'HANA SOCKERR L4OK L4TOUT L4CON L6OK L6TOUT L6RSP L7TOUT L7RSP L7OK L7OKC L7STS PROCERR PROCTOUT PROCOK'.split(
    ' ',
  );

/** What `status` says as one of the states of the metric. */
function stateOf(subject: Subject): string {
  const text = String(valueOf(subject, 'status'));
  if (subject.kind === 'frontend') return text === 'STOP' ? 'DOWN' : 'UP';
  if (text === 'no check') return 'UP';
  return /^[A-Z]+/.exec(text)?.[0] ?? 'DOWN';
}

function statesOf(kind: SubjectKind): readonly string[] {
  if (kind === 'server') return serverStates;
  return kind === 'listener' ? ['WAITING', 'OPEN', 'FULL'] : ['DOWN', 'UP'];
}

function checkOf(subject: Subject): string | null {
  const value = valueOf(subject, 'check_status');
  return value === null ? null : String(value).replace(/^\* /, '');
}

/** The servers of a backend, counted by what they say. */
function countServers(
  subject: Subject,
  names: readonly string[],
  said: (server: Subject) => string | null,
): Samples {
  if (subject.proxy.servers.length === 0) return [];
  const counts = new Map(names.map((name) => [name, 0]));
  const filter: SubjectFilter = {
    proxyId: -1,
    types: typeBits.server,
    objectId: -1,
    up: false,
    noMaintenance: false,
  };
  for (const server of subjectsOf(subject.proxy, subject, filter)) {
    const name = said(server);
    const count = name === null ? undefined : counts.get(name);
    if (count !== undefined) counts.set(name!, count + 1);
  }
  return [...counts].map(([name, count]) => [state(name), count] as const);
}

const shapes: Readonly<Record<MetricShape, (subject: Subject, from: string) => Samples>> = {
  number(subject, from) {
    const value = valueOf(subject, from);
    if (from !== 'check_code') return [['', value ?? 'NaN']];
    // A check that has said nothing has no sample, one without a code has 0.
    return checkOf(subject) === null ? [] : [['', value ?? 0]];
  },
  milliseconds(subject, from) {
    const value = valueOf(subject, from);
    if (value === null && from === 'check_duration') return [];
    return [['', value === null ? 'NaN' : (Number(value) / 1000).toFixed(6)]];
  },
  state(subject) {
    const now = stateOf(subject);
    return statesOf(subject.kind).map((name) => [state(name), name === now ? 1 : 0] as const);
  },
  check(subject) {
    const now = checkOf(subject);
    if (now === null) return [];
    return checkStates.map((name) => [state(name), name === now ? 1 : 0] as const);
  },
  codes(subject) {
    return ['1xx', '2xx', '3xx', '4xx', '5xx', 'other'].map(
      (code) => [`,code="${code}"`, valueOf(subject, `hrsp_${code}`) ?? 'NaN'] as const,
    );
  },
  servers: (subject) => countServers(subject, serverStates, stateOf),
  checks: (subject) => countServers(subject, checkStates, checkOf),
};
