/**
 * The choice of a backend: `use_backend` in order, then `default_backend` (configuration.txt 4.2), for
 * HTTP and TCP alike, and the accounts of entering it.
 *
 * @dataplane
 */
import { Method } from '../http/method.ts';
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { mem } from '../sys/arena.ts';
import { waitForBody } from './buffering.ts';
import { engine } from './engine.ts';
import { beginInspection } from './inspection.ts';
import { bindTcpServer, expectCookie } from './persist.ts';
import type { Plan } from './plan.ts';
import { replyOrAbort } from './reply.ts';
import { noteNames } from './secure.ts';
import { Next, Step } from './step.ts';
import { applyStickRules } from './stick.ts';
import type { Stream } from './stream.ts';

/** Longest name of a backend that a rule makes. */
const NAME_MAX = 256;

/** A backend is chosen and entered; without one the stream ends. */
export function route(strm: Stream): Next {
  const { plan } = strm;
  const backend = chooseBackend(strm, plan);
  if (backend === null) {
    strm.blame(Cause.Server);
    return replyOrAbort(strm, 503);
  }
  enterBackend(strm, backend);
  if (plan.isHttp) engine.count(backend.proxy.backend, Counter.Requests, 1);
  if (backend !== plan && !backend.contentRules.empty) return beginInspection(strm, backend);
  return plan.isHttp ? enterBackendRules(strm, backend) : enterBalance(strm, backend);
}

/** TCP mode: a server is chosen next. */
export function enterBalance(strm: Stream, backend: Plan): Next {
  if (backend.balanceKey !== null) strm.balanceKey = backend.balanceKey(engine, 0, 0);
  bindTcpServer(strm, backend);
  if (backend.stickRules !== null) applyStickRules(strm);
  noteNames(strm);
  strm.step = Step.Balance;
  return Next.Go;
}

/** The HTTP rules of the backend are next, once the body is there that they may ask for. */
export function enterBackendRules(strm: Stream, backend: Plan): Next {
  const { plan } = strm;
  strm.step = Step.BackendRules;
  // It has been waited for if the frontend asks for it.
  const waits = asksForBody(strm, backend) && !plan.has(Option.HttpBufferRequest);
  if (!waits || strm.requestComplete) return Next.Go;
  return waitForBody(strm, Step.BackendRules, -1, 0);
}

function asksForBody(strm: Stream, backend: Plan): boolean {
  if (backend.has(Option.HttpBufferRequest)) return true;
  return backend.balancesPost && strm.method === Method.Post;
}

/** The backend of this stream, or null when nothing names one. */
function chooseBackend(strm: Stream, plan: Plan): Plan | null {
  // `reqsetbe` of the rules comes first.
  if (strm.lineBackend >= 0) return plan.lineBackends[strm.lineBackend]!;
  const routes = plan.routes;
  for (let i = 0; i < routes.length; i++) {
    const route = routes[i]!;
    if (!route.condition(engine)) continue;
    if (route.backend !== null) return route.backend;
    const len = route.name === null ? 0 : route.name.write(engine, engine.assembly, NAME_MAX);
    // An unknown dynamic name falls through to the default backend (4.2 use_backend).
    return backendByName(plan, len) ?? plan.defaultBackend;
  }
  return plan.defaultBackend;
}

/** The backend whose name stands in the assembly area; one of the other mode is none. */
function backendByName(from: Plan, len: number): Plan | null {
  const plans = engine.plans;
  for (let i = 0; i < plans.length; i++) {
    const plan = plans[i]!;
    if (plan.balancer === null || plan.isHttp !== from.isHttp) continue;
    if (plan.proxy.name.len === len && isNamed(plan)) return plan;
  }
  return null;
}

function isNamed(plan: Plan): boolean {
  const { off, len } = plan.proxy.name;
  for (let k = 0; k < len; k++) if (mem[off + k] !== mem[engine.assembly + k]) return false;
  return true;
}

/** The stream belongs to this backend from now on. */
function enterBackend(strm: Stream, backend: Plan): void {
  const entity = backend.proxy.backend;
  strm.backend = backend.proxy;
  strm.backendPlan = backend;
  strm.inBackend = true;
  expectCookie(strm, backend);
  engine.enter(entity);
  engine.count(entity, Counter.Sessions, 1);
  engine.rate(entity, Counter.SessionSecond);
}
