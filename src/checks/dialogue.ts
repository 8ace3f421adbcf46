/**
 * One check as a dialogue with a server (configuration.txt 4.2 option tcp-check, option httpchk):
 * the steps of a ruleset in turn, each of which goes on, waits for the connection, or ends the check.
 * Bytes go in and out through a `Connection`, so that what lies under it (TLS, a PROXY header) is
 * none of its business.
 *
 *   connect ──▶ send ──▶ expect ──▶ … ──▶ the result of the last rule
 *      │          │          │
 *      └──────────┴──────────┴──▶ a failure, a timeout
 */

import { unreachable } from '../base/assert.ts';
import type { HttpMessage } from '../http/message.ts';
import type {
  CheckConnectConfig,
  CheckExpectConfig,
  CheckRequestConfig,
  CheckRulesetConfig,
  CheckSendConfig,
  CheckStepConfig,
  CheckText,
  ExprConfig,
} from '../model/config.ts';
import { errnoName, errnoText } from '../sys/errno.ts';
import { fromHex, latin1 } from './bytes.ts';
import type { Clock } from './clock.ts';
import type { Connection, ConnectResult, ConnectTarget, Open } from './connection.ts';
import { matchBytes, matchResponse, ruleName } from './match.ts';
import { type CheckOutcome, type MatchResult, wait } from './outcome.ts';
import { protocolNamed } from './protocol/registry.ts';
import { requestBytes } from './request.ts';
import { type CheckResponse, readResponse } from './response.ts';
import { CheckStatus, statusNamed } from './result.ts';

export interface DialogueTask {
  ruleset: CheckRulesetConfig;
  target: Pick<ConnectTarget, 'address' | 'source'>;
  /** Sent on each connection before anything else; empty = nothing (5.2 send-proxy). */
  greeting: Uint8Array;
  /** Longest time for the connection, ms. */
  connectMs: number;
  /** Longest time for the rest, ms; -1 = what is left of `connectMs`. */
  readMs: number;
  /** Bytes of an answer that are looked at (tune.bufsize). */
  bufsize: number;
  /** tune.http.maxhdr */
  fieldsMax: number;
  text(text: CheckText, response: HttpMessage | null): string;
  integer(expression: ExprConfig, response: HttpMessage | null): number | null;
  /** Value of X-Haproxy-Server-State (4.2 http-check send-state). */
  state(): string;
  /** Whether the server is up: `http-check disable-on-404` is about such servers only. */
  isUp(): boolean;
}

export interface DialogueEnvironment {
  clock: Clock;
  open: Open;
}

/**
 * Starts one check. `done` is called once, never before this has returned.
 * @returns a function that gives the check up without a result.
 */
export function startDialogue(
  task: DialogueTask,
  environment: DialogueEnvironment,
  done: (outcome: CheckOutcome) => void,
): () => void {
  const dialogue = new Dialogue(task, environment, done);
  dialogue.run();
  return () => dialogue.end();
}

const noBytes = new Uint8Array(0);

class Dialogue {
  private readonly task: DialogueTask;
  private readonly clock: Clock;
  private readonly open: Open;
  private readonly done: (outcome: CheckOutcome) => void;
  /** The step in progress. */
  private at = 0;
  private connection: Connection | null = null;
  private isConnected = false;
  private linger = false;
  /** What the step sends, and how much of it has gone. */
  private outgoing: Uint8Array | null = null;
  private sent = 0;
  /** What came since the last time something was sent. */
  private received: Uint8Array = noBytes;
  private hasEnded = false;
  /** Method of the last request. */
  private method = '';
  private response: CheckResponse | null = null;
  private code = 0;
  private cancelTimer: () => void;

  constructor(
    task: DialogueTask,
    environment: DialogueEnvironment,
    done: (outcome: CheckOutcome) => void,
  ) {
    this.task = task;
    this.clock = environment.clock;
    this.open = environment.open;
    this.done = done;
    this.cancelTimer = this.clock.after(task.connectMs, () => this.expire());
  }

  /** Takes steps until one has to wait or the check has its result. */
  run(): void {
    const { steps } = this.task.ruleset;
    for (;;) {
      const step = steps[this.at];
      const next = step === undefined ? this.success() : this.take(step);
      if (next === 'wait') return;
      if (next !== 'next') {
        this.end();
        this.done(next);
        return;
      }
      this.at++;
    }
  }

  end(): void {
    this.cancelTimer();
    this.connection?.close(this.linger);
    this.connection = null;
  }

  private take(step: CheckStepConfig): 'next' | 'wait' | CheckOutcome {
    switch (step.type) {
      case 'connect':
        return this.connect(step);
      case 'send':
      case 'request':
        return this.send(step);
      case 'expect':
        return this.expect(step);
      default:
        return unreachable(step);
    }
  }

  private restartTimer(ms: number): void {
    this.cancelTimer();
    this.cancelTimer = this.clock.after(ms, () => this.expire());
  }

  private connect(step: CheckConnectConfig): 'next' | 'wait' {
    if (this.isConnected) {
      this.isConnected = false;
      return 'next';
    }
    const { task } = this;
    // A connection after the first one has its own time, when there is a time for connections.
    if (this.connection !== null && task.readMs >= 0) this.restartTimer(task.connectMs);
    this.connection?.close(this.linger);
    this.linger = step.linger;
    this.received = noBytes;
    this.hasEnded = false;
    this.connection = this.open(this.targetOf(step), {
      decided: (result) => this.decided(result),
      ready: () => this.run(),
    });
    return 'wait';
  }

  private targetOf(step: CheckConnectConfig): ConnectTarget {
    const { target } = this.task;
    const address = step.address ?? target.address;
    const asked = typeof step.port === 'number' ? step.port : this.task.integer(step.port, null);
    // What is no port leaves the one of the check.
    const port = asked !== null && asked > 0 && asked < 65536 ? asked : target.address.port;
    const delaysAck = this.task.ruleset.steps[this.at + 1]?.type !== 'expect';
    return { ...target, address: { ...address, port }, delaysAck };
  }

  private decided(result: ConnectResult): void {
    if (result.kind !== 'connected') {
      const failed = result.kind === 'failed';
      const status = failed ? CheckStatus.SocketError : CheckStatus.Layer4Connection;
      this.finish({ status, code: 0, info: `${result.info}${this.place()}` });
      return;
    }
    this.isConnected = true;
    const { greeting } = this.task;
    // A connection that is new takes so few bytes, or it is lost and the next step finds out.
    if (greeting.length > 0) this.connection!.send(greeting, 0);
    if (this.task.readMs >= 0) this.restartTimer(this.task.readMs);
    this.run();
  }

  private finish(outcome: CheckOutcome): void {
    this.end();
    this.done(outcome);
  }

  private send(step: CheckSendConfig | CheckRequestConfig) {
    if (this.outgoing === null) {
      const bytes = this.outgoingBytes(step);
      if (bytes === null) {
        const info = `tcp-check send : failed to build log-format string at step ${step.number}`;
        return { status: CheckStatus.Layer7Response, code: 0, info };
      }
      this.outgoing = bytes;
      this.sent = 0;
      this.received = noBytes;
    }
    while (this.sent < this.outgoing.length) {
      const count = this.connection!.send(this.outgoing, this.sent);
      if (count < 0) return this.socketError(-count);
      if (count === 0) return 'wait';
      this.sent += count;
    }
    this.outgoing = null;
    return 'next';
  }

  private outgoingBytes(step: CheckSendConfig | CheckRequestConfig): Uint8Array | null {
    if (step.type === 'request') this.method = step.method;
    const known = fixedBytes.get(step);
    if (known !== undefined) return known;
    const textOf = (text: CheckText): string => this.task.text(text, null);
    if (step.type === 'send') return remembered(step, sendBytes(step, textOf));
    const state = step.sendState ? this.task.state() : null;
    return remembered(step, requestBytes(step, textOf, state));
  }

  private socketError(code: number): CheckOutcome {
    const info = `${errnoName(code)} returned by OS (${errnoText(code)})${this.place()}`;
    return { status: CheckStatus.SocketError, code: 0, info };
  }

  private expect(step: CheckExpectConfig): 'next' | 'wait' | CheckOutcome {
    for (;;) {
      const result = this.examine(step);
      if (result.kind !== 'wait') return this.judge(step, result);
      const got = this.connection!.receive(this.task.bufsize - this.received.length);
      switch (got.kind) {
        case 'nothing':
          return 'wait';
        case 'error':
          // What came before a reset counts as before an orderly end.
          if (this.received.length === 0) return this.socketError(got.code);
          this.hasEnded = true;
          break;
        case 'end':
          this.hasEnded = true;
          break;
        case 'bytes': {
          const { received } = this;
          this.received = received.length === 0 ? got.bytes : Buffer.concat([received, got.bytes]);
        }
      }
    }
  }

  /** What the rule says about what has come so far. */
  private examine(step: CheckExpectConfig): MatchResult {
    const { received, task } = this;
    const isFull = received.length >= task.bufsize;
    const isLast = this.hasEnded || isFull;
    if (received.length === 0 && !isLast) return wait;
    const textOf = (text: CheckText): string => task.text(text, null);
    if (step.match.kind === 'protocol') {
      return protocolNamed(step.match.name).examine(received, isLast, step.number);
    }
    if (task.ruleset.kind !== 'httpchk') return matchBytes(step, received, isLast, textOf);
    const response = readResponse(received, isLast, this.method, task.fieldsMax);
    if (response === 'incomplete') return wait;
    if (response === 'invalid') {
      return { kind: 'mismatch', status: CheckStatus.SocketError, info: '' };
    }
    this.response = response;
    if (task.ruleset.disableOn404 && response.status === 404 && task.isUp()) {
      const status = CheckStatus.Layer7OkConditional;
      return { kind: 'mismatch', status, code: 404, info: '' };
    }
    return matchResponse(step, response, isFull, textOf);
  }

  private judge(
    step: CheckExpectConfig,
    result: Exclude<MatchResult, { kind: 'wait' }>,
  ): 'next' | CheckOutcome {
    const head = this.response?.head ?? null;
    if (result.code !== undefined) this.code = result.code;
    const own = step.statusCode === null ? null : this.task.integer(step.statusCode, head);
    if (own !== null) this.code = own;
    const { code } = this;
    if (result.kind === 'match') {
      if (this.at + 1 < this.task.ruleset.steps.length) return 'next';
      const status = statusNamed(step.okStatus ?? 'L7OK');
      return { status, code, info: this.successInfo(step, result.info) };
    }
    const { status, info } = result;
    // The protocol itself is broken, or the answer is a wish: no rule has been evaluated.
    if (status === CheckStatus.SocketError || info === '') return { status, code, info };
    const said = step.onError === null ? info : this.task.text(step.onError, head);
    const comment = step.comment === '' ? '' : ` comment: ${step.comment}`;
    return {
      status: step.errorStatus === null ? status : statusNamed(step.errorStatus),
      code,
      info: `${said}${comment}`,
    };
  }

  private successInfo(step: CheckExpectConfig, found = ''): string {
    if (step.onSuccess === null) return found === '' ? this.defaultInfo() : found;
    return this.task.text(step.onSuccess, this.response?.head ?? null);
  }

  private defaultInfo(): string {
    const { kind, steps } = this.task.ruleset;
    return kind === 'tcp-check' && steps.some((step) => step.number > 0) ? '(tcp-check)' : '';
  }

  /** All steps are done and the last one expects nothing. */
  private success(): CheckOutcome {
    const last = this.task.ruleset.steps.at(-1)!;
    const status = last.type === 'connect' ? CheckStatus.Layer4Ok : CheckStatus.Layer7Ok;
    return { status, code: 0, info: this.defaultInfo() };
  }

  private expire(): void {
    const step = this.task.ruleset.steps[this.at]!;
    this.finish({ status: timeoutStatus(step), code: 0, info: this.place() });
  }

  /** Where a tcp-check stands, for messages; '' for others. */
  private place(): string {
    const { kind, steps } = this.task.ruleset;
    if (kind !== 'tcp-check') return '';
    const step = steps[this.at]!;
    if (step.number === 0) return ' at initial connection step of tcp-check';
    const comment = step.comment === '' ? '' : ` comment: '${step.comment}'`;
    return ` at step ${step.number} of tcp-check (${stepName(step)})${comment}`;
  }
}

/** What is sent by steps that send the same each time. */
const fixedBytes = new WeakMap<CheckStepConfig, Uint8Array>();

function remembered(
  step: CheckSendConfig | CheckRequestConfig,
  bytes: Uint8Array | null,
): Uint8Array | null {
  if (bytes !== null && isFixed(step)) fixedBytes.set(step, bytes);
  return bytes;
}

function isFixed(step: CheckSendConfig | CheckRequestConfig): boolean {
  if (step.type === 'send') return typeof step.data === 'string';
  const texts = [step.uri, step.body ?? '', ...step.fields.map(({ value }) => value)];
  return !step.sendState && texts.every((text) => typeof text === 'string');
}

function timeoutStatus(step: CheckStepConfig): CheckStatus {
  if (step.type === 'connect') return CheckStatus.Layer4Timeout;
  if (step.type !== 'expect') return CheckStatus.Layer7Timeout;
  return statusNamed(step.timeoutStatus ?? 'L7TOUT');
}

function stepName(step: CheckStepConfig): string {
  switch (step.type) {
    case 'connect':
      return typeof step.port === 'number' && step.port > 0
        ? `connect port ${step.port}`
        : 'connect';
    case 'expect':
      return `expect ${ruleName(step.match)}`;
    default:
      return 'send';
  }
}

function sendBytes(step: CheckSendConfig, textOf: (text: CheckText) => string): Uint8Array | null {
  const text = textOf(step.data);
  return step.hex ? fromHex(text) : latin1(text);
}
