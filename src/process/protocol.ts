/** What the control thread and the workers tell each other. */
import type { Address } from '../base/value/address.ts';
import type { ServiceMessage, ServicePart, ServiceTicket } from '../model/service.ts';
import type { Cause } from '../model/stream.ts';
import type { MapChange } from '../rules/map/live.ts';

/**
 * `workerData` of a worker: two words that it waits for. The first becomes 1 when its `WorkerInit`
 * has been posted, the second when it may serve.
 */
export interface WorkerGate {
  gate: SharedArrayBuffer;
}

/** Post the message, then write to the worker's eventfd. */
export type ToWorker =
  /** Accept no more, finish what runs, then report `stopped` (SIGUSR1). */
  | { type: 'soft-stop' }
  /** Report the memory in use as a `message` (SIGQUIT). */
  | { type: 'memory' }
  /** Look at no listening socket, close abstract ones, then report `suspended` (SIGTTOU). */
  | { type: 'suspend' }
  /** These lines are open, late or again (SIGTTIN): one descriptor per worker, or one for all. */
  | { type: 'resume'; listeners: { proxy: number; bind: number; fds: number[] }[] }
  /** A part of what the control thread answers for one stream. */
  | { type: 'served'; ticket: ServiceTicket; part: ServicePart }
  /** Stop now (SIGTERM, SIGINT). */
  | { type: 'stop' }
  /** End all sessions of a server, by its entity. */
  | { type: 'shutdown-sessions'; server: number; cause: Cause }
  /** A server has another address. */
  | { type: 'address'; proxy: number; server: number; address: Address }
  /** State in shared memory changed: queues, idle connections and accept pauses must look again. */
  | { type: 'refresh' }
  /** A map has been compiled anew (docs/decisions/0010). */
  | ({ type: 'map' } & MapChange);

export type FromWorker =
  /** The event loop is about to run; nothing is opened by path from here on. */
  | { type: 'ready'; workerIndex: number }
  | { type: 'stopped'; workerIndex: number }
  /** What `suspend` asked for. */
  | { type: 'suspended'; workerIndex: number }
  /** A line for stderr (an internal error, a limit reached). */
  | { type: 'message'; workerIndex: number; text: string }
  /** What `memory` asked for. */
  | { type: 'report'; text: string }
  /** A stream wants an answer, more of it, or none any more; `served` brings the parts. */
  | { type: 'service'; message: ServiceMessage };
