/**
 * A proxy section compiled for the data plane: its rules, routes, formats and limits in the form
 * that a request needs them. Made once per worker at start-up.
 */
import type { BalanceKey, Balancer } from '../balance/balancer.ts';
import { balancesPost, createBalanceKey, createBalancer } from '../balance/registry.ts';
import { compileErrorPages, type ErrorPages } from '../http/error-page.ts';
import { type FieldId, fieldId } from '../http/field.ts';
import { type CaptureLayout, captureLayout } from '../model/capture.ts';
import type {
  Configuration,
  LogFormatConfig,
  Option,
  ProxyConfig,
  RulesetName,
} from '../model/config.ts';
import { hasBackend, hasFrontend } from '../model/entity.ts';
import { Bytes, Proxy, type Server } from '../model/runtime.ts';
import type { EntityMap, SharedState } from '../model/shared.ts';
import { noVariables } from '../model/variable.ts';
import { Persist, PersistenceCookie } from '../persistence/cookie.ts';
import { compileStickRules, type StickRule } from '../persistence/stick-rules.ts';
import { LocalAnswer } from '../rules/action/local-answer.ts';
import type { ReplyArgs } from '../rules/action/reply-args.ts';
import { compileCondition } from '../rules/condition.ts';
import { type Condition, Verdict } from '../rules/context.ts';
import { fetchesIn, readsBytes, readsHead } from '../rules/fetch/use.ts';
import {
  compileLogFormat,
  defaultErrorLogFormat,
  defaultLogFormat,
  type LogFormatWriter,
  parseLogFormat,
} from '../rules/log-format.ts';
import { compileRuleset, type Ruleset } from '../rules/ruleset.ts';
import { Place, type RuleScope } from '../rules/scope.ts';
import { reserve } from '../sys/arena.ts';
import { createSockaddr } from '../sys/socket.ts';
import { createForwardedField, type ForwardedField } from './forwarded.ts';
import { createForwarding, type Forwarding } from './forwarding.ts';

/** A field that `capture` copies for the log. */
export interface CaptureField {
  id: FieldId;
  name: Bytes;
  at: number;
  max: number;
}

/** `use_backend`: a fixed backend, or a name made per request. */
export interface Route {
  condition: Condition;
  backend: Plan | null;
  name: LogFormatWriter | null;
}

/** `use-server`: a fixed server, or a name made per request. */
export interface ServerRule {
  condition: Condition;
  server: Server | null;
  name: LogFormatWriter | null;
}

/** `force-persist` or `ignore-persist`. */
export interface PersistRule {
  condition: Condition;
  persist: Persist;
}

export class Plan {
  readonly proxy: Proxy;
  readonly config: ProxyConfig;
  readonly isHttp: boolean;
  readonly options: number;
  readonly connectionRules: Ruleset;
  readonly sessionRules: Ruleset;
  readonly contentRules: Ruleset;
  readonly responseContentRules: Ruleset;
  /** The bytes of a request are looked at before it goes on: by `contentRules`, or to route it. */
  readonly inspects: boolean;
  /** In TCP mode: something asks for parts of an HTTP head. */
  readonly readsHead: boolean;
  readonly requestRules: Ruleset;
  readonly responseRules: Ruleset;
  readonly afterResponseRules: Ruleset;
  readonly errorPages: ErrorPages;
  readonly routes: Route[];
  /** Per `reqsetbe` line; null where a backend has inherited a frontend's lines. */
  readonly lineBackends: (Plan | null)[];
  defaultBackend: Plan | null;
  readonly balancer: Balancer | null;
  /** What the balancer is told about a request; null = nothing. */
  readonly balanceKey: BalanceKey | null;
  /** `cookie`; null = none. */
  readonly cookie: PersistenceCookie | null;
  readonly persistRules: PersistRule[];
  readonly useServers: ServerRule[];
  /** The body of a POST request is waited for: it may hold the key. */
  readonly balancesPost: boolean;
  /** `stick` lines, null = none. */
  readonly stickRules: readonly StickRule[] | null;
  /** By the index of the backend: those that requests of this frontend went to. */
  private readonly forwardings: Map<number, Forwarding>;
  readonly layout: CaptureLayout;
  readonly captureRequest: CaptureField[];
  readonly captureResponse: CaptureField[];
  readonly logFormat: LogFormatWriter;
  readonly errorLogFormat: LogFormatWriter | null;
  readonly logFormatSd: LogFormatWriter | null;
  private readonly failureFormats: LogFormatWriter[];
  /** `unique-id-format`, null = none. */
  readonly uniqueId: LogFormatWriter | null;
  /** `option forwarded`, null = off. */
  readonly forwarded: ForwardedField | null;
  /** No format was chosen: one line per connection when it begins (8.2.1). */
  readonly greets: boolean;
  readonly hasLogs: boolean;
  /** `capture cookie`: what a captured cookie starts with; null = none. */
  readonly cookieName: Bytes | null;

  constructor(proxy: Proxy, shared: SharedState, logurilen: number) {
    const config = proxy.config;
    this.proxy = proxy;
    this.config = config;
    this.isHttp = config.mode === 'http';
    this.options = config.options;
    const rules = (name: RulesetName) => config.rules.filter((rule) => rule.ruleset === name);
    this.connectionRules = compileRuleset(rules('tcp-request connection'));
    this.sessionRules = compileRuleset(rules('tcp-request session'));
    this.contentRules = compileRuleset(rules('tcp-request content'));
    this.responseContentRules = compileRuleset(rules('tcp-response content'));
    const fetches = fetchesIn([rules('tcp-request content'), config.useBackends]);
    this.readsHead = !this.isHttp && fetches.some(readsHead);
    const routesByBytes =
      !this.isHttp && fetches.some((name) => readsHead(name) || readsBytes(name));
    this.inspects = !this.contentRules.empty || routesByBytes;
    this.requestRules = compileRuleset(rules('http-request'));
    this.responseRules = compileRuleset(rules('http-response'));
    this.afterResponseRules = compileRuleset(rules('http-after-response'));
    this.errorPages = compileErrorPages(config, createErrorAnswers(config));
    this.routes = [];
    this.lineBackends = [];
    this.defaultBackend = null;
    this.balancer = hasBackend(config) ? createBalancer(proxy, shared) : null;
    this.balanceKey = hasBackend(config) ? createBalanceKey(config) : null;
    this.cookie = config.cookie ? new PersistenceCookie(config.cookie, proxy, shared) : null;
    this.persistRules = config.persistRules.map(({ force, condition }) => ({
      condition: compileCondition(condition),
      persist: force ? Persist.Forced : Persist.Ignored,
    }));
    this.useServers = config.useServers.map(({ server, condition }) => ({
      condition: compileCondition(condition),
      server: proxy.servers.find(({ config: { name } }) => name === server) ?? null,
      name: typeof server === 'string' ? null : compileLogFormat(server, 'raw'),
    }));
    this.balancesPost = balancesPost(config);
    this.stickRules = compileStickRules(config.stickRules, proxy.servers);
    this.forwardings = new Map();
    this.layout = captureLayout(config, logurilen);
    this.captureRequest = captures(config.captureRequest, this.layout.request);
    this.captureResponse = captures(config.captureResponse, this.layout.response);
    const format = config.logFormat ?? connectFormat(config);
    this.logFormat = compileLogFormat(format, 'log');
    this.greets = config.logFormat === null;
    const uniqueId = config.uniqueIdFormat;
    this.uniqueId = uniqueId ? compileLogFormat(uniqueId, 'unique-id') : null;
    this.forwarded = config.forwarded ? createForwardedField(config.forwarded) : null;
    const errorFormat = config.errorLogFormat;
    this.errorLogFormat = errorFormat ? compileLogFormat(errorFormat, 'log') : null;
    this.logFormatSd = config.logFormatSd ? compileLogFormat(config.logFormatSd, 'log') : null;
    this.failureFormats = config.binds.map((bind) => {
      if (!bind.ssl && !bind.acceptProxy) return this.logFormat;
      const text = defaultErrorLogFormat(bind.name ?? String(bind.id), '');
      return compileLogFormat(parseLogFormat(text, logScope(config)), 'log');
    });
    this.hasLogs = config.logs.length > 0 && hasFrontend(config);
    this.cookieName = config.captureCookie ? new Bytes(config.captureCookie.name) : null;
  }

  /** The line of a connection that failed before its first byte, up to the reason (8.2.5). */
  failureFormat(bind: number): LogFormatWriter {
    return this.failureFormats[bind]!;
  }

  has(option: Option): boolean {
    return (this.options & option) !== 0;
  }

  /** What the pair of this frontend and a backend tells the server, made when it is first used. */
  forwardingTo(backend: Plan): Forwarding {
    const { index } = backend.proxy;
    let forwarding = this.forwardings.get(index);
    if (forwarding === undefined) {
      forwarding = createForwarding(this, backend);
      this.forwardings.set(index, forwarding);
    }
    return forwarding;
  }
}

/** `http-error` with values that are made when they are needed (4.2). */
function createErrorAnswers(config: ProxyConfig): Map<number, LocalAnswer> {
  const replies = Object.entries(config.errorReplies);
  return new Map(
    replies.map(([status, args]) => {
      return [Number(status), new LocalAnswer(args as ReplyArgs, Verdict.Deny)];
    }),
  );
}

const connectFormats = new Map<ProxyConfig['mode'], LogFormatConfig>();

/** `Connect from …`: what is logged when no format is configured (8.2.1). */
function connectFormat(config: ProxyConfig): LogFormatConfig {
  const known = connectFormats.get(config.mode);
  if (known !== undefined) return known;
  const created = createConnectFormat(config);
  connectFormats.set(config.mode, created);
  return created;
}

function createConnectFormat(config: ProxyConfig): LogFormatConfig {
  return parseLogFormat(defaultLogFormat[config.mode], logScope(config));
}

function logScope(config: ProxyConfig): RuleScope {
  return {
    origin: config,
    proxy: `proxy '${config.name}'`,
    mode: config.mode,
    place: Place.Log,
    acls: new Map(),
    variables: noVariables(),
    self: config.name,
    refer: () => undefined,
    warn: () => undefined,
    readFile: () => '',
    patternFile: () => null,
    lists: new Map(),
    maps: [],
    aclMaps: new Set(),
    bufsize: 0,
    stickCounters: 0,
  };
}

function captures(
  fields: readonly { name: string }[],
  slots: readonly { at: number; max: number }[],
): CaptureField[] {
  return fields.map((field, i) => {
    const name = new Bytes(field.name.toLowerCase());
    return { id: fieldId(name.off, name.len), name, at: slots[i]!.at, max: slots[i]!.max };
  });
}

/** Compiles all proxies and links routes by name (names were checked by the parser). */
export function createPlans(
  config: Configuration,
  entities: EntityMap,
  shared: SharedState,
): Plan[] {
  const plans = config.proxies.map((proxy, i) => {
    const runtime = new Proxy(
      proxy,
      entities.frontend[i]!,
      entities.backend[i]!,
      entities.server[i]!,
    );
    for (const srv of runtime.servers) {
      srv.addressOff = reserve(128);
      srv.addressLen = createSockaddr(srv.config.address, srv.addressOff);
      const source = srv.config.sourceAddress;
      if (source === null) continue;
      srv.sourceOff = reserve(128);
      srv.sourceLen = createSockaddr(source, srv.sourceOff);
    }
    return new Plan(runtime, shared, config.global.tune.httpLogurilen);
  });
  const backends = new Map<string, Plan>();
  for (const plan of plans.toReversed()) {
    if (hasBackend(plan.config)) backends.set(plan.config.name, plan);
  }
  for (const plan of plans) link(plan, (name) => backends.get(name) ?? null);
  return plans;
}

function link(plan: Plan, backendNamed: (name: string) => Plan | null): void {
  const config = plan.config;
  for (const use of config.useBackends) {
    const fixed = typeof use.backend === 'string';
    plan.routes.push({
      condition: compileCondition(use.condition),
      backend: fixed ? backendNamed(use.backend as string) : null,
      name: typeof use.backend === 'string' ? null : compileLogFormat(use.backend, 'raw'),
    });
  }
  for (const name of config.lineBackends) plan.lineBackends.push(backendNamed(name));
  plan.defaultBackend = config.defaultBackend ? backendNamed(config.defaultBackend) : null;
  if (plan.defaultBackend === null && hasBackend(config)) plan.defaultBackend = plan;
}
