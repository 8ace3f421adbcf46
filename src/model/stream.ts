/**
 * A session (one client connection) and a stream (one request of it, or the whole of it in TCP
 * mode): the facts that rules, logs and statistics read. Both are pooled; every field is assigned
 * in the constructor, in one order, and again by `reset`.
 *
 * @dataplane
 */
import type { Proxy, Server } from './runtime.ts';

/** Address families as the kernel numbers them. */
export const enum Family {
  None = 0,
  Unix = 1,
  Inet = 2,
  Inet6 = 10,
}

/** Who ended it, first letter of the termination state (configuration.txt 8.5). */
export const enum Cause {
  /** `-` normal end */
  None = 0,
  /** `C` client aborted, `c` client-side timeout */
  Client = 1,
  ClientTimeout = 2,
  /** `S` server aborted or refused, `s` server-side timeout */
  Server = 3,
  ServerTimeout = 4,
  /** `P` the proxy itself decided */
  Proxy = 5,
  /** `L` handled locally (redirect, return, stats) */
  Local = 6,
  /** `R` a resource is exhausted */
  Resource = 7,
  /** `I` an internal error */
  Internal = 8,
  /** `D` killed because the server went down */
  Down = 9,
  /** `U` killed because an active server came up */
  Up = 10,
  /** `K` killed by an administrator */
  Killed = 11,
}

/** When it ended, second letter of the termination state. */
export const enum Stage {
  /** `-` after the end of the data */
  None = 0,
  /** `R` waiting for a complete, valid request */
  Request = 1,
  /** `Q` in the queue */
  Queue = 2,
  /** `C` connecting to the server */
  Connect = 3,
  /** `H` waiting for response headers */
  Headers = 4,
  /** `D` transferring data */
  Data = 5,
  /** `L` sending the last data to the client */
  Last = 6,
  /** `T` tarpitted */
  Tarpit = 7,
}

export class Session {
  /** The frontend that accepted it. */
  frontend: Proxy | null;
  /** Index of the bind line within the frontend. */
  bindIndex: number;
  /** `Family` of the client's address; addresses lie at `addressOff` (source) and +16 (destination). */
  sourceFamily: Family;
  sourcePort: number;
  /** Family.None until `destination` has been asked of the kernel. */
  destinationFamily: Family;
  destinationPort: number;
  /** Arena offset of 32 bytes: source then destination, IPv4 in the first 4 bytes of each. */
  addressOff: number;
  /** Wall clock, ms since 1970, when accepted (or when the previous request ended). */
  acceptDateMs: number;
  /** Monotonic ms of the same moment. */
  acceptMs: number;
  /** Requests seen on this connection. */
  requests: number;

  constructor(addressOff: number) {
    this.frontend = null;
    this.bindIndex = 0;
    this.sourceFamily = Family.None;
    this.sourcePort = 0;
    this.destinationFamily = Family.None;
    this.destinationPort = 0;
    this.addressOff = addressOff;
    this.acceptDateMs = 0;
    this.acceptMs = 0;
    this.requests = 0;
  }
}

/** `Stream.flags` bits that logs and rules read. */
export const enum StreamFlag {
  /** At least one redispatch: `%rc` gets a `+`. */
  Redispatched = 1,
  /** The line is written before the end (`option logasap`): `+` before times and sizes. */
  LoggedEarly = 2,
  /** A request line was received (the captured text is valid). */
  HasRequest = 4,
  /** The response came from a server. */
  FromServer = 8,
  /** The request was for a tunnel and the response made it one. */
  Tunnel = 16,
}

export class Stream {
  /** `%rt`: counts up per process (workers interleave). */
  id: number;
  readonly session: Session;
  frontend: Proxy | null;
  /** The frontend itself until a backend has been chosen (`listen`: the same proxy). */
  backend: Proxy | null;
  /** Null: `<NOSRV>` in logs. */
  server: Server | null;
  flags: number;
  cause: Cause;
  stage: Stage;
  /** HTTP status sent to the client; 0 = none (`-1` in logs). */
  status: number;
  retries: number;

  // Timers: monotonic ms from the acceptance (8.4); -1 = the event never happened.
  /** Wall clock and monotonic ms at which the request's first byte came (`%tr`). */
  requestDateMs: number;
  /** Monotonic ms at stream start; all t* below are relative to it. */
  startMs: number;
  startDateMs: number;
  handshakeMs: number;
  idleMs: number;
  /** Since start: end of request head, left the queue, connected, response head, last byte. */
  requestMs: number;
  queueMs: number;
  connectMs: number;
  dataMs: number;
  closeMs: number;

  bytesIn: number;
  bytesOut: number;
  /** Positions when queued: `%sq` and `%bq`. */
  serverQueue: number;
  backendQueue: number;

  /** Capture block (see `model/capture.ts`): request line and captured fields. 0 = none. */
  captureOff: number;
  /** Bytes of the request line kept at the start of the block. */
  requestLineLen: number;
  /** Connecting address, filled for `%bi`/`%bp` on demand from `serverFd`. */
  serverFd: number;
  /** Level of the line: 6 info; an action or `log-separate-errors` may change it. */
  logLevel: number;

  constructor(session: Session) {
    this.id = 0;
    this.session = session;
    this.frontend = null;
    this.backend = null;
    this.server = null;
    this.flags = 0;
    this.cause = Cause.None;
    this.stage = Stage.None;
    this.status = 0;
    this.retries = 0;
    this.requestDateMs = 0;
    this.startMs = 0;
    this.startDateMs = 0;
    this.handshakeMs = 0;
    this.idleMs = -1;
    this.requestMs = -1;
    this.queueMs = -1;
    this.connectMs = -1;
    this.dataMs = -1;
    this.closeMs = -1;
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.serverQueue = 0;
    this.backendQueue = 0;
    this.captureOff = 0;
    this.requestLineLen = 0;
    this.serverFd = -1;
    this.logLevel = 6;
  }
}
