/**
 * All sizes that follow from the configuration, as arithmetic with one owner per addend: how many
 * connections, buffers and blocks a worker has room for, how large its arena is, and how many file
 * descriptors the process needs (management.txt 5 and 6; configuration.txt 3.1 `ulimit-n`, 3.2
 * `maxconn`, `maxpipes`).
 *
 * The arena is address space, not memory: a page costs nothing until it is used. So the sum may be
 * generous, and the only hard limit is `ARENA_MAX`, half of what a small integer can address.
 */
import { pieceBytes } from '../sys/heap.ts';
import { strideOf } from '../sys/pool.ts';
import { captureLayout } from './capture.ts';
import type { Configuration } from './config.ts';
import { CELL_BYTES, CELLS_HEAD_BYTES } from './variable.ts';

/** Largest arena of a worker. */
export const ARENA_MAX = 1 << 30;
/** Smallest arena: with less, not even the constants and a few streams fit. */
export const ARENA_MIN = 16 << 20;
/** 3.1 fd-hard-limit: the bound when neither the system nor the configuration has a lower one. */
export const FD_HARD_LIMIT = 1048576;
/** A client connection, its server connection and an idle one. */
export const CONNS_PER_SESSION = 3;
/** Connections about to be closed. */
export const CONNS_SPARE = 64;
/** Source and destination address of a connection. */
export const ADDRESS_BYTES = 32;
/** Addresses of all connections of a session. */
const SESSION_BYTES = CONNS_PER_SESSION * ADDRESS_BYTES;
/** Room that stays free behind received bytes for the end of a chunk. */
export const TAIL_ROOM = 64;
/** A request buffer and a response buffer. */
export const BUFFERS_PER_STREAM = 2;
/** 4.2 stick store-request: keys that a request may leave behind. */
export const STICK_STORES_MAX = 8;
/** In front of each of them: its rule and its length. */
export const STICK_HEAD_BYTES = 8;
/** Streams that always fit, however many connections only wait. */
export const STREAMS_MIN = 64;
/** Poller events, sockaddrs, socket options, log-format scratch, header tables. */
const FIXED_BYTES = 4 << 20;
/**
 * Areas of `tune.bufsize` that a worker has once: texts of rules (4), edited values of the request
 * and of the response (2), the head being assembled (1), bytes that may be a head (1), a TLS hello (1).
 */
const SINGLE_BUFFERS = 9;
/** Lines of one turn of the loop per log target: batch of datagrams and their headers. */
const LOG_BATCH_BYTES = 512 << 10;
/** Room for the texts of the variables of a stream and of a session, beside their cells. */
const STREAM_TEXT_BYTES = 4 << 10;
const SESSION_TEXT_BYTES = 512;
/** Names, compiled rules, formats and error pages of a section. */
const PROXY_BYTES = 64 << 10;
/** Name and address of a server. */
const SERVER_BYTES = 1 << 10;

/** What a worker reserves. */
export interface WorkerCapacity {
  /** Client connections at a time: any worker may have to take all of `maxconn`. */
  sessions: number;
  /** Requests in progress at a time; each has two buffers and a capture block. */
  streams: number;
  buffers: number;
  /** Bytes of the largest capture block of any frontend. */
  captureBytes: number;
  arenaBytes: number;
}

/** Bytes that the configuration itself takes in the arena of every worker. */
function configurationBytes(config: Configuration): number {
  let bytes = 0;
  for (const proxy of config.proxies) {
    bytes += PROXY_BYTES + proxy.servers.length * SERVER_BYTES;
    // Taken apart, and complete.
    for (const page of Object.values(proxy.errorFiles)) bytes += 2 * page.length;
  }
  return bytes;
}

/** Number of distinct places that log lines of a worker go to. */
function logTargets(config: Configuration): number {
  let count = config.global.logs.length + config.rings.length;
  for (const proxy of config.proxies) count += proxy.logs.length;
  return count;
}

/** Largest capture block, with what `BlockPool` adds. */
function captureBytes(config: Configuration): number {
  const logurilen = config.global.tune.httpLogurilen;
  let most = logurilen;
  for (const proxy of config.proxies) {
    most = Math.max(most, captureLayout(proxy, logurilen).size);
  }
  return strideOf(most);
}

/**
 * Bytes of one key that waits for the answer of a server (stream/stick.ts): of the longest that
 * any `stick` line stores. 0 = there is no such line.
 */
export function stickStride(config: Configuration): number {
  const tables = new Map(config.proxies.map((proxy) => [proxy.name, proxy.stickTable]));
  let longest = 0;
  for (const { stickRules } of config.proxies) {
    for (const rule of stickRules) {
      if (rule.stores === 'request') {
        longest = Math.max(longest, tables.get(rule.table)?.keyBytes ?? 0);
      }
    }
  }
  return longest === 0 ? 0 : STICK_HEAD_BYTES + Math.ceil(longest / 4) * 4;
}

/** Of all waiting keys of a stream. */
function stickBytes(config: Configuration): number {
  const stride = stickStride(config);
  return stride === 0 ? 0 : strideOf(stride * STICK_STORES_MAX);
}

/** Cells and texts of the variables of one stream, 0 when no rule has any. */
function streamVariableBytes({ variables }: Configuration): number {
  const cells = variables.transaction.length + variables.message.length;
  return cells === 0 ? 0 : cellsBytes(cells) + STREAM_TEXT_BYTES;
}

/** And of one session. Limits count what streams use there too. */
function sessionVariableBytes(config: Configuration): number {
  const cells = config.variables.session.length;
  if (cells > 0) return cellsBytes(cells) + SESSION_TEXT_BYTES;
  return streamVariableBytes(config) === 0 ? 0 : cellsBytes(0);
}

function cellsBytes(count: number): number {
  return pieceBytes(CELLS_HEAD_BYTES + count * CELL_BYTES);
}

/** Bytes of a worker's heap of variables of sessions and streams. */
export function variableHeapBytes(
  config: Configuration,
  sessions: number,
  streams: number,
): number {
  return sessions * sessionVariableBytes(config) + streams * streamVariableBytes(config);
}

function streamBytes(config: Configuration): number {
  const buffers = BUFFERS_PER_STREAM * bufferBytes(config);
  return buffers + captureBytes(config) + streamVariableBytes(config) + stickBytes(config);
}

function sessionBytes(config: Configuration): number {
  return SESSION_BYTES + sessionVariableBytes(config);
}

function bufferBytes(config: Configuration): number {
  return strideOf(config.global.tune.bufsize + TAIL_ROOM);
}

/** Bytes of an arena that do not depend on the number of connections. */
function constantBytes(config: Configuration): number {
  const single = SINGLE_BUFFERS * bufferBytes(config);
  return FIXED_BYTES + single + configurationBytes(config) + logTargets(config) * LOG_BATCH_BYTES;
}

/**
 * Sizes of one worker.
 *
 * @param maxconn effective connection limit of the process
 * @param workers number of workers, which share `memoryLimit`
 * @param memoryLimit bytes that the whole process may use (`-m`), 0 = no limit
 */
export function workerCapacity(
  config: Configuration,
  maxconn: number,
  workers: number,
  memoryLimit: number,
): WorkerCapacity {
  const limit = arenaLimit(workers, memoryLimit);
  const capture = captureBytes(config);
  const perStream = streamBytes(config);
  const fixed = constantBytes(config) + maxconn * sessionBytes(config);
  const room = Math.max(0, limit - fixed);
  const fits = Math.max(STREAMS_MIN, Math.floor(room / perStream));
  // Server connections being closed and pipelined answers still need buffers: some to spare.
  const streams = Math.min(fits, maxconn + STREAMS_MIN);
  const wanted = fixed + streams * perStream;
  return {
    sessions: maxconn,
    streams,
    buffers: streams * BUFFERS_PER_STREAM,
    captureBytes: capture,
    arenaBytes: Math.max(ARENA_MIN, (wanted + 0xffff) & ~0xffff),
  };
}

function arenaLimit(workers: number, memoryLimit: number): number {
  if (memoryLimit === 0) return ARENA_MAX;
  return Math.max(ARENA_MIN, Math.min(ARENA_MAX, Math.floor(memoryLimit / workers)));
}

/** The most descriptors that an automatic `maxconn` counts on (3.1 fd-hard-limit). */
export function descriptorLimit(config: Configuration): number {
  return config.global.fdHardLimit || FD_HARD_LIMIT;
}

/** Descriptors that do not depend on the number of connections. */
export function reservedDescriptors(config: Configuration, workers: number): number {
  let listeners = 0;
  let checks = 0;
  for (const proxy of config.proxies) {
    listeners += proxy.binds.length * workers;
    for (const server of proxy.servers) {
      if (server.check !== null) checks++;
      if (server.agent !== null) checks++;
    }
  }
  const stats = config.global.statsSockets.length * (1 + config.global.statsMaxconn);
  // Standard streams, the runtime's own poller, timers and pipes.
  const runtime = 24;
  // Per worker: poller, eventfd, and a socket per log target.
  const perWorker = (4 + logTargets(config)) * workers;
  return runtime + perWorker + listeners + checks + stats;
}

/** Descriptors for `maxconn` connections: one to the client and one to the server each. */
export function descriptorsFor(config: Configuration, maxconn: number, workers: number): number {
  return 2 * maxconn + reservedDescriptors(config, workers);
}

/** Pipes for splicing that the process may have: `maxpipes`, by default a quarter of maxconn (3.2). */
export function pipesWanted(config: Configuration, maxconn: number): number {
  if (config.global.noSplice) return 0;
  const { maxpipes } = config.global.tune;
  return maxpipes > 0 ? maxpipes : Math.ceil(maxconn / 4);
}

/** Connections that `descriptors` serve, with the pipes that belong to so many. */
function connectionsWithin(config: Configuration, descriptors: number): number {
  const { maxpipes } = config.global.tune;
  if (config.global.noSplice) return Math.floor(descriptors / 2);
  if (maxpipes > 0) return Math.floor((descriptors - 2 * maxpipes) / 2);
  // Two for each connection and two for every fourth, or the fourth that has begun.
  return Math.floor((descriptors - 2) / 2.5);
}

/** How many pipes of two descriptors each fit beside `maxconn` connections: pipes are a luxury. */
export function pipesWithin(
  config: Configuration,
  maxconn: number,
  workers: number,
  descriptors: number,
): number {
  const left = descriptors - descriptorsFor(config, maxconn, workers);
  return Math.max(0, Math.min(pipesWanted(config, maxconn), Math.floor(left / 2)));
}

/**
 * `maxconn` when the configuration names none: what `descriptors` allow, reduced to what the
 * memory limit allows (3.2 maxconn).
 */
export function automaticMaxconn(
  config: Configuration,
  descriptors: number,
  workers: number,
  memoryLimit: number,
): number {
  const reserved = reservedDescriptors(config, workers);
  const limit = Math.min(descriptors, descriptorLimit(config));
  let maxconn = connectionsWithin(config, limit - reserved);
  if (memoryLimit > 0) {
    const perStream = streamBytes(config);
    const room = arenaLimit(workers, memoryLimit) - constantBytes(config);
    maxconn = Math.min(maxconn, Math.floor((room * workers) / (perStream + sessionBytes(config))));
  }
  return Math.max(1, maxconn);
}
