/**
 * `hash-balance-factor` (configuration.txt 4.2): no server gets more than a percentage of the
 * average load. With T connections on all servers and the new one, HAProxy 3.2 is seen to allow
 *
 *   ceil(ceil((T + 1) * factor / 100) * weight / sum of the weights)
 *
 * to a server. T takes a look at every server, about 2 ns each; only a backend with a factor pays.
 *
 * @dataplane
 */
import type { Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';
import type { Members } from './members.ts';

export class BoundedLoad {
  private readonly shared: SharedState;
  private readonly members: Members;
  private readonly servers: readonly Server[];
  /** Percent; 0 = no bound. */
  private readonly factor: number;
  /** Connections for all servers together, and the sum of the weights, for this choice. */
  private slots: number;
  private weight: number;

  constructor(shared: SharedState, members: Members, servers: readonly Server[], factor: number) {
    this.shared = shared;
    this.members = members;
    this.servers = servers;
    this.factor = factor;
    this.slots = 0;
    this.weight = 0;
  }

  /** Looks at the load; once per choice, before `allows`. */
  measure(): void {
    if (this.factor === 0) return;
    const { weights } = this.members;
    let total = 0;
    this.weight = 0;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue;
      total += this.shared.get(this.servers[i]!.entity, State.Current);
      this.weight += weights[i]!;
    }
    this.slots = Math.ceil(((total + 1) * this.factor) / 100);
  }

  /** Says whether the server may have one connection more. */
  allows(server: Server): boolean {
    if (this.factor === 0) return true;
    const share = this.slots * this.members.weights[server.index]!;
    return this.shared.get(server.entity, State.Current) < Math.ceil(share / this.weight);
  }
}
