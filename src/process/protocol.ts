/** What the control thread and the workers tell each other. */
import type { LogShared } from '../log/logger.ts';
import type { Configuration } from '../model/config.ts';
import type { EntityMap, SharedBuffers } from '../model/shared.ts';

/**
 * `workerData` of a worker: two words that it waits for. The first becomes 1 when its `WorkerInit`
 * has been posted, the second when it may serve.
 */
export interface WorkerGate {
  gate: SharedArrayBuffer;
}

/** A worker's first message. Everything it needs; it opens no file by itself later. */
export interface WorkerInit {
  config: Configuration;
  entities: EntityMap;
  shared: SharedBuffers;
  /** 0-based. */
  workerIndex: number;
  /** Byte to fill blocks of memory with when they are handed out (`-dM`); -1 = none. */
  poison: number;
  /** Show on stdout what streams do (`-d`). */
  debug: boolean;
  /** Effective connection limit of the process. */
  maxconn: number;
  /** Pipes for splicing that the process may open. */
  pipes: number;
  /** Requests in progress, and receive buffers of tune.bufsize, that the worker has room for. */
  streamsMax: number;
  buffersMax: number;
  /** Rings and sample counters that the loggers of all threads share. */
  logShared: LogShared;
  /** Name the program was launched by: the default log tag. */
  programName: string;
  /** Sockets this worker accepts from, non-blocking; they listen when it may serve. */
  listeners: {
    proxy: number;
    bind: number;
    /** -1: it comes with `resume`. */
    fd: number;
    /** One socket for all workers (inherited, unix): this worker hands connections on. */
    shared: boolean;
  }[];
  /** eventfd per worker, indexed by worker; writing 8 bytes wakes it. */
  wakeFds: number[];
  hostname: string;
  pid: number;
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
  /** Stop now (SIGTERM, SIGINT). */
  | { type: 'stop' }
  /** State in shared memory changed: queues, idle connections and accept pauses must look again. */
  | { type: 'refresh' };

export type FromWorker =
  /** The event loop is about to run; nothing is opened by path from here on. */
  | { type: 'ready'; workerIndex: number }
  | { type: 'stopped'; workerIndex: number }
  /** What `suspend` asked for. */
  | { type: 'suspended'; workerIndex: number }
  /** A line for stderr (an internal error, a limit reached). */
  | { type: 'message'; workerIndex: number; text: string }
  /** What `memory` asked for. */
  | { type: 'report'; text: string };
