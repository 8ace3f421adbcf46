/**
 * The load of proxies and servers as samples (configuration.txt 7.3.2): connections, queues, rates
 * and weights, read from the memory that all threads share.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { currentRate } from '../../model/rate.ts';
import { isReachable, isUsable } from '../../model/server-health.ts';
import { Counter, PROCESS_ENTITY, type SharedState, State } from '../../model/shared.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { compileTarget, type EntityKind, listenerEntity, type Target } from '../entity.ts';
import { environment } from '../log-format/environment.ts';
import { valid } from '../place.ts';
import type { ArgumentCheck, FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import type { RuleScope } from '../scope.ts';

/** Answers a question about a target. */
type Measure = (shared: SharedState, target: Target, nowMs: number) => number;

/** The value when servers have no limit, or there is no server: the question makes no sense. */
const NO_LIMIT = -1;

function compileMeasure(kind: EntityKind, args: readonly ArgConfig[], measure: Measure): Fetch {
  const target = compileTarget(kind, String(args[0]));
  return (ctx, sample) => {
    const { shared } = environment;
    if (shared === null) return false;
    sample.setInt(measure(shared, target, ctx.nowDateMs));
    return true;
  };
}

/** Notes the name; without one the proxy of the line is meant, or a server of it. */
function createCheck(kind: EntityKind, keyword: string): ArgumentCheck {
  return (args: ArgConfig[], scope: RuleScope) => {
    const { self, isCriterion = false } = scope;
    const name = String(args[0] ?? '');
    const isServer = kind === 'server';
    const isOwn = isServer ? !name.includes('/') : name === '';
    if (isOwn && self === '') throw new ConfigError('needs the name of a proxy here');
    if (isOwn) args[0] = isServer ? `${self}/${name}` : self;
    scope.refer({ kind, name: isServer ? name : String(args[0]), keyword, isOwn, isCriterion });
  };
}

function current(shared: SharedState, { entity }: Target): number {
  return shared.get(entity, State.Current);
}

function queued(shared: SharedState, { entity }: Target): number {
  return shared.get(entity, State.Queued);
}

function sessionRate(shared: SharedState, { entity }: Target, nowMs: number): number {
  return currentRate(shared, entity, Counter.SessionSecond, nowMs);
}

function requestRate(shared: SharedState, { entity }: Target, nowMs: number): number {
  return currentRate(shared, entity, Counter.RequestSecond, nowMs);
}

/** Active servers, or backup ones while there is no active one. */
function usableServers(shared: SharedState, { entity }: Target): number {
  return shared.get(entity, State.ActiveServers) || shared.get(entity, State.BackupServers);
}

function allQueued(shared: SharedState, target: Target): number {
  let total = shared.get(target.entity, State.Queued);
  for (let i = 0; i < target.servers.length; i++) {
    total += shared.get(target.servers[i]!, State.Queued);
  }
  return total;
}

/** Rounded up; without a server twice the queue, since one is expected back soon. */
function averageQueue(shared: SharedState, target: Target): number {
  const servers = usableServers(shared, target);
  const total = allQueued(shared, target);
  return servers === 0 ? 2 * total : Math.ceil(total / servers);
}

function freeOf(shared: SharedState, server: number): number {
  const most = shared.get(server, State.Maxconn);
  if (most === 0) return NO_LIMIT;
  return Math.max(0, most - shared.get(server, State.Current));
}

function freeConnections(shared: SharedState, { entity }: Target): number {
  return freeOf(shared, entity);
}

/** Of the servers that balancing may choose: backup ones only while no active one is usable. */
function freeInBackend(shared: SharedState, target: Target): number {
  const { servers, proxy } = target;
  const takesBackups = shared.get(target.entity, State.ActiveServers) === 0;
  let total = 0;
  for (let i = 0; i < servers.length; i++) {
    if (!isUsable(shared, servers[i]!)) continue;
    if (proxy.servers[i]!.backup && !takesBackups) continue;
    const free = freeOf(shared, servers[i]!);
    if (free < 0) return NO_LIMIT;
    total += free;
  }
  return total;
}

/** Places at the servers that are up, and in their queues. */
function slotsInBackend(shared: SharedState, { servers, proxy }: Target): number {
  let total = 0;
  for (let i = 0; i < servers.length; i++) {
    const server = servers[i]!;
    if (!isReachable(shared, server)) continue;
    const { maxqueue } = proxy.servers[i]!;
    const most = shared.get(server, State.Maxconn);
    if (most === 0 || maxqueue === 0) return NO_LIMIT;
    total += most - shared.get(server, State.Current);
    total += maxqueue - shared.get(server, State.Queued);
  }
  return total;
}

function isUp(shared: SharedState, { entity }: Target): number {
  return isReachable(shared, entity) ? 1 : 0;
}

function weight(shared: SharedState, { entity }: Target): number {
  return shared.get(entity, State.Weight);
}

function initialWeight(_shared: SharedState, { server }: Target): number {
  return server!.weight;
}

function createRow(kind: EntityKind, name: string, measure: Measure, doc: string) {
  return {
    name,
    args: kind,
    out: 'sint',
    valid: valid.running,
    doc,
    check: createCheck(kind, name),
    compile: (args: readonly ArgConfig[]) => compileMeasure(kind, args, measure),
  } as const;
}

function compileIsUp(args: readonly ArgConfig[]): Fetch {
  const measure = compileMeasure('server', args, isUp);
  return (ctx, sample) => {
    if (!measure(ctx, sample)) return false;
    sample.setBool(sample.num !== 0);
    return true;
  };
}

function fetchActive(_ctx: RuleContext, sample: Sample): boolean {
  const { shared } = environment;
  if (shared === null) return false;
  sample.setInt(shared.get(PROCESS_ENTITY, State.Current));
  return true;
}

function fetchListener(ctx: RuleContext, sample: Sample): boolean {
  const { shared } = environment;
  const entity = listenerEntity(ctx.session);
  if (shared === null || entity < 0) return false;
  sample.setInt(shared.get(entity, State.Current));
  return true;
}

function fetchStopping(ctx: RuleContext, sample: Sample): boolean {
  sample.setBool(ctx.stopping);
  return true;
}

export const loadFetches = [
  {
    name: 'act_conn',
    args: '',
    out: 'sint',
    valid: valid.anywhere,
    doc: 'connections of clients of the process',
    compile: () => fetchActive,
  },
  createRow('backend', 'avg_queue', averageQueue, 'requests that wait, by usable server'),
  createRow('backend', 'be_conn', current, 'connections of a backend'),
  createRow(
    'backend',
    'be_conn_free',
    freeInBackend,
    'free places at usable servers, -1 without limits',
  ),
  createRow('backend', 'be_sess_rate', sessionRate, 'new sessions per second of a backend'),
  createRow('backend', 'connslots', slotsInBackend, 'free places at servers and in their queues'),
  {
    name: 'dst_conn',
    args: '',
    out: 'sint',
    valid: valid.session,
    doc: 'connections of the bind line that this one came in by',
    compile: () => fetchListener,
  },
  createRow('frontend', 'fe_conn', current, 'connections of a frontend'),
  createRow('frontend', 'fe_req_rate', requestRate, 'requests per second of a frontend'),
  createRow('frontend', 'fe_sess_rate', sessionRate, 'new sessions per second of a frontend'),
  createRow('backend', 'nbsrv', usableServers, 'usable servers of a backend'),
  createRow('backend', 'queue', allQueued, 'requests that wait in a backend'),
  createRow('server', 'srv_conn', current, 'connections of a server'),
  createRow(
    'server',
    'srv_conn_free',
    freeConnections,
    'free places at a server, -1 without a limit',
  ),
  {
    ...createRow('server', 'srv_is_up', isUp, 'whether a server is up'),
    out: 'bool',
    compile: compileIsUp,
  },
  createRow('server', 'srv_iweight', initialWeight, 'weight of a server as configured'),
  createRow('server', 'srv_queue', queued, 'requests that wait for a server'),
  createRow('server', 'srv_sess_rate', sessionRate, 'new sessions per second of a server'),
  createRow('server', 'srv_uweight', weight, 'weight of a server that was asked for'),
  createRow('server', 'srv_weight', weight, 'weight of a server in balancing'),
  {
    name: 'stopping',
    args: '',
    out: 'bool',
    valid: valid.running,
    doc: 'whether the process is on its way out',
    compile: () => fetchStopping,
  },
] as const satisfies readonly FetchRow[];
