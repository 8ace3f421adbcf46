/**
 * The lists of server connections without a stream, per server and worker, and nothing that opens or
 * closes one. `fresh` holds connections that have carried one session's requests only; `safe` those
 * that were already given to another one and are thus known to be reusable. The lists are linked
 * through the connections, so that taking one out from anywhere leaves the order of the others as it is:
 *
 *     oldest ◀─ older ─ conn ─ newer ─▶ newest
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import type { Server } from '../model/runtime.ts';
import { Counter, State } from '../model/shared.ts';
import { engine } from './engine.ts';
import type { Conn } from './stream.ts';

/** Idle connections in the order in which they became idle. */
class IdleList {
  oldest: Conn | null;
  newest: Conn | null;
  count: number;

  constructor() {
    this.oldest = null;
    this.newest = null;
    this.count = 0;
  }

  push(conn: Conn): void {
    assert(!conn.listed, 'an idle connection is listed twice');
    conn.listed = true;
    conn.older = this.newest;
    if (this.newest === null) this.oldest = conn;
    else this.newest.newer = conn;
    this.newest = conn;
    this.count++;
  }

  remove(conn: Conn): void {
    assert(conn.listed && this.count > 0, 'an idle connection is not listed');
    if (conn.older === null) this.oldest = conn.newer;
    else conn.older.newer = conn.newer;
    if (conn.newer === null) this.newest = conn.older;
    else conn.newer.older = conn.older;
    conn.listed = false;
    conn.older = null;
    conn.newer = null;
    this.count--;
  }
}

export class IdleLists {
  readonly server: Server;
  readonly fresh: IdleList;
  readonly safe: IdleList;
  /** Fewest connections that lay idle since the last purge: what was not needed. */
  idleLow: number;
  /** Connections that carry a stream now, and the most at a time in this and the last period. */
  used: number;
  usedMax: number;
  usedBefore: number;
  nextPurgeMs: number;

  constructor(server: Server) {
    this.server = server;
    this.fresh = new IdleList();
    this.safe = new IdleList();
    this.idleLow = 0;
    this.used = 0;
    this.usedMax = 0;
    this.usedBefore = 0;
    this.nextPurgeMs = 0;
  }

  get count(): number {
    return this.fresh.count + this.safe.count;
  }

  /** Idle connections beyond what was in use at a time lately would only be purged again. */
  get isFull(): boolean {
    const { poolMaxConn } = this.server.config;
    if (poolMaxConn >= 0 && this.count >= poolMaxConn) return true;
    return this.count >= Math.max(this.usedMax, this.usedBefore);
  }
}

/** By entity of the server. */
export const lists: (IdleLists | undefined)[] = [];
export const all: IdleLists[] = [];

export function createIdleLists(servers: Iterable<Server>): void {
  lists.length = 0;
  all.length = 0;
  for (const server of servers) {
    const list = new IdleLists(server);
    lists[server.entity] = list;
    all.push(list);
  }
}

/** Takes a private connection from its owner, who has `OWNED_MAX` of them at most. */
export function disown(client: Conn, conn: Conn): void {
  assert(conn.owner === client, 'a private connection is taken from a stranger');
  if (client.owned === conn) {
    client.owned = conn.nextOwned;
  } else {
    let before = client.owned;
    while (before !== null && before.nextOwned !== conn) before = before.nextOwned;
    assert(before !== null, 'a private connection is not in the list of its owner');
    before.nextOwned = conn.nextOwned;
  }
  conn.nextOwned = null;
  conn.owner = null;
}

/** A connection of this server begins (+1) or ends (-1) to carry a stream. */
export function countUsed(server: Server, change: 1 | -1): void {
  const list = lists[server.entity]!;
  list.used += change;
  assert(list.used >= 0, 'fewer connections in use than none');
  if (list.used > list.usedMax) list.usedMax = list.used;
}

/** Keeps the numbers of `idle_conn_cur` and `safe_conn_cur`. */
export function countIdle(conn: Conn, change: 1 | -1): void {
  const { state } = engine.shared;
  const at = conn.server!.entity * State.WIDTH;
  Atomics.add(state, at + State.IdleConnections, change);
  if (!conn.safe) Atomics.add(state, at + State.FreshConnections, change);
  engine.count(conn.server!.entity, Counter.IdleNow, change);
}

/** Takes a connection out of wherever it waits; before it is used or closed. */
export function unlist(conn: Conn): void {
  if (conn.listed) {
    const list = lists[conn.server!.entity]!;
    if (conn.safe) list.safe.remove(conn);
    else list.fresh.remove(conn);
    countIdle(conn, -1);
  }
  if (conn.owner !== null) disown(conn.owner, conn);
}
