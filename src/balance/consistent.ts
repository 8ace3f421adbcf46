/**
 * `hash-type consistent` (configuration.txt 4.2): the server of the node that is nearest to the key's
 * hash on the ring. A server that may not be used is passed over, to the next nodes upwards: one
 * that has just refused the request (a redispatch), one above its share (`hash-balance-factor`), and
 * one that is full if `hash-preserve-affinity` says so. Otherwise the server may be full: the
 * request waits for it. A request without a key takes the next node of the ring.
 *
 * @dataplane
 */
import type { HashAffinity } from '../model/config.ts';
import type { Proxy, Server } from '../model/runtime.ts';
import { isUsable } from '../model/server-health.ts';
import { type SharedState, State } from '../model/shared.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { BoundedLoad } from './bounded-load.ts';
import { Members } from './members.ts';
import { RingTurns } from './ring-turns.ts';
import { connectionLimit } from './server-limit.ts';
import { ServerRing } from './server-ring.ts';

export class Consistent implements Balancer {
  readonly seen = ANY_COUNT;
  private readonly shared: SharedState;
  private readonly servers: Server[];
  private readonly members: Members;
  private readonly ring: ServerRing;
  private readonly turns: RingTurns;
  private readonly bound: BoundedLoad;
  private readonly affinity: HashAffinity;

  constructor(proxy: Proxy, shared: SharedState) {
    const { config, servers } = proxy;
    const entities = servers.map((srv) => srv.entity);
    this.shared = shared;
    this.servers = servers;
    this.members = new Members(config, entities, shared);
    this.ring = new ServerRing(config.servers);
    this.turns = new RingTurns(proxy, this.members, this.ring, shared);
    this.bound = new BoundedLoad(shared, this.members, servers, config.hashBalanceFactor);
    this.affinity = config.hashPreserveAffinity;
    this.rebuild();
  }

  rebuild(): void {
    this.members.gather();
    this.ring.rebuild(this.members.weights);
    this.bound.rebuild();
  }

  pick(avoid: Server | null, key: number): Server | null {
    const { ring, servers } = this;
    if (key < 0 || ring.length === 0) return this.turns.pick(avoid);
    this.bound.measure();
    const start = ring.nearest(key);
    const nearest = servers[ring.ownerAt(start)]!;
    if (this.accepts(nearest, avoid)) return nearest;
    if (!this.anyAccepts(avoid)) return this.last(start);
    let position = ring.next(start);
    while (position !== start) {
      const server = servers[ring.ownerAt(position)]!;
      if (this.accepts(server, avoid)) return server;
      position = ring.next(position);
    }
    return this.last(start);
  }

  private accepts(server: Server, avoid: Server | null): boolean {
    return (
      server !== avoid &&
      isUsable(this.shared, server.entity) &&
      this.bound.allows(server) &&
      !this.isPassedOver(server)
    );
  }

  /** 4.2 hash-preserve-affinity. */
  private isPassedOver(server: Server): boolean {
    if (this.affinity === 'always') return false;
    const limit = connectionLimit(this.shared, server);
    if (limit === 0) return false;
    if (this.affinity === 'maxconn') return this.shared.get(server.entity, State.Current) >= limit;
    const { maxqueue } = server.config;
    return maxqueue > 0 && this.shared.get(server.entity, State.Queued) >= maxqueue;
  }

  private anyAccepts(avoid: Server | null): boolean {
    const { weights } = this.members;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] !== 0 && this.accepts(this.servers[i]!, avoid)) return true;
    }
    return false;
  }

  /** No server is any better than another: with an affinity the last one of the way round. */
  private last(start: number): Server {
    const position = this.affinity === 'always' ? start : this.ring.previous(start);
    return this.servers[this.ring.ownerAt(position)]!;
  }
}
