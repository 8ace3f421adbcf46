/**
 * Server connections without a stream, per server and worker (configuration.txt 4.2 http-reuse,
 * 5.2 pool-max-conn, pool-purge-delay, max-reuse).
 *
 * `fresh` holds connections that have carried one session's requests only; `safe` those that were
 * already given to another one and are thus known to be reusable. Last in, first out: the busiest
 * connections stay busy and the others are purged. The lists are linked through the connections, so
 * that taking one out from anywhere leaves the order of the others as it is:
 *
 *     oldest ◀─ older ─ conn ─ newer ─▶ newest
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import { Reuse } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { State } from '../model/shared.ts';
import type { Stream } from '../model/stream.ts';
import { Errno, errno } from '../sys/errno.ts';
import { recv } from '../sys/socket.ts';
import { closeConn, resetConn } from './close.ts';
import { type Conn, Side } from './conn.ts';
import { engine } from './engine.ts';
import { closeIdlePipe } from './splice.ts';

/** Private connections that one client connection keeps (max-session-srv-conns). */
const OWNED_MAX = 5;

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
const lists: (IdleLists | undefined)[] = [];
const all: IdleLists[] = [];

export function createIdleLists(servers: Iterable<Server>): void {
  lists.length = 0;
  all.length = 0;
  for (const server of servers) {
    const list = new IdleLists(server);
    lists[server.entity] = list;
    all.push(list);
  }
}

/** A connection that may carry this stream's request now, taken out of its list; or null. */
export function takeIdle(server: Server, strm: Stream): Conn | null {
  const owned = takeOwned(strm.client!, server);
  if (owned !== null) return owned;
  const reuse = server.backend.config.reuse;
  const first = strm.session.requests <= 1;
  if (reuse === Reuse.Never || (first && reuse === Reuse.Safe)) return null;
  const list = lists[server.entity]!;
  let conn = list.safe.newest;
  if (conn === null && (!first || reuse === Reuse.Always)) conn = list.fresh.newest;
  if (conn === null) return null;
  unlist(conn);
  if (list.count < list.idleLow) list.idleLow = list.count;
  conn.safe = true;
  return conn;
}

function takeOwned(client: Conn, server: Server): Conn | null {
  let conn = client.owned;
  while (conn !== null && conn.server !== server) conn = conn.nextOwned;
  if (conn !== null) disown(client, conn);
  return conn;
}

/** Takes a private connection from its owner, who has `OWNED_MAX` of them at most. */
function disown(client: Conn, conn: Conn): void {
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

/** Keeps a connection whose response is complete, or closes it when it must not be kept. */
export function keepIdle(conn: Conn, client: Conn | null): void {
  const server = conn.server!;
  const config = server.config;
  conn.stream = null;
  engine.timers.clear(conn.id);
  if (conn.eof || conn.hup || conn.error !== 0) return closeConn(conn);
  // Bytes behind the response would be taken for the answer to the next request; no event will tell
  // of those that were there before.
  if (conn.readable && !isQuiet(conn)) return resetConn(conn);
  if (config.maxReuse >= 0 && conn.uses > config.maxReuse) return resetConn(conn);
  conn.side = Side.Idle;
  if (server.backend.config.reuse === Reuse.Never) return keepOwned(conn, client);
  const list = lists[server.entity]!;
  if (list.isFull) return resetConn(conn);
  if (conn.safe) list.safe.push(conn);
  else list.fresh.push(conn);
  countIdle(conn, 1);
}

/** Keeps the numbers of `idle_conn_cur` and `safe_conn_cur`. */
function countIdle(conn: Conn, change: 1 | -1): void {
  const { state } = engine.shared;
  const at = conn.server!.entity * State.WIDTH;
  Atomics.add(state, at + State.IdleConnections, change);
  if (!conn.safe) Atomics.add(state, at + State.FreshConnections, change);
}

function keepOwned(conn: Conn, client: Conn | null): void {
  if (client === null || client.side !== Side.Client) return closeConn(conn);
  let n = 1;
  for (let c = client.owned; c !== null; c = c.nextOwned) n++;
  if (n > OWNED_MAX) return closeConn(conn);
  conn.owner = client;
  conn.nextOwned = client.owned;
  client.owned = conn;
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

/**
 * Something happened on an idle connection. Only its end is expected; but an event may also be the
 * late news of bytes that were read before, so the socket is asked.
 */
export function onIdleEvent(conn: Conn): void {
  if (conn.hup || !isQuiet(conn)) closeConn(conn);
}

/** Asks the socket whether the server has sent nothing and not closed. */
function isQuiet(conn: Conn): boolean {
  if (recv(conn.fd, engine.assembly, 1) >= 0 || errno() !== Errno.EAGAIN) return false;
  conn.readable = false;
  return true;
}

/** Closes the private connections of a client connection that goes away. */
export function closeOwned(client: Conn): void {
  while (client.owned !== null) {
    const conn = client.owned;
    disown(client, conn);
    closeConn(conn);
  }
}

/**
 * Closes half of what lay unused since the last look, per server and `pool-purge-delay`.
 * @returns ms until the next look, at most 1000.
 */
export function purgeIdle(nowMs: number): number {
  let next = 1000;
  for (let i = 0; i < all.length; i++) {
    const list = all[i]!;
    if (list.count === 0) {
      list.idleLow = 0;
      list.usedBefore = list.usedMax;
      list.usedMax = list.used;
      list.nextPurgeMs = nowMs + list.server.config.poolPurgeDelayMs;
      continue;
    }
    if (nowMs >= list.nextPurgeMs) {
      let excess = Math.ceil(list.idleLow / 2);
      while (excess-- > 0 && list.count > 0) resetConn(oldest(list));
      list.idleLow = list.count;
      list.usedBefore = list.usedMax;
      list.usedMax = list.used;
      list.nextPurgeMs = nowMs + list.server.config.poolPurgeDelayMs;
    }
    next = Math.min(next, Math.max(list.nextPurgeMs - nowMs, 1));
  }
  return next;
}

/** What has been idle for longest, in either list. */
function oldest(list: IdleLists): Conn {
  const fresh = list.fresh.oldest;
  const safe = list.safe.oldest;
  if (fresh === null) return safe!;
  return safe !== null && safe.activeMs < fresh.activeMs ? safe : fresh;
}

/**
 * Frees descriptors for what needs one now: a pipe that nobody uses, else the server connection
 * that has been idle for longest.
 * @returns false when nothing lies idle.
 */
export function giveUpIdle(): boolean {
  if (closeIdlePipe()) return true;
  let least: Conn | null = null;
  for (let i = 0; i < all.length; i++) {
    const list = all[i]!;
    if (list.count === 0) continue;
    const conn = oldest(list);
    if (least === null || conn.activeMs < least.activeMs) least = conn;
  }
  if (least !== null) resetConn(least);
  return least !== null;
}

/** Closes all idle connections of servers that may not be used any more. */
export function closeIdleOf(server: Server): void {
  const list = lists[server.entity]!;
  while (list.count > 0) resetConn(oldest(list));
}
