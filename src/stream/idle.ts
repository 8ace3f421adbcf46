/**
 * Server connections without a stream, per server and worker (configuration.txt 4.2 http-reuse,
 * 5.2 pool-max-conn, pool-purge-delay, max-reuse).
 *
 * `fresh` holds connections that have carried one session's requests only; `safe` those that were
 * already given to another one and are thus known to be reusable. Last in, first out: the busiest
 * connections stay busy and the others are purged.
 *
 * @dataplane
 */
import { Reuse } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { State } from '../model/shared.ts';
import type { Stream } from '../model/stream.ts';
import { Errno, errno } from '../sys/errno.ts';
import { recv } from '../sys/socket.ts';
import { closeConn, resetConn } from './close.ts';
import { type Conn, Side } from './conn.ts';
import { engine } from './engine.ts';

/** Private connections that one client connection keeps (max-session-srv-conns). */
const OWNED_MAX = 5;

export class IdleLists {
  readonly server: Server;
  readonly fresh: Conn[];
  readonly safe: Conn[];
  /** Fewest connections that lay idle since the last purge: what was not needed. */
  idleLow: number;
  /** Connections that carry a stream now, and the most at a time in this and the last period. */
  used: number;
  usedMax: number;
  usedBefore: number;
  nextPurgeMs: number;

  constructor(server: Server) {
    this.server = server;
    this.fresh = [];
    this.safe = [];
    this.idleLow = 0;
    this.used = 0;
    this.usedMax = 0;
    this.usedBefore = 0;
    this.nextPurgeMs = 0;
  }

  get count(): number {
    return this.fresh.length + this.safe.length;
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
  let conn = list.safe.length > 0 ? list.safe[list.safe.length - 1]! : null;
  if (conn === null && list.fresh.length > 0 && (!first || reuse === Reuse.Always)) {
    conn = list.fresh[list.fresh.length - 1]!;
  }
  if (conn === null) return null;
  unlist(conn);
  if (list.count < list.idleLow) list.idleLow = list.count;
  conn.safe = true;
  return conn;
}

function takeOwned(client: Conn, server: Server): Conn | null {
  let prev: Conn | null = null;
  let conn = client.owned;
  while (conn !== null) {
    if (conn.server === server) {
      if (prev === null) client.owned = conn.nextOwned;
      else prev.nextOwned = conn.nextOwned;
      conn.nextOwned = null;
      conn.owner = null;
      return conn;
    }
    prev = conn;
    conn = conn.nextOwned;
  }
  return null;
}

/** A connection of this server begins (+1) or ends (-1) to carry a stream. */
export function countUsed(server: Server, change: 1 | -1): void {
  const list = lists[server.entity]!;
  list.used += change;
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
  const target = conn.safe ? list.safe : list.fresh;
  conn.idleAt = target.length;
  target.push(conn);
  Atomics.add(engine.shared.state, server.entity * State.WIDTH + State.IdleConnections, 1);
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
  if (conn.idleAt >= 0) {
    const list = lists[conn.server!.entity]!;
    const from = conn.safe ? list.safe : list.fresh;
    const last = from.pop()!;
    if (last !== conn) {
      from[conn.idleAt] = last;
      last.idleAt = conn.idleAt;
    }
    conn.idleAt = -1;
    const state = engine.shared.state;
    Atomics.sub(state, conn.server!.entity * State.WIDTH + State.IdleConnections, 1);
  }
  if (conn.owner !== null) {
    takeOwned(conn.owner, conn.server!);
    conn.owner = null;
  }
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
    client.owned = conn.nextOwned;
    conn.owner = null;
    conn.nextOwned = null;
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

function oldest(list: IdleLists): Conn {
  return list.fresh.length > 0 ? list.fresh[0]! : list.safe[0]!;
}

/** Closes all idle connections of servers that may not be used any more. */
export function closeIdleOf(server: Server): void {
  const list = lists[server.entity]!;
  while (list.count > 0) resetConn(oldest(list));
}
