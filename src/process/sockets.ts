/**
 * Opens all listening sockets of a configuration before anything else starts, so that a line that
 * cannot be bound is reported with its place and leaves nothing behind (configuration.txt 5.1).
 */
import type { BindConfig, Configuration, ProxyConfig, StatsSocketConfig } from '../model/config.ts';
import { ListenError, type ListenOptions, openListeners, Staged } from '../transport/listen.ts';
import type { Console } from './console.ts';

/** The sockets of one `bind` line. */
export interface BoundListener {
  proxy: number;
  bind: number;
  /** One per worker, or a single one that worker 0 accepts from for all. */
  fds: number[];
}

export interface BoundSockets {
  listeners: BoundListener[];
  /** In the order of `global.statsSockets`. */
  stats: number[];
  staged: Staged;
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

function statsOptions(socket: StatsSocketConfig): ListenOptions {
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
}

/**
 * @returns the sockets, not yet visible under their unix paths (call `staged.commit`), or null
 * after every failing line has been reported; nothing is left open then.
 */
export function bindAll(request: BindRequest, console: Console): BoundSockets | null {
  const { config, workers, maxconn, reusePort } = request;
  const staged = new Staged();
  const bound: BoundSockets = { listeners: [], stats: [], staged };
  let failures = 0;
  const attempt = (origin: { file: string; line: number }, name: string, open: () => void) => {
    try {
      open();
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      failures++;
      const place = `[${origin.file}:${origin.line}]`;
      console.alert(`Binding ${place} for frontend ${name}: ${error.message}`);
    }
  };
  for (const proxy of config.proxies) {
    if (proxy.disabled) continue;
    for (const bind of proxy.binds) {
      attempt(bind, proxy.name, () => {
        const options = bindOptions(proxy, bind, maxconn, reusePort);
        const fds = openListeners(options, reusePort ? workers : 1, staged);
        bound.listeners.push({ proxy: proxy.index, bind: bind.index, fds });
      });
    }
  }
  for (const socket of config.global.statsSockets) {
    attempt(socket, 'GLOBAL', () => {
      bound.stats.push(openListeners(statsOptions(socket), 1, staged)[0]!);
    });
  }
  if (failures === 0) return bound;
  staged.abandon();
  console.alert('[sluice.main()] Some protocols failed to start their listeners! Exiting.');
  return null;
}

/** Gives the unix sockets their names. @returns false after reporting why that failed. */
export function publish(bound: BoundSockets, console: Console): boolean {
  try {
    bound.staged.commit();
    return true;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    console.alert(`[sluice.main()] ${error.message}`);
    bound.staged.abandon();
    return false;
  }
}
