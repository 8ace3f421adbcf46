/**
 * Events of a stream in the entries of stick tables that it and its session track (configuration.txt
 * 11.1 store).
 *
 * @dataplane
 */
import type { CounterSet } from '../model/counter-set.ts';
import type { Session } from '../model/stream.ts';
import { countEvent, Event, releaseAll, statusEvents } from '../stick-table/tracking.ts';
import { engine } from './engine.ts';
import type { Stream } from './stream.ts';

/** Counts something for the stream and its session. @param amount bytes, otherwise 1 */
export function noteTracked(strm: Stream, event: Event, amount: number): void {
  note(strm.counters, event, amount);
  note(strm.session.counters, event, amount);
}

/** A connection has become a session: what its rules track counts it. */
export function noteSessionTracked(sess: Session): void {
  note(sess.counters, Event.Session, 1);
}

/** A server has answered: some statuses are errors of the client, or failures of the server. */
export function noteStatus(strm: Stream, status: number): void {
  const events = statusEvents(status);
  if ((events & (1 << Event.Error)) !== 0) noteTracked(strm, Event.Error, 1);
  if ((events & (1 << Event.Failure)) !== 0) noteTracked(strm, Event.Failure, 1);
}

function note(set: CounterSet | null, event: Event, amount: number): void {
  if (set !== null && set.tracked > 0) countEvent(set, event, engine.nowMs, amount);
}

/** A stream or a session ends. */
export function releaseTracked(set: CounterSet | null): void {
  if (set !== null && set.tracked > 0) releaseAll(set, engine.nowMs);
}
