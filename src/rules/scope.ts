/** Where an expression, condition or action is being parsed: what is valid there. */
import type { AclTestConfig, Origin } from '../model/config.ts';
import type { Columns, ListData, MapConfig } from '../model/pattern.ts';
import type { VariablesConfig } from '../model/variable.ts';
import type { EntityUse } from './entity.ts';
import type { TypeName } from './type-name.ts';

/** The columns of the fetch table of `-dKall`, in its order; a row's `valid` string indexes them. */
export const enum Place {
  FrontendConnection = 0,
  FrontendSession = 1,
  FrontendContent = 2,
  FrontendRequestHeader = 3,
  FrontendRequestBody = 4,
  UseBackend = 5,
  BackendContent = 6,
  BackendRequestHeader = 7,
  BackendRequestBody = 8,
  Server = 9,
  Source = 10,
  BackendResponseContent = 11,
  BackendResponseHeader = 12,
  BackendResponseBody = 13,
  StickStore = 14,
  FrontendResponseContent = 15,
  FrontendResponseHeader = 16,
  FrontendResponseBody = 17,
  Log = 18,
  TcpCheck = 19,
  ConfigParser = 20,
  CliParser = 21,
}

export interface RuleScope {
  origin: Origin;
  /** The section being parsed, as messages name it: `frontend 'main'`. */
  proxy: string;
  mode: 'tcp' | 'http';
  place: Place;
  /** The ruleset, where warnings about conditions name it. */
  ruleset?: string;
  /** Named ACLs declared so far in this section (and its defaults). */
  acls: Map<string, AclTestConfig[]>;
  /** Where the names of variables are declared. */
  variables: VariablesConfig;
  /** Name of the proxy that is meant when a line names none; '' where there is none. */
  self: string;
  /** The expression is the criterion of an ACL. */
  isCriterion?: boolean;
  /** Notes a proxy or a server that the line names, to be found when all sections are known. */
  refer(use: EntityUse): void;
  /** Records a warning for the line. */
  warn(message: string): void;
  /** Reads a file; throws ConfigError when that cannot be done. */
  readFile(path: string): string;
  /** tune.bufsize: what a rule makes must fit. */
  bufsize: number;
  /**
   * The compiled patterns of a file (`-f`).
   * @param kind how it is compiled: one file may be used in several ways
   * @param compile makes the list when this is the first use; may throw ConfigError
   * @returns null when the file cannot be opened
   */
  patternFile<T extends ListData>(
    path: string,
    kind: string,
    compile: (bytes: Uint8Array) => T,
  ): T | null;
  /** How the named lists that were met so far are used (2.7). */
  lists: Map<string, Columns>;
  /** The maps that were met so far. */
  maps: MapConfig[];
  /** Names of the maps that ACLs use. */
  aclMaps: Set<string>;
  /**
   * Declares one more request capture of so many bytes in the section (`http-request capture ...
   * len`) and returns its index. Absent where captures cannot be declared.
   */
  captureSlot?(length: number): number;
  /**
   * A stick table is referred to; whether there is one is checked when all has been read.
   * @param name '' for that of the section itself
   * @param use what to say when it does not exist (%), or does not take such keys
   * @returns its name
   */
  table?(name: string, use: Omit<TableUse, 'origin' | 'table'>): string;
  /** tune.stick-counters. */
  stickCounters: number;
  /** Notes that an expression names a userlist, which may stand further down. */
  userlist?(name: string): void;
  /** Notes that an ACL names groups of a userlist. */
  userGroups?(userlist: string, groups: readonly string[]): void;
}

/** A reference to a stick table. */
export interface TableUse {
  origin: Origin;
  table: string;
  /** The error when there is no such table. */
  missing: string;
  /** The type of the keys that will be looked for, and the error when the table has others. */
  key?: TypeName;
  mismatch?: string;
}
