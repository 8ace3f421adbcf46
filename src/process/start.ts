/**
 * The start of the process, in the order that its promises need (management.txt 3 and 5):
 *
 *   command line → configuration → (check only: exit) → limits → bind everything → stats sockets
 *   → pid file → start the workers → chroot, group, user → tell who waits → serve
 *
 * Whatever fails before the workers run leaves nothing behind: sockets are closed, unix sockets
 * have not taken their names yet, and the exit status is 1.
 */
import { hostname } from 'node:os';
import { ConfigError } from '../base/config-error.ts';
import { CheckRunner } from '../checks/runner.ts';
import { toByteString } from '../config/byte-string.ts';
import { createConditionContext, evaluateCondition } from '../config/conditions.ts';
import { defaultTune } from '../config/defaults.ts';
import { resolveFullconn } from '../config/finish.ts';
import { createLogger } from '../log/logger.ts';
import { workerCapacity } from '../model/capacity.ts';
import { numberEntities } from '../model/entity.ts';
import { SharedState } from '../model/shared.ts';
import { StatsSocket } from '../runtime/stats-socket.ts';
import { libc } from '../sys/libc.ts';
import { type CommandLine, isCommandLineError, parseCommandLine } from './command-line.ts';
import { Console } from './console.ts';
import { Control } from './control.ts';
import { detach, openNull, reportReady, runDaemon, takeDaemonPipe } from './daemon.ts';
import { writeInitialState } from './initial-state.ts';
import { applyLimits, computeLimits, readDescriptorLimit, usableCpus } from './limits.ts';
import { writePidfile } from './pidfile.ts';
import { dropPrivileges } from './privileges.ts';
import {
  createEnvironment,
  hasListener,
  loadProgram,
  type Program,
  printDiagnostics,
} from './program.ts';
import type { WorkerInit } from './protocol.ts';
import { installSignals } from './signals.ts';
import { type BoundSockets, bindAll, publish } from './sockets.ts';
import { featureText, filterLines, pollerLines, usageText, versionText } from './usage.ts';
import { openWakeFds, WorkerPool } from './worker-pool.ts';

/** Exit statuses (management.txt 3). */
const SUCCESS = 0;
const FAILURE = 1;
/** `-c`: without a listener; `-cc`: the condition cannot be evaluated. */
const TROUBLE = 2;

/**
 * Runs the program.
 * @param args the command line without the program's name
 * @param workerEntry the worker threads' program
 * @returns the exit status, or null when the proxy serves and the process must live on
 */
export async function run(args: readonly string[], workerEntry: URL): Promise<number | null> {
  const pipe = takeDaemonPipe();
  const commandLine = parseCommandLine(args);
  if (isCommandLineError(commandLine)) {
    const console = new Console({ quiet: false, verbose: false });
    if (commandLine.message !== '') console.alert(toByteString(commandLine.message));
    if (commandLine.usage) process.stdout.write(`${versionText()}${usageText()}\n`);
    return FAILURE;
  }
  if (commandLine.version > 0) return printVersion(commandLine.version);
  const console = new Console(commandLine);
  if (commandLine.directory !== null && !changeDirectory(commandLine.directory, console)) {
    return FAILURE;
  }
  if (commandLine.condition !== null) return evaluate(commandLine, console);
  const keywords = commandLine.keywordClasses;
  if (keywords === 'help') return printKeywords(keywords);
  const program = loadProgram(commandLine);
  const status = judge(program, commandLine, console, pipe !== null);
  if (keywords !== null) await printKeywords(keywords);
  if (status !== null) return status;
  if (program.config.global.daemon && pipe === null) return runDaemon(args, console);
  return serve(program, commandLine, console, workerEntry, pipe);
}

function printVersion(version: 1 | 2): number {
  const { bufsize, maxrewrite, maxpollevents } = defaultTune();
  const defaultThreads = usableCpus();
  const details = featureText({ defaultThreads, bufsize, maxrewrite, maxpollevents });
  process.stdout.write(version === 1 ? versionText() : versionText() + details);
  return SUCCESS;
}

function changeDirectory(directory: string, console: Console): boolean {
  try {
    process.chdir(directory);
    return true;
  } catch (error) {
    const reason = (error as { code?: string }).code ?? String(error);
    console.alert(`Could not change to directory ${toByteString(directory)} : ${reason}`);
    return false;
  }
}

/** `-cc`: 0 = true, 1 = false, 2 = not a condition. */
function evaluate(commandLine: CommandLine, console: Console): number {
  const context = createConditionContext(createEnvironment(commandLine));
  try {
    const text = toByteString(commandLine.condition!);
    return evaluateCondition(text, context) ? SUCCESS : FAILURE;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.alert(`config : Failed to evaluate condition: ${error.message}`);
    return TROUBLE;
  }
}

/** `-dK`. The tables are loaded only when asked for: a start does not pay for them. */
async function printKeywords(classes: string): Promise<number> {
  const { dumpKeywords } = await import('../config/keywords-dump.ts');
  process.stdout.write(dumpKeywords(classes));
  return SUCCESS;
}

/**
 * Prints what the configuration's reader found and decides whether to go on. A daemon's second
 * process has nothing to say: the first one has printed it all.
 * @returns an exit status, or null to go on
 */
function judge(
  program: Program,
  commandLine: CommandLine,
  console: Console,
  isDaemon: boolean,
): number | null {
  const { config, diagnostics } = program;
  const { global } = config;
  console.quiet = global.quiet;
  if (!isDaemon || diagnostics.errors > 0) printDiagnostics(diagnostics, commandLine, console);
  if (diagnostics.errors > 0) {
    console.alert('config : Fatal errors found in configuration.');
    return FAILURE;
  }
  if (diagnostics.warnings > 0 && global.zeroWarning) {
    console.alert("config : Some warnings were found and 'zero-warning' is set. Aborting.");
    return FAILURE;
  }
  const say = (text: string) => {
    if (!console.quiet || console.verbose) process.stdout.write(`${text}\n`);
  };
  if (commandLine.checkOnly) {
    if (diagnostics.warnings > 0) say('Warnings were found.');
    if (!hasListener(config)) {
      say('Configuration file has no error but will not start (no listener) => exit(2).');
      return TROUBLE;
    }
    if (commandLine.verbose) say('Configuration file is valid');
    return SUCCESS;
  }
  if (!hasListener(config)) {
    console.alert(
      "[sluice.main()] No enabled listener found (check for 'bind' directives) ! Exiting.",
    );
    return FAILURE;
  }
  return null;
}

/** `-d`: what HAProxy prints before it starts in debug mode. */
function printDebug(): void {
  const lines = [...pollerLines(), '', ...filterLines(), 'Using epoll() as the polling mechanism.'];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function serve(
  program: Program,
  commandLine: CommandLine,
  console: Console,
  workerEntry: URL,
  pipe: number | null,
): Promise<number | null> {
  const { config } = program;
  const { global } = config;
  if (commandLine.debug) printDebug();
  const workers = global.nbthread || usableCpus();
  const limits = computeLimits(
    config,
    workers,
    readDescriptorLimit().hard,
    commandLine.memoryLimit,
  );
  resolveFullconn(config, limits.maxconn);
  if (!applyLimits(config, workers, limits, console)) return FAILURE;
  const reusePort = !commandLine.noReusePort;
  const bound = bindAll({ config, workers, maxconn: limits.maxconn, reusePort }, console);
  if (bound === null) return FAILURE;
  // Only a daemon has a pid file, and only the daemon itself knows the pid.
  const pidfile = pipe !== null ? global.pidfile : null;
  if (pidfile !== null && !writePidfile(pidfile, console)) {
    bound.staged.abandon();
    return FAILURE;
  }
  const nullFd = pipe !== null ? openNull() : -1;

  const entities = numberEntities(config);
  const buffers = SharedState.allocate(entities.count, workers);
  const shared = new SharedState(buffers);
  const startMs = Date.now();
  writeInitialState(config, entities, shared, limits.maxconn, Math.floor(startMs / 1000));
  const wakeFds = openWakeFds(workers);
  const capacity = workerCapacity(config, limits.maxconn, workers, commandLine.memoryLimit);
  const pool = new WorkerPool(wakeFds, {
    message: (text) => console.line(text),
    crashed: (index, error) => {
      // A proxy with a dead worker would accept connections that nobody serves.
      console.alert(`[sluice.main()] Worker thread ${index + 1} ended unexpectedly: ${error}`);
      process.exit(FAILURE);
    },
  });
  const inits = createInits(bound, {
    config,
    entities,
    shared: buffers,
    workerIndex: 0,
    arenaBytes: capacity.arenaBytes,
    listeners: [],
    wakeFds,
    hostname: hostname(),
    pid: process.pid,
  });
  const logger = createLogger({
    config,
    hostname: hostname(),
    pid: process.pid,
    worker: 'control',
  });
  const notify = () => pool.broadcast({ type: 'refresh' });
  const stderr = (line: string) => console.line(line);
  const checks = new CheckRunner({ config, entities, shared, logger, notify, stderr });
  try {
    await pool.start(workerEntry, inits);
  } catch (error) {
    console.alert(`[sluice.main()] Cannot start the worker threads: ${(error as Error).message}`);
    bound.staged.abandon();
    return FAILURE;
  }
  if (!publish(bound, console)) return FAILURE;
  const control: Control = new Control({
    config,
    entities,
    shared,
    console,
    pool,
    logger,
    close: () => {
      checks.stop();
      stats.close();
    },
  });
  const stats = new StatsSocket({
    config,
    entities,
    shared,
    env: program.env,
    maxconn: limits.maxconn,
    descriptors: limits.descriptors,
    workers,
    startMs,
    stopping: () => control.stopping,
  });
  if (!dropPrivileges(global, console)) return FAILURE;
  stats.listen(bound.stats);
  installSignals(control);
  checks.start();
  console.started();
  tellOthers(commandLine);
  if (pipe !== null) {
    console.quiet = !commandLine.verbose;
    detach(config, nullFd);
    reportReady(pipe);
  }
  return null;
}

/** A `WorkerInit` per worker with the sockets that it accepts from. */
function createInits(bound: BoundSockets, base: WorkerInit): WorkerInit[] {
  return base.wakeFds.map((_, workerIndex) => ({
    ...base,
    workerIndex,
    listeners: bound.listeners.flatMap(({ proxy, bind, fds }) => {
      const fd = fds.length > 1 || workerIndex === 0 ? fds[workerIndex] : undefined;
      const shared = fds.length === 1 && base.wakeFds.length > 1;
      return fd === undefined ? [] : [{ proxy, bind, fd, shared }];
    }),
  }));
}

/** `-sf` and `-st`: the new process is in charge, the old ones may leave. */
function tellOthers(commandLine: CommandLine): void {
  const SIGUSR1 = 10;
  const SIGTERM = 15;
  for (const pid of commandLine.finishPids) libc.kill(pid, SIGUSR1);
  for (const pid of commandLine.terminatePids) libc.kill(pid, SIGTERM);
}
