/**
 * `balance leastconn` (configuration.txt 4.2): the server with the fewest connections by its weight,
 * those of all workers counted, and round robin among those that have equally few.
 *
 * The count that the choice was made with must still hold when the connection is counted (`seen`),
 * so that two workers which choose at the same time do not both take the one that was free.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { FULL, LoadGroups } from './load-groups.ts';
import { Members } from './members.ts';

/** Looks at loads that other workers change at the same time, before every server is looked at. */
const TRIES = 4;

export class LeastConn implements Balancer {
  seen: number;
  private readonly shared: SharedState;
  private readonly servers: Server[];
  private readonly members: Members;
  private readonly groups: LoadGroups;
  /** Index of the shared place in the round: the server behind the one chosen last. */
  private readonly place: number;

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.seen = ANY_COUNT;
    this.shared = shared;
    this.servers = proxy.servers;
    this.members = new Members(proxy.config, entities, shared);
    this.groups = new LoadGroups(proxy.servers, this.members, shared);
    this.place = proxy.backend * State.WIDTH + State.RoundRobin;
    this.rebuild();
  }

  rebuild(): void {
    this.members.gather();
    this.groups.invalidate();
  }

  pick(avoid: Server | null): Server | null {
    const { groups, members, servers } = this;
    if (members.count === 0) return null;
    const place = Atomics.load(this.shared.state, this.place) % servers.length;
    for (let tries = 0; tries < TRIES; tries++) {
      groups.refresh();
      const least = groups.smallest;
      if (least === FULL) return null;
      const index = groups.find(least, place);
      // Another worker has changed it and not announced it yet.
      if (index < 0) continue;
      const server = servers[index]!;
      if (server === avoid || !members.isOpen(server)) break;
      this.take(server);
      if (groups.loadOf(index) === least) return server;
    }
    // What changes without notice: a limit that moves with the load, a server's health.
    const index = groups.search(members, avoid, place);
    if (index >= 0) return this.take(servers[index]!);
    return avoid !== null && members.isOpen(avoid) ? this.take(avoid) : null;
  }

  private take(server: Server): Server {
    Atomics.store(this.shared.state, this.place, server.index + 1);
    this.seen = this.shared.get(server.entity, State.Current);
    return server;
  }
}
