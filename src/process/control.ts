/**
 * The control thread while the proxy serves: checks, the stats socket, signals, and the end.
 * Ordinary event-driven TypeScript; it touches the data plane only through shared memory and the
 * messages of protocol.ts.
 */
import { heapStats } from 'bun:jsc';
import { LOG_WARNING } from '../log/level.ts';
import type { Configuration } from '../model/config.ts';
import { Counter, type EntityMap, type SharedState, State } from '../model/shared.ts';
import type { Console } from './console.ts';
import { ProxyState } from './initial-state.ts';
import { serverDump } from './server-dump.ts';
import { dieBySignal, type SignalActions } from './signals.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Syslog levels (configuration.txt 4.2 log). */
const LOG_NOTICE = 5;
/** After TERM a worker has this long to flush its logs. */
const HARD_STOP_MS = 2000;

export interface ControlParts {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  console: Console;
  pool: WorkerPool;
  logger: { text(proxyIndex: number, level: number, text: string): void };
  /** Ends what the control thread itself runs: checks and the stats socket. */
  close(): void;
  listeners: { pause(): void; resume(): void };
}

export class Control implements SignalActions {
  private readonly parts: ControlParts;
  private isStopping = false;

  constructor(parts: ControlParts) {
    this.parts = parts;
  }

  /** Whether the process is on its way out (`show info`: Stopping). */
  get stopping(): boolean {
    return this.isStopping;
  }

  stopNow(signal: number): void {
    this.isStopping = true;
    const end = () => dieBySignal(signal);
    // A worker that hangs must not keep the process alive.
    setTimeout(end, HARD_STOP_MS);
    this.parts.pool.stop({ type: 'stop' }).then(end);
  }

  softStop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    const { console, config } = this.parts;
    const { graceMs } = config.global;
    if (graceMs === 0) return this.stopSoftly();
    console.notice(`Scheduling a soft-stop in ${graceMs} ms.`);
    setTimeout(() => {
      console.notice('Grace period expired, proceeding with soft-stop now.');
      this.stopSoftly();
    }, graceMs);
  }

  private stopSoftly(): void {
    const { config, pool } = this.parts;
    for (const proxy of config.proxies) this.reportStopped(proxy.index);
    const limit = config.global.hardStopAfterMs;
    if (limit > 0) setTimeout(() => this.hardStop(), limit);
    this.parts.close();
    pool.stop({ type: 'soft-stop' }).then(() => this.exit());
  }

  private hardStop(): void {
    this.parts.console.warning('soft-stop running for too long, performing a hard-stop.');
    setTimeout(() => this.exit(), HARD_STOP_MS);
    this.parts.pool.stop({ type: 'stop' }).then(() => this.exit());
  }

  private exit(): void {
    process.exit(0);
  }

  private reportStopped(index: number): void {
    const { config, entities, shared, console, logger } = this.parts;
    const proxy = config.proxies[index]!;
    const fe = entities.frontend[index]!;
    const be = entities.backend[index]!;
    const total = (entity: number, column: Counter) =>
      entity < 0 ? 0 : shared.sum(entity, column);
    const text =
      `Proxy ${proxy.name} stopped (cumulated conns: ` +
      `FE: ${total(fe, Counter.Connections)}, BE: ${total(be, Counter.Sessions)}).`;
    console.warning(text);
    logger.text(index, LOG_WARNING, text);
    if (fe >= 0) shared.set(fe, State.Admin, ProxyState.Stopped);
  }

  pause(): void {
    if (!this.isStopping) this.parts.listeners.pause();
  }

  resume(): void {
    if (!this.isStopping) this.parts.listeners.resume();
  }

  dumpServers(): void {
    const { config, entities, shared, console, logger } = this.parts;
    console.warning('SIGHUP received, dumping servers states.');
    for (const proxy of config.proxies) {
      const head = `SIGHUP received, dumping servers states for proxy ${proxy.name}.`;
      logger.text(proxy.index, LOG_NOTICE, head);
      for (const line of serverDump(proxy, entities, shared)) {
        console.warning(line);
        logger.text(proxy.index, LOG_NOTICE, line);
      }
    }
  }

  dumpMemory(): void {
    // getrusage(2) and the heap itself: /proc is out of reach inside a chroot.
    const { maxRSS } = process.resourceUsage();
    const { heapSize, heapCapacity } = heapStats();
    this.parts.console.warning(
      `SIGQUIT received, memory: ${maxRSS * 1024} bytes resident at most, ${heapSize} of ` +
        `${heapCapacity} bytes of the control thread's heap used.`,
    );
    this.parts.pool.broadcast({ type: 'memory' });
  }

  refused(text: string): void {
    this.parts.console.warning(text);
  }
}
