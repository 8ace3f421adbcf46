/**
 * Who counts what (management.txt 9.1): an event of a stream belongs to its frontend, to the bind
 * line that it came through, to its backend once it has one, and to its server.
 *
 * @dataplane
 */
import { Counter, PROCESS_ENTITY, State } from '../model/shared.ts';
import { Event } from '../stick-table/tracking.ts';
import { engine } from './engine.ts';
import type { Conn, Stream } from './stream.ts';
import { noteTracked } from './tracked.ts';

/** An event on the client's side: frontend and bind line. */
export function countClient(strm: Stream, column: Counter): void {
  engine.count(strm.frontend!.frontend, column, 1);
  engine.count(strm.client!.listenerEntity, column, 1);
}

/** An event on the server's side: backend, and the server if there is one. */
export function countServer(strm: Stream, column: Counter): void {
  engine.count(strm.backend!.backend, column, 1);
  if (strm.server !== null) engine.count(strm.server.entity, column, 1);
}

/** `dreq`: a rule has refused the request, of whichever proxy. */
export function countDeniedRequest(strm: Stream): void {
  countClient(strm, Counter.DeniedRequests);
  if (strm.inBackend) engine.count(strm.backend!.backend, Counter.DeniedRequests, 1);
}

/** `dresp`: a rule has refused the server's response. */
export function countDeniedResponse(strm: Stream): void {
  countClient(strm, Counter.DeniedResponses);
  countServer(strm, Counter.DeniedResponses);
}

/** `intercepted` (9.1): not what another section, the backend, has answered. */
export function countIntercepted(strm: Stream): void {
  if (strm.inBackend && strm.backend !== strm.frontend) return;
  engine.count(strm.frontend!.frontend, Counter.Intercepted, 1);
}

/** `stot`: a connection whose bytes may come. */
export function countSession(conn: Conn): void {
  const { frontend } = conn.session.frontend!;
  engine.count(frontend, Counter.Sessions, 1);
  engine.rate(frontend, Counter.SessionSecond);
  engine.rate(PROCESS_ENTITY, Counter.SessionSecond);
  engine.count(PROCESS_ENTITY, Counter.Sessions, 1);
  engine.count(conn.listenerEntity, Counter.Sessions, 1);
}

/** `req_tot`: a request, or what was to become one. */
export function countRequest(strm: Stream): void {
  const frontend = strm.frontend!.frontend;
  engine.count(frontend, Counter.Requests, 1);
  engine.rate(frontend, Counter.RequestSecond);
  noteTracked(strm, Event.Request, 1);
}

/** `ereq` of something that never became a request; it counts as one all the same. */
export function countBadRequest(strm: Stream): void {
  countRequest(strm);
  countClient(strm, Counter.RequestErrors);
  noteTracked(strm, Event.Error, 1);
}

/** `lastsess`: the backend and the server were given a stream now. Written once a second. */
export function noteSession(strm: Stream): void {
  const second = Math.floor(engine.nowDateMs / 1000);
  noteSecond(strm.backend!.backend, second);
  noteSecond(strm.server!.entity, second);
}

function noteSecond(entity: number, second: number): void {
  const { shared } = engine;
  if (shared.get(entity, State.LastSession) !== second) {
    shared.set(entity, State.LastSession, second);
  }
}

/** `hrsp_1xx` to `hrsp_5xx`, `hrsp_other`. */
export function statusColumn(status: number): Counter {
  const hundreds = Math.floor(status / 100);
  if (hundreds < 1 || hundreds > 5) return Counter.ResponsesOther;
  return (Counter.Responses1xx + hundreds - 1) as Counter;
}
