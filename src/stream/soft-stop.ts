/**
 * A soft stop (SIGUSR1, management.txt 4) as a worker's client connections see it
 * (configuration.txt 3.1 close-spread-time, 4.2 option idle-close-on-response):
 *
 *   has sent nothing yet    stays, and is answered as long as `timeout http-request` lets it ask
 *   between two requests    is closed at once, or at some moment of close-spread-time; stays with
 *                           idle-close-on-response until it asks again or its timeout ends it
 *   is being answered       is told to close; within close-spread-time ever more of them are
 *
 * @dataplane
 */
import { Option, SPREAD_ENDLESS } from '../model/config.ts';
import { Handoff } from '../model/shared.ts';
import { engine } from './engine.ts';
import type { Conn } from './stream.ts';

/** Whether a response that is written now ends its connection. */
export function endsAfterResponse(): boolean {
  if (!engine.stopping) return false;
  const window = engine.config.global.closeSpreadMs;
  if (window === SPREAD_ENDLESS) return false;
  return engine.nowMs - engine.stopMs >= Math.random() * window;
}

/**
 * When a connection that waits for a request is closed by a soft stop.
 * @returns a time of the clock, 0 = now, infinity = its own timeouts decide
 */
export function waitsUntil(conn: Conn): number {
  const window = engine.config.global.closeSpreadMs;
  if (!engine.stopping || window === SPREAD_ENDLESS) return Number.POSITIVE_INFINITY;
  const sess = conn.session;
  if (conn.plan!.has(Option.IdleCloseOnResponse)) return Number.POSITIVE_INFINITY;
  if (window === 0) return sess.requests > 0 ? 0 : Number.POSITIVE_INFINITY;
  const left = engine.stopMs + window - engine.nowMs;
  return left > 0 ? engine.nowMs + Math.random() * left : 0;
}

/**
 * Whether the last client of a stopping worker is gone and none can come: worker 0 has closed the
 * sockets that all share, and nothing that it accepted for this worker is under way.
 */
export function isOver(): boolean {
  if (!engine.stopping || engine.clients > 0) return false;
  const { handoff } = engine.shared;
  if (Atomics.load(handoff, Handoff.Closed) === 0) return false;
  const at = engine.init.workerIndex * Handoff.WORDS;
  return Atomics.load(handoff, at + Handoff.Head) === Atomics.load(handoff, at + Handoff.Tail);
}
