/**
 * Runs the health checks of all servers (configuration.txt 5.2) on the control thread and writes
 * what they find to shared memory, where workers and statistics read it.
 *
 * A server's state is written in an order that never shows a usable server that is not: health
 * first, then the counts of its backend, then the workers are told to look again.
 */

import { recountBackend } from '../balance/server-state.ts';
import { realign } from '../balance/turn-keeper.ts';
import { TurnTable } from '../balance/turn-table.ts';
import {
  type CheckConfig,
  type Configuration,
  Option,
  type ProxyConfig,
  type ServerConfig,
} from '../model/config.ts';
import { hasFrontend } from '../model/entity.ts';
import { isUsable } from '../model/server-health.ts';
import { AdminFlag, type EntityMap, Health, type SharedState, State } from '../model/shared.ts';
import { type Clock, systemClock } from './clock.ts';
import { createOpen, type Open } from './connection.ts';
import { type DialogueTask, startDialogue } from './dialogue.ts';
import { afterFailure, afterSuccess, isUp } from './health.ts';
import type { CheckOutcome } from './outcome.ts';
import {
  checkText,
  downText,
  Level,
  noServerAlert,
  noServerText,
  reasonText,
  type ServerCounts,
  type ServerLabel,
  stderrLine,
  upText,
} from './report.ts';
import { type CheckResultRow, CheckStatus, checkResult } from './result.ts';
import { checkInterval, checkTimeouts, firstDelays, spreadInterval } from './schedule.ts';
import { serverState } from './server-state.ts';
import { CheckTexts } from './text.ts';

export interface CheckRunnerOptions {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  logger: { text(proxyIndex: number, level: number, text: string): void };
  /** Tells the workers that shared state changed. */
  notify(): void;
  /** Writes one line to stderr, when the process still has one. */
  stderr(line: string): void;
  open?: Open;
  clock?: Clock;
  pid?: number;
}

/** A backend with what is needed to keep its counts and its round robin. */
interface BackendEntry {
  proxy: ProxyConfig;
  entity: number;
  servers: number[];
  turns: TurnTable | null;
}

interface CheckEntry {
  backend: BackendEntry;
  config: ServerConfig;
  check: CheckConfig;
  entity: number;
  label: ServerLabel;
  task: DialogueTask;
  running: boolean;
  /** What the last check had to add, for `last_chk`. */
  info: string;
  /** Cancels the timer or the running check. */
  cancel: () => void;
}

export class CheckRunner {
  private readonly options: CheckRunnerOptions;
  private readonly shared: SharedState;
  private readonly clock: Clock;
  private readonly open: Open;
  private readonly texts: CheckTexts;
  private readonly backends: BackendEntry[] = [];
  private readonly entries: CheckEntry[] = [];
  private readonly byEntity = new Map<number, CheckEntry>();
  private started = false;

  constructor(options: CheckRunnerOptions) {
    this.options = options;
    this.shared = options.shared;
    this.clock = options.clock ?? systemClock;
    this.open = options.open ?? createOpen(this.clock);
    this.texts = new CheckTexts({ ...options, pid: this.pid() });
    for (const proxy of options.config.proxies) this.addBackend(proxy);
  }

  /** Plans the first check of every server. `initServerState` must have run before. */
  start(): void {
    if (this.started) return;
    this.started = true;
    const delays = firstDelays(
      this.entries.map((entry) => entry.check),
      this.options.config.global,
    );
    this.entries.forEach((entry, i) => {
      this.plan(entry, delays[i]!);
    });
  }

  /** Gives all checks up; the state of the servers stays as it is. */
  stop(): void {
    this.started = false;
    for (const entry of this.entries) {
      entry.cancel();
      entry.running = false;
    }
  }

  /** Text of the last check (`last_chk`); '' when there is nothing to say. */
  lastCheck(serverEntity: number): string {
    // One line, whatever the server said.
    return (this.byEntity.get(serverEntity)?.info ?? '').replace(/[\r\n]+/g, ' ');
  }

  /** Whether a check of the server runs just now (`* ` before check_status). */
  isRunning(serverEntity: number): boolean {
    return this.byEntity.get(serverEntity)?.running ?? false;
  }

  /**
   * Counts a backend's servers again after a change that no check made (weight, maintenance), and
   * tells the workers.
   */
  recount(proxyIndex: number): void {
    const backend = this.backends.find((entry) => entry.proxy.index === proxyIndex);
    if (backend === undefined) return;
    this.recountEntry(backend);
    this.options.notify();
  }

  private addBackend(proxy: ProxyConfig): void {
    const entity = this.options.entities.backend[proxy.index]!;
    if (entity < 0 || proxy.disabled) return;
    const servers = this.options.entities.server[proxy.index]!;
    const turns =
      proxy.balance.algorithm === 'roundrobin' ? new TurnTable(proxy, servers, this.shared) : null;
    const backend: BackendEntry = { proxy, entity, servers, turns };
    this.backends.push(backend);
    for (const config of proxy.servers) {
      if (config.check !== null) this.addCheck(backend, config, config.check);
    }
  }

  private addCheck(backend: BackendEntry, config: ServerConfig, check: CheckConfig): void {
    const entity = backend.servers[config.index]!;
    const entry: CheckEntry = {
      backend,
      config,
      check,
      entity,
      label: { backend: backend.proxy.name, server: config.name, backup: config.backup },
      task: this.createTask(backend, config, check),
      running: false,
      info: '',
      cancel: () => {},
    };
    this.shared.set(entity, State.CheckStatus, CheckStatus.Initializing);
    this.entries.push(entry);
    this.byEntity.set(entity, entry);
  }

  private createTask(
    backend: BackendEntry,
    config: ServerConfig,
    check: CheckConfig,
  ): DialogueTask {
    const { proxy } = backend;
    const entity = backend.servers[config.index]!;
    const { tune } = this.options.config.global;
    const address = check.address ?? config.address;
    const port = check.port || address.port || config.address.port;
    const place = { proxyIndex: proxy.index, serverIndex: config.index };
    return {
      ruleset: proxy.check,
      target: { address: { ...address, port }, source: config.sourceAddress },
      ...checkTimeouts(check, proxy.timeout),
      bufsize: tune.bufsize,
      fieldsMax: tune.httpMaxhdr,
      text: (source, response) => this.texts.text(source, place, response),
      integer: (source, response) => this.texts.integer(source, place, response),
      state: () => serverState(this.options, proxy, config, check),
      isUp: () => isUp(this.shared.get(entity, State.CheckCounter), check),
    };
  }

  private plan(entry: CheckEntry, delayMs: number): void {
    entry.cancel = this.clock.after(delayMs, () => this.run(entry));
  }

  private planNext(entry: CheckEntry): void {
    const counter = this.shared.get(entry.entity, State.CheckCounter);
    const spread = this.options.config.global.spreadChecksPercent;
    const pauseMs = checkInterval(entry.check, counter);
    this.plan(entry, spreadInterval(pauseMs, spread, spread > 0 ? this.clock.random() : 0.5));
  }

  private run(entry: CheckEntry): void {
    // Checks pause during maintenance and go on where they were.
    if ((this.shared.get(entry.entity, State.Admin) & AdminFlag.Maintenance) !== 0) {
      this.planNext(entry);
      return;
    }
    entry.running = true;
    const startMs = this.clock.nowMs();
    const environment = { clock: this.clock, open: this.open };
    entry.cancel = startDialogue(entry.task, environment, (outcome) => {
      entry.running = false;
      this.conclude(entry, outcome, Math.floor(this.clock.nowMs() - startMs));
      this.planNext(entry);
    });
  }

  private conclude(entry: CheckEntry, outcome: CheckOutcome, durationMs: number): void {
    const { shared } = this;
    const { entity, check } = entry;
    // Maintenance began while the check ran: its result says nothing any more.
    if ((shared.get(entity, State.Admin) & AdminFlag.Maintenance) !== 0) return;
    const oldStatus = shared.get(entity, State.CheckStatus);
    const oldCounter = shared.get(entity, State.CheckCounter);
    const { verdict } = checkResult(outcome.status);
    const failed = verdict === 'failed';
    const counter = failed ? afterFailure(oldCounter, check) : afterSuccess(oldCounter, check);
    shared.set(entity, State.CheckStatus, outcome.status);
    shared.set(entity, State.CheckDuration, durationMs);
    shared.set(entity, State.CheckCode, outcome.code);
    shared.set(entity, State.CheckCounter, counter);
    entry.info = outcome.info;
    if (failed && isUp(oldCounter, check)) {
      shared.set(entity, State.CheckFailed, shared.get(entity, State.CheckFailed) + 1);
    }
    const after = healthAfter(verdict, isUp(counter, check));
    if ((entry.backend.proxy.options & Option.LogHealthChecks) !== 0) {
      if (outcome.status !== oldStatus || counter !== oldCounter) {
        const reason = reasonText(outcome, durationMs);
        const text = checkText(entry.label, verdict, reason, counter, check);
        this.report(entry, Level.Notice, text);
      }
      this.changeHealth(entry, after, () => '');
    } else {
      this.changeHealth(entry, after, () => reasonText(outcome, durationMs));
    }
  }

  /** @param health null = as it is, unless it is down */
  private changeHealth(entry: CheckEntry, health: Health | null, reason: () => string): void {
    const before = this.shared.get(entry.entity, State.Health);
    const after = health ?? (before === Health.Down ? Health.Up : before);
    if (after === before) return;
    if (after === Health.Down) this.takeDown(entry, reason());
    else this.putIn(entry, after, reason());
  }

  private takeDown(entry: CheckEntry, reason: string): void {
    const { shared } = this;
    shared.set(entry.entity, State.Health, Health.Down);
    shared.set(entry.entity, State.LastChange, this.clock.wallSeconds());
    shared.set(entry.entity, State.Downs, shared.get(entry.entity, State.Downs) + 1);
    const lostLast = this.recountEntry(entry.backend);
    const queued = shared.get(entry.entity, State.Queued);
    // Workers move what waits for this server elsewhere, if they may (4.2 option redispatch).
    const moves = (entry.backend.proxy.options & Option.Redispatch) !== 0;
    const moved = moves ? queued : 0;
    // Who waited for any server of the backend has none to wait for any more.
    const gone = lostLast ? shared.get(entry.backend.entity, State.Queued) : 0;
    const counts = this.counts(entry, moved + gone, queued - moved);
    this.report(entry, Level.Alert, downText(entry.label, reason, counts));
    if (lostLast) this.reportNoServer(entry.backend);
    this.options.notify();
  }

  /** Brings the server up, or keeps new clients from it (`Health.Stopping`). */
  private putIn(entry: CheckEntry, health: Health, reason: string): void {
    const { shared } = this;
    const { entity } = entry;
    if (shared.get(entity, State.Health) === Health.Down) this.addDowntime(entity);
    shared.set(entity, State.LastChange, this.clock.wallSeconds());
    shared.set(entity, State.Health, health);
    const lostLast = this.recountEntry(entry.backend);
    const queued = shared.get(entity, State.Queued);
    const counts = this.counts(entry, this.requeuedOnUp(entry), queued);
    const what = health === Health.Stopping ? 'stopping' : 'UP';
    this.report(entry, Level.Notice, upText(entry.label, what, reason, counts));
    if (lostLast) this.reportNoServer(entry.backend);
    this.options.notify();
  }

  /** Streams of the backend's queue for which the server has room now. */
  private requeuedOnUp(entry: CheckEntry): number {
    const waiting = this.shared.get(entry.backend.entity, State.Queued);
    if (waiting === 0 || !isUsable(this.shared, entry.entity)) return 0;
    const limit = this.shared.get(entry.entity, State.Maxconn);
    const room = limit - this.shared.get(entry.entity, State.Current);
    return limit === 0 ? waiting : Math.max(0, Math.min(waiting, room));
  }

  private counts(entry: CheckEntry, requeued: number, queued: number): ServerCounts {
    return {
      active: this.shared.get(entry.backend.entity, State.ActiveServers),
      backup: this.shared.get(entry.backend.entity, State.BackupServers),
      sessions: this.shared.get(entry.entity, State.Current),
      requeued,
      queued,
    };
  }

  /** @returns true when the last usable server of the backend has just gone. */
  private recountEntry(backend: BackendEntry): boolean {
    const { shared } = this;
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
    const { shared } = this;
    const now = this.clock.wallSeconds();
    const seconds = Math.max(0, now - shared.get(entity, State.LastChange));
    shared.set(entity, State.Downtime, shared.get(entity, State.Downtime) + seconds);
    shared.set(entity, State.LastChange, now);
  }

  private report(entry: CheckEntry, level: Level, text: string): void {
    this.options.stderr(stderrLine('WARNING', this.pid(), text));
    this.options.logger.text(entry.backend.proxy.index, level, text);
  }

  private reportNoServer(backend: BackendEntry): void {
    const { name, index } = backend.proxy;
    const kind = hasFrontend(backend.proxy) ? 'proxy' : 'backend';
    this.options.stderr(stderrLine('ALERT', this.pid(), noServerAlert(kind, name)));
    this.options.logger.text(index, Level.Emergency, noServerText(kind, name));
  }

  private pid(): number {
    return this.options.pid ?? process.pid;
  }
}

/** What a check makes of a server; null = up, if it is not up in another way already. */
function healthAfter(verdict: CheckResultRow['verdict'], isUp: boolean): Health | null {
  if (!isUp) return Health.Down;
  if (verdict === 'conditional') return Health.Stopping;
  return verdict === 'passed' ? Health.Up : null;
}
