/**
 * The worker's engine: everything its event loop needs, made once. The other files of this folder
 * are functions over it; there is one engine per thread.
 *
 * @dataplane
 */
import { ServerQueue } from '../balance/queue-order.ts';
import { type CaseAdjuster, createCaseAdjuster } from '../http/case-adjust.ts';
import { HttpMessage } from '../http/message.ts';
import { createLogger, type Logger } from '../log/logger.ts';
import type { Sink } from '../log/sink.ts';
import { Poller } from '../loop/poller.ts';
import { Timers } from '../loop/timers.ts';
import { ADDRESS_BYTES, CONNS_PER_SESSION, CONNS_SPARE, TAIL_ROOM } from '../model/capacity.ts';
import type { Configuration } from '../model/config.ts';
import type { ServiceMessage } from '../model/service.ts';
import { Counter, Handoff, SharedState, State } from '../model/shared.ts';
import { Session, type StreamFacts } from '../model/stream.ts';
import type { RuleContext } from '../rules/context.ts';
import { Sample } from '../rules/sample.ts';
import { reserve } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import { BlockPool } from '../sys/pool.ts';
import type { Listener } from '../transport/listener.ts';
import { Connection } from './conn.ts';
import { createPlans, type Plan } from './plan.ts';
import { type Conn, Stream } from './stream.ts';
import type { WorkerInit } from './worker-init.ts';

/** Most connections (both sides) of one worker. */
const CONNS_LIMIT = 1 << 20;

/** Largest log line that is built, before the target's own limit. */
const LOG_LINE_MAX = 8192;

export class Engine implements RuleContext {
  readonly config: Configuration;
  readonly init: WorkerInit;
  readonly shared: SharedState;
  /** First counter column of this worker's row. */
  readonly row: number;
  /** Where this worker's load stands in the hand-off memory. */
  readonly loadCell: number;
  readonly poller: Poller;
  readonly timers: Timers;
  readonly plans: Plan[];
  readonly logger: Logger;
  /** Where `-d` shows what streams do; null without it. */
  readonly debug: Sink | null;
  readonly queue: ServerQueue;
  readonly buffers: BlockPool;
  readonly captures: BlockPool;
  readonly bufsize: number;
  readonly maxrewrite: number;
  readonly httpMaxhdr: number;
  readonly connsMax: number;
  readonly streamsMax: number;
  /** By number, which hand-offs carry. */
  readonly listeners: Listener[];
  /** By slot; made on demand, never thrown away. */
  readonly conns: (Conn | null)[];
  private readonly freeConns: Conn[];
  readonly streams: (Stream | null)[];
  private readonly freeStreams: Stream[];
  private readonly addresses: number;
  readonly requestMsg: HttpMessage;
  readonly responseMsg: HttpMessage;
  /** Room to assemble a head or a log line. */
  readonly assembly: number;
  readonly assemblyMax: number;
  /** A copy of bytes that may be a request head; 0 = no rule of TCP mode asks for one. */
  readonly headCopy: number;
  readonly logLine: number;
  readonly logLineMax: number;
  /** `h1-case-adjust`, null when no name is listed. */
  readonly spelling: CaseAdjuster | null;
  /** Next request number of this worker; workers count in turn so that numbers are unique. */
  nextId: number;
  /** SIGUSR1 came, and when: no new connections, no keep-alive. */
  stopping: boolean;
  stopMs: number;
  /** The loop ends after this turn. */
  ended: boolean;
  /** Client connections and streams alive. */
  clients: number = 0;

  /** Connections that go on in the next turn: more is ready than one turn may take. */
  readonly resumeQueue: Conn[];
  /** Streams that were given a server slot, or may choose a server again in this turn. */
  readonly grantQueue: Stream[];
  /** Some bind line has a `nice`: the order of events matters. */
  readonly hasNice: boolean;
  /** `busy-polling`: the poller never sleeps. */
  readonly busyPolling: boolean;
  /** Tells the control thread what a stream wants of a service (service.ts). */
  readonly askControl: (message: ServiceMessage) => void;
  /** Pipes for splicing that this worker may open; 0 = none. */
  readonly pipesMax: number;

  // RuleContext
  session: Session;
  stream: StreamFacts | null;
  request: HttpMessage | null;
  response: HttpMessage | null;
  requestBytesOff: number = 0;
  requestBytesLen: number = 0;
  responseBytesOff: number = 0;
  responseBytesLen: number = 0;
  isHeadAwaited: boolean = false;
  isFinal: boolean = true;
  isUndecided: boolean = false;
  isResumed: boolean = false;
  waitMs: number = 0;
  waitBytes: number = -1;
  dropSilently: boolean = false;
  dropTtl: number = 0;
  readonly sample: Sample;
  nowDateMs: number;
  nowMs: number;
  replyBodyOff: number;
  replyBodyLen: number;
  replyFixed: boolean;
  replySilent: boolean;

  constructor(init: WorkerInit, debug: Sink | null, askControl: (message: ServiceMessage) => void) {
    const { config, shared } = init;
    const { tune } = config.global;
    this.config = config;
    this.init = init;
    this.shared = new SharedState(shared);
    this.row = init.workerIndex + 1;
    this.loadCell = init.workerIndex * Handoff.WORDS + Handoff.Load;
    this.bufsize = tune.bufsize;
    this.maxrewrite = tune.maxrewrite;
    // The limit counts the end of the list as one.
    this.httpMaxhdr = tune.httpMaxhdr - 1;
    const sessions = init.maxconn;
    // Every session may have a server connection, and idle server connections come on top.
    this.connsMax = Math.min(sessions * CONNS_PER_SESSION + CONNS_SPARE, CONNS_LIMIT);
    this.streamsMax = init.streamsMax;
    clock.update();
    this.poller = new Poller(tune.maxpollevents);
    this.listeners = [];
    this.timers = new Timers(this.listenerTimers + init.listeners.length, clock.nowMs);
    this.plans = createPlans(config, init.entities, this.shared);
    const { workerIndex, logShared } = init;
    this.logger = createLogger({ ...init, worker: workerIndex, shared: logShared });
    this.debug = debug;
    const { workerCount } = this.shared;
    this.queue = new ServerQueue(this.shared, init.workerIndex, workerCount, this.streamsMax);
    this.conns = [];
    this.freeConns = [];
    this.streams = [];
    this.freeStreams = [];
    this.addresses = reserve(this.connsMax * ADDRESS_BYTES);
    this.requestMsg = new HttpMessage(false, tune.httpMaxhdr, tune.bufsize);
    this.responseMsg = new HttpMessage(true, tune.httpMaxhdr, tune.bufsize);
    this.assemblyMax = tune.bufsize + 64;
    this.assembly = reserve(this.assemblyMax);
    this.headCopy = this.plans.some((plan) => plan.readsHead) ? reserve(tune.bufsize) : 0;
    this.logLineMax = LOG_LINE_MAX;
    this.logLine = reserve(LOG_LINE_MAX * 2);
    const captureBytes = this.plans.reduce((most, plan) => Math.max(most, plan.layout.size), 64);
    this.captures = new BlockPool(captureBytes, this.streamsMax, init.poison);
    this.buffers = new BlockPool(tune.bufsize + TAIL_ROOM, init.buffersMax, init.poison);
    const adjust = config.global.h1CaseAdjust;
    this.spelling = Object.keys(adjust).length > 0 ? createCaseAdjuster(adjust) : null;
    this.nextId = init.workerIndex;
    this.stopping = false;
    this.stopMs = 0;
    this.ended = false;
    this.resumeQueue = [];
    this.grantQueue = [];
    this.hasNice = config.proxies.some((proxy) => proxy.binds.some((bind) => bind.nice !== 0));
    this.busyPolling = config.global.busyPolling;
    this.askControl = askControl;
    this.pipesMax = shareOf(init.pipes, init.workerIndex, shared.workerCount);
    this.session = new Session(reserve(32));
    this.stream = null;
    this.request = null;
    this.response = null;
    this.sample = new Sample();
    this.nowDateMs = clock.dateMs;
    this.nowMs = clock.nowMs;
    this.replyBodyOff = 0;
    this.replyBodyLen = 0;
    this.replyFixed = false;
    this.replySilent = false;
  }

  /** Takes a connection slot, or null when the worker is full. */
  takeConn(): Conn | null {
    const free = this.freeConns.pop();
    if (free !== undefined) return free;
    if (this.conns.length >= this.connsMax) return null;
    return this.createConn();
  }

  private createConn(): Conn {
    const id = this.conns.length;
    const conn = new Connection<Stream>(id, this.addresses + id * ADDRESS_BYTES);
    this.conns.push(conn);
    return conn;
  }

  giveConn(conn: Conn): void {
    conn.generation = (conn.generation + 1) | 0;
    this.timers.drop(conn.id);
    this.freeConns.push(conn);
  }

  takeStream(session: Session, plan: Plan): Stream | null {
    let strm = this.freeStreams.pop();
    if (strm === undefined) {
      if (this.streams.length >= this.streamsMax) return null;
      strm = this.createStream(session, plan);
    }
    strm.begin(session, plan);
    strm.id = this.nextId;
    this.nextId += this.shared.workerCount;
    return strm;
  }

  private createStream(session: Session, plan: Plan): Stream {
    const strm = new Stream(this.streams.length, session, plan);
    this.streams.push(strm);
    return strm;
  }

  giveStream(strm: Stream): void {
    this.timers.drop(this.streamTimer(strm));
    this.freeStreams.push(strm);
  }

  /** Timer id of a stream; connections come first. */
  streamTimer(strm: Stream): number {
    return this.connsMax + strm.slot;
  }

  /** First timer id of listeners: they come behind connections and streams. */
  get listenerTimers(): number {
    return this.connsMax + this.streamsMax;
  }

  listenerTimer(listener: Listener): number {
    return this.listenerTimers + listener.number;
  }

  /** Adds to a counter of this worker. */
  count(entity: number, column: Counter, amount: number): void {
    const i = this.shared.counterBase(this.row, entity) + column;
    this.shared.counters[i] = this.shared.counters[i]! + amount;
  }

  raise(entity: number, column: Counter, value: number): void {
    const i = this.shared.counterBase(this.row, entity) + column;
    if (value > this.shared.counters[i]!) this.shared.counters[i] = value;
  }

  /** One more current session of an entity; keeps its maximum. @returns the new number. */
  enter(entity: number): number {
    const now = Atomics.add(this.shared.state, entity * State.WIDTH + State.Current, 1) + 1;
    this.raise(entity, Counter.SessionsMax, now);
    return now;
  }

  /** @returns the number before. */
  leave(entity: number): number {
    return Atomics.sub(this.shared.state, entity * State.WIDTH + State.Current, 1);
  }

  /** Takes the number of a frontend's next log line, unsigned. */
  nextLog(frontend: number): number {
    return Atomics.add(this.shared.state, frontend * State.WIDTH + State.LogCount, 1) >>> 0;
  }

  /** Counts an event in a frequency counter (second, now, before, and its maximum). */
  rate(entity: number, second: Counter): void {
    const counters = this.shared.counters;
    const i = this.shared.counterBase(this.row, entity) + second;
    const now = Math.floor(this.nowDateMs / 1000);
    if (counters[i] !== now) {
      counters[i + 2] = counters[i] === now - 1 ? counters[i + 1]! : 0;
      counters[i] = now;
      counters[i + 1] = 0;
    }
    const n = counters[i + 1]! + 1;
    counters[i + 1] = n;
    if (n > counters[i + 3]!) counters[i + 3] = n;
  }

  /** Lets a connection go on in the next turn. */
  resume(conn: Conn): void {
    this.resumeQueue.push(conn);
  }

  /** Points the rule context at a stream. */
  attend(strm: Stream): void {
    this.attendSession(strm.session);
    this.stream = strm;
  }

  /** Points the rule context at a client's connection that has no stream yet. */
  attendSession(session: Session): void {
    this.session = session;
    this.stream = null;
    this.requestBytesOff = 0;
    this.requestBytesLen = 0;
    this.responseBytesOff = 0;
    this.responseBytesLen = 0;
    this.isHeadAwaited = false;
    this.isFinal = true;
  }
}

/** What one of `workers` has of `count` things. */
function shareOf(count: number, index: number, workers: number): number {
  return Math.floor((count + workers - 1 - index) / workers);
}

/** The engine of this thread. */
export let engine: Engine;

export function createEngine(
  init: WorkerInit,
  debug: Sink | null,
  askControl: (message: ServiceMessage) => void,
): Engine {
  engine = new Engine(init, debug, askControl);
  return engine;
}
