/**
 * What is parsed and what follows from it: the configuration with the command line laid over it
 * (management.txt 3: the command line has precedence), and the environment it is read with.
 */
import { hostname } from 'node:os';
import { toByteString } from '../config/byte-string.ts';
import { createConditionContext } from '../config/conditions.ts';
import { type Diagnostic, Diagnostics } from '../config/diagnostics.ts';
import { Environment } from '../config/environment.ts';
import { resolveFullconn } from '../config/finish.ts';
import { parseConfiguration } from '../config/parser.ts';
import { formatDiagnostic } from '../config/print.ts';
import { loadSources } from '../config/sources.ts';
import { haproxyCompatibleBranch, haproxyCompatibleVersion } from '../config/version.ts';
import type { Configuration } from '../model/config.ts';
import type { CommandLine } from './command-line.ts';
import type { Console } from './console.ts';
import { logFormatVariables } from './log-variables.ts';

export interface Program {
  config: Configuration;
  diagnostics: Diagnostics;
  /** Variables as the configuration left them, for `show env`. */
  env: Environment;
  /** A file could not be read: nothing else was looked at. */
  isUnreadable: boolean;
  /** The folders of the command line have no configuration file. */
  isEmpty: boolean;
}

/** The variables of configuration.txt 2.3. */
export function createEnvironment(commandLine: CommandLine): Environment {
  return new Environment(process.env, {
    HAPROXY_STARTUP_VERSION: haproxyCompatibleVersion,
    HAPROXY_BRANCH: haproxyCompatibleBranch,
    HAPROXY_CFGFILES: commandLine.files.join(';'),
    HAPROXY_LOCALPEER: commandLine.localPeer ?? hostname(),
    ...logFormatVariables,
  });
}

/** Reads and validates the configuration; what was found stands in `diagnostics`. */
export function loadProgram(commandLine: CommandLine): Program {
  const env = createEnvironment(commandLine);
  const diagnostics = new Diagnostics();
  const sources = loadSources(commandLine.files, diagnostics);
  const isUnreadable = diagnostics.errors > 0;
  const config = parseConfiguration({
    sources: isUnreadable ? [] : sources,
    env,
    diagnostics,
    conditionContext: createConditionContext(env, commandLine),
    allowsUnresolved: commandLine.allowsUnresolved,
  });
  applyCommandLine(config, commandLine);
  const isEmpty = sources.length === 0 && !isUnreadable;
  // The parts of the configuration lie scattered among the parser's garbage, which would keep its
  // pages as long as the proxy serves; a copy lies in one piece (30 MB less with 2,000 frontends).
  const kept = commandLine.checkOnly ? config : structuredClone(config);
  return { config: kept, diagnostics, env, isUnreadable, isEmpty };
}

function applyCommandLine(config: Configuration, commandLine: CommandLine): void {
  const { global } = config;
  if (commandLine.daemon) global.daemon = true;
  if (commandLine.foreground) global.daemon = false;
  if (commandLine.maxconn > 0) global.maxconn = commandLine.maxconn;
  if (commandLine.pidfile !== null) global.pidfile = toByteString(commandLine.pidfile);
  if (commandLine.quiet) global.quiet = true;
  if (commandLine.verbose) global.quiet = false;
  if (commandLine.warningsFail) global.zeroWarning = true;
  if (commandLine.noSplice) global.noSplice = true;
  if (commandLine.proxyMaxconn > 0) {
    for (const proxy of config.proxies) {
      if (proxy.kind !== 'backend' && proxy.maxconn === 0) {
        proxy.maxconn = commandLine.proxyMaxconn;
      }
    }
  }
  resolveFullconn(config, global.maxconn);
}

/** Prints what was found, in the order of the files. `-dD` shows the suspicious things too. */
export function printDiagnostics(
  diagnostics: Diagnostics,
  commandLine: CommandLine,
  console: Console,
): void {
  const shown = diagnostics.list.filter(
    (found) => found.severity !== 'DIAG' || commandLine.diagnostics,
  );
  const last = lastOfWrongFiles(shown);
  for (const found of shown) {
    console.line(formatDiagnostic(found, process.pid));
    if (last.has(found)) {
      console.alert(`config : Error(s) found in configuration file : ${found.origin!.file}`);
    }
  }
}

/** The last finding of each file with errors: the file's name is repeated after it. */
function lastOfWrongFiles(shown: readonly Diagnostic[]): Set<Diagnostic> {
  const wrong = new Set<string>();
  const byFile = new Map<string, Diagnostic>();
  for (const found of shown) {
    if (found.origin === null) continue;
    if (found.severity === 'ALERT') wrong.add(found.origin.file);
    byFile.set(found.origin.file, found);
  }
  return new Set([...byFile.values()].filter((found) => wrong.has(found.origin!.file)));
}

/** Whether there is an address to accept from: of a proxy, or a stats socket (3.1). */
export function hasListener(config: Configuration): boolean {
  if (config.global.statsSockets.length > 0) return true;
  return config.proxies.some((proxy) => !proxy.disabled && proxy.binds.length > 0);
}
