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
  /** One per worker, or a single one that worker 0 accepts from for all. Empty until it is claimed. */
  fds: number[];
  /** There can only be one. */
  shared: boolean;
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
  /** Lines whose address those processes have to themselves (`claim`). */
  missing: Failure[];
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
export interface Line {
  origin: Origin;
  /** Whose it is, as messages say it: `frontend <name>`; GLOBAL for a stats socket. */
  owner: string;
  address: Address;
  open(): void;
}

export interface Failure {
  line: Line;
  error: ListenError;
}

/**
 * Opens everything, except addresses that processes which shall be replaced have to themselves:
 * those must serve until there is somebody else to.
 *
 * @returns the sockets, which nobody can reach yet (call `claim`, `publish`, `listen`), or null after
 * every failing line has been reported; nothing is left open then.
 */
export function bindAll(request: BindRequest, console: Console): BoundSockets | null {
  const { others } = request;
  const bound: BoundSockets = {
    listeners: [],
    stats: [],
    staged: new Staged(),
    others,
    asked: false,
    missing: [],
  };
  bound.missing = openLines(createLines(request, bound));
  if (bound.missing.length === 0 || (mayBeFreed(bound.missing) && tell(others, 0))) return bound;
  report(bound, console);
  giveUp(bound);
  return null;
}

/**
 * Takes the addresses that were in use: asks the processes that shall be replaced for them, with
 * SIGTTOU, and tries again for some time (management.txt 4).
 *
 * @returns the lines of the configuration that could be opened, or null after a report
 */
export async function claim(
  bound: BoundSockets,
  console: Console,
): Promise<BoundListener[] | null> {
  const late = bound.listeners.filter(({ fds }) => fds.length === 0);
  for (let tries = 0; tries < TRIES_MAX && mayBeFreed(bound.missing); tries++) {
    const isThere = tell(bound.others, SIGTTOU);
    bound.asked = true;
    if (isThere) await Bun.sleep(TRY_EVERY_MS);
    bound.missing = openLines(bound.missing.map(({ line }) => line));
    if (!isThere) break;
  }
  if (bound.missing.length === 0) return late;
  report(bound, console);
  return null;
}

function report(bound: BoundSockets, console: Console): void {
  for (const { line, error } of bound.missing) {
    const place = `[${line.origin.file}:${line.origin.line}]`;
    const protocol = protocolName(line.address);
    console.alert(`Binding ${place} for ${line.owner}: protocol ${protocol}: ${error.message}.`);
  }
  console.alert('[sluice.main()] Some protocols failed to start their listeners! Exiting.');
}

/** Only a name or a port that somebody has can become free. */
function mayBeFreed(failures: Failure[]): boolean {
  return failures.length > 0 && failures.every(({ error }) => error.code === Errno.EADDRINUSE);
}

function createLines(request: BindRequest, bound: BoundSockets): Line[] {
  const { config, workers, maxconn, reusePort } = request;
  const { staged } = bound;
  const lines: Line[] = [];
  const one = !reusePort || config.global.tune.sharesListeners;
  for (const proxy of config.proxies) {
    if (proxy.disabled) continue;
    for (const bind of proxy.binds) {
      const options = bindOptions(proxy, bind, maxconn, reusePort);
      const { family } = bind.address;
      const shared = one || (family !== 'ipv4' && family !== 'ipv6');
      const listener: BoundListener = {
        proxy: proxy.index,
        bind: bind.index,
        fds: [],
        shared: shared && workers > 1,
        options,
      };
      bound.listeners.push(listener);
      const open = () => {
        listener.fds = openListeners(options, shared ? 1 : workers, staged);
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
  return attempt(() => bound.staged.commit(), console);
}

/** Lets clients connect. @returns false after reporting why that failed. */
export function listen(bound: BoundSockets, console: Console): boolean {
  return attempt(() => bound.staged.listen(), console);
}

function attempt(step: () => void, console: Console): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    console.alert(`[sluice.main()] ${error.message}`);
    return false;
  }
}
