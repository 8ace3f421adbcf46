/**
 * The states of servers as checks, agents and the servers that they track change them
 * (configuration.txt 5.2 check, agent-check, track): shared memory, what it means for the backend,
 * and the lines that operators read. For the control thread, their one writer.
 *
 * A state is written in an order that never shows a usable server that is not: health first, then
 * the counts of the backend, then the workers are told to look again.
 */
import { initialCounter, recountBackend, startsDown } from '../balance/server-state.ts';
import { realign } from '../balance/turn-keeper.ts';
import { TurnTable } from '../balance/turn-table.ts';
import {
  type Configuration,
  Option,
  type ProxyConfig,
  type ServerConfig,
} from '../model/config.ts';
import { hasFrontend } from '../model/entity.ts';
import { isUsable } from '../model/server-health.ts';
import { AdminFlag, type EntityMap, Health, type SharedState, State } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import type { Clock } from './clock.ts';
import {
  downText,
  Level,
  maintenanceText,
  noServerAlert,
  noServerText,
  type ServerCounts,
  type ServerLabel,
  stderrLine,
  upText,
} from './report.ts';

export interface ServerStatesOptions {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  logger: { text(proxyIndex: number, level: number, text: string): void };
  /** Tells the workers that shared state changed. */
  notify(): void;
  /** Ends the sessions of a server in all workers. */
  shutdown(proxyIndex: number, serverIndex: number, cause: Cause): void;
  /** Sends mail about a server, if its backend wants that. */
  mail(proxy: ProxyConfig, level: number, text: string): void;
  /** Writes one line to stderr, when the process still has one. */
  stderr(line: string): void;
  pid?: number;
}

/** A backend with what is needed to keep its counts and its round robin. */
export interface BackendEntry {
  proxy: ProxyConfig;
  entity: number;
  servers: number[];
  turns: TurnTable | null;
}

export interface ServerEntry {
  backend: BackendEntry;
  config: ServerConfig;
  entity: number;
  label: ServerLabel;
  /** What its check says, or the server that it tracks. */
  checked: Health;
  /** What its agent says. */
  agentUp: boolean;
  /** Those that track it. */
  followers: ServerEntry[];
}

/** Up with checks and up without them are the same to everyone but statistics. */
function isUpSomehow(health: Health): boolean {
  return health === Health.Up || health === Health.NoCheck;
}

export class ServerStates {
  private readonly options: ServerStatesOptions;
  private readonly clock: Clock;
  readonly servers: ServerEntry[] = [];
  private readonly byEntity = new Map<number, ServerEntry>();
  private readonly backends: BackendEntry[] = [];

  constructor(options: ServerStatesOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
    for (const proxy of options.config.proxies) this.addBackend(proxy);
    for (const server of this.servers) {
      this.byEntity.set(server.entity, server);
      this.follow(server);
    }
  }

  private addBackend(proxy: ProxyConfig): void {
    const { entities, shared } = this.options;
    const entity = entities.backend[proxy.index]!;
    if (entity < 0 || proxy.disabled) return;
    const servers = entities.server[proxy.index]!;
    const turns =
      proxy.balance.algorithm === 'roundrobin' ? new TurnTable(proxy, servers, shared) : null;
    const backend: BackendEntry = { proxy, entity, servers, turns };
    this.backends.push(backend);
    for (const config of proxy.servers) {
      this.servers.push({
        backend,
        config,
        entity: servers[config.index]!,
        label: { backend: proxy.name, server: config.name, backup: config.backup },
        checked: shared.get(servers[config.index]!, State.Health),
        agentUp: true,
        followers: [],
      });
    }
  }

  private follow(server: ServerEntry): void {
    const { track } = server.config;
    if (track === null) return;
    const leader = this.servers.find(
      ({ backend, config }) =>
        backend.proxy.index === track.proxyIndex && config.index === track.serverIndex,
    );
    leader?.followers.push(server);
  }

  /** The server of an entity; null when it has no state. */
  entryOf(entity: number): ServerEntry | null {
    return this.byEntity.get(entity) ?? null;
  }

  /** A change that is worth a line in the log. */
  announce({ backend }: ServerEntry, text: string): void {
    this.options.logger.text(backend.proxy.index, Level.Notice, text);
    this.options.stderr(stderrLine('NOTICE', this.pid(), text));
  }

  /** Counts a backend's servers again after a change that came from elsewhere. */
  recount(proxyIndex: number): void {
    const backend = this.backends.find((entry) => entry.proxy.index === proxyIndex);
    if (backend === undefined) return;
    this.recountBackend(backend);
    this.options.notify();
  }

  /**
   * What a check found. @param health null = up, if it is not up in another way already
   * @param reason what the log line says of it, made when there is a line
   */
  setChecked(server: ServerEntry, health: Health | null, reason: () => string): void {
    const before = server.checked;
    server.checked = health ?? (before === Health.Down ? Health.Up : before);
    this.settle(server, reason);
  }

  setAgent(server: ServerEntry, isUp: boolean, reason: () => string): void {
    server.agentUp = isUp;
    this.settle(server, reason);
  }

  /** Writes the state that follows from all that is known of a server, and those that track it. */
  private settle(server: ServerEntry, reason: () => string): void {
    const before = this.options.shared.get(server.entity, State.Health);
    const after = server.agentUp ? server.checked : Health.Down;
    if (after === before) return;
    const isQuiet = isUpSomehow(before) && isUpSomehow(after);
    // A server in maintenance changes without a word: what it will be is said when that ends.
    if (this.isMaintained(server) || isQuiet) {
      this.options.shared.set(server.entity, State.Health, after);
    } else if (after === Health.Down) this.takeDown(server, before, reason());
    else this.putIn(server, before, after, reason());
    const { backend, server: name } = server.label;
    for (const follower of server.followers) {
      follower.checked = after === Health.NoCheck ? Health.Up : after;
      this.settle(follower, () => ` via ${backend}/${name}`);
    }
  }

  isMaintained({ entity }: ServerEntry): boolean {
    return (this.options.shared.get(entity, State.Admin) & AdminFlag.AnyMaintenance) !== 0;
  }

  private takeDown(server: ServerEntry, before: Health, reason: string): void {
    const { shared } = this.options;
    const { entity, backend } = server;
    // Somebody has seen to it that nobody needs it: that is worth no alert.
    const isPlanned = before === Health.Stopping || shared.get(entity, State.Admin) !== 0;
    shared.set(entity, State.Health, Health.Down);
    shared.set(entity, State.LastChange, this.clock.wallSeconds());
    shared.set(entity, State.Downs, shared.get(entity, State.Downs) + 1);
    const lostLast = this.recountBackend(backend);
    const counts = this.countsOfLoss(server, lostLast);
    const level = isPlanned ? Level.Notice : Level.Alert;
    this.report(server, level, downText(server.label, 'is DOWN', reason, counts), true);
    if (lostLast) this.reportNoServer(server);
    this.options.notify();
    this.afterDown(server);
  }

  /** 5.2 on-marked-down. */
  afterDown({ backend, config }: ServerEntry): void {
    if (!config.shutdownOnDown) return;
    this.options.shutdown(backend.proxy.index, config.index, Cause.Down);
  }

  /** 5.2 on-marked-up: an active server that can be used takes the load back from the others. */
  afterUp({ backend, config, entity }: ServerEntry): void {
    if (!config.shutdownBackups || config.backup) return;
    if (!isUsable(this.options.shared, entity)) return;
    for (const other of backend.proxy.servers) {
      if (other.backup) this.options.shutdown(backend.proxy.index, other.index, Cause.Up);
    }
  }

  /** Brings the server up, or keeps new clients from it (`Health.Stopping`). */
  private putIn(server: ServerEntry, before: Health, after: Health, reason: string): void {
    const { shared } = this.options;
    const { entity } = server;
    if (before === Health.Down) this.addDowntime(entity);
    shared.set(entity, State.LastChange, this.clock.wallSeconds());
    shared.set(entity, State.Health, after);
    const lostLast = this.recountBackend(server.backend);
    const counts = this.countsOfGain(server);
    const what = after === Health.Stopping ? 'is stopping' : 'is UP';
    this.report(server, Level.Notice, upText(server.label, what, reason, counts), true);
    if (lostLast) this.reportNoServer(server);
    this.options.notify();
    if (before === Health.Down) this.afterUp(server);
  }

  /** `AdminFlag` bits. */
  adminOf({ entity }: ServerEntry): number {
    return this.options.shared.get(entity, State.Admin);
  }

  /** Only writes; `settleBackend` makes it known. */
  writeAdmin({ entity }: ServerEntry, admin: number): void {
    this.options.shared.set(entity, State.Admin, admin);
    this.options.shared.set(entity, State.LastChange, this.clock.wallSeconds());
  }

  /** As it was in a process before: only what becomes of a server that is taken away is said. */
  restoreAdmin(server: ServerEntry, admin: number, reason: string): void {
    const before = this.adminOf(server);
    if (before === admin) return;
    this.writeAdmin(server, admin);
    const lostLast = this.settleBackend(server);
    const isTaken = (admin & ~before & AdminFlag.Maintenance) !== 0;
    const counts = this.countsOfLoss(server, lostLast);
    if (isTaken)
      this.report(server, Level.Alert, downText(server.label, 'is DOWN', reason, counts));
    const left = 'is UP/READY (leaving forced maintenance).';
    const isGiven = (before & ~admin & AdminFlag.Maintenance) !== 0;
    if (isGiven) this.report(server, Level.Notice, maintenanceText(server.label, left));
    if (lostLast) this.reportNoServer(server);
  }

  get shared(): SharedState {
    return this.options.shared;
  }

  isDown({ entity }: ServerEntry): boolean {
    return this.options.shared.get(entity, State.Health) === Health.Down;
  }

  /**
   * Maintenance ends: what was known of the server is old. It is up until its next check, unless its
   * agent, or the server that it tracks, says otherwise.
   */
  restoreHealth(server: ServerEntry): void {
    const { shared } = this.options;
    const { entity, config } = server;
    const { check, initState } = config;
    if (config.track === null) {
      const up = check === null ? Health.NoCheck : Health.Up;
      server.checked = startsDown(initState) ? Health.Down : up;
      if (check !== null) {
        shared.set(entity, State.CheckCounter, initialCounter(check, initState));
      }
    }
    shared.set(entity, State.Health, server.agentUp ? server.checked : Health.Down);
    const health: Health = shared.get(entity, State.Health);
    for (const follower of server.followers) {
      follower.checked = health === Health.NoCheck ? Health.Up : health;
    }
  }

  /** Counts the backend's servers again and tells the workers. @returns the last one has gone. */
  settleBackend(server: ServerEntry): boolean {
    const lostLast = this.recountBackend(server.backend);
    this.options.notify();
    return lostLast;
  }

  /** @param weight 0 to 256 */
  setWeight(server: ServerEntry, weight: number): void {
    if (this.options.shared.get(server.entity, State.Weight) === weight) return;
    this.options.shared.set(server.entity, State.Weight, weight);
    const lostLast = this.recountBackend(server.backend);
    if (lostLast) this.reportNoServer(server);
    this.options.notify();
  }

  /** @param maxconn 0 = no limit */
  setMaxconn(server: ServerEntry, maxconn: number): void {
    if (this.options.shared.get(server.entity, State.Maxconn) === maxconn) return;
    this.options.shared.set(server.entity, State.Maxconn, maxconn);
    this.options.notify();
  }

  /** Writes a line to the log and, in the foreground, to stderr. */
  report(server: ServerEntry, level: Level, text: string, isMailed = false): void {
    if (isMailed) this.options.mail(server.backend.proxy, level, text);
    this.options.stderr(stderrLine('WARNING', this.pid(), text));
    this.options.logger.text(server.backend.proxy.index, level, text);
  }

  /** The last usable server of the backend has gone. */
  reportNoServer({ backend }: Pick<ServerEntry, 'backend'>): void {
    const { name, index } = backend.proxy;
    const kind = hasFrontend(backend.proxy) ? 'proxy' : 'backend';
    this.options.stderr(stderrLine('ALERT', this.pid(), noServerAlert(kind, name)));
    this.options.logger.text(index, Level.Emergency, noServerText(kind, name));
  }

  private pid(): number {
    return this.options.pid ?? process.pid;
  }

  countsOfLoss(server: ServerEntry, lostLast: boolean): ServerCounts {
    const { shared } = this.options;
    const { backend } = server;
    const queued = shared.get(server.entity, State.Queued);
    // Workers move what waits for this server elsewhere, if they may (4.2 option redispatch).
    const moves = (backend.proxy.options & Option.Redispatch) !== 0;
    const moved = moves ? queued : 0;
    // Who waited for any server of the backend has none to wait for any more.
    const gone = lostLast ? shared.get(backend.entity, State.Queued) : 0;
    return this.counts(server, moved + gone, queued - moved);
  }

  countsOfGain(server: ServerEntry): ServerCounts {
    const queued = this.options.shared.get(server.entity, State.Queued);
    return this.counts(server, this.requeuedOnUp(server), queued);
  }

  /** Streams of the backend's queue for which the server has room now. */
  private requeuedOnUp(server: ServerEntry): number {
    const { shared } = this.options;
    const waiting = shared.get(server.backend.entity, State.Queued);
    if (waiting === 0 || !isUsable(shared, server.entity)) return 0;
    const limit = shared.get(server.entity, State.Maxconn);
    const room = limit - shared.get(server.entity, State.Current);
    return limit === 0 ? waiting : Math.max(0, Math.min(waiting, room));
  }

  private counts(server: ServerEntry, requeued: number, queued: number): ServerCounts {
    const { shared } = this.options;
    return {
      active: shared.get(server.backend.entity, State.ActiveServers),
      backup: shared.get(server.backend.entity, State.BackupServers),
      sessions: shared.get(server.entity, State.Current),
      requeued,
      queued,
    };
  }

  /** @returns true when the last usable server of the backend has just gone. */
  private recountBackend(backend: BackendEntry): boolean {
    const { shared } = this.options;
    const { entity } = backend;
    const before = recountBackend(shared, backend.proxy, entity, backend.servers);
    const after = shared.get(entity, State.ActiveServers) + shared.get(entity, State.BackupServers);
    if (before === 0 && after > 0) this.addDowntime(entity);
    if (before > 0 && after === 0) {
      shared.set(entity, State.Downs, shared.get(entity, State.Downs) + 1);
      shared.set(entity, State.LastChange, this.clock.wallSeconds());
    }
    if (backend.turns !== null) realign(shared, entity, backend.turns);
    return before > 0 && after === 0;
  }

  /** Ends a time of being down: adds it to `downtime` and starts the new state's clock. */
  private addDowntime(entity: number): void {
    const { shared } = this.options;
    const now = this.clock.wallSeconds();
    const seconds = Math.max(0, now - shared.get(entity, State.LastChange));
    shared.set(entity, State.Downtime, shared.get(entity, State.Downtime) + seconds);
    shared.set(entity, State.LastChange, now);
  }
}
