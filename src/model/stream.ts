/**
 * A session (one client connection) and a stream (one request of it, or the whole of it in TCP
 * mode): the facts that rules, logs and statistics read. What else a stream holds is its own affair
 * (stream/stream.ts). Both are pooled; every field has a value from its declaration on, in one
 * order, and again by `reset`.
 *
 * @dataplane
 */
import type { CounterSet } from './counter-set.ts';
import type { Bytes, Proxy, Server } from './runtime.ts';
import type { TlsState } from './tls.ts';

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

/** The letter for the client's persistence cookie (8.5). */
export const enum CookieIn {
  /** Does not apply. */
  Off = 0x2d,
  None = 0x4e,
  Invalid = 0x49,
  Down = 0x44,
  Valid = 0x56,
  Expired = 0x45,
  Old = 0x4f,
  Unused = 0x55,
}

/** The letter for the server's persistence cookie (8.5). */
export const enum CookieOut {
  Off = 0x2d,
  None = 0x4e,
  Inserted = 0x49,
  Updated = 0x55,
  Provided = 0x50,
  Rewritten = 0x52,
  Deleted = 0x44,
}

export class Session {
  /** The frontend that accepted it. */
  frontend: Proxy | null = null;
  /** Index of the bind line within the frontend. */
  bindIndex: number = 0;
  /** `Family` of the client's address; addresses lie at `addressOff` (source) and +16 (destination). */
  sourceFamily: Family = Family.None;
  sourcePort: number = 0;
  /** Family.None until `destination` has been asked of the kernel. */
  destinationFamily: Family = Family.None;
  destinationPort: number = 0;
  /** Arena offset of 32 bytes: source then destination, IPv4 in the first 4 bytes of each. */
  addressOff: number;
  /** Wall clock, ms since 1970, when accepted (or when the previous request ended). */
  acceptDateMs: number = 0;
  /** Monotonic ms of the same moment. */
  acceptMs: number = 0;
  /** Requests seen on this connection. */
  requests: number = 0;
  /** TLS of the client's connection; null = it is plain. */
  tls: TlsState | null = null;
  /** How long its handshake took, in ms; -1 = it was not completed. 0 from the second request on. */
  handshakeMs: number = 0;
  /** Descriptor of the client's connection, to ask for the destination address. */
  fd: number = -1;
  /** Variables of the scope `sess` (see `rules/variable/local-store.ts`), 0 = none. */
  variables: number = 0;
  /** The entries of stick tables that it tracks; null until it has tracked one. */
  counters: CounterSet | null = null;

  constructor(addressOff: number) {
    this.addressOff = addressOff;
  }
}

/** `StreamFacts.flags` bits that logs and rules read. */
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
  /** A server has been tried or an answer made: `req` variables are gone (2.8). */
  Responding = 32,
  /** A rule forbids to send the request again (4.3 disable-l7-retry). */
  NoRetry = 64,
}

export class StreamFacts {
  /** `%rt`: counts up per process (workers interleave). */
  id: number = 0;
  session: Session;
  frontend: Proxy | null = null;
  /** The frontend itself until a backend has been chosen (`listen`: the same proxy). */
  backend: Proxy | null = null;
  /** Null: `<NOSRV>` in logs. */
  server: Server | null = null;
  flags: number = 0;
  cause: Cause = Cause.None;
  stage: Stage = Stage.None;
  cookieIn: CookieIn = CookieIn.Off;
  cookieOut: CookieOut = CookieOut.Off;
  /** HTTP status sent to the client; 0 = none (`-1` in logs). */
  status: number = 0;
  retries: number = 0;

  // Timers: monotonic ms from the acceptance (8.4); -1 = the event never happened.
  /** Wall clock and monotonic ms at which the request's first byte came (`%tr`). */
  requestDateMs: number = 0;
  /** Monotonic ms at stream start; all t* below are relative to it. */
  startMs: number = 0;
  startDateMs: number = 0;
  handshakeMs: number = 0;
  idleMs: number = -1;
  /** Since start: end of request head, left the queue, connected, response head, last byte. */
  requestMs: number = -1;
  queueMs: number = -1;
  connectMs: number = -1;
  dataMs: number = -1;
  closeMs: number = -1;

  bytesIn: number = 0;
  bytesOut: number = 0;
  /** How much of the two is in the counters already. */
  countedIn: number = 0;
  countedOut: number = 0;
  /** Positions when queued: `%sq` and `%bq`. */
  serverQueue: number = 0;
  backendQueue: number = 0;

  /** Capture block (see `model/capture.ts`): request line and captured fields. 0 = none. */
  captureOff: number = 0;
  /** Bytes of the request line kept at the start of the block. */
  requestLineLen: number = 0;
  /** The unique ID (`unique-id-format`) once it has been made, length 0 = none. */
  uniqueIdOff: number = 0;
  uniqueIdLen: number = 0;
  /** Connecting address, filled for `%bi`/`%bp` on demand from `serverFd`. */
  serverFd: number = -1;
  /** TLS of the server's connection, as long as the stream has it; null = plain or none. */
  serverTls: TlsState | null = null;
  /** Level of the line: 6 info; an action or `log-separate-errors` may change it; -1 = silent. */
  logLevel: number = 6;
  /** Variables of the scopes `txn`, `req` and `res`, 0 = none. */
  variables: number = 0;

  /** The server whose slot (`State.Current`) this stream holds. */
  slotHeld: Server | null = null;
  /** Its accounts are closed; only the log line is still to come. */
  ended: boolean = false;
  /** Proxy-Connection speaks for the connection (`option http-use-proxy-header`). */
  proxied: boolean = false;
  /** The applet that answers in place of a server, as logs name it: `<STATS>`. */
  applet: Bytes | null = null;
  /** The backend that a `reqsetbe` line chose: index in the frontend's `lineBackends`; -1 = none. */
  lineBackend: number = -1;
  /** The entries of stick tables that it tracks; null until this object has tracked one. */
  counters: CounterSet | null = null;

  constructor(session: Session) {
    this.session = session;
  }

  /** Makes a pooled stream as good as new. */
  reset(session: Session): void {
    this.session = session;
    this.frontend = session.frontend;
    this.backend = session.frontend;
    this.server = null;
    this.flags = 0;
    this.cause = Cause.None;
    this.stage = Stage.None;
    this.cookieIn = CookieIn.Off;
    this.cookieOut = CookieOut.Off;
    this.status = 0;
    this.retries = 0;
    this.handshakeMs = 0;
    this.idleMs = -1;
    this.requestMs = -1;
    this.queueMs = -1;
    this.connectMs = -1;
    this.dataMs = -1;
    this.closeMs = -1;
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.countedIn = 0;
    this.countedOut = 0;
    this.serverQueue = 0;
    this.backendQueue = 0;
    this.captureOff = 0;
    this.requestLineLen = 0;
    this.uniqueIdOff = 0;
    this.uniqueIdLen = 0;
    this.serverFd = -1;
    this.serverTls = null;
    this.logLevel = 6;
    this.variables = 0;
    this.slotHeld = null;
    this.ended = false;
    this.proxied = false;
    this.applet = null;
    this.lineBackend = -1;
  }
}
