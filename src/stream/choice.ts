/**
 * Servers that are chosen before balancing: by a `use-server` rule, or because the client's last request
 * went there (configuration.txt 4.2 use-server, option prefer-last-server, max-keep-alive-queue).
 *
 * @dataplane
 */
import { NO_KEY } from '../balance/balancer.ts';
import { hasRoom } from '../balance/server-limit.ts';
import { Option } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { isReachable, isUsable } from '../model/server-health.ts';
import { State } from '../model/shared.ts';
import { mem } from '../sys/arena.ts';
import { engine } from './engine.ts';
import type { Plan } from './plan.ts';
import type { Stream } from './stream.ts';

/** Longest name of a server that a rule makes. */
const NAME_MAX = 256;

/**
 * The server of the first `use-server` rule that holds and whose server can be reached.
 * @param isForced persistence is forced: servers that are down are used as well
 */
export function ruledServer(plan: Plan, isForced: boolean): Server | null {
  const rules = plan.useServers;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!;
    if (!rule.condition(engine)) continue;
    let server = rule.server;
    if (rule.name !== null) {
      const len = rule.name.write(engine, engine.assembly, NAME_MAX);
      server = serverNamed(plan, len);
      // 4.2 use-server: a name that no server has ends the rules.
      if (server === null) return null;
    }
    if (isForced || isReachable(engine.shared, server!.entity)) return server;
  }
  return null;
}

/** The server whose name stands in the assembly area. */
function serverNamed(plan: Plan, len: number): Server | null {
  const { servers } = plan.proxy;
  for (let i = 0; i < servers.length; i++) {
    const { off, len: nameLen } = servers[i]!.name;
    if (nameLen !== len) continue;
    let at = 0;
    while (at < len && mem[off + at] === mem[engine.assembly + at]) at++;
    if (at === len) return servers[i]!;
  }
  return null;
}

/** The server of the client's last request, if balancing would be free to choose it. */
export function lastServer(strm: Stream): Server | null {
  if (!strm.backendPlan.has(Option.PreferLastServer) || strm.balanceKey !== NO_KEY) return null;
  const server = strm.client!.lastServer;
  if (server === null || strm.triedServer !== null) return null;
  if (server.backend !== strm.backend || !isUsable(engine.shared, server.entity)) return null;
  if (hasRoom(engine.shared, server)) return server;
  const { keepAliveQueueMax } = strm.backend.config;
  const queued = engine.shared.get(server.entity, State.Queued);
  return keepAliveQueueMax < 0 || queued < keepAliveQueueMax ? server : null;
}
