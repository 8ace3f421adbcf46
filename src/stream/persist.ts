/**
 * Persistence: the server that a client's cookie leads to, and the cookie that the response carries
 * (configuration.txt 4.2 cookie, force-persist, ignore-persist, option persist).
 *
 * @dataplane
 */
import { Option } from '../model/config.ts';
import { CookieIn, CookieOut } from '../model/stream.ts';
import { Persist } from '../persistence/cookie.ts';
import { tickOf } from '../persistence/cookie-date.ts';
import { engine } from './engine.ts';
import type { Plan } from './plan.ts';
import type { Stream } from './stream.ts';

/** Logs show a letter for each side's cookie where the backend has one (8.5). */
export function expectCookie(strm: Stream, plan: Plan): void {
  if (plan.cookie === null || !plan.cookie.isShown) return;
  strm.cookieIn = CookieIn.None;
  strm.cookieOut = CookieOut.None;
}

/**
 * Reads the cookie of the request in `engine.requestMsg`.
 * @returns false when there is no room to take it out of the request.
 */
export function readCookie(strm: Stream, plan: Plan): boolean {
  const { cookie } = plan;
  if (cookie === null) return true;
  const now = tickOf(engine.nowDateMs);
  const fits = cookie.readRequest(engine.requestMsg, strm, persistenceOf(plan), now);
  strm.isBound = strm.cookieServer !== null;
  return fits;
}

/** A request that a rule has refused: logs name the server that it was for all the same. */
export function noteCookie(strm: Stream): void {
  readCookie(strm, strm.backendPlan);
  strm.server = strm.cookieServer;
}

/** What `force-persist`, `ignore-persist` and `option persist` say of the request. */
export function persistenceOf(plan: Plan): Persist {
  const rules = plan.persistRules;
  for (let i = 0; i < rules.length; i++) {
    if (rules[i]!.condition(engine)) return rules[i]!.persist;
  }
  return plan.has(Option.Persist) ? Persist.Forced : Persist.Usual;
}

/** Puts the cookie into the response in `engine.responseMsg`. @returns false without room */
export function writeCookie(strm: Stream): boolean {
  const { cookie } = strm.backendPlan;
  if (cookie === null || strm.server === null) return true;
  const now = tickOf(engine.nowDateMs);
  return cookie.writeResponse(engine.responseMsg, strm, strm.server, strm.method, now);
}
