/**
 * `balance sticky` (configuration.txt 4.2): one server gets everything until it goes down, then the
 * next in the list. A server that comes back stands at the end of the list, so the list is: servers
 * by the time of their last change, by their place in the configuration among equals.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import { type SharedState, State } from '../model/shared.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { Members } from './members.ts';

export class Sticky implements Balancer {
  readonly seen = ANY_COUNT;
  private readonly shared: SharedState;
  private readonly members: Members;
  private readonly servers: Server[];

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.shared = shared;
    this.members = new Members(proxy.config, entities, shared);
    this.servers = proxy.servers;
  }

  rebuild(): void {
    this.members.gather();
  }

  pick(avoid: Server | null): Server | null {
    const { members, servers } = this;
    let first: Server | null = null;
    for (let i = 0; i < servers.length; i++) {
      const server = servers[i]!;
      if (server === avoid || !members.isOpen(server)) continue;
      if (first === null || this.changedAt(server) < this.changedAt(first)) first = server;
    }
    if (first === null && avoid !== null && members.isOpen(avoid)) return avoid;
    return first;
  }

  /** Wall clock second. */
  private changedAt(server: Server): number {
    return this.shared.get(server.entity, State.LastChange);
  }
}
