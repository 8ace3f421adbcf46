/**
 * Rules of a response that wait (configuration.txt 4.4 `pause`, `wait-for-body`, and `tcp-response
 * content` in HTTP mode). The head is written down; the request goes on to the server meanwhile.
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { receive } from '../transport/io.ts';
import { appendBody } from './body.ts';
import { engine } from './engine.ts';
import { freezeResponse } from './freeze.ts';
import type { Conn, Stream } from './stream.ts';

export const enum Held {
  /** It waits on. */
  Yes = 0,
  /** Its rules go on. */
  No = 1,
  /** The body has not come in time. */
  Late = 2,
  /** The framing of its body is broken. */
  Invalid = 3,
}

/**
 * Rules have asked to wait: `engine.waitMs`, `engine.waitBytes`.
 * @returns false when there is no room for the head.
 */
export function holdResponse(strm: Stream): boolean {
  if (!freezeResponse(strm)) return false;
  strm.isResponseHeld = true;
  strm.holdUntil = engine.nowMs + engine.waitMs;
  strm.bodyWanted = engine.waitBytes;
  return true;
}

/** Looks whether what a held response waits for is there. */
export function checkHeld(strm: Stream): Held {
  const server = strm.serverConn!;
  const isOver = engine.nowMs >= strm.holdUntil;
  const isPause = strm.bodyWanted < 0;
  const held = isPause ? Held.Yes : readBody(strm, server);
  if (held === Held.Yes && isOver) return isPause ? Held.No : Held.Late;
  if (held === Held.Yes) arm(strm, server, isPause);
  return held;
}

/** Reads on behind the head until there is enough, nothing more, or no room. */
function readBody(strm: Stream, conn: Conn): Held {
  // Behind a 101 comes another protocol, which may wait for us.
  if (conn.body === BodyMode.Tunnel) return Held.No;
  const end = conn.buf + engine.bufsize;
  while (conn.readable && conn.body !== BodyMode.None && conn.inWr < end) {
    if (conn.inRd === conn.inWr) {
      conn.inRd = conn.outEnd;
      conn.inWr = conn.outEnd;
    }
    if (receive(conn, engine.bufsize) > 0 && !appendBody(conn)) return Held.Invalid;
  }
  if (conn.body === BodyMode.None || conn.eof || conn.error !== 0) return Held.No;
  const isEnough = strm.bodyWanted > 0 && conn.outEnd - conn.outRd >= strm.bodyWanted;
  return isEnough || conn.inWr >= end ? Held.No : Held.Yes;
}

/** A pause is the proxy's own: nobody is late meanwhile. */
function arm(strm: Stream, server: Conn, isPause: boolean): void {
  const { timers } = engine;
  const ms = strm.backend!.config.timeout.server;
  timers.clear(strm.client!.id);
  if (isPause || ms < 0) timers.clear(server.id);
  else timers.set(server.id, server.activeMs + ms);
  timers.set(engine.streamTimer(strm), strm.holdUntil);
}
