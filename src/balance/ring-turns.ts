/**
 * Requests without a key go round the ring, node after node, as in HAProxy 3.2. All workers share the
 * place, kept as the hash of the node used last: that needs no change when servers come or go.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';
import type { Members } from './members.ts';
import type { ServerRing } from './server-ring.ts';

export class RingTurns {
  private readonly members: Members;
  private readonly ring: ServerRing;
  private readonly servers: Server[];
  private readonly state: Int32Array;
  /** Index of the shared place in `state`. */
  private readonly place: number;

  constructor(proxy: Proxy, members: Members, ring: ServerRing, shared: SharedState) {
    this.members = members;
    this.ring = ring;
    this.servers = proxy.servers;
    this.state = shared.state;
    this.place = proxy.backend * State.WIDTH + State.RoundRobin;
  }

  /** The next server that has room; see `Balancer.pick`. */
  pick(avoid: Server | null): Server | null {
    const { members, ring } = this;
    if (ring.length === 0) return null;
    const first = this.next();
    if (first !== avoid && members.isOpen(first)) return first;
    if (!members.hasOpen(this.servers, avoid)) {
      return avoid !== null && members.isOpen(avoid) ? avoid : null;
    }
    for (let tries = ring.length; tries > 0; tries--) {
      const server = this.next();
      if (server !== avoid && members.isOpen(server)) return server;
    }
    return null;
  }

  private next(): Server {
    let seen = Atomics.load(this.state, this.place);
    for (;;) {
      const position = this.ring.after(seen >>> 0);
      const key = this.ring.keyAt(position) | 0;
      const found = Atomics.compareExchange(this.state, this.place, seen, key);
      if (found === seen) return this.servers[this.ring.ownerAt(position)]!;
      seen = found;
    }
  }
}
