/** The shape of a command of the Runtime API: one row per command (management.txt 9.3). */
import type { Address } from '../base/value/address.ts';
import type { CheckRunner } from '../checks/runner.ts';
import type { Environment } from '../config/environment.ts';
import type { Configuration } from '../model/config.ts';
import type { Cause } from '../model/stream.ts';
import type { MapStore } from '../rules/map/store.ts';
import type { InfoSource } from '../stats/info.ts';
import type { StatsSource } from '../stats/subject.ts';
import type { StickTable } from '../stick-table/table.ts';

/** Levels of a stats socket (configuration.txt 5.1 level); each may do what the lower ones may. */
export const enum Level {
  User = 0,
  Operator = 1,
  Admin = 2,
}

export const levelNames = ['user', 'operator', 'admin'] as const;

/** What the workers are told. */
export interface WorkerCommands {
  /** Shared state has changed. */
  refresh(): void;
  /** Ends all sessions of a server. */
  shutdown(proxyIndex: number, serverIndex: number, cause: Cause): void;
  setAddress(proxyIndex: number, serverIndex: number, address: Address): void;
}

/** What all commands of the process work on. */
export interface RuntimeSource {
  config: Configuration;
  env: Environment;
  stats: StatsSource;
  info: InfoSource;
  checks: CheckRunner;
  workers: WorkerCommands;
  maps: MapStore;
  nowMs(): number;
  stickTables: readonly StickTable[];
  /** Monotonic ms, as the workers' loops and the entries of stick tables have it. */
  tickMs(): number;
}

/** Modes of a connection: closed after one line, kept open, kept open with a prompt. */
export const enum Mode {
  NonInteractive = 0,
  Interactive = 1,
  Prompt = 2,
}

/** One connection to the stats socket, as commands see and change it. */
export interface CliState {
  level: Level;
  mode: Mode;
  /** The prompt shows the uptime. */
  timed: boolean;
  timeoutMs: number;
  /** `experimental-mode on`. */
  experimental: boolean;
  /** Set by `quit`. */
  closing: boolean;
}

export interface CommandContext {
  source: RuntimeSource;
  cli: CliState;
  /** The words after the command's own. */
  args: readonly string[];
}

export interface Command {
  /** The words that name it, for example `show info`. */
  name: string;
  /** The command with its arguments, for the help. */
  usage: string;
  help: string;
  level: Level;
  /** Only on a connection in experimental mode, where the help lists it too. */
  isExperimental?: boolean;
  /** @returns the whole answer, ended by a line feed, or '' for none. */
  run(context: CommandContext): string;
}
