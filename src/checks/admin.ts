/**
 * What administrators do to servers (configuration.txt 4.2 `stats admin`): maintenance, drain, health by
 * hand, checks on and off. Every function returns false when the server has no use for it.
 */
import { AdminFlag, Health, type SharedState, State } from '../model/shared.ts';
import { agentRiseFall } from './agent.ts';
import { fullHealth } from './health.ts';
import type { CheckRunner } from './runner.ts';
import { setForcedAdmin } from './server-admin.ts';
import type { ServerEntry, ServerStates } from './server-states.ts';

const byHand = (): string => ', changed from Web interface';

export class ServerAdmin {
  private readonly shared: SharedState;
  private readonly checks: CheckRunner;
  private readonly states: ServerStates;

  constructor(shared: SharedState, checks: CheckRunner) {
    this.shared = shared;
    this.checks = checks;
    this.states = checks.states;
  }

  /** No new requests, no checks. */
  maintain(entity: number): boolean {
    return this.setAdmin(entity, AdminFlag.Maintenance);
  }

  /** What is there goes on, nothing new comes but what must go there. */
  drain(entity: number): boolean {
    return this.setAdmin(entity, AdminFlag.Drain);
  }

  /** Neither maintenance nor drain. */
  ready(entity: number): boolean {
    return this.setAdmin(entity, 0);
  }

  private setAdmin(entity: number, admin: number): boolean {
    const server = this.states.entryOf(entity);
    // Without an address a server stays in maintenance.
    if (server === null || this.has(entity, AdminFlag.Unresolved)) return false;
    setForcedAdmin(this.states, server, admin);
    return true;
  }

  private has(entity: number, flag: AdminFlag): boolean {
    return (this.shared.get(entity, State.Admin) & flag) !== 0;
  }

  /** How a server without a fault is called. */
  private healthy({ entity, config }: ServerEntry): Health {
    return config.check !== null && this.checks.isEnabled(entity, 'Health')
      ? Health.Up
      : Health.NoCheck;
  }

  /**
   * Health by hand, which checks may change again.
   * @param health `Up` with all checks passed, `Stopping` (no new clients), or `Down`
   */
  setHealth(entity: number, health: Health): boolean {
    const server = this.states.entryOf(entity);
    if (server === null || server.config.track !== null) return false;
    if (this.states.isMaintained(server)) return true;
    const { check } = server.config;
    const isDown = health === Health.Down;
    if (check !== null) this.shared.set(entity, State.CheckCounter, isDown ? 0 : fullHealth(check));
    const wanted = health === Health.Up ? this.healthy(server) : health;
    this.states.setChecked(server, wanted, byHand);
    return true;
  }

  enableChecks(entity: number, enabled: boolean): boolean {
    const server = this.states.entryOf(entity);
    if (server === null || !this.checks.setEnabled(entity, 'Health', enabled)) return false;
    if (server.checked === Health.Up || server.checked === Health.NoCheck) {
      this.states.setChecked(server, this.healthy(server), byHand);
    }
    return true;
  }

  /** The agent says no more, or speaks again; what it said last stays. */
  enableAgent(entity: number, enabled: boolean): boolean {
    return this.checks.setEnabled(entity, 'Agent', enabled);
  }

  /** What the agent says, by hand. */
  setAgent(entity: number, isUp: boolean): boolean {
    const server = this.states.entryOf(entity);
    if (server === null || server.config.agent === null) return false;
    this.shared.set(entity, State.AgentCounter, isUp ? fullHealth(agentRiseFall) : 0);
    this.states.setAgent(server, isUp, byHand);
    return true;
  }
}
