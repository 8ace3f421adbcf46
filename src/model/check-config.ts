/** Health checks and agent checks of the configuration, as plain data (configuration.txt 4.2, 5.2). */
import type { Address } from '../base/value/address.ts';
import type { ExprConfig, LogFormatConfig } from './rule-config.ts';

/** `check` of a server line with its timings (5.2). */
export interface CheckConfig {
  interMs: number;
  /** -1 = same as `interMs`. */
  fastinterMs: number;
  downinterMs: number;
  rise: number;
  fall: number;
  address: Address | null;
  port: number;
  /** `check-send-proxy`. */
  sendsProxy: boolean;
}

/** `agent-check` of a server line (5.2). */
export interface AgentConfig {
  interMs: number;
  /** Null = where the server is checked. */
  address: Address | null;
  port: number;
  /** Sent when the connection is there; null = nothing. */
  send: string | null;
}

/** What the servers of a backend are asked (4.2 `option httpchk` and the other kinds of check). */
export interface CheckRulesetConfig {
  /** The option's name; `tcp` when none is written. */
  kind: string;
  /** The first one connects. */
  steps: CheckStepConfig[];
  /** `http-check disable-on-404`: a server that is up and answers 404 gets no new clients. */
  disableOn404: boolean;
  /** `option external-check`: a program, and where it finds others. */
  external: { command: string; path: string } | null;
}

export type CheckStepConfig =
  | CheckConnectConfig
  | CheckSendConfig
  | CheckRequestConfig
  | CheckExpectConfig;

interface CheckStep {
  /** Position among the lines of the ruleset as messages count, from 1; 0 = not written. */
  number: number;
  comment: string;
}

export interface CheckConnectConfig extends CheckStep {
  type: 'connect';
  /** Null = that of the server's check. */
  address: Address | null;
  /** 0 = that of the server's check. */
  port: number | ExprConfig;
  /** End the connection in order instead of with a reset. */
  linger: boolean;
}

/** Text that may differ from one check to the next. */
export type CheckText = string | LogFormatConfig;

export interface CheckSendConfig extends CheckStep {
  type: 'send';
  data: CheckText;
  /** The format's result is hexadecimal digits. */
  hex: boolean;
}

/** An HTTP request (4.2 `option httpchk`, `http-check send`). */
export interface CheckRequestConfig extends CheckStep {
  type: 'request';
  method: string;
  uri: CheckText;
  version: string;
  fields: { name: string; value: CheckText }[];
  body: CheckText | null;
  /** `http-check send-state`. */
  sendState: boolean;
}

export interface CheckExpectConfig extends CheckStep {
  type: 'expect';
  match: CheckMatchConfig;
  negate: boolean;
  /** Bytes to wait for before the match is tried; its result is final then. -1 = not said. */
  minRecv: number;
  /** Names of results, such as `L7OK`; null = the usual one of the match. */
  okStatus: string | null;
  errorStatus: string | null;
  timeoutStatus: string | null;
  onSuccess: CheckText | null;
  onError: CheckText | null;
  statusCode: ExprConfig | null;
}

export type CheckMatchConfig =
  /** The bytes that came, or the body of the HTTP response. */
  | { kind: 'string' | 'binary' | 'regex' | 'binary-regex'; text: string }
  | { kind: 'string-format' | 'binary-format'; format: CheckText }
  /** HTTP: ranges of status codes, both ends included; or a regular expression. */
  | { kind: 'status'; ranges: [number, number][] }
  | { kind: 'status-regex'; text: string }
  /** HTTP: a field; `full` does not split its value at commas. */
  | { kind: 'field'; name: FieldMatchConfig; value: FieldMatchConfig | null; full: boolean }
  /** The answer of a protocol, by the name of a row of `checks/protocol`. */
  | { kind: 'protocol'; name: string };

export interface FieldMatchConfig {
  how: 'str' | 'beg' | 'end' | 'sub' | 'reg';
  text: CheckText;
}
