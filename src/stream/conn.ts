/**
 * One TCP or unix connection of the worker, of either side: descriptor, readiness, receive buffer
 * and the framing of the body that it brings. Pooled; the slot number is its timer id.
 *
 *      buf                                                      buf + bufsize
 *       | headroom |  outRd ---- outEnd  |  inRd ---- inWr  | free |
 *                    ready for the other    received, not
 *                    side                   yet looked at
 *
 * Bytes are transformed where they lie: a rewritten head is placed so that it ends where the body
 * starts. An idle connection holds no buffer (`buf` 0).
 *
 * @dataplane
 */
import { ChunkDecoder } from '../http/h1/chunked.ts';
import { HeadState } from '../http/h1/prefix.ts';
import { BodyMode } from '../http/message.ts';
import type { Server } from '../model/runtime.ts';
import { Session } from '../model/stream.ts';
import type { Pipe } from '../transport/pipe.ts';
import { Socket } from '../transport/socket.ts';
import type { Plan } from './plan.ts';

export const enum Side {
  Free = 0,
  Client = 1,
  Server = 2,
  /** A client connection that is only drained before it is closed. */
  Linger = 3,
  /** A server connection without a stream, kept for reuse. */
  Idle = 4,
}

/** `Conn` (stream.ts) is one that carries streams. */
export class Connection<Carried> extends Socket {
  readonly id: number;
  generation: number = 0;
  side: Side = Side.Free;
  /** `nice` of the bind line: events of lower values are handled first within a turn. */
  nice: number = 0;
  outRd: number = 0;
  outEnd: number = 0;
  /** How the message that this connection brings is framed, and what is left of it. */
  body: BodyMode = BodyMode.None;
  bodyLeft: number = 0;
  /** Client side: what the bytes of an incomplete request head amount to. */
  headState: HeadState = HeadState.Start;
  readonly chunks: ChunkDecoder = new ChunkDecoder();
  /** Chunks are decoded for the other side, which does not know them (HTTP/1.0). */
  dechunk: boolean = false;
  /** Body bytes on their way inside the kernel; null = none. */
  pipe: Pipe | null = null;
  /** Bytes of this side's messages sent on to the other one, and how many the stream counted. */
  carried: number = 0;
  counted: number = 0;
  stream: Carried | null = null;
  /** Client side: the plan of its frontend. */
  plan: Plan | null = null;
  /** Client side: the session, made once per slot. */
  readonly session: Session;
  /** Client side: entity of the listener that accepted it. */
  listenerEntity: number = 0;
  /** Monotonic ms since which bytes of a request wait for a buffer; -1 = they do not. */
  starvedMs: number = -1;
  /** The request body was not read to its end. */
  unread: boolean = false;
  /** Server side. */
  server: Server | null = null;
  /** Requests that this server connection has carried. */
  uses: number = 0;
  /** What was dynamic when it was made (`reuseKey`); 0 = nothing. */
  reuseKey: number = 0;
  /** In an idle list of its server, with its neighbours there; `safe` tells which list. */
  listed: boolean = false;
  older: Connection<Carried> | null = null;
  newer: Connection<Carried> | null = null;
  safe: boolean = false;
  /** With `http-reuse never` or a private connection: the client connection that owns it. */
  owner: Connection<Carried> | null = null;
  /** Client side: the first private server connection that it owns; the others follow. */
  owned: Connection<Carried> | null = null;
  /** Client side: the server of its last request (4.2 option prefer-last-server). */
  lastServer: Server | null = null;
  nextOwned: Connection<Carried> | null = null;

  constructor(id: number, addressOff: number) {
    super();
    this.id = id;
    this.session = new Session(addressOff);
  }

  open(side: Side, fd: number): void {
    this.begin(fd);
    this.side = side;
    this.nice = 0;
    this.outRd = 0;
    this.outEnd = 0;
    this.body = BodyMode.None;
    this.bodyLeft = 0;
    this.headState = HeadState.Start;
    this.dechunk = false;
    this.carried = 0;
    this.counted = 0;
    this.stream = null;
    this.lastServer = null;
    this.plan = null;
    this.listenerEntity = 0;
    this.starvedMs = -1;
    this.unread = false;
    this.server = null;
    this.uses = 0;
    this.reuseKey = 0;
    this.listed = false;
    this.older = null;
    this.newer = null;
    this.safe = false;
    this.owner = null;
    this.owned = null;
    this.nextOwned = null;
  }
}
