/**
 * The servers of a backend that balancing may choose from, as their present state gives it: the
 * active servers that are usable; when there is none, the first usable backup server, or all of
 * them with `option allbackups` (configuration.txt 4.2). Workers and the control thread compute the
 * same from the same shared state.
 *
 * @dataplane
 */
import { Option, type ProxyConfig } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { effectiveWeight, isUsable } from '../model/server-health.ts';
import type { SharedState } from '../model/shared.ts';
import { hasRoom } from './server-limit.ts';

/** Highest weight of a server (5.2 weight). */
export const WEIGHT_MAX = 256;

export class Members {
  readonly shared: SharedState;
  private readonly config: ProxyConfig;
  /** Entity per server index. */
  private readonly entities: readonly number[];
  /** Weight per server index; 0 = takes no part. */
  readonly weights: Int32Array;
  /** How many take part. */
  count: number;

  constructor(config: ProxyConfig, entities: readonly number[], shared: SharedState) {
    this.shared = shared;
    this.config = config;
    this.entities = entities;
    this.weights = new Int32Array(entities.length);
    this.count = 0;
    this.gather();
  }

  /** Reads the state of the servers again. */
  gather(): void {
    this.count = 0;
    this.add(false, false);
    if (this.count === 0) this.add(true, (this.config.options & Option.AllBackups) === 0);
  }

  private add(backup: boolean, onlyFirst: boolean): void {
    for (let i = 0; i < this.weights.length; i++) {
      const entity = this.entities[i]!;
      const takesPart =
        this.config.servers[i]!.backup === backup &&
        !(onlyFirst && this.count > 0) &&
        isUsable(this.shared, entity);
      this.weights[i] = takesPart ? effectiveWeight(this.shared, entity) : 0;
      if (takesPart) this.count++;
    }
  }

  /**
   * Says whether the server takes part and a new request may go straight there. Health is looked at
   * again: the members lag behind by one wake-up.
   */
  isOpen(server: Server): boolean {
    return (
      this.weights[server.index]! > 0 &&
      isUsable(this.shared, server.entity) &&
      hasRoom(this.shared, server)
    );
  }

  /** Says whether any of these servers but `avoid` is open. */
  hasOpen(servers: readonly Server[], avoid: Server | null): boolean {
    for (let i = 0; i < servers.length; i++) {
      const server = servers[i]!;
      if (server !== avoid && this.isOpen(server)) return true;
    }
    return false;
  }
}
