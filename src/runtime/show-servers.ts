/** `show servers state`, `show servers conn` (management.txt 9.3). */
import { type Address, formatAddress } from '../base/value/address.ts';
import { checkResult } from '../checks/result.ts';
import {
  AdminBit,
  CheckBit,
  CheckResultCode,
  nameOf,
  Operation,
  type StateRow,
  stateHead,
  stateLine,
  statusCode,
} from '../checks/state-file.ts';
import type { ProxyConfig, ServerConfig } from '../model/config.ts';
import { hasBackend } from '../model/entity.ts';
import { AdminFlag, Counter, Health, State } from '../model/shared.ts';
import { type Command, type CommandContext, Level, type RuntimeSource } from './command.ts';
import { CommandError, findBackend } from './server-name.ts';

/** What the counter of a server without a check begins with (5.2 rise). */
const DEFAULT_RISE = 2;

/** The backends that a command is about: the named one, or all. */
function wanted({ source, args }: CommandContext): ProxyConfig[] {
  const [word] = args;
  if (word === undefined) return source.config.proxies.filter((proxy) => hasBackend(proxy));
  const proxy = findBackend(source, word);
  if (proxy === undefined) throw new CommandError("Can't find backend.");
  return [proxy];
}

/** Without its port; `-` for what is no IP address. */
function ipOf(address: Address | null): string {
  if (address === null || (address.family !== 'ipv4' && address.family !== 'ipv6')) return '-';
  return formatAddress({ ...address, port: 0 }).replace(/^\[(.*)\]$/, '$1');
}

function adminBits(server: ServerConfig, admin: number): number {
  let bits = 0;
  const isUnresolved = (admin & AdminFlag.Unresolved) !== 0;
  const isForced = (admin & AdminFlag.Maintenance) !== 0 && (!isUnresolved || server.disabled);
  if (isForced) bits |= AdminBit.ForcedMaintenance;
  if ((admin & AdminFlag.InheritedMaintenance) !== 0) bits |= AdminBit.InheritedMaintenance;
  if (server.disabled) bits |= AdminBit.Configured;
  if ((admin & AdminFlag.Drain) !== 0) bits |= AdminBit.ForcedDrain;
  if ((admin & AdminFlag.InheritedDrain) !== 0) bits |= AdminBit.InheritedDrain;
  return isUnresolved ? bits | AdminBit.Unresolved : bits;
}

function operation(health: Health, admin: number): Operation {
  if ((admin & AdminFlag.AnyMaintenance) !== 0 || health === Health.Down) return Operation.Stopped;
  return health === Health.Stopping ? Operation.Stopping : Operation.Running;
}

const resultCodes = {
  passed: CheckResultCode.Passed,
  conditional: CheckResultCode.Conditional,
  failed: CheckResultCode.Failed,
  none: CheckResultCode.Unknown,
} as const;

function checkBits(
  { checks }: RuntimeSource,
  { check }: ServerConfig,
  entity: number,
  isPaused: boolean,
): number {
  const paused = isPaused ? CheckBit.Paused : 0;
  if (check === null) return paused;
  const enabled = checks.isEnabled(entity, 'Health') ? CheckBit.Enabled : 0;
  const running = checks.isRunning(entity) ? CheckBit.Running : 0;
  return CheckBit.Configured | enabled | running | paused;
}

function agentBits({ checks }: RuntimeSource, { agent }: ServerConfig, entity: number): number {
  if (agent === null) return 0;
  const enabled = checks.isEnabled(entity, 'Agent') ? CheckBit.Enabled : 0;
  const running = checks.isAsking(entity) ? CheckBit.Running : 0;
  return CheckBit.Configured | CheckBit.Agent | enabled | running;
}

function rowOf(source: RuntimeSource, proxy: ProxyConfig, server: ServerConfig): StateRow {
  const { shared, entities } = source.stats;
  const entity = entities.server[proxy.index]![server.index]!;
  const state = (column: State) => shared.get(entity, column);
  const admin = state(State.Admin);
  const { check, agent, address } = server;
  const isIp = address.family === 'ipv4' || address.family === 'ipv6';
  const paused = AdminBit.ForcedMaintenance | AdminBit.Unresolved;
  const isPaused = (adminBits(server, admin) & paused) !== 0;
  const age = Math.floor(source.nowMs() / 1000) - state(State.LastChange);
  // Without a check HAProxy keeps the result that none has had.
  const status = check === null ? 1 : statusCode(state(State.CheckStatus));
  const isMaintained = (admin & AdminFlag.AnyMaintenance) !== 0;
  const counter = check === null ? DEFAULT_RISE : state(State.CheckCounter);
  const checkHealth = isMaintained ? 0 : counter;
  return {
    be_id: String(proxy.id),
    be_name: proxy.name,
    srv_id: String(server.id),
    srv_name: server.name,
    srv_addr: server.unresolved ? '-' : ipOf(address),
    srv_op_state: String(operation(state(State.Health), admin)),
    srv_admin_state: String(adminBits(server, admin)),
    srv_uweight: String(state(State.Weight)),
    srv_iweight: String(server.weight),
    srv_time_since_last_change: String(Math.max(0, age)),
    srv_check_status: String(status),
    srv_check_result: String(resultCodes[checkResult(state(State.CheckStatus)).verdict]),
    srv_check_health: String(checkHealth),
    srv_check_state: String(checkBits(source, server, entity, isPaused)),
    srv_agent_state: String(agentBits(source, server, entity)),
    bk_f_forced_id: proxy.idGiven ? '1' : '0',
    srv_f_forced_id: server.idGiven ? '1' : '0',
    srv_fqdn: nameOf(address),
    srv_port: isIp ? String(Math.abs(address.port)) : '0',
    srvrecord: '-',
    srv_use_ssl: '0',
    srv_check_port: String(check?.port ?? 0),
    srv_check_addr: ipOf(check?.address ?? null),
    srv_agent_addr: ipOf(agent?.address ?? check?.address ?? null),
    srv_agent_port: String((agent ?? check)?.port ?? 0),
  };
}

function showState(context: CommandContext): string {
  const { source } = context;
  const lines = wanted(context).flatMap((proxy) =>
    proxy.servers.map((server) => stateLine(rowOf(source, proxy, server))),
  );
  return stateHead + lines.join('');
}

function connLine(source: RuntimeSource, proxy: ProxyConfig, server: ServerConfig): string {
  const { shared, entities } = source.stats;
  const entity = entities.server[proxy.index]![server.index]!;
  const state = (column: State) => shared.get(entity, column);
  const idle = state(State.IdleConnections);
  const fresh = state(State.FreshConnections);
  const perThread: number[] = [];
  for (let row = 1; row <= shared.workerCount; row++) {
    perThread.push(shared.counters[shared.counterBase(row, entity) + Counter.IdleNow]!);
  }
  const used = state(State.Current);
  const { address } = server;
  const isIp = address.family === 'ipv4' || address.family === 'ipv6';
  const values = [
    `${proxy.name}/${server.name}`,
    `${proxy.id}/${server.id}`,
    server.unresolved ? '-' : ipOf(address),
    isIp ? Math.abs(address.port) : 0,
    '-',
    server.poolPurgeDelayMs,
    used,
    shared.max(entity, Counter.SessionsMax),
    // There is no estimate over time: what is in use is what is needed.
    used,
    fresh,
    idle - fresh,
    server.poolMaxConn,
    idle,
    ...perThread,
  ];
  return `${values.join(' ')}\n`;
}

function showConn(context: CommandContext): string {
  const { source } = context;
  const head =
    '# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb ' +
    `safe_nb idle_lim idle_cur idle_per_thr[${source.stats.shared.workerCount}]\n`;
  const lines = wanted(context).flatMap((proxy) =>
    proxy.servers.map((server) => connLine(source, proxy, server)),
  );
  return head + lines.join('');
}

export const serverCommands: readonly Command[] = [
  {
    name: 'show servers conn',
    usage: 'show servers conn [<backend>]',
    help: 'dump server connections status (all or for a single backend)',
    level: Level.Operator,
    run: showConn,
  },
  {
    name: 'show servers state',
    usage: 'show servers state [<backend>]',
    help: 'dump volatile server information (all or for a single backend)',
    level: Level.Operator,
    run: showState,
  },
];
