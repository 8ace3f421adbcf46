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
  /** The list: from the next one on. */
  private list: readonly Server[];

  constructor(proxy: Proxy, shared: SharedState) {
    const entities = proxy.servers.map((srv) => srv.entity);
    this.shared = shared;
    this.members = new Members(proxy.config, entities, shared);
    this.servers = proxy.servers;
    this.list = proxy.servers;
    this.rebuild();
  }

  rebuild(): void {
    this.members.gather();
    this.list = this.createList();
  }

  /** Sorting is stable. */
  private createList(): Server[] {
    const changedAt = (server: Server) => this.shared.get(server.entity, State.LastChange);
    return this.servers.toSorted((a, b) => changedAt(a) - changedAt(b));
  }

  pick(avoid: Server | null): Server | null {
    const { list, members } = this;
    for (let i = 0; i < list.length; i++) {
      const server = list[i]!;
      if (server !== avoid && members.isOpen(server)) return server;
    }
    return avoid !== null && members.isOpen(avoid) ? avoid : null;
  }
}
