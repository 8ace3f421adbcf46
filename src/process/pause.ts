/**
 * SIGTTOU and SIGTTIN: a process gives up its listening addresses for a while, so that a new one can
 * bind them, and takes them back if that fails (management.txt 4). Connections go on meanwhile.
 *
 *   IP address      stays bound but stops listening; another process may then listen there
 *   abstract name   closed, since two sockets cannot have it, and opened again
 *   inherited       stays open for whoever else has it; nothing is accepted
 *   path            goes on: a new process renames its own socket into place
 *
 * The workers stop looking at a socket before it changes. Stats sockets stay, except that abstract
 * names are given up too.
 */
import type { Address } from '../base/value/address.ts';
import { LOG_WARNING } from '../log/level.ts';
import type { Configuration, ProxyConfig, StatsSocketConfig } from '../model/config.ts';
import { type EntityMap, type SharedState, State } from '../model/shared.ts';
import type { StatsSocket } from '../runtime/stats-socket.ts';
import {
  ListenError,
  type ListenOptions,
  listenAgain,
  openListeners,
  Staged,
  stopListening,
} from '../transport/listen.ts';
import type { Console } from './console.ts';
import { ProxyState } from './initial-state.ts';
import { type BoundListener, type BoundSockets, statsOptions } from './sockets.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface PauseParts {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  bound: BoundSockets;
  pool: WorkerPool;
  stats: StatsSocket;
  console: Console;
  logger: { text(proxyIndex: number, level: number, text: string): void };
}

/** One address: of a `bind` line, or of a `stats socket` line. */
interface Place {
  family: Address['family'];
  /** Null for a stats socket. */
  listener: BoundListener | null;
  isPaused: boolean;
  /** The workers have let go of the socket. */
  pause(): void;
  /** @returns whether it accepts again. */
  resume(): boolean;
}

/** What is reported in one line. */
interface Group {
  title: string;
  /** Null for the stats sockets. */
  proxy: ProxyConfig | null;
  places: Place[];
}

export class ListenerPause {
  private readonly parts: PauseParts;
  private readonly groups: Group[];
  /** Signals are obeyed one after the other. */
  private last: Promise<void> = Promise.resolve();

  constructor(parts: PauseParts) {
    this.parts = parts;
    this.groups = createGroups(parts);
  }

  pause(): void {
    this.last = this.last.then(() => this.pauseNow());
  }

  resume(): void {
    this.last = this.last.then(() => this.resumeNow());
  }

  private async pauseNow(): Promise<void> {
    const open = this.groups.filter((group) => !isAllPaused(group));
    if (open.length === 0) return;
    await this.parts.pool.suspend();
    for (const group of open) {
      for (const place of group.places) {
        if (place.isPaused) continue;
        place.pause();
        place.isPaused = true;
      }
      this.report(group, 'Paused', ProxyState.Paused);
    }
  }

  private resumeNow(): void {
    const paused = this.groups.filter(({ places }) => places.some((place) => place.isPaused));
    if (paused.length === 0) return;
    for (const group of paused) {
      for (const place of group.places) if (place.isPaused) place.isPaused = !place.resume();
      this.report(group, 'Resumed', ProxyState.Running);
    }
    const listeners: BoundListener[] = [];
    for (const { places } of this.groups) {
      for (const { listener, isPaused } of places) {
        if (listener !== null && !isPaused) listeners.push(listener);
      }
    }
    this.release(listeners);
    const { console } = this.parts;
    if (!paused.some(({ places }) => places.some((place) => place.isPaused))) return;
    console.warning(
      'Some proxies refused to resume, probably due to a conflict on a listening port. You may ' +
        'want to try again after the conflicting application is stopped, otherwise a restart ' +
        'might be needed to resume safe operations.',
    );
    for (const group of paused.filter(isAllPaused)) {
      this.report(group, 'Paused', ProxyState.Paused);
    }
  }

  /** Lets the workers accept from sockets that have been opened late or again. */
  release(listeners: readonly BoundListener[]): void {
    this.parts.pool.broadcast({
      type: 'resume',
      listeners: listeners.map(({ proxy, bind, fds }) => ({ proxy, bind, fds })),
    });
  }

  private report({ title, proxy }: Group, what: string, state: ProxyState): void {
    const { console, logger, shared, entities } = this.parts;
    const text = `${what} ${title}.`;
    console.warning(text);
    if (proxy === null) return;
    logger.text(proxy.index, LOG_WARNING, text);
    shared.set(entities.frontend[proxy.index]!, State.Admin, state);
  }
}

function isAllPaused(group: Group): boolean {
  return group.places.every((place) => place.isPaused);
}

/** In HAProxy's order: after the last of its sockets, IPv6, then IPv4 and inherited, then unix. */
function createGroups({ config, bound, stats }: PauseParts): Group[] {
  const sockets = config.global.statsSockets.map((socket, i) => statsPlace(socket, stats, i));
  const groups: Group[] = [{ title: 'frontend GLOBAL', proxy: null, places: sockets }];
  for (const proxy of config.proxies) {
    const own = bound.listeners.filter((listener) => listener.proxy === proxy.index);
    const title = `${proxy.kind === 'listen' ? 'proxy' : 'frontend'} ${proxy.name}`;
    groups.push({ title, proxy, places: own.map((listener) => bindPlace(listener)) });
  }
  return groups.filter(({ places }) => places.length > 0).sort((a, b) => turnOf(a) - turnOf(b));
}

function turnOf({ places }: Group): number {
  return Math.max(
    ...places.map(({ family }) => {
      if (family === 'ipv6') return 0;
      return family === 'ipv4' || family === 'fd' ? 1 : 2;
    }),
  );
}

function bindPlace(listener: BoundListener): Place {
  const { family } = listener.options.address;
  const place: Place = {
    family,
    listener,
    isPaused: false,
    pause: () => undefined,
    resume: () => true,
  };
  if (family === 'ipv4' || family === 'ipv6') {
    place.pause = () => listener.fds.forEach(stopListening);
    place.resume = () => {
      const { backlog } = listener.options;
      if (listener.fds.every((fd) => listenAgain(fd, backlog))) return true;
      // All workers or none.
      listener.fds.forEach(stopListening);
      return false;
    };
  } else if (family === 'abns') {
    // The worker that has the socket closes it.
    place.resume = () => {
      const fd = reopen(listener.options);
      if (fd >= 0) listener.fds = [fd];
      return fd >= 0;
    };
  }
  return place;
}

function statsPlace(config: StatsSocketConfig, stats: StatsSocket, index: number): Place {
  const { family } = config.address;
  const isName = family === 'abns';
  return {
    family,
    listener: null,
    isPaused: false,
    pause: () => {
      if (isName) stats.closeOne(index);
    },
    resume: () => {
      if (!isName) return true;
      const fd = reopen(statsOptions(config));
      if (fd >= 0) stats.listenOne(index, fd);
      return fd >= 0;
    },
  };
}

/** Binds an abstract name again. @returns the descriptor, -1 when somebody else has the name. */
function reopen(options: ListenOptions): number {
  try {
    const staged = new Staged();
    const [fd] = openListeners(options, 1, staged);
    staged.listen();
    return fd!;
  } catch (error) {
    if (error instanceof ListenError) return -1;
    throw error;
  }
}
