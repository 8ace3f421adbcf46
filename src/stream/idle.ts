/**
 * Server connections without a stream, per server and worker (configuration.txt 4.2 http-reuse,
 * 5.2 pool-max-conn, pool-purge-delay, max-reuse).
 *
 * Last in, first out: the busiest connections stay busy and the others are purged.
 *
 * @dataplane
 */
import { Reuse } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { isQuiet } from '../transport/io.ts';
import { closeIdlePipe } from '../transport/pipe.ts';
import { closeConn, resetConn } from './close.ts';
import { Side } from './conn.ts';
import { engine } from './engine.ts';
import { all, countIdle, disown, type IdleLists, lists, unlist } from './idle-list.ts';
import { reuseKey } from './secure.ts';
import type { Conn, Stream } from './stream.ts';

/** Private connections that one client connection keeps (max-session-srv-conns). */
const OWNED_MAX = 5;

/** Idle connections that are looked at for one with the right name. */
const LOOKS_MAX = 64;

/** A connection that may carry this stream's request now, taken out of its list; or null. */
export function takeIdle(server: Server, strm: Stream): Conn | null {
  const key = reuseKey(strm, server);
  const owned = takeOwned(strm.client!, server, key);
  if (owned !== null) return owned;
  const reuse = server.backend.config.reuse;
  const first = strm.session.requests <= 1;
  if (reuse === Reuse.Never || (first && reuse === Reuse.Safe)) return null;
  const list = lists[server.entity]!;
  let conn = withKey(list.safe.newest, key);
  if (conn === null && (!first || reuse === Reuse.Always)) conn = withKey(list.fresh.newest, key);
  if (conn === null) return null;
  unlist(conn);
  if (list.count < list.idleLow) list.idleLow = list.count;
  conn.safe = true;
  return conn;
}

/** The newest connection that was made for the same name; most have been made for none. */
function withKey(newest: Conn | null, key: number): Conn | null {
  let conn = newest;
  for (let i = 0; i < LOOKS_MAX; i++) {
    if (conn === null || conn.reuseKey === key) return conn;
    conn = conn.older;
  }
  return null;
}

function takeOwned(client: Conn, server: Server, key: number): Conn | null {
  let conn = client.owned;
  while (conn !== null && (conn.server !== server || conn.reuseKey !== key)) conn = conn.nextOwned;
  if (conn !== null) disown(client, conn);
  return conn;
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

function keepOwned(conn: Conn, client: Conn | null): void {
  if (client === null || client.side !== Side.Client) return closeConn(conn);
  let n = 1;
  for (let c = client.owned; c !== null; c = c.nextOwned) n++;
  if (n > OWNED_MAX) return closeConn(conn);
  conn.owner = client;
  conn.nextOwned = client.owned;
  client.owned = conn;
}

/**
 * Something happened on an idle connection. Only its end is expected; but an event may also be the
 * late news of bytes that were read before, so the socket is asked.
 */
export function onIdleEvent(conn: Conn): void {
  if (conn.hup || !isQuiet(conn)) closeConn(conn);
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
