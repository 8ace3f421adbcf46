/**
 * State that all threads share: SharedArrayBuffers addressed by small integers. A proxy side, a
 * server or a listener is an *entity* with a stable number; its columns are at `entity * WIDTH`.
 *
 *   state     Int32Array, atomics        current connections, queue lengths, weights, health
 *   counters  Float64Array per worker    written without atomics by its owner, summed by readers
 *
 * The control thread owns row 0 of the counters; worker n owns row n + 1.
 */

/** Columns of `SharedState.state` per entity. All are 32-bit integers. */
export const enum State {
  /** Current sessions/connections. Atomic. */
  Current = 0,
  /** Current length of the queue. Atomic. */
  Queued = 1,
  /** Servers: `AdminFlag` bits. Proxies: 0 = running, 1 = paused, 2 = stopped. */
  Admin = 2,
  /** Servers: `Health`. */
  Health = 3,
  /** Servers: configured weight × 1, 0..256. */
  Weight = 4,
  /** Servers: check counter (rise/fall progress), written by the control thread. */
  CheckCounter = 5,
  /**
   * The process, frontends, listeners, servers: connection limit; backends: `fullconn`. 0 = none.
   * This is the limit: whoever changes it writes here and wakes the workers.
   */
  Maxconn = 6,
  /**
   * Backends: where the round of the balancing algorithm stands. `roundrobin` counts its turns, which
   * grow for ever and wrap as unsigned; the others keep a place of their own kind.
   */
  RoundRobin = 7,
  /** Backends: number of usable active / backup servers. Written by the control thread. */
  ActiveServers = 8,
  BackupServers = 9,
  /** Frontends, listeners: a worker is waiting for `Current` to fall below `Maxconn`. */
  AcceptPaused = 10,
  /** Servers: wall clock second of the last state change; backends likewise. */
  LastChange = 11,
  /** Servers: number of DOWN transitions; backends likewise. */
  Downs = 12,
  /** Servers: result of the last check, an index into the table of check results. */
  CheckStatus = 13,
  /** Servers: duration of the last check in ms. */
  CheckDuration = 14,
  /** Servers: L7 code of the last check. */
  CheckCode = 15,
  /** Servers: number of failed checks so far (while up). */
  CheckFailed = 16,
  /** Total seconds of downtime before the current state. */
  Downtime = 17,
  /** Ticket dispenser of the queue. Atomic. */
  QueueTicket = 18,
  /** Servers: idle connections over all workers. Atomic. */
  IdleConnections = 19,
  /** Backends, servers: wall clock second of the last session, 0 = none. */
  LastSession = 20,
  /** Frontends: the number of the next log line (`%lc`), wraps as unsigned. Atomic. */
  LogCount = 21,
  /** The process, frontends: sessions per second, 0 = no limit; counts of even and odd seconds. */
  SessionRateMax = 22,
  SessionRateEven = 23,
  SessionRateOdd = 24,
  /** The process: connections per second, likewise. */
  ConnectionRateMax = 25,
  ConnectionRateEven = 26,
  ConnectionRateOdd = 27,
  /** Servers: those of `IdleConnections` that only one session has used. Atomic. */
  FreshConnections = 28,
  /** Servers: those of the last agent check, as above. */
  AgentStatus = 29,
  AgentDuration = 30,
  AgentCode = 31,
  /** Servers: 1, or 0 when the agent says that the server is down. */
  AgentCounter = 32,
  WIDTH = 33,
}

export const enum Health {
  Down = 0,
  Up = 1,
  /** No check configured: always usable. */
  NoCheck = 2,
  /** Up, but it shall get no new clients (4.2 http-check disable-on-404): `NOLB`. */
  Stopping = 3,
}

export const enum AdminFlag {
  Maintenance = 1,
  Drain = 2,
  /** With `Maintenance`: because its name has no address. */
  Unresolved = 4,
  /** The server that it tracks is in maintenance, or drains. */
  InheritedMaintenance = 8,
  InheritedDrain = 16,
  /** Either kind. */
  AnyMaintenance = 9,
  AnyDrain = 18,
}

/** Columns of the counters, per entity and worker. All doubles; totals since start. */
export const enum Counter {
  /** Sessions (frontend, listener), sessions assigned (backend, server): `stot`. */
  Sessions = 0,
  /** Connections accepted / attempted: `conn_tot`, `connect`. */
  Connections = 1,
  BytesIn = 2,
  BytesOut = 3,
  DeniedRequests = 4,
  DeniedResponses = 5,
  /** `ereq` */
  RequestErrors = 6,
  /** `econ` */
  ConnectErrors = 7,
  /** `eresp` */
  ResponseErrors = 8,
  /** `wretr` */
  Retries = 9,
  /** `wredis` */
  Redispatches = 10,
  /** `hrsp_1xx` .. `hrsp_5xx`, `hrsp_other`: six columns. */
  Responses1xx = 11,
  Responses2xx = 12,
  Responses3xx = 13,
  Responses4xx = 14,
  Responses5xx = 15,
  ResponsesOther = 16,
  /** `req_tot` */
  Requests = 17,
  /** `cli_abrt` */
  ClientAborts = 18,
  /** `srv_abrt` */
  ServerAborts = 19,
  /** `lbtot` */
  Selected = 20,
  /** `reuse` */
  Reused = 21,
  /** `intercepted` */
  Intercepted = 22,
  DeniedConnections = 23,
  DeniedSessions = 24,
  /** Highest `State.Current` this worker has seen: `smax`. */
  SessionsMax = 25,
  /** Highest `State.Queued`: `qmax`. */
  QueueMax = 26,
  /** Frequency counters: the second they are for, its count, the previous second's count. */
  SessionSecond = 27,
  SessionNow = 28,
  SessionBefore = 29,
  SessionRateMax = 30,
  RequestSecond = 31,
  RequestNow = 32,
  RequestBefore = 33,
  RequestRateMax = 34,
  ConnectionSecond = 35,
  ConnectionNow = 36,
  ConnectionBefore = 37,
  ConnectionRateMax = 38,
  /** Sums over the last 1024 requests (decaying) in ms: `qtime ctime rtime ttime`. */
  QueueTimeSum = 39,
  ConnectTimeSum = 40,
  ResponseTimeSum = 41,
  TotalTimeSum = 42,
  /** Maxima in ms: `qtime_max` .. `ttime_max`. */
  QueueTimeMax = 43,
  ConnectTimeMax = 44,
  ResponseTimeMax = 45,
  TotalTimeMax = 46,
  /** Log lines that no target took. */
  LogsLost = 47,
  /** Failed header rewrites: `wrew`. */
  FailedRewrites = 48,
  InternalErrors = 49,
  /** Process: accepted connections that were the last of `maxconn`. */
  MaxconnReached = 50,
  /** Servers: connections that lie idle in this worker now. */
  IdleNow = 51,
  WIDTH = 52,
}

/** Process-wide columns: entity 0 is the process itself. */
export const PROCESS_ENTITY = 0;

/** Entities that share a count of changes in `SharedState.loadChanges`. */
export const LOAD_BLOCK = 32;

export interface SharedBuffers {
  entityCount: number;
  workerCount: number;
  state: SharedArrayBuffer;
  counters: SharedArrayBuffer;
  /** Queue hand-over, 2 words per worker and entity: head ticket, grants. */
  queue: SharedArrayBuffer;
  /** Per `LOAD_BLOCK` entities: changes of the load of servers among them. */
  loadChanges: SharedArrayBuffer;
  /** Accepted descriptors on their way to another worker: `Handoff` words per worker. */
  handoff: SharedArrayBuffer;
}

/** Layout of one worker's hand-off ring in words. Worker 0 writes, the owner reads. */
export const enum Handoff {
  /** Next slot to write, next slot to read; they wrap as unsigned. */
  Tail = 0,
  Head = 1,
  /** Client connections this worker has: who is least loaded. */
  Load = 2,
  /** In worker 0's ring: 1 when it hands over nothing any more. */
  Closed = 3,
  /** `SLOTS` triples of (descriptor, proxy index, bind index) follow. */
  First = 4,
  SLOTS = 256,
  WORDS = 4 + 3 * 256,
}

export class SharedState {
  readonly entityCount: number;
  readonly workerCount: number;
  readonly state: Int32Array;
  readonly counters: Float64Array;
  readonly queue: Int32Array;
  readonly loadChanges: Int32Array;
  readonly handoff: Int32Array;

  constructor(buffers: SharedBuffers) {
    this.entityCount = buffers.entityCount;
    this.workerCount = buffers.workerCount;
    this.state = new Int32Array(buffers.state);
    this.counters = new Float64Array(buffers.counters);
    this.queue = new Int32Array(buffers.queue);
    this.loadChanges = new Int32Array(buffers.loadChanges);
    this.handoff = new Int32Array(buffers.handoff);
  }

  static allocate(entityCount: number, workerCount: number): SharedBuffers {
    const int = Int32Array.BYTES_PER_ELEMENT;
    return {
      entityCount,
      workerCount,
      state: new SharedArrayBuffer(entityCount * State.WIDTH * int),
      counters: new SharedArrayBuffer((workerCount + 1) * entityCount * Counter.WIDTH * 8),
      queue: new SharedArrayBuffer(workerCount * entityCount * 2 * int),
      loadChanges: new SharedArrayBuffer(Math.ceil(entityCount / LOAD_BLOCK) * int),
      handoff: new SharedArrayBuffer(workerCount * Handoff.WORDS * int),
    };
  }

  /** Index of column 0 of an entity's counters in one row (0 = control, n + 1 = worker n). */
  counterBase(row: number, entity: number): number {
    return (row * this.entityCount + entity) * Counter.WIDTH;
  }

  get(entity: number, column: State): number {
    return Atomics.load(this.state, entity * State.WIDTH + column);
  }

  set(entity: number, column: State, value: number): void {
    Atomics.store(this.state, entity * State.WIDTH + column, value);
  }

  /** Announces that the connections or the queue of an entity have changed, after the change. */
  noteLoad(entity: number): void {
    Atomics.add(this.loadChanges, Math.floor(entity / LOAD_BLOCK), 1);
  }

  /** Sum of a counter over all threads. */
  sum(entity: number, column: Counter): number {
    let total = 0;
    for (let row = 0; row <= this.workerCount; row++) {
      total += this.counters[this.counterBase(row, entity) + column]!;
    }
    return total;
  }

  /** Largest value of a counter over all threads. */
  max(entity: number, column: Counter): number {
    let most = 0;
    for (let row = 0; row <= this.workerCount; row++) {
      most = Math.max(most, this.counters[this.counterBase(row, entity) + column]!);
    }
    return most;
  }
}

/** Entity numbers, assigned once from the configuration in file order. */
export interface EntityMap {
  count: number;
  /** Per proxy index: frontend side, backend side; -1 when the proxy has no such side. */
  frontend: number[];
  backend: number[];
  /** Per proxy index, then server or bind index. */
  server: number[][];
  listener: number[][];
}
