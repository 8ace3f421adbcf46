/**
 * From a valid configuration to a serving proxy, in the order that its promises need:
 *
 *   limits → bind → start the workers → addresses that the old process has to itself → pid file
 *   → names of unix sockets → chroot, group, user → listen → stats socket, checks → tell who waits
 *
 * Workers may need long (lists of addresses); a process that is being replaced serves alone until
 * they are ready. Whatever fails before the end leaves nothing behind: sockets are closed, unix
 * sockets have not taken their names yet, and the exit status is 1.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { ServerAdmin } from '../checks/admin.ts';
import { Mail } from '../checks/mail.ts';
import { CheckRunner } from '../checks/runner.ts';
import { resolveFullconn } from '../config/finish.ts';
import { sluiceVersion } from '../config/version.ts';
import { createLogger, createLogShared, type Logger } from '../log/logger.ts';
import { workerCapacity } from '../model/capacity.ts';
import type { Configuration } from '../model/config.ts';
import { numberEntities } from '../model/entity.ts';
import { type EntityMap, type SharedBuffers, SharedState } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { MapStore } from '../rules/map/store.ts';
import type { WorkerCommands } from '../runtime/command.ts';
import { StatsSocket } from '../runtime/stats-socket.ts';
import type { InfoSource } from '../stats/info.ts';
import { createStatsPage, type PageSource } from '../stats/page/page.ts';
import { createExporter } from '../stats/prometheus/exporter.ts';
import { Sampler } from '../stats/sampler.ts';
import { allocateStickTables, initStickTables } from '../stick-table/registry.ts';
import type { WorkerInit } from '../stream/worker-init.ts';
import { clock } from '../sys/clock.ts';
import { libc } from '../sys/libc.ts';
import { allocateSessionCache } from '../transport/tls/session-cache.ts';
import type { CommandLine } from './command-line.ts';
import type { Console } from './console.ts';
import { Control } from './control.ts';
import { detach, openNull, reportReady } from './daemon.ts';
import type { EarlyWorkers } from './early-workers.ts';
import { writeInitialState } from './initial-state.ts';
import {
  applyLimits,
  computeLimits,
  type Limits,
  readDescriptorLimit,
  workerCount,
} from './limits.ts';
import { ListenerPause } from './pause.ts';
import { openPidfile, writePidfile } from './pidfile.ts';
import { dropPrivileges, mayEnterJail } from './privileges.ts';
import type { Program } from './program.ts';
import { startRings } from './rings.ts';
import { createServerActions } from './server-actions.ts';
import { loadServerStates } from './server-state-file.ts';
import { Services } from './services.ts';
import { installSignals } from './signals.ts';
import { type BoundSockets, bindAll, claim, giveUp, listen, publish } from './sockets.ts';
import { comeForward } from './start-priority.ts';
import { releaseDate, reportedVersion } from './usage.ts';
import { openWakeFds, WorkerPool } from './worker-pool.ts';

/** When the garbage of the start is collected, in ms after it. */
const COLLECT_START_MS = [500, 1500];
/** Syslog level of what an administrator must look at. */
const LOG_ALERT = 1;

export interface ServeRequest {
  program: Program;
  commandLine: CommandLine;
  console: Console;
  /** The worker threads' program. */
  early: EarlyWorkers;
  /** Name the program was launched by: the default log tag. */
  programName: string;
  /** In a daemon: tells the first process that the proxy serves. */
  pipe: number | null;
}

/** @returns whether the proxy serves; if not, an alert said why and nothing is left behind. */
export async function serve(request: ServeRequest): Promise<boolean> {
  const { commandLine, console } = request;
  const { config } = request.program;
  const workers = workerCount(config, console);
  const { hard } = readDescriptorLimit();
  const limits = computeLimits(config, workers, hard, commandLine.memoryLimit);
  resolveFullconn(config, limits.maxconn);
  if (!applyLimits(config, workers, limits, console)) return false;
  const reusePort = !commandLine.noReusePort && !config.global.noReusePort;
  const others = [...commandLine.finishPids, ...commandLine.terminatePids];
  const { maxconn } = limits;
  const bound = bindAll({ config, workers, maxconn, reusePort, others }, console);
  if (bound === null) return false;
  const isReady = await startServing(request, bound, limits, workers);
  if (!isReady) giveUp(bound);
  return isReady;
}

async function startServing(
  request: ServeRequest,
  bound: BoundSockets,
  limits: Limits,
  workers: number,
): Promise<boolean> {
  const { console, pipe } = request;
  const { config, env } = request.program;
  const nullFd = pipe === null ? -1 : openNull();
  const startMs = Date.now();
  let bootMs = 0;
  const entities = numberEntities(config);
  const buffers = SharedState.allocate(entities.count, workers);
  const shared = new SharedState(buffers);
  writeInitialState(config, entities, shared, limits.maxconn, Math.floor(startMs / 1000));
  const init = createInit(request, limits, entities, buffers);
  const logger = createLogger({ ...init, worker: 'control', shared: init.logShared });
  const services = new Services((text) => console.warning(text));
  const pool = createPool(init.wakeFds, console, logger, services);
  const checks = createChecks({ config, entities, shared, logger }, pool, console);
  loadServerStates(config, checks.states, console, Math.floor(startMs / 1000));
  const rings = await startRings(config, init.logShared, console);

  const sampler = new Sampler(shared, entities, startMs);
  const close = () => {
    checks.stop();
    stats.close();
    rings.close();
  };
  const common = { config, entities, shared, console, pool, logger };
  const source = {
    checks,
    workers: createCommands(pool, entities),
    stats: { config, entities, shared, sampler, checks },
    info: {
      ...createInfo(request, limits, { entities, shared, sampler, startMs }),
      stopping: (): boolean => control.stopping,
      logsLost: () => logger.lost,
      bootMs: () => bootMs,
    },
    maps: new MapStore(config.maps, (change) => pool.broadcast({ type: 'map', ...change })),
    nowMs: () => Date.now(),
  };
  const stickTables = initStickTables(config, init.stickTables);
  const stats = new StatsSocket({ config, env, stickTables, tickMs: monotonicMs, ...source });
  offerServices(services, source, { checks, pool });
  const listeners = new ListenerPause({ ...common, bound, stats });
  const control = new Control({ ...common, close, listeners });
  // Before the first connection is served: a signal must never meet its default action then.
  installSignals(control);
  if (!(await startWorkers(pool, request.early, createInits(bound, init), console))) return false;
  // Told to end meanwhile: whom this process would have replaced goes on.
  if (control.stopping) {
    giveUp(bound);
    return true;
  }
  if (!(await takeOver(request, bound, pool, listeners))) return false;
  stats.listen(bound.stats);
  checks.start();
  startSampling(sampler);
  bootMs = Math.round(performance.now());
  announce(request, nullFd);
  collectStart();
  return true;
}

/** What workers are told for the Runtime API and for checks. */
function createCommands(pool: WorkerPool, { server: servers }: EntityMap): WorkerCommands {
  return {
    refresh: () => pool.broadcast({ type: 'refresh' }),
    shutdown: (proxy, server, cause) =>
      pool.broadcast({ type: 'shutdown-sessions', server: servers[proxy]![server]!, cause }),
    setAddress: (proxy, server, address) =>
      pool.broadcast({ type: 'address', proxy, server, address }),
  };
}

/** The health checks: what they find is for the workers to look at. */
function createChecks(
  parts: { config: Configuration; entities: EntityMap; shared: SharedState; logger: Logger },
  pool: WorkerPool,
  console: Console,
): CheckRunner {
  const { refresh, shutdown } = createCommands(pool, parts.entities);
  const stderr = (line: string): void => console.line(line);
  const mail = new Mail(parts.config, (text) => console.warning(text));
  return new CheckRunner({
    ...parts,
    notify: refresh,
    shutdown,
    mail: (proxy, level, text) => mail.send(proxy, level, text),
    stderr,
  });
}

/** What the control thread answers in the name of streams. */
function offerServices(
  services: Services,
  source: Omit<PageSource, 'actions'>,
  { checks, pool }: { checks: CheckRunner; pool: WorkerPool },
): void {
  const { shared, entities } = source.stats;
  const actions = createServerActions(new ServerAdmin(shared, checks), entities, (server) =>
    pool.broadcast({ type: 'shutdown-sessions', server, cause: Cause.Killed }),
  );
  services.table.set('stats', createStatsPage({ ...source, actions }));
  services.table.set('prometheus-exporter', createExporter(source));
  services.answer = (ticket, part) => pool.answer(ticket, part);
}

/**
 * Everything is ready: the last steps until clients come.
 * @returns false after an alert
 */
async function takeOver(
  request: ServeRequest,
  bound: BoundSockets,
  pool: WorkerPool,
  listeners: ListenerPause,
): Promise<boolean> {
  const { console, pipe } = request;
  const { global } = request.program.config;
  // It may not be able to any more once rights are given up.
  comeForward();
  const late = await claim(bound, console);
  if (late === null) return false;
  // Only a daemon has a pid file, and only the daemon itself knows the pid.
  const path = pipe === null ? null : global.pidfile;
  const pidfile = path === null ? null : openPidfile(path, console);
  if (path !== null && pidfile === null) return false;
  // The names of the old process's unix sockets are lost with `publish`: what can fail comes first.
  const isOpen =
    mayEnterJail(global, console) &&
    publish(bound, console) &&
    dropPrivileges(global, console) &&
    listen(bound, console);
  if (!isOpen) return false;
  pool.serve();
  if (late.length > 0) listeners.release(late);
  if (pidfile !== null) writePidfile(pidfile);
  return true;
}

/** What `show info` knows from the start on. */
function createInfo(
  request: ServeRequest,
  limits: Limits,
  moment: Pick<InfoSource, 'entities' | 'shared' | 'sampler' | 'startMs'>,
): Omit<InfoSource, 'bootMs' | 'stopping' | 'logsLost'> {
  return {
    ...moment,
    config: request.program.config,
    workers: moment.shared.workerCount,
    maxconn: limits.maxconn,
    descriptors: limits.descriptors,
    pipes: limits.pipes,
    memoryLimit: request.commandLine.memoryLimit,
    releaseDate,
    version: reportedVersion,
    ownVersion: sluiceVersion,
    warnings: () => request.console.warnings,
    cli: { connections: 0, requests: 0 },
  };
}

/** The proxy serves: tells the processes that it replaces, and whoever waits for a daemon. */
function announce(request: ServeRequest, nullFd: number): void {
  const { commandLine, console, pipe } = request;
  console.started();
  tellOthers(commandLine);
  if (pipe === null) return;
  console.quiet = !commandLine.verbose;
  detach(request.program.config, nullFd);
  reportReady(pipe);
}

/** The clock of the workers' loops. */
function monotonicMs(): number {
  clock.update();
  return clock.nowMs;
}

/** What all workers are told; index and listeners differ. */
function createInit(
  request: ServeRequest,
  limits: Limits,
  entities: WorkerInit['entities'],
  buffers: SharedBuffers,
): WorkerInit {
  const { config } = request.program;
  const workers = buffers.workerCount;
  const { memoryLimit } = request.commandLine;
  const capacity = workerCapacity(config, limits.maxconn, workers, memoryLimit);
  return {
    config,
    entities,
    shared: buffers,
    stickTables: allocateStickTables(config),
    workerIndex: 0,
    poison: request.commandLine.poison,
    debug: request.commandLine.debug,
    maxconn: limits.maxconn,
    pipes: limits.pipes,
    streamsMax: capacity.streams,
    buffersMax: capacity.buffers,
    logShared: createLogShared(config),
    programName: request.programName,
    listeners: [],
    wakeFds: openWakeFds(workers),
    tls: createTlsShared(config),
    hostname: hostname(),
    pid: process.pid,
  };
}

/** Null when no line has `ssl`. */
function createTlsShared(config: Configuration): WorkerInit['tls'] {
  const asksFor = config.proxies.some(
    ({ binds, servers }) => binds.some(({ ssl }) => ssl) || servers.some(({ ssl }) => ssl),
  );
  if (!asksFor) return null;
  return { seed: randomBytes(64), sessions: allocateSessionCache(config.global.tls.cacheSize) };
}

function createPool(
  wakeFds: number[],
  console: Console,
  logger: Logger,
  services: Services,
): WorkerPool {
  const report = (text: string) => {
    console.alert(text);
    // A daemon has no terminal: its first log target must know as well.
    logger.text(0, LOG_ALERT, text.split('\n', 1)[0]!);
  };
  return new WorkerPool(wakeFds, {
    message: report,
    report: (text) => console.warning(text),
    serve: (message) => services.receive(message),
    crashed: (index, error) => {
      // A proxy with a dead worker would accept connections that nobody serves.
      report(`[sluice.main()] Worker thread ${index + 1} ended unexpectedly: ${error}`);
      process.exit(1);
    },
  });
}

/** A `WorkerInit` per worker with the sockets that it accepts from. */
function createInits(bound: BoundSockets, init: WorkerInit): WorkerInit[] {
  return init.wakeFds.map((_, workerIndex) => ({
    ...init,
    workerIndex,
    listeners: bound.listeners.map(({ proxy, bind, fds, shared }) => {
      return { proxy, bind, fd: fds[workerIndex] ?? fds[0] ?? -1, shared };
    }),
  }));
}

async function startWorkers(
  pool: WorkerPool,
  early: EarlyWorkers,
  inits: WorkerInit[],
  console: Console,
): Promise<boolean> {
  try {
    await pool.start(early, inits);
    return true;
  } catch (error) {
    console.alert(`[sluice.main()] Cannot start the worker threads: ${(error as Error).message}`);
    return false;
  }
}

/**
 * Reading a configuration leaves garbage behind, which the collector would only look at when as much
 * again has come; and it gives pages back to the system only in the collection after that.
 */
function collectStart(): void {
  for (const ms of COLLECT_START_MS) setTimeout(() => Bun.gc(true), ms).unref();
}

function startSampling(sampler: Sampler): void {
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    sampler.sample(Date.now(), user + system);
  }, 1000);
}

/** `-sf` and `-st`: the new process is in charge, the old ones may leave. */
function tellOthers(commandLine: CommandLine): void {
  const SIGUSR1 = 10;
  const SIGTERM = 15;
  for (const pid of commandLine.finishPids) libc.kill(pid, SIGUSR1);
  for (const pid of commandLine.terminatePids) libc.kill(pid, SIGTERM);
}
