/**
 * `show info` (management.txt 9.3): one row per value, at the position that HAProxy gives it.
 * Positions stay; holes are values that HAProxy has only with libraries that are not there.
 */
import type { Configuration } from '../model/config.ts';
import { currentRate } from '../model/rate.ts';
import {
  Counter,
  type EntityMap,
  PROCESS_ENTITY,
  type SharedState,
  State,
} from '../model/shared.ts';
import type { Sampler } from './sampler.ts';
import { type StatTags, type StatType, tagObject } from './value.ts';

export interface InfoSource {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  sampler: Sampler;
  workers: number;
  /** What the process has room for: `maxconn` of the start. */
  maxconn: number;
  /** Soft limit of open files, and the number that `maxconn` needs. */
  descriptors: number;
  /** Most pipes for splicing of the process. */
  pipes: number;
  /** `-m` in bytes, 0 = none. */
  memoryLimit: number;
  /** Wall clock of the start, ms. */
  startMs: number;
  releaseDate: string;
  /** As tools compare it with HAProxy's, and the program's own. */
  version: string;
  ownVersion: string;
  stopping(): boolean;
  /** Log lines that the control thread could not deliver. */
  logsLost(): number;
  /** Warnings printed so far, of the configuration too. */
  warnings(): number;
  /** From the start of the program until it served, ms. */
  bootMs(): number;
  /** Connections and requests on the stats socket, which HAProxy counts too. */
  cli: { connections: number; requests: number };
}

/** One moment of the source. */
export interface InfoMoment {
  source: InfoSource;
  nowMs: number;
  float: boolean;
}

type InfoValue = number | string;

interface InfoRow {
  /** Position in the typed format. */
  at: number;
  name: string;
  tags: StatTags;
  type: StatType;
  meaning: string;
  value(moment: InfoMoment): InfoValue;
}

const MEGABYTE = 1048576;

function processSum(m: InfoMoment, column: Counter): number {
  return m.source.shared.sum(PROCESS_ENTITY, column);
}

function rate(m: InfoMoment, column: Counter): number {
  return currentRate(m.source.shared, PROCESS_ENTITY, column, m.nowMs);
}

function uptimeMs(m: InfoMoment): number {
  return Math.max(0, m.nowMs - m.source.startMs);
}

/** `0d 0h00m07s` */
function uptimeText(m: InfoMoment): string {
  const seconds = Math.floor(uptimeMs(m) / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  return `${days}d ${hours}h${two(Math.floor((seconds % 3600) / 60))}m${two(seconds % 60)}s`;
}

function listenerCount(m: InfoMoment): number {
  const { config } = m.source;
  let count = config.global.statsSockets.length;
  for (const proxy of config.proxies) if (!proxy.disabled) count += proxy.binds.length;
  return m.source.stopping() ? 0 : count;
}

function residentBytes(): number {
  // getrusage(2): /proc is out of reach inside a chroot.
  return process.resourceUsage().maxRSS * 1024;
}

/** A limit of the process as it is now. */
function limit(m: InfoMoment, column: State): number {
  return m.source.shared.get(PROCESS_ENTITY, column);
}

function connections(m: InfoMoment): number {
  return m.source.shared.get(PROCESS_ENTITY, State.Current);
}

/** HTTP has a stream per request, TCP one per session. A kept connection has none. */
function currentStreams(m: InfoMoment): number {
  const { entities, shared } = m.source;
  let streams = 0;
  for (const entity of entities.backend) {
    if (entity >= 0) streams += shared.get(entity, State.Current);
  }
  return streams;
}

function totalStreams(m: InfoMoment): number {
  const { config, entities, shared, cli } = m.source;
  let streams = cli.requests;
  for (const proxy of config.proxies) {
    const entity = entities.frontend[proxy.index]!;
    const column = proxy.mode === 'http' ? Counter.Requests : Counter.Sessions;
    if (entity >= 0) streams += shared.sum(entity, column);
  }
  return streams;
}

const zero = () => 0;

function row(
  at: number,
  name: string,
  tags: StatTags,
  type: StatType,
  meaning: string,
  value: (moment: InfoMoment) => InfoValue,
): InfoRow {
  return { at, name, tags, type, meaning, value };
}

const rows: readonly InfoRow[] = [
  row(0, 'Name', 'POSV', 'str', 'Name of the product', () => 'sluice'),
  row(
    1,
    'Version',
    'POSV',
    'str',
    'HAProxy version it stands for, and its own',
    (m) => m.source.version,
  ),
  row(2, 'Release_date', 'POSV', 'str', 'Date of the version', (m) => m.source.releaseDate),
  row(3, 'Nbthread', 'CGSV', 'u32', 'Worker threads', (m) => m.source.workers),
  row(4, 'Nbproc', 'CGSV', 'u32', 'Processes, always 1', () => 1),
  row(5, 'Process_num', 'KGPV', 'u32', 'Number of this process, always 1', () => 1),
  row(6, 'Pid', 'SGPV', 'u32', 'Process id', () => process.pid),
  row(7, 'Uptime', 'MDPV', 'str', 'Time since the start', uptimeText),
  row(8, 'Uptime_sec', 'MDPV', 'u32', 'Seconds since the start', (m) =>
    m.float ? uptimeMs(m) / 1000 : Math.floor(uptimeMs(m) / 1000),
  ),
  row(9, 'Memmax_MB', 'CLPV', 'u32', 'Limit of memory in MB (-m)', (m) =>
    Math.floor(m.source.memoryLimit / MEGABYTE),
  ),
  row(10, 'PoolAlloc_MB', 'MGPV', 'u32', 'Resident memory in MB', () =>
    Math.floor(residentBytes() / MEGABYTE),
  ),
  row(11, 'PoolUsed_MB', 'MGPV', 'u32', 'Resident memory in MB', () =>
    Math.floor(residentBytes() / MEGABYTE),
  ),
  row(12, 'PoolFailed', 'MCPV', 'u32', 'Allocations that failed', zero),
  row(13, 'Ulimit-n', 'CLPV', 'u32', 'Limit of open files', (m) => m.source.descriptors),
  row(14, 'Maxsock', 'CLPV', 'u32', 'Limit of sockets', (m) => m.source.descriptors),
  row(15, 'Maxconn', 'CLPV', 'u32', 'Limit of connections', (m) => limit(m, State.Maxconn)),
  row(16, 'Hard_maxconn', 'CLPV', 'u32', 'Highest limit of connections', (m) => m.source.maxconn),
  row(17, 'CurrConns', 'MGPV', 'u32', 'Connections now', connections),
  row(
    18,
    'CumConns',
    'MCPV',
    'u32',
    'Connections so far',
    (m) => processSum(m, Counter.Connections) + m.source.cli.connections,
  ),
  row(
    19,
    'CumReq',
    'MCPV',
    'u32',
    'Requests so far',
    (m) => m.source.sampler.totalOf(Counter.Requests) + m.source.cli.requests,
  ),
  row(20, 'MaxSslConns', 'MMPV', 'u32', 'Limit of TLS connections', zero),
  row(21, 'CurrSslConns', 'MGPV', 'u32', 'TLS connections now', zero),
  row(22, 'CumSslConns', 'MCPV', 'u32', 'TLS connections so far', zero),
  row(23, 'Maxpipes', 'CLPV', 'u32', 'Limit of pipes', (m) => m.source.pipes),
  row(24, 'PipesUsed', 'MGPV', 'u32', 'Pipes in use', zero),
  row(25, 'PipesFree', 'MGPV', 'u32', 'Pipes that wait for use', zero),
  row(26, 'ConnRate', 'MRPV', 'u32', 'Connections within the last second', (m) =>
    rate(m, Counter.ConnectionSecond),
  ),
  row(27, 'ConnRateLimit', 'CLPV', 'u32', 'Limit of connections per second', (m) =>
    limit(m, State.ConnectionRateMax),
  ),
  row(28, 'MaxConnRate', 'MMPV', 'u32', 'Most connections in a second', (m) =>
    m.source.sampler.peaks.peak(PROCESS_ENTITY, Counter.ConnectionSecond, m.nowMs),
  ),
  row(29, 'SessRate', 'MRPV', 'u32', 'Sessions within the last second', (m) =>
    rate(m, Counter.SessionSecond),
  ),
  row(30, 'SessRateLimit', 'CLPV', 'u32', 'Limit of sessions per second', (m) =>
    limit(m, State.SessionRateMax),
  ),
  row(31, 'MaxSessRate', 'MRPV', 'u32', 'Most sessions in a second', (m) =>
    m.source.sampler.peaks.peak(PROCESS_ENTITY, Counter.SessionSecond, m.nowMs),
  ),
  row(32, 'SslRate', 'MRPV', 'u32', 'TLS connections within the last second', zero),
  row(33, 'SslRateLimit', 'CLPV', 'u32', 'Limit of TLS connections per second', zero),
  row(34, 'MaxSslRate', 'MMPV', 'u32', 'Most TLS connections in a second', zero),
  row(35, 'SslFrontendKeyRate', 'MGPV', 'u32', 'New TLS keys within the last second', zero),
  row(36, 'SslFrontendMaxKeyRate', 'MMPV', 'u32', 'Most new TLS keys in a second', zero),
  row(37, 'SslFrontendSessionReuse_pct', 'MGPV', 'u32', 'Resumed TLS connections, percent', zero),
  row(38, 'SslBackendKeyRate', 'MRPV', 'u32', 'New TLS keys to servers in a second', zero),
  row(39, 'SslBackendMaxKeyRate', 'MMPV', 'u32', 'Most new TLS keys to servers', zero),
  row(40, 'SslCacheLookups', 'MCPV', 'u32', 'Lookups of TLS sessions', zero),
  row(41, 'SslCacheMisses', 'MCPV', 'u32', 'Lookups of TLS sessions without result', zero),
  row(42, 'CompressBpsIn', 'MRPV', 'u32', 'Bytes to compress within the last second', zero),
  row(43, 'CompressBpsOut', 'MRPV', 'u32', 'Bytes compressed within the last second', zero),
  row(44, 'CompressBpsRateLim', 'CLPV', 'u32', 'Limit of compressed bytes per second', zero),
  row(
    47,
    'Tasks',
    'MGPV',
    'u32',
    'Tasks: one per connection and thread',
    (m) => connections(m) + m.source.workers + 1,
  ),
  row(48, 'Run_queue', 'MGPV', 'u32', 'Tasks that want to run', zero),
  row(
    49,
    'Idle_pct',
    'MaPV',
    'u32',
    'Idle time of the last second, percent',
    (m) => m.source.sampler.idlePercent,
  ),
  row(50, 'node', 'COSV', 'str', 'Name of the node', (m) => m.source.config.global.node),
  row(
    51,
    'description',
    'COSV',
    'str',
    'Description of the node',
    (m) => m.source.config.global.description ?? '',
  ),
  row(52, 'Stopping', 'MGPV', 'u32', '1 while the process stops', (m) =>
    m.source.stopping() ? 1 : 0,
  ),
  row(
    53,
    'Jobs',
    'MGPV',
    'u32',
    'Listeners and connections',
    (m) => listenerCount(m) + connections(m),
  ),
  row(54, 'Unstoppable Jobs', 'MGPV', 'u32', 'Jobs that outlive a stop', zero),
  row(55, 'Listeners', 'MGPV', 'u32', 'Listeners', listenerCount),
  row(56, 'ActivePeers', 'MGPV', 'u32', 'Peers in use', zero),
  row(57, 'ConnectedPeers', 'MGPV', 'u32', 'Peers connected', zero),
  row(
    58,
    'DroppedLogs',
    'MGPV',
    'u32',
    'Log lines lost',
    (m) => processSum(m, Counter.LogsLost) + m.source.logsLost(),
  ),
  row(59, 'BusyPolling', 'MGPV', 'u32', '1 with busy polling', (m) =>
    m.source.config.global.busyPolling ? 1 : 0,
  ),
  row(60, 'FailedResolutions', 'MGPV', 'u32', 'Names that did not resolve', zero),
  row(61, 'TotalBytesOut', 'MGPV', 'u64', 'Bytes sent to clients', (m) =>
    m.source.sampler.totalOf(Counter.BytesOut),
  ),
  row(62, 'TotalSplicedBytesOut', 'MGPV', 'u64', 'Bytes sent through pipes', zero),
  row(
    63,
    'BytesOutRate',
    'MRPV',
    'u64',
    'Bytes sent within the last second',
    (m) => m.source.sampler.bytesOutRate,
  ),
  row(64, 'DebugCommandsIssued', 'MGPV', 'u32', 'Debugging commands used', zero),
  row(65, 'CumRecvLogs', 'MCPV', 'u32', 'Log lines received', zero),
  row(66, 'Build info', 'POSV', 'str', 'Version of the program', (m) => m.source.ownVersion),
  row(
    67,
    'Memmax_bytes',
    'CLPV',
    'u64',
    'Limit of memory in bytes (-m)',
    (m) => m.source.memoryLimit,
  ),
  row(68, 'PoolAlloc_bytes', 'MGPV', 'u64', 'Resident memory in bytes', residentBytes),
  row(69, 'PoolUsed_bytes', 'MGPV', 'u64', 'Resident memory in bytes', residentBytes),
  row(70, 'Start_time_sec', 'MDPV', 'u32', 'Wall clock second of the start', (m) =>
    Math.floor(m.source.startMs / 1000),
  ),
  row(71, 'Tainted', 'SGPV', 'str', 'Experimental features used', () => '0'),
  row(72, 'TotalWarnings', 'MCPV', 'u32', 'Warnings printed', (m) => m.source.warnings()),
  row(73, 'MaxconnReached', 'MCPV', 'u32', 'Connections that were the last of Maxconn', (m) =>
    processSum(m, Counter.MaxconnReached),
  ),
  row(74, 'BootTime_ms', 'MDPV', 'u32', 'Time until it served, ms', (m) => m.source.bootMs()),
  row(75, 'Niced_tasks', 'MGPV', 'u32', 'Tasks with another priority', zero),
  row(76, 'CurrStreams', 'MGPV', 'u64', 'Streams in a backend now', currentStreams),
  row(77, 'CumStreams', 'MGPV', 'u64', 'Streams so far', totalStreams),
  row(78, 'BlockedTrafficWarnings', 'MGPV', 'u32', 'Warnings of tasks that block traffic', zero),
];

/** The rows that apply: a process without a description does not show one. */
function present(moment: InfoMoment): { row: InfoRow; value: InfoValue }[] {
  return rows
    .map((row) => ({ row, value: row.value(moment) }))
    .filter(({ row, value }) => value !== '' || row.name === 'node');
}

/** The values by name. */
export function infoValues(moment: InfoMoment): Map<string, InfoValue> {
  return new Map(present(moment).map(({ row, value }) => [row.name, value]));
}

function valueText(value: InfoValue, float: boolean): string {
  const fraction = float && typeof value === 'number' && !Number.isInteger(value);
  return fraction ? (value as number).toFixed(6) : String(value);
}

/** `Name: value` lines. */
export function infoText(moment: InfoMoment, describe: boolean): string {
  return present(moment)
    .map(({ row, value }) => {
      const meaning = describe ? `:"${row.meaning}"` : '';
      return `${row.name}: ${valueText(value, moment.float)}${meaning}\n`;
    })
    .join('');
}

/** `0.Name.1:POSV:str:value` lines (9.2). */
export function infoTyped(moment: InfoMoment, describe: boolean): string {
  return present(moment)
    .map(({ row, value }) => {
      const meaning = describe ? `:"${row.meaning}"` : '';
      const head = `${row.at}.${row.name}.1:${row.tags}:${row.type}`;
      return `${head}:${valueText(value, moment.float)}${meaning}\n`;
    })
    .join('');
}

/** An array of objects without any blank. */
export function infoJson(moment: InfoMoment): string {
  const list = present(moment).map(({ row, value }) => ({
    field: { pos: row.at, name: row.name },
    processNum: 1,
    tags: tagObject(row.tags),
    value: { type: row.type, value },
  }));
  return `${JSON.stringify(list)}\n`;
}
