/**
 * What a fetch, an ACL or an action works on. One context per worker, pointed at the stream whose
 * turn it is; nothing in it survives the evaluation.
 *
 * @dataplane
 */
import type { HttpMessage } from '../http/message.ts';
import type { ReplyContext } from '../http/reply-context.ts';
import type { Sample } from './sample.ts';

export interface RuleContext extends ReplyContext {
  /** The request head; null when it has gone to the server already, or in TCP mode. */
  request: HttpMessage | null;
  /**
   * The bytes of a request that have come and lie unchanged in their buffer (7.3.5 "request buffer"),
   * and those of a response; length 0 = none, or they have gone.
   */
  requestBytesOff: number;
  requestBytesLen: number;
  responseBytesOff: number;
  responseBytesLen: number;
  /** In TCP mode: those bytes may still become the HTTP head that `request` is without. */
  isHeadAwaited: boolean;
  /** Nothing more will come that a rule could wait for: what cannot be decided now is false. */
  isFinal: boolean;
  /** The action that asked to wait is called again: what it waited for is there, or its time is over. */
  isResumed: boolean;
  /** With Wait, from an action: for how long at most, in ms. */
  waitMs: number;
  /** And for how many bytes of the body: 0 = all of it; -1 = for none, only for the time to pass. */
  waitBytes: number;
  /** Set by a condition that more bytes may still make true; it counts as false until then. */
  isUndecided: boolean;
  /**
   * With Drop: the client must not be told that the connection is gone (`silent-drop`). The reset may
   * go so many hops; 0 = none is sent where the system allows that.
   */
  dropSilently: boolean;
  dropTtl: number;
  /** Registers of the evaluation in progress. */
  readonly sample: Sample;
  /** Wall clock and monotonic ms of this turn of the loop. */
  nowDateMs: number;
  nowMs: number;
  /** The process is on its way out. */
  stopping: boolean;
}

/** What a rule says after it ran. */
export const enum Verdict {
  /** Go on with the next rule. */
  Continue = 0,
  /** Stop this ruleset, the request goes on (`allow`). */
  Allow = 1,
  /** Refuse: send the prepared answer; counted and logged as denied (`PR--`). */
  Deny = 2,
  /** The proxy itself answers (`redirect`, `return`; `LR--`). */
  Reply = 3,
  /** Close without an answer (`silent-drop` family, `reject`). */
  Drop = 4,
  /** Not enough data yet: evaluate again when more has arrived. */
  Wait = 5,
  /** Out of room or an internal failure: 500, `PR--`. */
  Fail = 6,
  /** Keep the request waiting for `timeout tarpit`, then send `Ruleset.answer` (`PT--`). */
  Tarpit = 7,
  /** Close the server's connection and with it the stream (`close`). */
  Close = 8,
  /** The control thread answers: `served` of action/serve.ts says what (`LR--`). */
  Serve = 9,
}

/**
 * A compiled fetch: fills `sample` and returns whether there is a value. Multi-valued fetches
 * follow the protocol of `Sample.iter` and `Sample.more`.
 */
export type Fetch = (ctx: RuleContext, sample: Sample) => boolean;

/** A compiled converter: transforms `sample` in place; false = no value from here on. */
export type Convert = (ctx: RuleContext, sample: Sample) => boolean;

/** A compiled condition. False with `RuleContext.isUndecided` set is an answer for now only. */
export type Condition = (ctx: RuleContext) => boolean;

/** A compiled action. */
export type Action = (ctx: RuleContext) => Verdict;
