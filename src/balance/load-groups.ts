/**
 * The loads of a backend's servers without a look at each of them: servers stand in groups, and what
 * is known of a group is kept until a server of it changes.
 *
 *   shared    changes    | 812 | 340 | 77 |     one count per LOAD_BLOCK entities (`noteLoad`)
 *   worker    seen       | 812 | 339 | 77 |     that count when the group was looked at
 *             least      | 1.0 | 0.5 | 2  |     the smallest load of a server with room in it
 *             sum        |  31 |  14 | 64 |     the connections in it
 *
 * Here the second group is looked at again. A count is read before the servers, and changed after
 * them, so a change in between is seen next time. A worker keeps to its own copies: nothing but the
 * counts is shared, and no order of two workers can leave a wrong minimum behind.
 *
 * A choice among 1,000 servers looks at 32 counts and at the one or two groups that have changed.
 *
 * @dataplane
 */
import type { Server } from '../model/runtime.ts';
import { LOAD_BLOCK, type SharedState, State } from '../model/shared.ts';
import type { Members } from './members.ts';

/** The load of a server that gets nothing more. */
export const FULL = Number.POSITIVE_INFINITY;

export class LoadGroups {
  private readonly state: Int32Array;
  private readonly changes: Int32Array;
  private readonly weights: Int32Array;
  /** Per place: the index of its server, first column in `state`, and limit; 0 = none or it moves. */
  private readonly indices: Uint16Array;
  private readonly columns: Int32Array;
  private readonly limits: Int32Array;
  /** Per place: its group. */
  private readonly groupOf: Uint16Array;
  /** Per group: its first place (and one more for the end), and where its changes are counted. */
  private readonly starts: Uint16Array;
  private readonly blocks: Int32Array;
  private readonly groupCount: number;
  private readonly looked: Uint8Array;
  private readonly seen: Int32Array;
  private readonly least: Float64Array;
  private readonly sums: Float64Array;
  private readonly servers: readonly Server[];
  /** After `refresh`: the smallest load of a server with room, `FULL` when there is none. */
  smallest: number;
  /** After `refresh`: connections of all servers that take part. */
  connections: number;

  /** @param servers in the order of their places */
  constructor(servers: readonly Server[], members: Members, shared: SharedState) {
    this.servers = servers;
    this.smallest = FULL;
    this.connections = 0;
    this.state = shared.state;
    this.changes = shared.loadChanges;
    this.weights = members.weights;
    this.indices = Uint16Array.from(servers, (srv) => srv.index);
    this.columns = Int32Array.from(servers, (srv) => srv.entity * State.WIDTH);
    this.limits = new Int32Array(servers.length);
    this.groupOf = new Uint16Array(servers.length);
    const starts: number[] = [];
    const blocks: number[] = [];
    for (const [i, server] of servers.entries()) {
      server.notesLoad = true;
      const block = Math.floor(server.entity / LOAD_BLOCK);
      if (blocks.at(-1) !== block) {
        starts.push(i);
        blocks.push(block);
      }
      this.groupOf[i] = blocks.length - 1;
    }
    this.groupCount = blocks.length;
    this.starts = Uint16Array.from([...starts, servers.length]);
    this.blocks = Int32Array.from(blocks);
    this.looked = new Uint8Array(blocks.length);
    this.seen = new Int32Array(blocks.length);
    this.least = new Float64Array(blocks.length);
    this.sums = new Float64Array(blocks.length);
  }

  /** Weights or limits have changed: all groups are looked at again. */
  invalidate(): void {
    for (let i = 0; i < this.servers.length; i++) {
      const { minconn } = this.servers[i]!.config;
      const most = this.state[this.columns[i]! + State.Maxconn]!;
      this.limits[i] = minconn === 0 || minconn >= most ? most : 0;
    }
    this.looked.fill(0);
  }

  /** Looks at the groups that have changed. */
  refresh(): void {
    let smallest = FULL;
    let connections = 0;
    for (let group = 0; group < this.groupCount; group++) {
      // Before the servers are read.
      const changes = Atomics.load(this.changes, this.blocks[group]!);
      if (this.looked[group] === 0 || this.seen[group] !== changes) {
        this.seen[group] = changes;
        this.look(group);
      }
      if (this.least[group]! < smallest) smallest = this.least[group]!;
      connections += this.sums[group]!;
    }
    this.smallest = smallest;
    this.connections = connections;
  }

  private look(group: number): void {
    this.looked[group] = 1;
    let least = FULL;
    let sum = 0;
    for (let place = this.starts[group]!; place < this.starts[group + 1]!; place++) {
      const load = this.loadOf(place);
      if (load < least) least = load;
      if (this.weights[this.indices[place]!] === 0) continue;
      sum += this.state[this.columns[place]! + State.Current]!;
    }
    this.least[group] = least;
    this.sums[group] = sum;
  }

  /**
   * The load of a server as HAProxy 3.2 orders them: 0 without connections, else its connections,
   * those in its queue and one more, by its weight.
   */
  loadOf(place: number): number {
    const weight = this.weights[this.indices[place]!]!;
    if (weight === 0) return FULL;
    const column = this.columns[place]!;
    const current = this.state[column + State.Current]!;
    const queued = this.state[column + State.Queued]!;
    const limit = this.limits[place]!;
    if (limit > 0 && (queued > 0 || current >= limit)) return FULL;
    const connections = current + queued;
    return connections === 0 ? 0 : (connections + 1) / weight;
  }

  /** The place of the first server with this load, from `start` on and round; -1 = it has changed. */
  find(load: number, start: number): number {
    const first = this.groupOf[start]!;
    // The group of `start` comes twice: from there on, and at the end up to there.
    let found = this.findIn(first, load, start, this.starts[first + 1]!);
    for (let step = 1; found < 0 && step < this.groupCount; step++) {
      const group = (first + step) % this.groupCount;
      if (this.least[group] !== load) continue;
      found = this.findIn(group, load, this.starts[group]!, this.starts[group + 1]!);
    }
    return found >= 0 ? found : this.findIn(first, load, this.starts[first]!, start);
  }

  private findIn(group: number, load: number, from: number, until: number): number {
    if (this.least[group] !== load) return -1;
    for (let i = from; i < until; i++) if (this.loadOf(i) === load) return i;
    return -1;
  }

  /** The place of the first server that is open; -1 when none is. */
  firstOpen(members: Members, avoid: Server | null): number {
    for (let group = 0; group < this.groupCount; group++) {
      if (this.least[group] === FULL) continue;
      for (let place = this.starts[group]!; place < this.starts[group + 1]!; place++) {
        const server = this.servers[place]!;
        if (server !== avoid && members.isOpen(server)) return place;
      }
    }
    return -1;
  }

  /** The place of the least loaded server that is open, by a look at every one; -1 = none is. */
  search(members: Members, avoid: Server | null, start: number): number {
    let best = -1;
    let least = FULL;
    for (let step = 0; step < this.servers.length; step++) {
      const i = (start + step) % this.servers.length;
      const server = this.servers[i]!;
      if (server === avoid || !members.isOpen(server)) continue;
      const load = this.loadOf(i);
      if (load >= least) continue;
      best = i;
      least = load;
    }
    return best;
  }
}
