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
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { TurnTable } from './turn-table.ts';

export class RoundRobin implements Balancer {
  readonly seen = ANY_COUNT;
  private readonly state: Int32Array;
  private readonly servers: Server[];
  private readonly table: TurnTable;
  /** Index of the turn counter in `state`. */
  private readonly counter: number;

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.state = shared.state;
    this.servers = proxy.servers;
    this.table = new TurnTable(proxy.config, entities, shared);
    this.counter = proxy.backend * State.WIDTH + State.RoundRobin;
  }

  rebuild(): void {
    this.table.rebuild();
  }

  pick(avoid: Server | null): Server | null {
    const { members } = this.table;
    const first = this.next();
    if (first === null) return null;
    if (first !== avoid && members.isOpen(first)) return first;
    if (!members.hasOpen(this.servers, avoid)) {
      return avoid !== null && members.isOpen(avoid) ? avoid : null;
    }
    // Some server has room, and every server stands in one period.
    for (let tries = this.table.length; tries > 0; tries--) {
      const server = this.next()!;
      if (server !== avoid && members.isOpen(server)) return server;
    }
    return null;
  }

  /** Takes a turn. A server that went down since the table was built is still in it. */
  private next(): Server | null {
    const index = this.table.at(Atomics.add(this.state, this.counter, 1));
    return index < 0 ? null : this.servers[index]!;
  }
}
