/**
 * What the statistics fields are computed from: one object (a frontend, a listener, a backend or a
 * server) and the state of the process at one moment.
 */
import { formatAddress } from '../base/value/address.ts';
import { checkResult } from '../checks/result.ts';
import type { BindConfig, Configuration, ProxyConfig, ServerConfig } from '../model/config.ts';
import { Option } from '../model/config.ts';
import { currentRate } from '../model/rate.ts';
import { AdminFlag, Counter, type EntityMap, type SharedState, State } from '../model/shared.ts';
import type { Sampler } from './sampler.ts';

export type SubjectKind = 'frontend' | 'backend' | 'server' | 'listener';

/** Where the values come from; one per process. */
export interface StatsSource {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  sampler: Sampler;
  /** What a server's last check added in words, and whether one is running. */
  checks: {
    lastCheck(serverEntity: number): string;
    isRunning(serverEntity: number): boolean;
    /** The same of its agent. */
    lastAgent(serverEntity: number): string;
    isAsking(serverEntity: number): boolean;
    /** Not turned off by an administrator. */
    isEnabled(serverEntity: number, kind: 'Health' | 'Agent'): boolean;
  };
}

export class Subject {
  readonly kind: SubjectKind;
  readonly proxy: ProxyConfig;
  readonly server: ServerConfig | null;
  readonly bind: BindConfig | null;
  readonly entity: number;
  readonly source: StatsSource;
  /** Wall clock of the whole dump, ms. */
  readonly nowMs: number;
  /** Addresses and algorithms are for operators (management.txt 9.1 addr). */
  readonly showsDetails: boolean;

  constructor(parts: {
    kind: SubjectKind;
    proxy: ProxyConfig;
    server?: ServerConfig;
    bind?: BindConfig;
    entity: number;
    source: StatsSource;
    nowMs: number;
    showsDetails: boolean;
  }) {
    this.kind = parts.kind;
    this.proxy = parts.proxy;
    this.server = parts.server ?? null;
    this.bind = parts.bind ?? null;
    this.entity = parts.entity;
    this.source = parts.source;
    this.nowMs = parts.nowMs;
    this.showsDetails = parts.showsDetails;
  }

  sum(column: Counter): number {
    return this.source.shared.sum(this.entity, column);
  }

  max(column: Counter): number {
    return this.source.shared.max(this.entity, column);
  }

  state(column: State): number {
    return this.source.shared.get(this.entity, column);
  }

  /** @param column a `*Second` column */
  rate(column: Counter): number {
    return currentRate(this.source.shared, this.entity, column, this.nowMs);
  }

  ratePeak(column: Counter): number {
    return this.source.sampler.peaks.peak(this.entity, column, this.nowMs);
  }

  /** Seconds since a wall clock second; -1 when it never was. */
  age(second: number): number {
    return second === 0 ? -1 : Math.max(0, Math.floor(this.nowMs / 1000) - second);
  }

  /**
   * Average of a sliding sum over the last 1024 requests. Workers that served more count more.
   * @param column one of the `*TimeSum` columns
   */
  average(column: Counter): number {
    const { shared } = this.source;
    let total = 0;
    let requests = 0;
    for (let row = 0; row <= shared.workerCount; row++) {
      const base = shared.counterBase(row, this.entity);
      const served = Math.min(shared.counters[base + Counter.Sessions]!, AVERAGE_OVER);
      total += shared.counters[base + column]!;
      requests += served;
    }
    return requests === 0 ? 0 : Math.floor(total / requests);
  }

  get isHttp(): boolean {
    return this.proxy.mode === 'http';
  }

  /** Null for a result that no code belongs to. */
  get checkCode(): number | null {
    const { hasCode } = checkResult(this.state(State.CheckStatus));
    // As unsigned: a program that was ended by a signal has the code -1.
    return hasCode ? this.state(State.CheckCode) >>> 0 : null;
  }

  /** The server at the end of the chain of those that are tracked (5.2 track); itself without. */
  get leader(): { entity: number; config: ServerConfig; backend: string } {
    const { config, entities } = this.source;
    let server = this.server!;
    let proxy = this.proxy;
    while (server.track !== null) {
      proxy = config.proxies[server.track.proxyIndex]!;
      server = proxy.servers[server.track.serverIndex]!;
    }
    const entity = entities.server[proxy.index]![server.index]!;
    return { entity, config: server, backend: proxy.name };
  }

  /** The server that it tracks, as `backend/server`; '' = none. */
  get tracked(): string {
    const { track } = this.server!;
    if (track === null) return '';
    const proxy = this.source.config.proxies[track.proxyIndex]!;
    return `${proxy.name}/${proxy.servers[track.serverIndex]!.name}`;
  }

  get agentCode(): number | null {
    const { hasCode } = checkResult(this.state(State.AgentStatus));
    return hasCode ? this.state(State.AgentCode) : null;
  }

  get agentName(): string {
    const asking = this.source.checks.isAsking(this.entity);
    return `${asking ? '* ' : ''}${checkResult(this.state(State.AgentStatus)).name}`;
  }

  get checkName(): string {
    const running = this.source.checks.isRunning(this.entity);
    return `${running ? '* ' : ''}${checkResult(this.state(State.CheckStatus)).name}`;
  }

  get address(): string | null {
    const address = this.server?.address ?? this.bind?.address;
    if (address === undefined || !this.showsDetails) return null;
    if (this.server?.unresolved === true) return null;
    if (address.family === 'unix' || address.family === 'abns') return 'unix';
    if (address.family === 'ipv6')
      return bracketed(formatAddress({ ...address, port: 0 }), address.port);
    return formatAddress(address);
  }
}

function bracketed(host: string, port: number): string {
  return `[${host}]:${port}`;
}

const AVERAGE_OVER = 1024;

/** Which objects to list (management.txt 9.3 show stat). */
export interface SubjectFilter {
  /** Proxy id, -1 = all. */
  proxyId: number;
  /** Sum of 1 = frontends, 2 = backends, 4 = servers, 8 = listeners. */
  types: number;
  /** Server or listener id, -1 = all. */
  objectId: number;
  /** `up`: no server that is down; `no-maint`: none in maintenance. */
  up: boolean;
  noMaintenance: boolean;
}

/** The objects in the order that HAProxy lists them. */
export function listSubjects(
  source: StatsSource,
  filter: SubjectFilter,
  nowMs: number,
  showsDetails: boolean,
): Subject[] {
  const common = { source, nowMs, showsDetails };
  return listedProxies(source, filter).flatMap((proxy) => [...subjectsOf(proxy, common, filter)]);
}

export function listedProxies(source: StatsSource, filter: SubjectFilter): ProxyConfig[] {
  return source.config.proxies.filter((proxy) => {
    return !proxy.disabled && (filter.proxyId === -1 || proxy.id === filter.proxyId);
  });
}

/** The objects of one proxy, each made when it is asked for. */
export function* subjectsOf(
  proxy: ProxyConfig,
  common: { source: StatsSource; nowMs: number; showsDetails: boolean },
  filter: SubjectFilter,
): Generator<Subject, void> {
  const { entities } = common.source;
  const fe = entities.frontend[proxy.index]!;
  const be = entities.backend[proxy.index]!;
  const wanted = (bit: number) => (filter.types & bit) !== 0;
  const wantedId = (id: number) => filter.objectId === -1 || filter.objectId === id;
  if (fe >= 0 && wanted(1) && wantedId(0)) {
    yield new Subject({ ...common, kind: 'frontend', proxy, entity: fe });
  }
  if ((proxy.options & Option.SocketStats) !== 0 && wanted(8)) {
    for (const bind of proxy.binds) {
      const entity = entities.listener[proxy.index]![bind.index]!;
      if (!wantedId(bind.id)) continue;
      yield new Subject({ ...common, kind: 'listener', proxy, bind, entity });
    }
  }
  if (wanted(4)) {
    for (const server of proxy.servers) {
      const entity = entities.server[proxy.index]![server.index]!;
      if (!wantedId(server.id) || isHidden(common.source.shared, entity, filter)) continue;
      yield new Subject({ ...common, kind: 'server', proxy, server, entity });
    }
  }
  if (be >= 0 && wanted(2) && wantedId(0)) {
    yield new Subject({ ...common, kind: 'backend', proxy, entity: be });
  }
}

function isHidden(shared: SharedState, entity: number, filter: SubjectFilter): boolean {
  const inMaintenance = (shared.get(entity, State.Admin) & AdminFlag.AnyMaintenance) !== 0;
  const isDown = inMaintenance || shared.get(entity, State.Health) === 0;
  return (filter.noMaintenance && inMaintenance) || (filter.up && isDown);
}
