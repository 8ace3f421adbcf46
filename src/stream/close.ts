/**
 * Closing connections: the one place where a descriptor goes away and a slot returns to its pool.
 *
 * @dataplane
 */

import { Option } from '../model/config.ts';
import { PROCESS_ENTITY, State } from '../model/shared.ts';
import { dropSessionVariables } from '../rules/variable/variables.ts';
import { vanish, wake } from '../sys/socket.ts';
import { drop, endWrite, swallow } from '../transport/io.ts';
import { dropBuffer } from './body.ts';
import { Side } from './conn.ts';
import { engine } from './engine.ts';
import { countUsed, disown, unlist } from './idle-list.ts';
import { dropPipe } from './splice.ts';
import type { Conn, Stream } from './stream.ts';
import { releaseTracked } from './tracked.ts';

/** How long a closed connection may go on sending before it is reset, in ms. */
const LINGER_MS = 1000;
/** And how many reads of it are thrown away. */
const LINGER_READS = 64;

/** Closes any connection at once and gives its slot back. */
export function closeConn(conn: Conn): void {
  end(conn, false);
}

/**
 * Closes with a reset instead of an orderly end: for server connections that are given up by us,
 * whose local port would otherwise be unusable for a minute (TIME-WAIT), and for streams that the
 * peer must not take for complete.
 */
export function resetConn(conn: Conn): void {
  end(conn, true);
}

function end(conn: Conn, reset: boolean): void {
  const side = conn.side;
  if (side === Side.Free) return;
  if (side === Side.Client || side === Side.Linger) leaveFrontend(conn);
  if (conn.owned !== null) closeOwned(conn);
  if (side === Side.Idle || conn.owner !== null) unlist(conn);
  dropBuffer(conn);
  dropPipe(conn);
  drop(conn, reset);
  conn.side = Side.Free;
  conn.stream = null;
  engine.giveConn(conn);
}

/** Closes the private connections of a client connection that goes away. */
function closeOwned(client: Conn): void {
  while (client.owned !== null) {
    const conn = client.owned;
    disown(client, conn);
    closeConn(conn);
  }
}

/** Gives up the connection to the server, whatever state it is in. */
export function dropServer(strm: Stream): void {
  const conn = strm.serverConn;
  if (conn === null) return;
  // What it sent counts although it is answered in another way.
  strm.bytesOut += conn.carried - conn.counted;
  strm.serverConn = null;
  strm.serverTls = null;
  countUsed(conn.server!, -1);
  if (conn.eof || conn.connecting) closeConn(conn);
  else resetConn(conn);
}

/**
 * Closes a client connection after its last response. When the client may still be sending, closing
 * at once would make the kernel answer with a reset that can overtake the response (RFC 9112 9.6):
 * the sending side is closed and what still comes is thrown away for a short while.
 */
export function closeClient(conn: Conn): void {
  if (conn.plan!.has(Option.NoLinger)) return resetConn(conn);
  if (conn.eof || conn.error !== 0) return closeConn(conn);
  if (!conn.readable && conn.inRd === conn.inWr && !conn.unread) return closeConn(conn);
  conn.side = Side.Linger;
  conn.stream = null;
  endWrite(conn);
  dropBuffer(conn);
  dropPipe(conn);
  engine.timers.set(conn.id, engine.nowMs + LINGER_MS);
  lingerRead(conn);
}

/** `silent-drop`: when the connection is closed, which is at once, its peer is not told. */
export function vanishClient(conn: Conn, hops: number): void {
  vanish(conn.fd, hops);
  // What it may still send is not waited for: shutting the sending side would tell it.
  conn.eof = true;
}

/** Reads and forgets; closes at the end of the stream. */
export function lingerRead(conn: Conn): void {
  if (!swallow(conn, LINGER_READS)) closeConn(conn);
  else if (conn.readable) resetConn(conn);
}

/** The accounts of a client connection that ends, and the listeners that waited for it. */
function leaveFrontend(conn: Conn): void {
  const frontend = conn.session.frontend!;
  dropSessionVariables(conn.session);
  releaseTracked(conn.session.counters);
  engine.clients--;
  Atomics.sub(engine.shared.handoff, engine.loadCell, 1);
  releaseLimits(frontend.frontend, conn.listenerEntity);
}

/**
 * Gives back what a client connection held at all levels, the narrowest first: at no moment has a
 * line more than its frontend, or a frontend more than the process.
 */
export function releaseLimits(frontend: number, listener: number): void {
  releaseLimit(listener);
  releaseLimit(frontend);
  releaseLimit(PROCESS_ENTITY);
}

/** Gives back one unit of a limited entity and wakes whoever stopped accepting for it. */
export function releaseLimit(entity: number): void {
  engine.leave(entity);
  const state = engine.shared.state;
  const paused = entity * State.WIDTH + State.AcceptPaused;
  if (Atomics.load(state, paused) === 0) return;
  Atomics.store(state, paused, 0);
  const fds = engine.init.wakeFds;
  for (let i = 0; i < fds.length; i++) wake(fds[i]!);
}
