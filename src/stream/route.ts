/**
 * The choice of a backend: `use_backend` in order, then `default_backend` (configuration.txt 4.2), for
 * HTTP and TCP alike, and the accounts of entering it.
 *
 * @dataplane
 */
import { Counter } from '../model/shared.ts';
import type { Stream } from '../model/stream.ts';
import { mem } from '../sys/arena.ts';
import { engine } from './engine.ts';
import type { Plan } from './plan.ts';

/** Longest name of a backend that a rule makes. */
const NAME_MAX = 256;

/** The backend of this stream, or null when nothing names one. */
export function chooseBackend(strm: Stream, plan: Plan): Plan | null {
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
export function enterBackend(strm: Stream, backend: Plan): void {
  const entity = backend.proxy.backend;
  strm.backend = backend.proxy;
  strm.inBackend = true;
  engine.enter(entity);
  engine.count(entity, Counter.Sessions, 1);
  engine.rate(entity, Counter.SessionSecond);
}
