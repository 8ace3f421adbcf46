/**
 * `balance first` (configuration.txt 4.2): the first server with a free slot, by their ids (5.2 id),
 * whatever their weights.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import type { SharedState } from '../model/shared.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { Members } from './members.ts';

export class First implements Balancer {
  readonly seen = ANY_COUNT;
  private readonly members: Members;
  private readonly servers: Server[];

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.members = new Members(proxy.config, entities, shared);
    this.servers = proxy.servers.toSorted((a, b) => a.config.id - b.config.id);
  }

  rebuild(): void {
    this.members.gather();
  }

  pick(avoid: Server | null): Server | null {
    const { members, servers } = this;
    for (let i = 0; i < servers.length; i++) {
      const server = servers[i]!;
      if (server !== avoid && members.isOpen(server)) return server;
    }
    return avoid !== null && members.isOpen(avoid) ? avoid : null;
  }
}
