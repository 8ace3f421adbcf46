/**
 * What the command line asks for (management.txt 3): help, versions, lists, a check of the
 * configuration, a daemon, or a proxy in the foreground; and the exit status of each.
 */
import { basename } from 'node:path';
import { ConfigError } from '../base/config-error.ts';
import { toByteString } from '../config/byte-string.ts';
import { createConditionContext, evaluateConditionLine } from '../config/conditions.ts';
import { LexerError } from '../config/lexer.ts';
import { defaultTune } from '../model/defaults.ts';
import { usableCpus } from '../sys/affinity.ts';
import { errnoText } from '../sys/errno.ts';
import { setProcessName, setProcessTitle } from '../sys/process-name.ts';
import { type CommandLine, isCommandLineError, parseCommandLine } from './command-line.ts';
import { Console, isOneFile } from './console.ts';
import { runDaemon, takeDaemonPipe } from './daemon.ts';
import type { EarlyWorkers } from './early-workers.ts';
import {
  createEnvironment,
  hasListener,
  loadProgram,
  type Program,
  printDiagnostics,
} from './program.ts';
import { serve } from './serve.ts';
import { ignorePauses } from './signals.ts';
import { comeForward } from './start-priority.ts';
import { featureText, filterLines, pollerLines, usageText, versionText } from './usage.ts';

/** Exit statuses (management.txt 3). */
const SUCCESS = 0;
const FAILURE = 1;
/** `-c`: without a listener; `-cc`: the condition cannot be evaluated. */
const TROUBLE = 2;

/**
 * Runs the program.
 * @param args the command line without the program's name
 * @param early worker threads that load meanwhile
 * @returns the exit status, or null when the proxy serves and the process must live on
 */
export async function run(args: readonly string[], early: EarlyWorkers): Promise<number | null> {
  ignorePauses();
  const pipe = takeDaemonPipe();
  const commandLine = parseCommandLine(args);
  if (isCommandLineError(commandLine)) {
    const console = new Console({ quiet: false, verbose: false });
    if (commandLine.message !== '') console.alert(toByteString(commandLine.message));
    return commandLine.usage ? printUsage() : FAILURE;
  }
  if (commandLine.version !== 0) return printVersion(commandLine.version);
  const console = new Console(commandLine);
  if (commandLine.directory !== null && !changeDirectory(commandLine.directory, console)) {
    return FAILURE;
  }
  if (commandLine.condition !== null) return evaluate(commandLine, console);
  const keywords = commandLine.keywordClasses;
  if (keywords === 'help') return printKeywords(keywords, console);
  const program = loadProgram(commandLine);
  if (program.isEmpty) {
    const folders = commandLine.files.map((file) => `'${toByteString(file)}'`).join(', ');
    console.alert(`config : no file whose name ends in '.cfg' in ${folders}.`);
    return printUsage();
  }
  const status = judge(program, commandLine, console, pipe !== null);
  if (keywords !== null) await printKeywords(keywords, console);
  if (status !== null) return status;
  if (program.config.global.daemon && pipe === null) {
    // The daemon takes its own priority from this process, and stands back by itself.
    comeForward();
    return runDaemon(args, console);
  }
  if (commandLine.debug) printDebug();
  // The launcher says what it was called by; the one-file release is what it was called by.
  const calledBy = isOneFile ? process.execPath : (process.env['SLUICE_NAME'] ?? '');
  const programName = basename(calledBy) || 'sluice';
  setProcessName(programName);
  if (!isOneFile && calledBy !== '') setProcessTitle([calledBy, ...args]);
  const serves = await serve({ program, commandLine, console, early, programName, pipe });
  return serves ? null : FAILURE;
}

function printUsage(): number {
  process.stdout.write(versionText());
  process.stderr.write(`${usageText()}\n`);
  return FAILURE;
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
    const reason = errnoText(Math.abs((error as { errno?: number }).errno ?? 0));
    console.alert(`Could not change to directory ${toByteString(directory)} : ${reason}`);
    return false;
  }
}

/** `-cc`: 0 = true, 1 = false, 2 = not a condition. */
function evaluate(commandLine: CommandLine, console: Console): number {
  const context = createConditionContext(createEnvironment(commandLine), commandLine);
  try {
    const text = toByteString(commandLine.condition!);
    return evaluateConditionLine(text, context) ? SUCCESS : FAILURE;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problem =
      error instanceof LexerError
        ? `Syntax Error in condition: ${error.what[0]!.toUpperCase()}${error.what.slice(1)}.`
        : `Failed to evaluate condition: ${error.message}`;
    console.alert(problem);
    return TROUBLE;
  }
}

/** `-dK`. The tables are loaded only when asked for: a start does not pay for them. */
async function printKeywords(list: string, console: Console): Promise<number> {
  const { dumpKeywords, unknownClasses } = await import('../config/keywords-dump.ts');
  const { commands } = await import('../runtime/registry.ts');
  const classes = list.split(',').filter((name) => name !== '');
  for (const name of unknownClasses(classes)) {
    console.alert(`'-dK' : unknown class '${toByteString(name)}', see '-dKhelp'.`);
  }
  process.stdout.write(dumpKeywords(classes, commands));
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
    if (!program.isUnreadable) console.alert('config : Fatal errors found in configuration.');
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
