/** What a worker is told when it starts. */
import type { LogShared } from '../log/logger.ts';
import type { Configuration } from '../model/config.ts';
import type { EntityMap, SharedBuffers } from '../model/shared.ts';

/** The first message of the control thread. Everything it needs; it opens no file later. */
export interface WorkerInit {
  config: Configuration;
  entities: EntityMap;
  shared: SharedBuffers;
  /** The memory of the stick tables, in the order of the configuration. */
  stickTables: SharedArrayBuffer[];
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
  /** What TLS of all workers has in common; null when the configuration asks for none. */
  tls: {
    /** Ticket keys follow from it. */
    seed: Uint8Array;
    /** Sessions; null = no cache. */
    sessions: SharedArrayBuffer | null;
  } | null;
  hostname: string;
  pid: number;
}
