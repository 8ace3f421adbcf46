/**
 * `hash-balance-factor` (configuration.txt 4.2): no server gets more than a percentage of the
 * average load. With T connections on all servers and the new one, HAProxy 3.2 is seen to allow
 *
 *   ceil(ceil((T + 1) * factor / 100) * weight / sum of the weights)
 *
 * to a server.
 *
 * @dataplane
 */
import type { Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';
import { LoadGroups } from './load-groups.ts';
import type { Members } from './members.ts';

export class BoundedLoad {
  private readonly shared: SharedState;
  private readonly members: Members;
  /** Null without a factor. */
  private readonly groups: LoadGroups | null;
  /** Percent; 0 = no bound. */
  private readonly factor: number;
  /** Connections for all servers together, and the sum of the weights, for this choice. */
  private slots: number;
  private weight: number;

  constructor(shared: SharedState, members: Members, servers: readonly Server[], factor: number) {
    this.shared = shared;
    this.members = members;
    this.groups = factor > 0 ? new LoadGroups(servers, members, shared) : null;
    this.factor = factor;
    this.slots = 0;
    this.weight = 0;
  }

  /** Members have changed. */
  rebuild(): void {
    const { weights } = this.members;
    this.weight = 0;
    for (let i = 0; i < weights.length; i++) this.weight += weights[i]!;
    this.groups?.invalidate();
  }

  /** Looks at the load; once per choice, before `allows`. */
  measure(): void {
    if (this.groups === null) return;
    this.groups.refresh();
    this.slots = Math.ceil(((this.groups.connections + 1) * this.factor) / 100);
  }

  /** Says whether the server may have one connection more. */
  allows(server: Server): boolean {
    if (this.factor === 0) return true;
    const share = this.slots * this.members.weights[server.index]!;
    return this.shared.get(server.entity, State.Current) < Math.ceil(share / this.weight);
  }
}
