/**
 * Persistence: the server that a client's cookie leads to, and the cookie that the response carries
 * (configuration.txt 4.2 cookie, force-persist, ignore-persist, option persist).
 *
 * @dataplane
 */
import { Option } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { CookieIn, CookieOut } from '../model/stream.ts';
import { Persist } from '../persistence/cookie.ts';
import { tickOf } from '../persistence/cookie-date.ts';
import { ruledServer } from './choice.ts';
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

/**
 * The server of a `use-server` rule comes before that of the cookie, which is read all the same.
 * @returns false when there is no room to take the cookie out of the request.
 */
export function bindServer(strm: Stream, plan: Plan): boolean {
  const server = useServer(plan);
  const fits = readCookie(strm, plan);
  if (server !== null) bindTo(strm, server);
  return fits;
}

/** `use-server` of a TCP stream. */
export function bindTcpServer(strm: Stream, plan: Plan): void {
  const server = useServer(plan);
  if (server !== null) bindTo(strm, server);
}

function useServer(plan: Plan): Server | null {
  if (plan.useServers.length === 0) return null;
  return ruledServer(plan, persistenceOf(plan) === Persist.Forced);
}

function bindTo(strm: Stream, server: Server): void {
  strm.cookieServer = server;
  strm.isBound = true;
  if (strm.cookieIn !== CookieIn.Off && strm.cookieIn !== CookieIn.None) {
    strm.cookieIn = CookieIn.Unused;
  }
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
