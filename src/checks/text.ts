/**
 * Texts of checks that are made for each check: log formats and expressions (configuration.txt 8.2.6,
 * 7.3) about the backend, the server and the response. The rules engine evaluates them on a stream
 * without a client.
 */
import { hostname } from 'node:os';
import type { HttpMessage } from '../http/message.ts';
import type { CheckText, Configuration, ExprConfig, LogFormatConfig } from '../model/config.ts';
import { Proxy, type Server } from '../model/runtime.ts';
import type { EntityMap, SharedState } from '../model/shared.ts';
import { Session, StreamFacts } from '../model/stream.ts';
import { asString } from '../rules/cast.ts';
import type { RuleContext } from '../rules/context.ts';
import { createDetachedContext } from '../rules/detached-context.ts';
import type { Expression } from '../rules/evaluation.ts';
import { compileExpression } from '../rules/expression.ts';
import { compileLogFormat, initLogEnvironment } from '../rules/log-format.ts';
import { Sample, SampleType } from '../rules/sample.ts';
import { reserve, text } from '../sys/arena.ts';

/** The server that a text is about, by its place in the configuration. */
export interface CheckPlace {
  proxyIndex: number;
  serverIndex: number;
}

export interface CheckTextsOptions {
  config: Configuration;
  entities: EntityMap;
  shared: SharedState;
  pid: number;
}

export class CheckTexts {
  private readonly options: CheckTextsOptions;
  private readonly backends = new Map<number, Proxy>();
  private readonly expressions = new Map<ExprConfig, Expression>();
  private readonly sample = new Sample();
  private context: RuleContext | null = null;
  private bufferOff = 0;
  private readonly bufferBytes: number;

  constructor(options: CheckTextsOptions) {
    this.options = options;
    this.bufferBytes = options.config.global.tune.bufsize;
  }

  /** @param response the head of the response, null = none. */
  text(source: CheckText, place: CheckPlace, response: HttpMessage | null): string {
    if (typeof source === 'string') return source;
    const ctx = this.contextOf(place, response);
    const written = this.write(source, ctx);
    return text(this.bufferOff, written);
  }

  /** The value of an expression as an integer (0 when it is no number); null = there is none. */
  integer(source: ExprConfig, place: CheckPlace, response: HttpMessage | null): number | null {
    const { sample } = this;
    const ctx = this.contextOf(place, response);
    let expression = this.expressions.get(source);
    if (expression === undefined) {
      expression = compileExpression(source);
      this.expressions.set(source, expression);
    }
    if (!expression.evaluate(ctx, sample)) return null;
    if (sample.type === SampleType.Sint || sample.type === SampleType.Bool) return sample.num;
    if (!asString(sample)) return null;
    return Number(/^\s*[+-]?\d{1,15}/.exec(text(sample.off, sample.len))?.[0] ?? 0);
  }

  private write(format: LogFormatConfig, ctx: RuleContext): number {
    if (this.bufferOff === 0) this.bufferOff = reserve(this.bufferBytes);
    return compileLogFormat(format, 'raw').write(ctx, this.bufferOff, this.bufferBytes);
  }

  private contextOf(place: CheckPlace, response: HttpMessage | null): RuleContext {
    this.context ??= this.createContext();
    const ctx = this.context;
    const server = this.serverAt(place);
    const strm = ctx.stream!;
    strm.reset(ctx.session);
    strm.backend = server.backend;
    strm.server = server;
    ctx.response = response;
    ctx.nowDateMs = Date.now();
    ctx.nowMs = performance.now();
    return ctx;
  }

  private createContext(): RuleContext {
    const { shared, pid } = this.options;
    const destinationHook = (): void => {};
    initLogEnvironment({ shared, pid, hostname: hostname(), captureLayouts: [], destinationHook });
    const session = new Session(reserve(32));
    return createDetachedContext(session, new StreamFacts(session));
  }

  private serverAt({ proxyIndex, serverIndex }: CheckPlace): Server {
    let backend = this.backends.get(proxyIndex);
    if (backend === undefined) {
      const { config, entities } = this.options;
      backend = new Proxy(
        config.proxies[proxyIndex]!,
        entities.frontend[proxyIndex]!,
        entities.backend[proxyIndex]!,
        entities.server[proxyIndex]!,
      );
      this.backends.set(proxyIndex, backend);
    }
    return backend.servers[serverIndex]!;
  }
}
