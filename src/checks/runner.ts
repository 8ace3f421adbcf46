/**
 * Runs the health checks and agent checks of all servers (configuration.txt 5.2) on the control
 * thread: when each is due, what it found, and what follows for the server.
 */
import { keepsWeights } from '../balance/registry.ts';
import { type AgentConfig, type CheckConfig, Option } from '../model/config.ts';
import { Health, State } from '../model/shared.ts';
import { agentRiseFall, agentRuleset, readAgentLine } from './agent.ts';
import { type Clock, systemClock } from './clock.ts';
import { createOpen, type Open } from './connection.ts';
import { type DialogueTask, startDialogue } from './dialogue.ts';
import { type ProgramTask, startProgram } from './external.ts';
import { greetingOf } from './greeting.ts';
import { afterFailure, afterSuccess, isUp, type RiseFall } from './health.ts';
import type { CheckOutcome } from './outcome.ts';
import { checkText, Level, reasonText } from './report.ts';
import { type CheckResultRow, CheckStatus, checkResult } from './result.ts';
import {
  checkInterval,
  checkTimeouts,
  firstDelays,
  programTimeout,
  spreadInterval,
} from './schedule.ts';
import { setForcedAdmin } from './server-admin.ts';
import { serverState } from './server-state-field.ts';
import { type ServerEntry, ServerStates, type ServerStatesOptions } from './server-states.ts';
import { CheckTexts } from './text.ts';

export interface CheckRunnerOptions extends ServerStatesOptions {
  open?: Open;
  clock?: Clock;
}

/** The check of a server, or the question to its agent. */
interface CheckEntry {
  kind: 'Health' | 'Agent';
  server: ServerEntry;
  riseFall: RiseFall;
  interMs: number;
  /** The pause after a result, by the counter of successes. */
  pauseMs(): number;
  /** Begins; gives up when the function that it returns is called. */
  start(done: (outcome: CheckOutcome) => void): () => void;
  running: boolean;
  /** False: turned off by an administrator. */
  enabled: boolean;
  /** What the last check had to add, for `last_chk`. */
  info: string;
  /** Cancels the timer or the running check. */
  cancel: () => void;
}

/** Agents are asked as they are. */
const noGreeting = new Uint8Array(0);

export class CheckRunner {
  private readonly options: CheckRunnerOptions;
  private readonly clock: Clock;
  private readonly open: Open;
  private readonly texts: CheckTexts;
  readonly states: ServerStates;
  private readonly entries: CheckEntry[] = [];
  private readonly checks = new Map<number, CheckEntry>();
  private readonly agents = new Map<number, CheckEntry>();
  private started = false;

  constructor(options: CheckRunnerOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.open = options.open ?? createOpen(this.clock);
    this.texts = new CheckTexts({ ...options, pid: options.pid ?? process.pid });
    this.states = new ServerStates(options, this.clock);
    for (const server of this.states.servers) {
      const { check, agent } = server.config;
      if (check !== null) this.addCheck(server, check);
      if (agent !== null) this.addAgent(server, agent);
    }
  }

  /** Plans the first check of every server. `initServerState` must have run before. */
  start(): void {
    if (this.started) return;
    this.started = true;
    const delays = firstDelays(this.entries, this.options.config.global);
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

  private entryOf(serverEntity: number, kind: CheckEntry['kind']): CheckEntry | undefined {
    return (kind === 'Health' ? this.checks : this.agents).get(serverEntity);
  }

  /** Whether it checks, or asks the agent of, the server: false without such a check. */
  isEnabled(serverEntity: number, kind: CheckEntry['kind']): boolean {
    return this.entryOf(serverEntity, kind)?.enabled ?? false;
  }

  /** Stops a check or agent check for a while. @returns false when the server has none */
  setEnabled(serverEntity: number, kind: CheckEntry['kind'], isEnabled: boolean): boolean {
    const entry = this.entryOf(serverEntity, kind);
    if (entry !== undefined) entry.enabled = isEnabled;
    return entry !== undefined;
  }

  /** Text of the last check (`last_chk`); '' when there is nothing to say. */
  lastCheck(serverEntity: number): string {
    return oneLine(this.checks.get(serverEntity)?.info ?? '');
  }

  /** The same of its agent (`last_agt`). */
  lastAgent(serverEntity: number): string {
    return oneLine(this.agents.get(serverEntity)?.info ?? '');
  }

  /** Whether a check of the server runs just now (`* ` before check_status). */
  isRunning(serverEntity: number): boolean {
    return this.checks.get(serverEntity)?.running ?? false;
  }

  /** Whether its agent is being asked just now. */
  isAsking(serverEntity: number): boolean {
    return this.agents.get(serverEntity)?.running ?? false;
  }

  /**
   * Counts a backend's servers again after a change that no check made (weight, maintenance), and
   * tells the workers.
   */
  recount(proxyIndex: number): void {
    this.states.recount(proxyIndex);
  }

  private addCheck(server: ServerEntry, check: CheckConfig): void {
    const { shared } = this.options;
    const { entity } = server;
    const entry: CheckEntry = {
      kind: 'Health',
      server,
      riseFall: check,
      interMs: check.interMs,
      pauseMs: () => checkInterval(check, shared.get(entity, State.CheckCounter)),
      start: this.starter(server, check),
      running: false,
      enabled: true,
      info: '',
      cancel: () => {},
    };
    shared.set(entity, State.CheckStatus, CheckStatus.Initializing);
    this.entries.push(entry);
    this.checks.set(entity, entry);
  }

  private addAgent(server: ServerEntry, agent: AgentConfig): void {
    const { shared } = this.options;
    const { entity } = server;
    const entry: CheckEntry = {
      kind: 'Agent',
      server,
      riseFall: agentRiseFall,
      interMs: agent.interMs,
      pauseMs: () => agent.interMs,
      start: this.dialogue(() => this.agentTask(server, agent)),
      running: false,
      enabled: true,
      info: '',
      cancel: () => {},
    };
    shared.set(entity, State.AgentStatus, CheckStatus.Initializing);
    shared.set(entity, State.AgentDuration, -1);
    shared.set(entity, State.AgentCounter, agentRiseFall.rise);
    this.entries.push(entry);
    this.agents.set(entity, entry);
  }

  private starter(server: ServerEntry, check: CheckConfig): CheckEntry['start'] {
    const { proxy } = server.backend;
    if (proxy.check.external === null) return this.dialogue(() => this.checkTask(server, check));
    const { config, shared } = this.options;
    const task: ProgramTask = {
      config,
      proxy,
      server: server.config,
      timeoutMs: programTimeout(check.interMs, proxy.timeout),
      current: () => shared.get(server.entity, State.Current),
    };
    return (done) => startProgram(task, this.clock, done);
  }

  /** @param task made for each check: addresses change at run time */
  private dialogue(task: () => DialogueTask): CheckEntry['start'] {
    const environment = { clock: this.clock, open: this.open };
    return (done) => startDialogue(task(), environment, done);
  }

  private checkTask(server: ServerEntry, check: CheckConfig): DialogueTask {
    const { config, entity } = server;
    const { proxy } = server.backend;
    const address = check.address ?? config.address;
    const port = check.port || address.port || config.address.port;
    return {
      ...this.taskOf(server),
      ruleset: proxy.check,
      target: { address: { ...address, port }, source: config.sourceAddress },
      greeting: greetingOf(config, check),
      ...checkTimeouts(check.interMs, proxy.timeout),
      state: () => serverState(this.options, proxy, config, check),
      isUp: () => isUp(this.options.shared.get(entity, State.CheckCounter), check),
    };
  }

  private agentTask(server: ServerEntry, agent: AgentConfig): DialogueTask {
    const { config } = server;
    const address = agent.address ?? config.check?.address ?? config.address;
    return {
      ...this.taskOf(server),
      ruleset: agentRuleset(agent),
      target: { address: { ...address, port: agent.port }, source: config.sourceAddress },
      greeting: noGreeting,
      ...checkTimeouts(agent.interMs, server.backend.proxy.timeout),
      state: () => '',
      isUp: () => true,
    };
  }

  /** What all dialogues with a server have. */
  private taskOf(
    server: ServerEntry,
  ): Pick<DialogueTask, 'bufsize' | 'fieldsMax' | 'text' | 'integer'> {
    const { tune } = this.options.config.global;
    const place = {
      proxyIndex: server.backend.proxy.index,
      serverIndex: server.config.index,
    };
    return {
      bufsize: tune.bufsize,
      fieldsMax: tune.httpMaxhdr,
      text: (source, response) => this.texts.text(source, place, response),
      integer: (source, response) => this.texts.integer(source, place, response),
    };
  }

  private plan(entry: CheckEntry, delayMs: number): void {
    entry.cancel = this.clock.after(delayMs, () => this.run(entry));
  }

  private planNext(entry: CheckEntry): void {
    const spread = this.options.config.global.spreadChecksPercent;
    const random = spread > 0 ? this.clock.random() : 0.5;
    this.plan(entry, spreadInterval(entry.pauseMs(), spread, random));
  }

  /** Checks pause during maintenance and go on where they were; an agent may end it. */
  private isPaused(entry: CheckEntry): boolean {
    if (!entry.enabled) return true;
    return entry.kind === 'Health' && this.states.isMaintained(entry.server);
  }

  private run(entry: CheckEntry): void {
    if (this.isPaused(entry)) {
      this.planNext(entry);
      return;
    }
    entry.running = true;
    const startMs = this.clock.nowMs();
    entry.cancel = entry.start((outcome) => {
      entry.running = false;
      const durationMs = Math.floor(this.clock.nowMs() - startMs);
      // What has paused meanwhile says nothing any more.
      if (this.isPaused(entry)) return this.planNext(entry);
      if (entry.kind === 'Health') this.concludeCheck(entry, outcome, durationMs);
      else this.concludeAgent(entry, outcome, durationMs);
      this.planNext(entry);
    });
  }

  private concludeCheck(entry: CheckEntry, outcome: CheckOutcome, durationMs: number): void {
    const { shared } = this.options;
    const { server, riseFall } = entry;
    const { entity } = server;
    const oldStatus = shared.get(entity, State.CheckStatus);
    const oldCounter = shared.get(entity, State.CheckCounter);
    const { verdict } = checkResult(outcome.status);
    const failed = verdict === 'failed';
    const counter = (failed ? afterFailure : afterSuccess)(oldCounter, riseFall);
    shared.set(entity, State.CheckStatus, outcome.status);
    shared.set(entity, State.CheckDuration, durationMs);
    shared.set(entity, State.CheckCode, outcome.code);
    shared.set(entity, State.CheckCounter, counter);
    entry.info = outcome.info;
    if (failed && isUp(oldCounter, riseFall)) {
      shared.set(entity, State.CheckFailed, shared.get(entity, State.CheckFailed) + 1);
    }
    const isNew = outcome.status !== oldStatus || counter !== oldCounter;
    const reason = this.explain(entry, outcome, durationMs, counter, isNew);
    this.states.setChecked(server, healthAfter(verdict, isUp(counter, riseFall)), reason);
  }

  private concludeAgent(entry: CheckEntry, outcome: CheckOutcome, durationMs: number): void {
    const { shared } = this.options;
    const { server } = entry;
    const { entity } = server;
    const isAnswer = outcome.status === CheckStatus.Layer7Ok;
    const isFixed = keepsWeights(server.backend.proxy);
    const said = isAnswer ? readAgentLine(outcome.info, server.config.weight, isFixed) : null;
    const found: CheckOutcome =
      said === null ? outcome : { status: said.status, code: 0, info: said.info };
    if (said !== null && said.weight !== null) this.states.setWeight(server, said.weight);
    if (said !== null && said.maxconn !== null) this.states.setMaxconn(server, said.maxconn);
    const oldStatus = shared.get(entity, State.AgentStatus);
    const oldCounter = shared.get(entity, State.AgentCounter);
    const { status } = found;
    // Only what an agent says counts: one that cannot be asked says nothing.
    const counter =
      status === CheckStatus.Layer7Ok ? 1 : status === CheckStatus.Layer7Status ? 0 : oldCounter;
    shared.set(entity, State.AgentStatus, status);
    shared.set(entity, State.AgentDuration, durationMs);
    shared.set(entity, State.AgentCode, found.code);
    shared.set(entity, State.AgentCounter, counter);
    entry.info = found.info;
    const isNew =
      status !== CheckStatus.Checked && (status !== oldStatus || counter !== oldCounter);
    const reason = (): (() => string) => this.explain(entry, found, durationMs, counter, isNew);
    const admin = said?.admin ?? null;
    // The state that a server leaves maintenance with is the one that its agent says now.
    const isFirst = admin !== null && !this.states.isMaintained(server);
    if (isFirst) setForcedAdmin(this.states, server, admin);
    this.states.setAgent(server, counter > 0, reason());
    if (admin !== null && !isFirst) setForcedAdmin(this.states, server, admin);
  }

  /**
   * Logs the result when the backend wants to see results.
   * @param isNew it differs from the last one
   * @returns what a line about the server's state has to add
   */
  private explain(
    entry: CheckEntry,
    outcome: CheckOutcome,
    durationMs: number,
    counter: number,
    isNew: boolean,
  ): () => string {
    const { server, riseFall, kind } = entry;
    const isLogged = (server.backend.proxy.options & Option.LogHealthChecks) !== 0;
    if (!isLogged) return () => reasonText(outcome, durationMs);
    if (isNew) {
      const { verdict } = checkResult(outcome.status);
      const reason = reasonText(outcome, durationMs);
      const text = checkText(kind, server.label, verdict, reason, counter, riseFall);
      this.states.report(server, Level.Notice, text);
      // 4.2 email-alert level: results of checks are worth less than what follows from them.
      this.options.mail(server.backend.proxy, Level.Info, text);
    }
    return () => '';
  }
}

/** What a check makes of a server; null = up, if it is not up in another way already. */
function healthAfter(verdict: CheckResultRow['verdict'], isUp: boolean): Health | null {
  if (!isUp) return Health.Down;
  if (verdict === 'conditional') return Health.Stopping;
  return verdict === 'passed' ? Health.Up : null;
}

/** One line, whatever a server said. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
