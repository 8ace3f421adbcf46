/** Rules, conditions, expressions and formats of the configuration, as plain data. */
import type { MapData, PatternData } from './pattern.ts';

/** Where a thing was written, for messages: `[file:line]`. */
export interface Origin {
  file: string;
  line: number;
}

export type RulesetName =
  | 'tcp-request connection'
  | 'tcp-request session'
  | 'tcp-request content'
  | 'tcp-response content'
  | 'http-request'
  | 'http-response'
  | 'http-after-response';

/** Rules of one ruleset and section run in this order, whatever the order of their lines. */
export const enum RuleStage {
  /** `monitor-uri`. */
  Monitor = -1,
  /** `http-request`, `http-response`, `http-after-response`. */
  Rules = 0,
  /** `reqrep`, `rspdel` and the other rules on whole lines of HAProxy 1.3 to 2.0. */
  Lines = 1,
  /** `reqadd`, `rspadd`. */
  Added = 2,
  /** `stats uri`, `stats http-request`, `stats auth`. */
  Statistics = 3,
  /** The statistics page itself. */
  Page = 4,
  /** `redirect`. */
  Redirect = 5,
}

export interface RuleConfig extends Origin {
  ruleset: RulesetName;
  /** Absent = `RuleStage.Rules`. */
  stage?: RuleStage;
  /** Name of the action row, e.g. `set-header`. */
  action: string;
  /** What the action row's `parse` returned: plain data that its `compile` understands. */
  args: unknown;
  condition: ConditionConfig | null;
}

/** OR of ANDs. `unless` is already folded into `negate` of the whole. */
export interface ConditionConfig {
  negate: boolean;
  any: ConditionTerm[][];
}

export interface ConditionTerm {
  negate: boolean;
  /** Several `acl` lines with one name are tried in order until one matches. */
  tests: AclTestConfig[];
}

export interface AclTestConfig extends Origin {
  /** Empty for an anonymous ACL. */
  name: string;
  expr: ExprConfig;
  /** Match method as after `-m`: found bool int ip bin len str beg sub dir dom end reg. */
  match: string;
  ignoreCase: boolean;
  /** With `ignoreCase`: index of the first pattern that `-i` applies to; absent = 0. */
  ignoreCaseFrom?: number;
  /** Text of the patterns on the line, in order. */
  patterns: string[];
  /** Those of files (2.7), which all tests that name a file share. */
  files: PatternData[];
}

/** A sample expression: `fetch(args),converter(args),...` */
export interface ExprConfig {
  fetch: string;
  args: ArgConfig[];
  converters: { name: string; args: ArgConfig[] }[];
  text: string;
}

/** Numbers stay numbers; strings, addresses and names stay text until compiled; maps are loaded. */
export type ArgConfig = string | number | MapData;

/** A log-format string split into its items (8.2.6). */
export interface LogFormatConfig extends Origin {
  text: string;
  items: LogFormatItem[];
}

export interface LogFormatItem {
  kind: 'text' | 'alias' | 'expr' | 'space';
  /** The literal text, the alias name without `%`, or the expression's text. */
  text: string;
  expr: ExprConfig | null;
  /** `LogFlag` bits: 1=quote (Q), 2=hex (X), 4=escape (E), 8=bin, 16=json, 32=cbor, 64=mandatory. */
  flags: number;
  /** Item name and forced type of `%(name:type)`, '' when absent. */
  name: string;
  type: string;
}
