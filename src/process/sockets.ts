/**
 * Opens all listening sockets of a configuration before anything else starts, so that a line that
 * cannot be bound is reported with its place and leaves nothing behind (configuration.txt 5.1).
 */
import { constants } from 'node:os';
import type { Address } from '../base/value/address.ts';
import type {
  BindConfig,
  Configuration,
  Origin,
  ProxyConfig,
  StatsSocketConfig,
} from '../model/config.ts';
import { Errno } from '../sys/errno.ts';
import { libc } from '../sys/libc.ts';
import {
  ListenError,
  type ListenOptions,
  openListeners,
  protocolName,
  Staged,
} from '../transport/listen.ts';
import type { Console } from './console.ts';

const { SIGTTOU, SIGTTIN } = constants.signals;

/** As HAProxy: two seconds, in short steps. */
const TRIES_MAX = 200;
const TRY_EVERY_MS = 10;

/** The sockets of one `bind` line. */
export interface BoundListener {
  proxy: number;
  bind: number;
  /** One per worker, or a single one that worker 0 accepts from for all. */
  fds: number[];
  options: ListenOptions;
}

export interface BoundSockets {
  listeners: BoundListener[];
  /** In the order of `global.statsSockets`. */
  stats: number[];
  staged: Staged;
  /** The processes to be replaced, and whether they were asked to stop listening. */
  others: readonly number[];
  asked: boolean;
}

/**
 * 4.2 backlog, 5.1 backlog: the bind line's, else the proxy's, else what the proxy may have at a
 * time. The kernel caps it at net.core.somaxconn.
 */
function backlogOf(proxy: ProxyConfig, bind: BindConfig, maxconn: number): number {
  return bind.backlog || proxy.backlog || bind.maxconn || proxy.maxconn || maxconn;
}

function bindOptions(
  proxy: ProxyConfig,
  bind: BindConfig,
  maxconn: number,
  reusePort: boolean,
): ListenOptions {
  return {
    address: bind.address,
    backlog: backlogOf(proxy, bind, maxconn),
    reusePort,
    interface: bind.interface,
    mss: bind.mss,
    deferAccept: bind.deferAccept,
    tfo: bind.tfo,
    v4v6: bind.v4v6,
    v6only: bind.v6only,
    mode: bind.mode,
    uid: bind.uid,
    gid: bind.gid,
    tcpUserTimeout: bind.tcpUserTimeout,
  };
}

export function statsOptions(socket: StatsSocketConfig): ListenOptions {
  return {
    address: socket.address,
    backlog: socket.backlog || socket.maxconn || 10,
    reusePort: true,
    interface: null,
    mss: 0,
    deferAccept: 0,
    tfo: false,
    v4v6: false,
    v6only: false,
    mode: socket.mode,
    uid: socket.uid,
    gid: socket.gid,
    tcpUserTimeout: -1,
  };
}

export interface BindRequest {
  config: Configuration;
  workers: number;
  maxconn: number;
  /** False after `-dR`: one socket per line, shared by all workers. */
  reusePort: boolean;
  /** Processes that shall be replaced (`-sf`, `-st`): asked to give up addresses that are in use. */
  others: readonly number[];
}

/** A `bind` or `stats socket` line that is to be opened. */
interface Line {
  origin: Origin;
  /** Whose it is, as messages say it: `frontend <name>`; GLOBAL for a stats socket. */
  owner: string;
  address: Address;
  open(): void;
}

interface Failure {
  line: Line;
  error: ListenError;
}

/**
 * Opens everything. Addresses that are in use are asked for, with SIGTTOU to the processes that
 * shall be replaced, and tried again for some time (management.txt 4).
 *
 * @returns the sockets, not yet visible under their unix paths (call `publish`), or null after
 * every failing line has been reported; nothing is left open then.
 */
export async function bindAll(
  request: BindRequest,
  console: Console,
): Promise<BoundSockets | null> {
  const bound: BoundSockets = {
    listeners: [],
    stats: [],
    staged: new Staged(),
    others: request.others,
    asked: false,
  };
  let failures = openLines(createLines(request, bound));
  for (let tries = 0; tries < TRIES_MAX && mayBeFreed(failures); tries++) {
    if (!tell(request.others, SIGTTOU)) break;
    bound.asked = true;
    await Bun.sleep(TRY_EVERY_MS);
    failures = openLines(failures.map(({ line }) => line));
  }
  if (failures.length === 0) return bound;
  for (const { line, error } of failures) {
    const place = `[${line.origin.file}:${line.origin.line}]`;
    const protocol = protocolName(line.address);
    console.alert(`Binding ${place} for ${line.owner}: protocol ${protocol}: ${error.message}.`);
  }
  giveUp(bound);
  console.alert('[sluice.main()] Some protocols failed to start their listeners! Exiting.');
  return null;
}

/** Only a name or a port that somebody has can become free. */
function mayBeFreed(failures: Failure[]): boolean {
  return failures.length > 0 && failures.every(({ error }) => error.code === Errno.EADDRINUSE);
}

function createLines(request: BindRequest, bound: BoundSockets): Line[] {
  const { config, workers, maxconn, reusePort } = request;
  const { staged } = bound;
  const lines: Line[] = [];
  const perLine = reusePort && !config.global.tune.sharesListeners ? workers : 1;
  for (const proxy of config.proxies) {
    if (proxy.disabled) continue;
    for (const bind of proxy.binds) {
      const options = bindOptions(proxy, bind, maxconn, reusePort);
      const open = () => {
        const fds = openListeners(options, perLine, staged);
        bound.listeners.push({ proxy: proxy.index, bind: bind.index, fds, options });
      };
      const owner = `${proxy.kind === 'listen' ? 'proxy' : 'frontend'} ${proxy.name}`;
      lines.push({ origin: bind, owner, address: bind.address, open });
    }
  }
  config.global.statsSockets.forEach((socket, i) => {
    const open = () => {
      bound.stats[i] = openListeners(statsOptions(socket), 1, staged)[0]!;
    };
    lines.push({ origin: socket, owner: 'frontend GLOBAL', address: socket.address, open });
  });
  return lines;
}

/** @returns the lines that could not be opened. */
function openLines(lines: Line[]): Failure[] {
  const failures: Failure[] = [];
  for (const line of lines) {
    try {
      line.open();
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      failures.push({ line, error });
    }
  }
  return failures;
}

/** @returns whether any of the processes is there. */
function tell(pids: readonly number[], signal: number): boolean {
  return pids.filter((pid) => libc.kill(pid, signal) === 0).length > 0;
}

/** The start has failed: leaves nothing behind, and the old processes listen again. */
export function giveUp(bound: BoundSockets): void {
  bound.staged.abandon();
  if (bound.asked) tell(bound.others, SIGTTIN);
}

/** Gives the unix sockets their names. @returns false after reporting why that failed. */
export function publish(bound: BoundSockets, console: Console): boolean {
  try {
    bound.staged.commit();
    return true;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    console.alert(`[sluice.main()] ${error.message}`);
    return false;
  }
}
