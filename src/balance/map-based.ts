/**
 * `hash-type map-based` (configuration.txt 4.2): the key's hash, modulo the length of the table of
 * `ServerMap`, is the slot. The server may be full: the request waits for it. A request without a
 * key takes the next turn of the same table.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import { isUsable } from '../model/server-health.ts';
import type { SharedState } from '../model/shared.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { StaticRoundRobin } from './static-round-robin.ts';

export class MapBased implements Balancer {
  readonly seen = ANY_COUNT;
  private readonly shared: SharedState;
  private readonly servers: Server[];
  private readonly turns: StaticRoundRobin;

  constructor(proxy: Proxy, shared: SharedState) {
    this.shared = shared;
    this.servers = proxy.servers;
    this.turns = new StaticRoundRobin(proxy, shared);
  }

  rebuild(): void {
    this.turns.rebuild();
  }

  /** A server that refuses connections is chosen again by its key, as in HAProxy 3.2. */
  pick(avoid: Server | null, key: number): Server | null {
    const { length, slots } = this.turns.map;
    if (key < 0 || length === 0) return this.turns.pick(avoid);
    const server = this.servers[slots[key % length]!]!;
    // It has gone since the table was built.
    return isUsable(this.shared, server.entity) ? server : this.turns.pick(avoid);
  }
}
