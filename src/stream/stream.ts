/**
 * A stream at work: one transaction of a client's connection with its plans, its connections and how
 * far it has come. Rules and logs see the facts of it only (model/stream.ts).
 *
 * @dataplane
 */
import { NO_KEY } from '../balance/balancer.ts';
import type { Method } from '../http/method.ts';
import type { Server } from '../model/runtime.ts';
import type { ServiceRequest } from '../model/service.ts';
import { type Cause, type Session, StreamFacts } from '../model/stream.ts';
import type { Connection } from './conn.ts';
import type { Plan } from './plan.ts';
import { Step, steps } from './step.ts';

/** A connection of the worker, and the stream that it carries. */
export type Conn = Connection<Stream>;

/** Why a connection does not outlive the transaction; bits, none = it persists. */
export const enum End {
  /** No message of it has been read yet. */
  Unknown = 1,
  /** The peer wants it, or speaks a version of HTTP that does not keep connections by itself. */
  Peer = 2,
  /** The configuration wants it (4.2 option httpclose and others). */
  Mode = 4,
  /** A rule wrote `Connection: close`. */
  Rule = 8,
  /** The end of the message is the end of the connection, or could not be told otherwise. */
  Framing = 16,
  /** The process stops. */
  Stopping = 32,
  /** The exchange failed, or bytes of it are left over. */
  Failure = 64,
}

/** The rulesets that a response passes, in their order. */
export const enum ResponseRules {
  /** `tcp-response content` of the backend. */
  Content = 0,
  /** `http-response` of the backend, then of the frontend. */
  Backend = 1,
  Frontend = 2,
}

export class Stream extends StreamFacts {
  /** Number of this object in its pool: timer id and queue id derive from it. */
  readonly slot: number;
  step: Step = Step.Head;
  /** Plan of the frontend, and of the backend once it is chosen. */
  plan: Plan;
  backendPlan: Plan;
  client: Conn | null = null;
  serverConn: Conn | null = null;
  /** Why the client's, and the server's connection do not persist: `End`. */
  clientEnds: number = End.Unknown;
  serverEnds: number = End.Unknown;
  /** Method as the client sent it, and as the server got it (`set-method`). */
  method: Method = 0;
  sentMethod: Method = 0;
  /** Version of the request as received: 9, 10 or 11. */
  version: number = 11;
  /** The whole request has been received from the client. */
  requestComplete: boolean = false;
  /** The whole response has been taken from the server (or there is none to take). */
  responseComplete: boolean = false;
  /** The response head has begun to go to the client: no error page is possible any more. */
  responseStarted: boolean = false;
  /** The request head, to be parsed again for rules or an answer that come later. */
  headOff: number = 0;
  headLen: number = 0;
  /** Where the body that came with the head starts in the client's buffer. */
  bodyOff: number = 0;
  /** The head is written down at `headOff`: the message may be another stream's. */
  isFrozen: boolean = false;
  /** Monotonic ms when the waiting of a rule is over; the step whose rules go on then. */
  holdUntil: number = 0;
  heldStep: Step = Step.Head;
  /** Bytes of the body that a rule waits for; 0 = all, -1 = none. */
  bodyWanted: number = 0;
  /** What the head of the request counts for: the rest of the client's bytes is its body. */
  headBytes: number = 0;
  /** The server's bytes, or the response in HTTP mode, wait for what rules say. */
  isResponseHeld: boolean = false;
  /** The response: which rules are next (`ResponseRules`), its body, the head written down before it. */
  responseRules: ResponseRules = ResponseRules.Content;
  responseBodyOff: number = 0;
  responseHeadLen: number = 0;
  /** Monotonic ms until which content rules may wait for more bytes. */
  inspectUntil: number = 0;
  /** No rule has seen the request: error pages go out as they are. */
  unruled: boolean = false;
  /** Start of the request in the client's buffer, to send it again; 0 = no longer all there. */
  resendFrom: number = 0;
  /**
   * A local answer on its way: what of it is to be sent now, in its block or in constants; then the rest
   * of a body in constants, or in bytes of the control thread, which pass through the block.
   */
  replyBlock: number = 0;
  replyRd: number = 0;
  replyEnd: number = 0;
  replyRestRd: number = 0;
  replyRestEnd: number = 0;
  replyBytes: Uint8Array | null = null;
  replyBytesRd: number = 0;
  /** Those bytes go out in chunks; false again when the last one has been made. */
  replyChunked: boolean = false;
  /** Another part of them is to come. */
  replyMore: boolean = false;
  /** What the control thread answers, until its last part is there; whether it owes one now. */
  service: ServiceRequest | null = null;
  serviceAsked: boolean = false;
  /** The tarpit rule that holds it: the plan whose it is, and its position in the ruleset. */
  tarpitPlan: Plan | null = null;
  ruleIndex: number = 0;
  /** The server that the client's cookie or a `stick` line leads to, and whether it is still to be gone to. */
  cookieServer: Server | null = null;
  isBound: boolean = false;
  ignoresCookie: boolean = false;
  /** The dates in that cookie (persistence/cookie-date.ts); 0 = none. */
  cookieLast: number = 0;
  cookieFirst: number = 0;
  /** Keys that wait to be stored (persistence.ts): their block and number. */
  stickBlock: number = 0;
  stickStores: number = 0;
  /** Names for servers (`sni`), see secure.ts; 0 = none. */
  sniBlock: number = 0;
  /** Last server tried, to prefer another one on redispatch. */
  triedServer: Server | null = null;
  /** The hash that chooses its server (4.2 balance); `NO_KEY` = it has none. */
  balanceKey: number = NO_KEY;
  /** The request asked for a protocol change (Upgrade or CONNECT). */
  upgrade: boolean = false;
  logged: boolean = false;
  /** The server connection was taken from an idle list. */
  reused: boolean = false;
  /** The whole request has gone to the server, or no more of it is wanted there. */
  requestSent: boolean = false;
  /** Tunnel: both sides have been set up; each direction has come to its end. */
  tunnelled: boolean = false;
  clientDone: boolean = false;
  serverDone: boolean = false;
  /** It ends badly: connections are not kept, and the client gets a reset. */
  aborted: boolean = false;
  /** The last head was an interim (1xx) response; the final one is still to come. */
  interim: boolean = false;
  /** Counted in its backend's current sessions. */
  inBackend: boolean = false;

  constructor(slot: number, session: Session, plan: Plan) {
    super(session);
    this.slot = slot;
    this.plan = plan;
    this.backendPlan = plan;
  }

  /** It ends because of `cause`, in the step that it is in (8.5). */
  blame(cause: Cause): void {
    this.cause = cause;
    this.stage = steps[this.step]!.stage;
  }

  /** Makes a pooled stream as good as new. */
  begin(session: Session, plan: Plan): void {
    this.reset(session);
    this.step = Step.Head;
    this.plan = plan;
    this.backendPlan = plan;
    this.client = null;
    this.serverConn = null;
    this.clientEnds = End.Unknown;
    this.serverEnds = End.Unknown;
    this.method = 0;
    this.sentMethod = 0;
    this.version = 11;
    this.requestComplete = false;
    this.responseComplete = false;
    this.responseStarted = false;
    this.headOff = 0;
    this.headLen = 0;
    this.bodyOff = 0;
    this.isFrozen = false;
    this.holdUntil = 0;
    this.heldStep = Step.Head;
    this.bodyWanted = 0;
    this.headBytes = 0;
    this.isResponseHeld = false;
    this.responseRules = ResponseRules.Content;
    this.responseBodyOff = 0;
    this.responseHeadLen = 0;
    this.inspectUntil = 0;
    this.unruled = false;
    this.resendFrom = 0;
    this.replyBlock = 0;
    this.replyRd = 0;
    this.replyEnd = 0;
    this.replyRestRd = 0;
    this.replyRestEnd = 0;
    this.replyBytes = null;
    this.replyBytesRd = 0;
    this.replyChunked = false;
    this.replyMore = false;
    this.service = null;
    this.serviceAsked = false;
    this.tarpitPlan = null;
    this.ruleIndex = 0;
    this.cookieServer = null;
    this.isBound = false;
    this.ignoresCookie = false;
    this.cookieLast = 0;
    this.cookieFirst = 0;
    this.stickBlock = 0;
    this.stickStores = 0;
    this.sniBlock = 0;
    this.triedServer = null;
    this.balanceKey = NO_KEY;
    this.upgrade = false;
    this.logged = false;
    this.reused = false;
    this.requestSent = false;
    this.tunnelled = false;
    this.clientDone = false;
    this.serverDone = false;
    this.aborted = false;
    this.interim = false;
    this.inBackend = false;
  }
}
