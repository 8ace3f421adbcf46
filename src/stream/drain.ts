/**
 * The rest of a request that was answered before it had all come: it is read and thrown away, so that
 * the next request of the connection is found behind it (RFC 9112 9.3). The stream has ended and been
 * logged; the connection waits under `timeout client`, and its end is silent however it comes.
 *
 * @dataplane
 */
import { discard, NO_BUFFER_PAUSE_MS } from './body.ts';
import { closeConn } from './close.ts';
import { engine } from './engine.ts';
import { Flow } from './flow.ts';
import { dropPipe } from './splice.ts';
import type { Conn } from './stream.ts';

/**
 * Reads on in the request of a client without a stream, as far as it goes now.
 * @returns whether its end has been reached: the connection may wait for the next one.
 */
export function drainRequest(conn: Conn): boolean {
  // Bytes on their way inside the kernel belong to the stream that has ended.
  dropPipe(conn);
  const flow = discard(conn);
  switch (flow) {
    case Flow.Done:
      conn.unread = false;
      // What was thrown away counts for no request, so not for the next one either.
      conn.carried = 0;
      return true;
    case Flow.Wait:
      if (conn.readable) engine.resume(conn);
      armDrain(conn, Number.POSITIVE_INFINITY);
      return false;
    case Flow.NoBuffer:
      armDrain(conn, engine.nowMs + NO_BUFFER_PAUSE_MS);
      return false;
    default:
      closeConn(conn);
      return false;
  }
}

/** The client is silent for too long, or the connection paused for want of a buffer. */
export function onDrainTimer(conn: Conn): boolean {
  if (drainsUntil(conn) > engine.nowMs) return drainRequest(conn);
  closeConn(conn);
  return false;
}

function drainsUntil(conn: Conn): number {
  const ms = conn.plan!.config.timeout.client;
  return ms >= 0 ? conn.activeMs + ms : Number.POSITIVE_INFINITY;
}

/** Arms the timer to fire at `latest` or before. */
function armDrain(conn: Conn, latest: number): void {
  const until = Math.min(drainsUntil(conn), latest);
  if (until < Number.POSITIVE_INFINITY) engine.timers.set(conn.id, until);
  else engine.timers.clear(conn.id);
}
