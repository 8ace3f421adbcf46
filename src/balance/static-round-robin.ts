/**
 * `balance static-rr` (configuration.txt 4.2): each server in turn by the table of `ServerMap`. It is
 * also what hashes fall back to for a request without a key (`map-based`).
 *
 * The position in the table is shared by all workers, so that they make one round together; a
 * position behind the end of a table that has become shorter starts at 0, as in HAProxy 3.2. A full
 * server gives its turn up.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { Members } from './members.ts';
import { ServerMap } from './server-map.ts';

export class StaticRoundRobin implements Balancer {
  readonly seen = ANY_COUNT;
  readonly members: Members;
  readonly map: ServerMap;
  private readonly state: Int32Array;
  private readonly servers: Server[];
  /** Index of the position in `state`. */
  private readonly position: number;

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.members = new Members(proxy.config, entities, shared);
    this.map = new ServerMap(entities.length);
    this.state = shared.state;
    this.servers = proxy.servers;
    this.position = proxy.backend * State.WIDTH + State.RoundRobin;
    this.rebuild();
  }

  rebuild(): void {
    this.members.gather();
    this.map.rebuild(this.members.weights);
  }

  pick(avoid: Server | null): Server | null {
    const { members, map } = this;
    if (map.length === 0) return null;
    const first = this.next();
    if (first !== avoid && members.isOpen(first)) return first;
    if (!members.hasOpen(this.servers, avoid)) {
      return avoid !== null && members.isOpen(avoid) ? avoid : null;
    }
    // Some server has room, and every server stands in the table.
    for (let tries = map.length; tries > 0; tries--) {
      const server = this.next();
      if (server !== avoid && members.isOpen(server)) return server;
    }
    return null;
  }

  /** Takes a turn. */
  private next(): Server {
    const { length, slots } = this.map;
    let seen = Atomics.load(this.state, this.position);
    for (;;) {
      const slot = seen < length ? seen : 0;
      const found = Atomics.compareExchange(this.state, this.position, seen, slot + 1);
      if (found === seen) return this.servers[slots[slot]!]!;
      seen = found;
    }
  }
}
