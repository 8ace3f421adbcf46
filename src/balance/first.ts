/**
 * `balance first` (configuration.txt 4.2): the first server with a free slot, by their ids (5.2 id),
 * whatever their weights.
 *
 * @dataplane
 */
import type { Proxy, Server } from '../model/runtime.ts';
import type { SharedState } from '../model/shared.ts';
import { ANY_COUNT, type Balancer } from './balancer.ts';
import { LoadGroups } from './load-groups.ts';
import { Members } from './members.ts';

export class First implements Balancer {
  readonly seen = ANY_COUNT;
  private readonly members: Members;
  /** By id. */
  private readonly servers: Server[];
  /** Groups of servers that are all full are passed over. */
  private readonly groups: LoadGroups;

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.members = new Members(proxy.config, entities, shared);
    this.servers = proxy.servers.toSorted((a, b) => a.config.id - b.config.id);
    this.groups = new LoadGroups(this.servers, this.members, shared);
    this.rebuild();
  }

  rebuild(): void {
    this.members.gather();
    this.groups.invalidate();
  }

  pick(avoid: Server | null): Server | null {
    const { groups, members } = this;
    groups.refresh();
    const place = groups.firstOpen(members, avoid);
    if (place >= 0) return this.servers[place]!;
    return avoid !== null && members.isOpen(avoid) ? avoid : null;
  }
}
