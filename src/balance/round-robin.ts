/**
 * `balance roundrobin` (configuration.txt 4.2), exactly fair across workers: one shared counter per
 * backend hands out turns, and every worker has the same table from turn to server. A pick is one
 * atomic add and one load of a table; weights cost nothing more.
 *
 * A full server gives its turn up: the next turn is taken instead, so that the servers with room
 * share the load by their weights.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';
import type { Balancer } from './balancer.ts';
import { hasRoom } from './server-limit.ts';
import { isUsable } from './server-state.ts';
import { TurnTable } from './turn-table.ts';

export class RoundRobin implements Balancer {
  private readonly shared: SharedState;
  private readonly servers: Server[];
  private readonly table: TurnTable;
  /** Index of the turn counter in `shared.state`. */
  private readonly counter: number;

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.shared = shared;
    this.servers = proxy.servers;
    this.table = new TurnTable(proxy.config, entities, shared);
    this.counter = proxy.backend * State.WIDTH + State.RoundRobin;
  }

  rebuild(): void {
    this.table.rebuild();
  }

  hasUsable(): boolean {
    return this.table.length > 0;
  }

  pick(avoid: Server | null): Server | null {
    const first = this.next();
    if (first === null) return null;
    if (first !== avoid && this.isOpen(first)) return first;
    const open = this.countOpen(avoid);
    if (open === 0)
      return avoid !== null && this.isInTable(avoid) && this.isOpen(avoid) ? avoid : null;
    // Some server has room, and every server stands in one period.
    for (let tries = this.table.length; tries > 0; tries--) {
      const server = this.next()!;
      if (server !== avoid && this.isOpen(server)) return server;
    }
    return null;
  }

  pickAny(avoid: Server | null = null): Server | null {
    let server = this.next();
    if (server === null || server !== avoid) return server;
    for (let tries = this.table.length; tries > 0 && server === avoid; tries--) {
      server = this.next();
    }
    return server;
  }

  /** Takes a turn. A server that went down since the table was built is still in it. */
  private next(): Server | null {
    const index = this.table.at(Atomics.add(this.shared.state, this.counter, 1));
    return index < 0 ? null : this.servers[index]!;
  }

  /** Health is looked at again: the table may lag behind by one wake-up. */
  private isOpen(server: Server): boolean {
    return isUsable(this.shared, server.entity) && hasRoom(this.shared, server);
  }

  private countOpen(avoid: Server | null): number {
    let open = 0;
    for (let i = 0; i < this.servers.length; i++) {
      const server = this.servers[i]!;
      if (server !== avoid && this.table.takesPart(i) && this.isOpen(server)) open++;
    }
    return open;
  }

  private isInTable(server: Server): boolean {
    return this.table.takesPart(server.index);
  }
}
