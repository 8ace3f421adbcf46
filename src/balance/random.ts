/**
 * `balance random` (configuration.txt 4.2): servers are drawn from the ring by random hashes, and
 * the one with the fewest connections by its weight gets the request; among equals the one with
 * fewer new sessions in the last second. A server that is full, or above its share
 * (`hash-balance-factor`), is not worth a draw: when all of them are, the next one that has room is
 * taken.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import { Counter, type SharedState, State } from '../model/shared.ts';
import { clock } from '../sys/clock.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { BoundedLoad } from './bounded-load.ts';
import { Members } from './members.ts';
import { ServerRing } from './server-ring.ts';

export class Random implements Balancer {
  readonly seen = ANY_COUNT;
  private readonly shared: SharedState;
  private readonly servers: Server[];
  private readonly members: Members;
  private readonly ring: ServerRing;
  private readonly bound: BoundedLoad;
  private readonly draws: number;

  constructor(proxy: Proxy, shared: SharedState) {
    const { config, servers } = proxy;
    const entities = servers.map((srv) => srv.entity);
    this.shared = shared;
    this.servers = servers;
    this.members = new Members(config, entities, shared);
    this.ring = new ServerRing(config.servers);
    this.bound = new BoundedLoad(shared, this.members, servers, config.hashBalanceFactor);
    this.draws = Number(config.balance.args[0]);
    this.rebuild();
  }

  rebuild(): void {
    this.members.gather();
    this.ring.rebuild(this.members.weights);
    this.bound.rebuild();
  }

  pick(avoid: Server | null): Server | null {
    const { ring, servers } = this;
    if (ring.length === 0) return null;
    this.bound.measure();
    let best: Server | null = null;
    let last = 0;
    for (let draw = 0; draw < this.draws; draw++) {
      last = ring.ownerAt(ring.nearest(Math.floor(Math.random() * 4294967296)));
      const server = servers[last]!;
      if (server === best || !this.accepts(server, avoid)) continue;
      if (best === null || this.isLess(server, best)) best = server;
    }
    return best ?? this.search(last, avoid);
  }

  private accepts(server: Server, avoid: Server | null): boolean {
    return server !== avoid && this.members.isOpen(server) && this.bound.allows(server);
  }

  private isLess(a: Server, b: Server): boolean {
    const { weights } = this.members;
    const loadA = this.shared.get(a.entity, State.Current) / weights[a.index]!;
    const loadB = this.shared.get(b.entity, State.Current) / weights[b.index]!;
    if (loadA !== loadB) return loadA < loadB;
    return this.rate(a) < this.rate(b);
  }

  /** New sessions of this second and the one before, as the workers have counted them. */
  private rate(server: Server): number {
    const { counters, workerCount } = this.shared;
    const second = Math.floor(clock.dateMs / 1000);
    let total = 0;
    for (let row = 1; row <= workerCount; row++) {
      const at = this.shared.counterBase(row, server.entity);
      const stamp = counters[at + Counter.SessionSecond]!;
      if (stamp >= second - 1) total += counters[at + Counter.SessionNow]!;
      if (stamp >= second) total += counters[at + Counter.SessionBefore]!;
    }
    return total;
  }

  /** The next server that has room, from the one drawn last on; better one below its share. */
  private search(last: number, avoid: Server | null): Server | null {
    const { servers, members } = this;
    let open: Server | null = null;
    for (let step = 1; step <= servers.length; step++) {
      const server = servers[(last + step) % servers.length]!;
      if (server === avoid || !members.isOpen(server)) continue;
      if (this.bound.allows(server)) return server;
      open ??= server;
    }
    if (open === null && avoid !== null && members.isOpen(avoid)) return avoid;
    return open;
  }
}
