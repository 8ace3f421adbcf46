/**
 * The steps of a stream and what is known of each: the letter that logs show when it ends there
 * (configuration.txt 8.5), and what it means when its client leaves or falls silent meanwhile. What a
 * step does is a function of the file named beside it; phases.ts calls them.
 *
 * @dataplane
 */
import { Stage } from '../model/stream.ts';

/** Where a stream stands, in the order of its life. */
export const enum Step {
  /** Waiting for a complete request head (head.ts). */
  Head = 0,
  /** `option http-buffer-request`: waiting for the body or a full buffer (buffering.ts). */
  Body = 1,
  /** `tcp-request content` of the frontend, or of the backend that was entered (inspect.ts). */
  Inspect = 2,
  /** The frontend's rules (request.ts). */
  Rules = 3,
  /** A rule on the request has asked for some time to pass (hold.ts). */
  Hold = 4,
  /** The choice of a backend (route.ts). */
  Route = 5,
  /** The backend's rules; then the head is written for the server (request.ts). */
  BackendRules = 6,
  /** A rule holds the client back (tarpit.ts). */
  Tarpit = 7,
  /** The control thread makes the answer (service.ts). */
  Service = 8,
  /** A server is chosen, or the one whose slot is held is used (assign.ts). */
  Balance = 9,
  /** Waiting for a server slot (assign.ts). */
  Queue = 10,
  /** Pausing before another attempt (connect.ts). */
  Pause = 11,
  /** The connection to the server is being made (connect.ts). */
  Connect = 12,
  /** The request is under way; no final response head yet (exchange.ts). */
  Request = 13,
  /** The response is under way (exchange.ts). */
  Transfer = 14,
  /** The response has gone; the server still gets the rest of the request (exchange.ts). */
  Last = 15,
  /** Both directions are opaque bytes (tunnel.ts). */
  Tunnel = 16,
  /** A local answer is being sent (answer.ts). */
  Answer = 17,
  Ended = 18,
}

/** What a step says when it has done what it can. */
export const enum Next {
  /** The step of the stream has changed, or may go on at once. */
  Go = 0,
  /** An event, a timer or another stream brings it on. */
  Wait = 1,
  /** A server is to be chosen again. */
  Back = 2,
  /** A local answer lies ready. */
  Answer = 3,
  /** The transaction is over. */
  Done = 4,
  /** It ends badly: both connections are closed, and the client must see that something is missing. */
  Abort = 5,
}

/** What the client's early end means to a step. */
export const enum Leave {
  /** The step reads from the client and finds out by itself. */
  Reads = 0,
  /** Its request is given up after a reset, or with `option abortonclose`. */
  GivesUp = 1,
}

/** What it means that the client's timer fires in a step. */
export const enum Late {
  /** `timeout client` or `http-request` ends the request: 408. */
  Refused = 0,
  /** It takes nothing any more: the stream ends. */
  Ends = 1,
}

export interface StepRow {
  step: Step;
  name: string;
  /** Second letter of the termination state. */
  stage: Stage;
  leave: Leave;
  late: Late;
}

/** By number. */
export const steps: readonly StepRow[] = [
  createRow(Step.Head, 'head', Stage.Request, Leave.Reads, Late.Refused),
  createRow(Step.Body, 'body', Stage.Request, Leave.Reads, Late.Refused),
  createRow(Step.Inspect, 'inspect', Stage.Request, Leave.Reads, Late.Refused),
  createRow(Step.Rules, 'rules', Stage.Request, Leave.Reads, Late.Refused),
  createRow(Step.Hold, 'hold', Stage.Request, Leave.Reads, Late.Ends),
  createRow(Step.Route, 'route', Stage.Connect, Leave.Reads, Late.Refused),
  createRow(Step.BackendRules, 'backend-rules', Stage.Request, Leave.Reads, Late.Refused),
  createRow(Step.Tarpit, 'tarpit', Stage.Tarpit, Leave.GivesUp, Late.Ends),
  createRow(Step.Service, 'service', Stage.Request, Leave.GivesUp, Late.Ends),
  createRow(Step.Balance, 'balance', Stage.Connect, Leave.GivesUp, Late.Ends),
  createRow(Step.Queue, 'queue', Stage.Queue, Leave.GivesUp, Late.Ends),
  createRow(Step.Pause, 'pause', Stage.Connect, Leave.GivesUp, Late.Ends),
  createRow(Step.Connect, 'connect', Stage.Connect, Leave.GivesUp, Late.Ends),
  createRow(Step.Request, 'request', Stage.Headers, Leave.Reads, Late.Refused),
  createRow(Step.Transfer, 'transfer', Stage.Data, Leave.Reads, Late.Ends),
  createRow(Step.Last, 'last', Stage.Last, Leave.Reads, Late.Ends),
  createRow(Step.Tunnel, 'tunnel', Stage.Data, Leave.Reads, Late.Ends),
  createRow(Step.Answer, 'answer', Stage.Data, Leave.Reads, Late.Ends),
  createRow(Step.Ended, 'ended', Stage.None, Leave.Reads, Late.Ends),
];

function createRow(step: Step, name: string, stage: Stage, leave: Leave, late: Late): StepRow {
  return { step, name, stage, leave, late };
}
